#!/bin/sh
# FactorNet's training and inference beside PyTorch on this machine, in turns; by hand, never in CI.
#
#     python3 -m venv peer && peer/bin/pip install -r benches/peers/requirements.txt
#     cargo bench --bench factornet --no-run          # prints the program
#     PYTHON=peer/bin/python BENCH=target/release/deps/factornet-... benches/peers/run_factornet.sh [NETWORK...]
#
# A network is w<motif width>_k<kernels>_r<units>, one of benches/factornet.rs (w26_k32_r32). From the environment: PYTHON
# (python3), BENCH, ROUNDS (3), THREADS (2), SECONDS_EACH (5), MODES ("train inference").
# stdout: every measurement as TSV, then the ratios of medians as comment lines. On a machine that others use too, compare
# samples by second of processor time. Say the processor and the load with every figure.
set -eu
# PyTorch at its best: threads that wait do not spin, glibc keeps its memory.
export OMP_WAIT_POLICY=passive MALLOC_MMAP_THRESHOLD_=4000000000 MALLOC_TRIM_THRESHOLD_=8000000000 MALLOC_TOP_PAD_=268435456

here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}
bench=${BENCH:?the program that cargo bench --bench factornet --no-run names}
threads=${THREADS:-2}
seconds=${SECONDS_EACH:-5}
[ $# -gt 0 ] || set -- w26_k32_r32
results=$(mktemp)
trap 'rm -f "$results"' EXIT
trap 'exit 130' INT TERM

# One measurement: the last line of either program, its name put in front. Not in a pipe: its failure must stop the run.
measure() {
    who=$1
    shift
    out=$("$@") || { echo "failed: $*" >&2; exit 1; }
    printf '%s\t%s\n' "$who" "$(printf '%s\n' "$out" | tail -n 1)" | tee -a "$results"
}

echo "# processor: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $threads threads, load $(cut -d ' ' -f 1-3 /proc/loadavg)"
printf 'program\tnetwork\tmode\tsamples_per_s\tper_processor_s\tpeak_rss_mb\n'
round=0
while [ "$round" -lt "${ROUNDS:-3}" ]; do
    for network in "$@"; do
        for mode in ${MODES:-train inference}; do
            measure torch "$python" "$here/factornet_torch.py" "$network" "$mode" "$seconds" --threads "$threads"
            # Its allocator is the system's as it comes.
            measure cisgrad env -u MALLOC_MMAP_THRESHOLD_ -u MALLOC_TRIM_THRESHOLD_ -u MALLOC_TOP_PAD_ \
                RAYON_NUM_THREADS="$threads" "$bench" "$network" "$seconds" "$mode"
        done
    done
    round=$((round + 1))
done

echo "# load at the end: $(cut -d ' ' -f 1-3 /proc/loadavg)"
awk -F '\t' '
    function median(list,    n, v, i, j, t) {
        n = split(list, v, " ")
        for (i = 2; i <= n; i++)
            for (j = i; j > 1 && v[j - 1] + 0 > v[j] + 0; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
        return n % 2 ? v[(n + 1) / 2] + 0 : (v[n / 2] + v[n / 2 + 1]) / 2
    }
    {
        key = $2 "\t" $3
        if (!(key in seen)) { seen[key]; order[++count] = key }
        for (i = 4; i <= 6; i++) list[key, $1, i] = list[key, $1, i] " " $i
    }
    END {
        print "# medians: network, mode, then torch, cisgrad and their ratio for samples/s, samples by processor second, MB"
        for (i = 1; i <= count; i++) {
            printf "# %s", order[i]
            for (j = 4; j <= 6; j++) {
                torch = median(list[order[i], "torch", j]); ours = median(list[order[i], "cisgrad", j])
                printf "\t%.0f\t%.0f\t%.2f", torch, ours, torch ? ours / torch : 0
            }
            printf "\n"
        }
    }' "$results"
