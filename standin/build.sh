#!/bin/sh
# Builds the stand-in for the CUDA driver, with all kernels compiled for the host:
#
#   standin/build.sh KIND FOLDER
#
# KIND is plain, asan (AddressSanitizer and UndefinedBehaviorSanitizer) or tsan (ThreadSanitizer). FOLDER gets
#   libcuda.so.1  the library
#   libcuda.so    a second name for it (see below)
#   kernels.tsv   the kernels in it: name, launch bounds, parameters, file
# and obj/, what is kept to be quick the next time: an object is compiled again only when its source, the headers, the
# flags or the compiler changed. Callers at the same time wait for each other.
#
# From the environment:
#   CXX                     the compiler (otherwise c++, g++ or clang++)
#   CUDA_STANDIN_KERNELS    folders with kernels instead of kernels/, separated by colons
#   CUDA_STANDIN_EXTRA      folders with more kernels
#
# Ends with status 77 if there is no C++ compiler.
set -eu

fail() {
  echo "$0: $*" >&2
  exit 1
}

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/.." && pwd)

# ---- one object, when called by itself below --------------------------------------------------------------------

hash_of() {
  if command -v sha256sum >/dev/null; then sha256sum; else cksum; fi
}

if [ "${1:-}" = --object ]; then
  # STANDIN_CXX, STANDIN_FLAGS and STANDIN_COMMON come from the caller.
  object=$2 source=$3 stamp=$2.stamp
  cd "$root"
  wanted=$({ echo "$STANDIN_COMMON $source"; cat "$source" "$here/kernels.awk"; } | hash_of)
  if [ -f "$object" ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then exit 0; fi
  rm -f "$stamp"
  case $source in
    *.cu)
      # The text as the device compiler sees it, short as no header of the host is in it, tells which kernels there
      # are, also those that come from macros.
      # shellcheck disable=SC2086
      $STANDIN_CXX -std=c++17 -E -x c++ -I kernels "$source" >"$object.i"
      awk -v file="$source" -v list=1 -f "$here/kernels.awk" "$object.i" >"$object.tsv"
      {
        echo '#include "cuda_on_host.h"'
        echo "#include \"$source\""
        awk -v file="$source" -f "$here/kernels.awk" "$object.i"
      } >"$object.cpp"
      rm "$object.i"
      # shellcheck disable=SC2086
      $STANDIN_CXX $STANDIN_FLAGS -c "$object.cpp" -o "$object.new"
      ;;
    *)
      # shellcheck disable=SC2086
      $STANDIN_CXX $STANDIN_FLAGS -c "$source" -o "$object.new"
      ;;
  esac
  mv "$object.new" "$object"
  echo "$wanted" >"$stamp"
  exit 0
fi

# ---- the compiler and its flags -----------------------------------------------------------------------------------

[ $# -eq 2 ] || fail "call it with a kind (plain, asan or tsan) and a folder"
kind=$1
mkdir -p "$2/obj"
out=$(cd "$2" && pwd)

STANDIN_CXX=${CXX:-}
for candidate in c++ g++ clang++; do
  if [ -z "$STANDIN_CXX" ] && command -v "$candidate" >/dev/null; then STANDIN_CXX=$candidate; fi
done
# shellcheck disable=SC2086
if [ -z "$STANDIN_CXX" ] || ! version=$($STANDIN_CXX --version 2>/dev/null); then
  echo "$0: no C++ compiler was found" >&2
  exit 77
fi

common="-std=c++17 -fPIC -fvisibility=hidden -fvisibility-inlines-hidden -fno-strict-aliasing -pthread"
common="$common -ffp-contract=off -fno-math-errno -fno-trapping-math -w -DCUDA_ON_HOST=1"
common="$common -I . -I kernels -I standin"
# fmaf is one instruction where the processor has it, and a call where the compiler may not use it.
if grep -qw fma /proc/cpuinfo 2>/dev/null && [ "$(uname -m)" = x86_64 ]; then common="$common -mfma"; fi
case $kind in
  plain) sanitize="" optimise="-O2" ;;
  asan)
    sanitize="-fsanitize=address,undefined -fno-sanitize-recover=undefined" optimise="-O1 -g1"
    # GCC leaves variables in sections of one's own out unless told.
    case $version in *clang*) ;; *) sanitize="$sanitize -fsanitize-sections=cuda_shared" ;; esac
    # Here shared memory is not among the thread-local variables (cuda_on_host.h), so that the few there are fit into what
    # the loader keeps for libraries; every other access is a call, which AddressSanitizer intercepts.
    sanitize="$sanitize -ftls-model=initial-exec"
    ;;
  tsan) sanitize="-fsanitize=thread" optimise="-O1 -g1" ;;
  *) fail "unknown kind '$kind': it is plain, asan or tsan" ;;
