#!/bin/sh
# Runs a program on the stand-in driver:
#
#   standin/run.sh KIND COMMAND [ARGUMENT]...
#
# With KIND asan or tsan the kernels are watched by the sanitizers; the program itself need not be built with them.
# Keep the grids small then. The integration tests take the kind from here too:
#
#   standin/run.sh asan target/debug/deps/cuda-0123456789abcdef ops
#   CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER='standin/run.sh asan' cargo test --test cuda ops
set -eu
kind=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
folder=${CUDA_STANDIN_TARGET:-$here/../target/standin}/$kind
"$here/build.sh" "$kind" "$folder"

compiler=${CXX:-c++}
case $kind in
  plain) preload="" ;;
  # The runtime of a sanitizer has to be there before anything else. What Rust leaves behind at exit is no leak.
  asan)
    preload=$("$compiler" -print-file-name=libasan.so)
    ASAN_OPTIONS=detect_leaks=0:${ASAN_OPTIONS:-}
    UBSAN_OPTIONS=print_stacktrace=1:${UBSAN_OPTIONS:-}
    export ASAN_OPTIONS UBSAN_OPTIONS
    ;;
  tsan)
    # It does not know the locks of a program that was built without it, and is to leave that program's memory alone.
    preload=$("$compiler" -print-file-name=libtsan.so)
    TSAN_OPTIONS=halt_on_error=1:ignore_noninstrumented_modules=1:${TSAN_OPTIONS:-}
    export TSAN_OPTIONS
    ;;
esac
CUDA_STANDIN_KIND=$kind
LD_LIBRARY_PATH=$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export CUDA_STANDIN_KIND LD_LIBRARY_PATH
if [ -n "$preload" ]; then exec env LD_PRELOAD="$preload" "$@"; fi
exec "$@"
