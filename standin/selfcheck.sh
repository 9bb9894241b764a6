#!/bin/sh
# Checks the stand-in itself: kernels that are right give right results in every build, and each mistake of
# selfcheck/buggy.cu is found by the builds that are to find it.
#
#   standin/selfcheck.sh [all]
#
# Builds in target/standin (or the folder in CUDA_STANDIN_TARGET): plain and asan, with `all` tsan too.
set -eu
cd "$(dirname "$0")/.."
target=${CUDA_STANDIN_TARGET:-target/standin}
kinds="plain asan"
if [ "${1:-}" = all ]; then kinds="plain asan tsan"; fi
CUDA_STANDIN_KERNELS=standin/selfcheck
export CUDA_STANDIN_KERNELS

# What finds which mistake: in each build
#   error    the driver returns an error
#   wrong    the result is wrong, in the order that threads usually run in
#   address, undefined, race    a report of AddressSanitizer, UndefinedBehaviorSanitizer, ThreadSanitizer
#   -        nothing is noticed
#   ?        as it comes: what the mistake does there is not defined
table="
mistake                 plain   asan       tsan
missing_barrier         wrong   wrong      race
missing_second_barrier  wrong   wrong      race
missing_syncwarp        wrong   wrong      race
static_out_of_bounds    -       undefined  -
row_out_of_bounds       -       undefined  -
dynamic_out_of_bounds   error   address    error
global_out_of_bounds    error   address    error
misaligned              -       undefined  -
divergent_barrier       error   error      error
divergent_shuffle       error   error      error
no_wait                 wrong   wrong      wrong
wait_without_barrier    wrong   wrong      race
uninitialised           ?       wrong      ?
uninitialised_dynamic   wrong   wrong      wrong
uninitialised_global    wrong   wrong      wrong
race_of_blocks          ?       -          race
fragment                wrong   wrong      wrong
half_a_warp             error   error      error
too_many_threads        error   error      error
grid_too_large          error   error      error
too_much_shared         error   error      error
freed_memory            error   error      error
pointer_is_shifted      error   address    error
"

compiler=${CXX:-c++}
for kind in $kinds; do
  folder=$target/selfcheck-$kind
  standin/build.sh "$kind" "$folder"
  case $kind in
    plain) sanitize="" ;;
    asan) sanitize="-fsanitize=address,undefined -g1" ;;
    tsan) sanitize="-fsanitize=thread -g1" ;;
  esac
  source=standin/selfcheck/check.cpp
  # Not every shell calls a file newer than one that is absent.
  if [ ! -e "$folder/check" ] || [ "$source" -nt "$folder/check" ] || [ "$folder/libcuda.so.1" -nt "$folder/check" ]; then
    # shellcheck disable=SC2086
    "$compiler" -std=c++17 -O1 $sanitize "$source" "$folder/libcuda.so.1" -Wl,-rpath,"\$ORIGIN" -o "$folder/check"
  fi
done

failures=0
complain() {
  echo "$*"
  failures=$((failures + 1))
}

# What came out, as one word of the table.
outcome() {
  case $1 in
    *"ERROR: AddressSanitizer"*) echo address ;;
    *"WARNING: ThreadSanitizer"*) echo race ;;
    *"runtime error:"*) echo undefined ;;
    *CUDA_ERROR_*) echo error ;;
    *WRONG*) echo wrong ;;
    *"nothing noticed"*) echo - ;;
    *) echo "something else" ;;
  esac
}

for kind in $kinds; do
  check=$target/selfcheck-$kind/check
  # In the usual order and in two random ones; copies early and late; one worker and several.
  for variables in "" SEED=1 SEED=2 ASYNC=early WORKERS=1 STREAMS=late; do
    if ! text=$(env ${variables:+"CUDA_STANDIN_$variables"} "$check" good 2>&1); then
      complain "$kind, ${variables:-as usual}: kernels that are right are not:"
      echo "$text" | grep -v '^ok' | head -20
    fi
  done

  listed=$("$check" list)
  for mistake in $listed; do
    row=$(echo "$table" | grep "^$mistake ") || { complain "$mistake is not in the table"; continue; }
    # shellcheck disable=SC2086
    set -- $row
    case $kind in plain) expected=$2 ;; asan) expected=$3 ;; tsan) expected=$4 ;; esac
    text=$("$check" "$mistake" 2>&1) || true
    found=$(outcome "$text")
    if [ "$expected" != '?' ] && [ "$found" != "$expected" ]; then
      complain "$kind: $mistake gives '$found', not '$expected':"
      echo "$text" | head -5
    fi
  done
  echo "$kind: $(echo "$listed" | wc -l) mistakes were made"
done

# What one order of threads hides, others show: each of these mistakes has to be found for most of ten seeds.
check=$target/selfcheck-plain/check
for mistake in missing_barrier missing_second_barrier missing_syncwarp no_wait wait_without_barrier; do
  found=0
  for seed in 1 2 3 4 5 6 7 8 9 10; do
    CUDA_STANDIN_SEED=$seed "$check" "$mistake" >/dev/null 2>&1 || found=$((found + 1))
  done
  if [ "$found" -lt 6 ]; then complain "plain: $mistake shows with $found of 10 seeds only"; fi
done

if [ "$failures" -gt 0 ]; then
  echo "$failures checks of the stand-in failed"
  exit 1
fi
echo "the stand-in finds what it is to find"
