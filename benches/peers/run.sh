#!/bin/sh
# cisgrad beside PyTorch on this machine, in turns; by hand, never in CI (minutes, and it wants the machine to itself).
#
#     python3 -m venv peer && peer/bin/pip install -r benches/peers/requirements.txt
#     cargo build --release
#     PYTHON=peer/bin/python benches/peers/run.sh MOTIFS.meme.gz [ARCHITECTURE...]
#
# From the environment: PYTHON (python3), CISGRAD (target/release/cisgrad), ROUNDS (5), THREADS (2), MODES ("train inference"),
# UNFREEZE=--unfreeze-conv: the motif kernels learn too.
# stdout: every measurement as TSV, then the ratios of medians as comment lines. Say the processor with every figure.
set -eu
# PyTorch at its best: glibc keeps its memory instead of handing every activation back to the system (2 to 4 times the speed).
export MALLOC_MMAP_THRESHOLD_=4000000000 MALLOC_TRIM_THRESHOLD_=8000000000

here=$(cd "$(dirname "$0")" && pwd)
if [ $# -eq 0 ]; then
    echo "usage: [PYTHON=...] [CISGRAD=...] run.sh MEME_FILE [ARCHITECTURE...]" >&2
    exit 2
fi
meme=$1
shift
[ $# -gt 0 ] || set -- model_pos_calib_sigmoid_interaction model_pos_attention_calib_sigmoid_interaction
python=${PYTHON:-python3}
cisgrad=${CISGRAD:-$here/../../target/release/cisgrad}
threads=${THREADS:-2}
[ -x "$cisgrad" ] || { echo "$cisgrad: no such program; cargo build --release, or set CISGRAD" >&2; exit 1; }

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

echo "# processor: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $threads threads"
echo "# $("$python" -c 'import torch; print("torch", torch.__version__, torch.backends.cpu.get_cpu_capability())'); $("$cisgrad" --version)"
printf 'program\tarchitecture\tmode\tsequences_per_s\tpeak_rss_mb\n'
round=0
while [ "$round" -lt "${ROUNDS:-5}" ]; do
    for architecture in "$@"; do
        for mode in ${MODES:-train inference}; do
            measure torch "$python" "$here/tisfm_torch.py" --threads "$threads" \
                --architecture "$architecture" --meme-file "$meme" --mode "$mode" ${UNFREEZE:-}
            measure cisgrad "$cisgrad" bench --device cpu --threads "$threads" \
                --architecture "$architecture" --meme-file "$meme" --mode "$mode" ${UNFREEZE:-}
        done
    done
    round=$((round + 1))
done

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
        rate[key, $1] = rate[key, $1] " " $4
        memory[key, $1] = memory[key, $1] " " $5
    }
    END {
        print "# medians: architecture, mode, torch sequences/s, cisgrad sequences/s, times as fast, torch MB, cisgrad MB"
        for (i = 1; i <= count; i++) {
            key = order[i]
            torch = median(rate[key, "torch"]); ours = median(rate[key, "cisgrad"])
            printf "# %s\t%.1f\t%.1f\t%.2f\t%.0f\t%.0f\n", key, torch, ours, torch ? ours / torch : 0,
                median(memory[key, "torch"]), median(memory[key, "cisgrad"])
        }
    }' "$results"