esac
STANDIN_FLAGS="$common $optimise $sanitize"

# ---- one builder at a time ----------------------------------------------------------------------------------------

if command -v flock >/dev/null; then
  exec 9>"$out/.lock"
  flock 9
else
  until mkdir "$out/.locked" 2>/dev/null; do sleep 1; done
  trap 'rmdir "$out/.locked"' EXIT
fi

# ---- objects ------------------------------------------------------------------------------------------------------

cd "$root"
folders=$(printf '%s' "${CUDA_STANDIN_KERNELS:-kernels}:${CUDA_STANDIN_EXTRA:-}" | tr ':' '\n')
jobs=$out/obj/jobs
: >"$jobs.new"
for source in standin/runtime/*.cpp standin/driver/*.cpp; do
  echo "$source" >>"$jobs.new"
done
headers="kernels/lib/*.cuh standin/*.h standin/*.cuh"
for folder in $folders; do
  folder=${folder#"$root"/}
  for source in "$folder"/*.cu; do
    if [ -f "$source" ]; then echo "$source" >>"$jobs.new"; fi
  done
  for header in "$folder"/*.cuh; do
    if [ -f "$header" ]; then headers="$headers $header"; fi
  done
done
mv "$jobs.new" "$jobs"

# Kernels do not depend on the headers of the runtime, but these hardly ever change.
# shellcheck disable=SC2086
STANDIN_COMMON=$({
  echo "$version $STANDIN_CXX $STANDIN_FLAGS"
  cat $headers standin/runtime/*.h standin/driver/*.h
} | hash_of)
export STANDIN_CXX STANDIN_FLAGS STANDIN_COMMON

object_of() {
  echo "$out/obj/$(echo "$1" | tr '/' '-').o"
}
while read -r source; do
  printf '%s\n%s\n' "$(object_of "$source")" "$source"
done <"$jobs" | xargs -P "$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)" -n 2 "$here/build.sh" --object ||
  fail "the host build of the kernels failed"

# ---- the library --------------------------------------------------------------------------------------------------

objects=""
: >"$out/obj/kernels.tsv"
while read -r source; do
  object=$(object_of "$source")
  objects="$objects $object"
  case $source in
    *.cu)
      while IFS= read -r line; do printf '%s\t%s\n' "$line" "$source"; done <"$object.tsv" >>"$out/obj/kernels.tsv"
      ;;
  esac
done <"$jobs"
twice=$(cut -f 1 "$out/obj/kernels.tsv" | sort | uniq -d | tr '\n' ' ')
[ -z "$twice" ] || fail "more than one kernel is called: $twice"

wanted=$(for object in $objects; do cat "$object.stamp"; done | hash_of)
if [ -f "$out/libcuda.so.1" ] && [ "$(cat "$out/obj/linked" 2>/dev/null)" = "$wanted" ]; then exit 0; fi
rm -f "$out/obj/linked"
# Nothing but the entry points is seen from outside.
echo '{ global: cu[A-Z]*; local: *; };' >"$out/obj/exports"
# shellcheck disable=SC2086
$STANDIN_CXX $STANDIN_FLAGS -shared $objects -o "$out/libcuda.so.1.new" \
  -Wl,-soname,libcuda.so.1 -Wl,--version-script="$out/obj/exports"
mv "$out/libcuda.so.1.new" "$out/libcuda.so.1"
# Once a library is loaded, the loader answers a later request by its soname. Programs ask for libcuda.so as well as
# for libcuda.so.1, so there is a second, empty library of the other name that needs the first.
echo 'extern "C" int cuda_standin_second_name; int cuda_standin_second_name;' >"$out/obj/second_name.cpp"
# shellcheck disable=SC2086
$STANDIN_CXX -shared -fPIC "$out/obj/second_name.cpp" -Wl,-soname,libcuda.so -Wl,--no-as-needed \
  -Wl,-rpath,"\$ORIGIN" "$out/libcuda.so.1" -o "$out/libcuda.so.new"
mv "$out/libcuda.so.new" "$out/libcuda.so"
mv "$out/obj/kernels.tsv" "$out/kernels.tsv"
echo "$wanted" >"$out/obj/linked"
