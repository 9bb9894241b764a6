#!/bin/sh
# The interval work of `cargo bench --bench intervals` with bedtools 2.30, by hand, never in CI: seconds of the clock.
#
#     benches/peers/run_intervals.sh ../shared/data/factornet_hg19
#
# The original runs shuffle once for all epochs; its seconds are given for one epoch's negatives.
set -eu
data=$(cd "${1:?the folder of the original's hg19 inputs}" && pwd)
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
sizes=$data/resources/hg19.autoX.chrom.sizes
peaks=$data/data/HepG2/ChIPseq.HepG2.REST.conservative.train.narrowPeak.gz
relaxed=$data/data/HepG2/ChIPseq.HepG2.REST.relaxed.narrowPeak.gz
cd "$here"
now() { date +%s.%N; }
round=0
while [ "$round" -lt "${ROUNDS:-5}" ]; do
    t0=$(now)
    cut -f1 "$sizes" > names
    awk -v OFS='\t' '{ print $1, 0, 1000; print $1, $2 - 1000, $2 }' "$sizes" > ends
    zcat "$data/resources/blacklist.bed.gz" | awk 'NR == FNR { known[$1]; next } $1 in known' names - |
        bedtools slop -i - -g "$sizes" -b 1000 | cat - ends | bedtools sort -i - | bedtools merge -i - > blacklist
    zcat "$relaxed" | bedtools slop -i - -g "$sizes" -b 200 | cut -f 1-3 | cat - blacklist | bedtools sort -i - |
        bedtools merge -i - > excluded
    zcat "$peaks" | bedtools intersect -v -a - -b blacklist | bedtools sort -i - |
        awk -v OFS='\t' '{ m = int(($2 + $3) / 2); print $1, m - 100, m + 100 }' > windows
    grep -v -E '^(chr1|chr8|chr21|chr11)	' windows > training
    awk -v OFS='\t' '{ print $1, 0, $2 }' "$sizes" | grep -v -E '^(chr1|chr8|chr21|chr11)	' > allowed
    t1=$(now)
    bedtools shuffle -i training -g "$sizes" -incl allowed -excl excluded -noOverlapping -seed 1 > negatives
    t2=$(now)
    echo "$t0 $t1 $t2 $(wc -l < negatives)" | awk '{ printf "prepare %.3f s, epoch %.3f s, %d negatives\n", $2 - $1, $3 - $2, $4 }'
    round=$((round + 1))
done
