"""Means of bigWigs in windows with pyBigWig, for comparison with `cisgrad prepare peaks` on the same files (docs/benchmarks.md).

    prepare_pybigwig.py WINDOWS.bed TRACK.bw... > means.tsv
"""

import sys

import pyBigWig


def main() -> None:
    with open(sys.argv[1]) as file:
        windows = [line.split("\t")[:3] for line in file]
    windows = [(name, int(start), int(end)) for name, start, end in windows]
    columns = []
    for path in sys.argv[2:]:
        with pyBigWig.open(path) as track:
            columns.append([track.stats(*window, type="mean", exact=True)[0] for window in windows])
    for (name, start, end), row in zip(windows, zip(*columns)):
        print(f"{name}:{start}-{end}", *row, sep="\t")


main()
