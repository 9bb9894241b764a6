"""`cisgrad motifs match` beside memelite's tomtom (PyPI, 0.5.0): p-values of all pairs of two collections, and times.

    python benches/peers/tomtom_memelite.py CISGRAD QUERIES.meme.gz TARGETS.meme.gz [--threads 2] [--rounds 5]

Compares p-values with memelite's exact form (n_target_bins=None) where that has p between 1e-10 and 0.1: the share of pairs whose
logarithms agree within 1 %. Times: memelite's call alone, warm, in both of its forms; cisgrad's whole process, reading and writing
included. Rounds alternate, the medians are shown.
"""

import argparse
import csv
import gzip
import math
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numba
import numpy
from memelite import tomtom


def motifs(path):
    """Identifiers and (4, width) matrices of a MEME file."""
    names, matrices, rows = [], [], None
    with (gzip.open if path.endswith(".gz") else open)(path, "rt") as lines:
        for line in lines:
            words = line.split()
            if line.startswith("MOTIF"):
                names.append(words[1])
                rows = []
                matrices.append(rows)
            elif rows is not None and len(words) == 4:
                try:
                    rows.append([float(word) for word in words])
                except ValueError:
                    pass
    return names, [numpy.array(matrix).T for matrix in matrices]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("cisgrad")
    parser.add_argument("queries")
    parser.add_argument("targets")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    numba.set_num_threads(args.threads)
    query_names, queries = motifs(args.queries)
    target_names, targets = motifs(args.targets)
    exact = tomtom(queries, targets, n_target_bins=None)
    tomtom(queries, targets)
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "all.tsv")
        command = [args.cisgrad, "motifs", "match", args.queries, args.targets, "--threads", str(args.threads)]
        subprocess.run([*command, "--thresh", "1e9", "--evalue", "--out", table], check=True)
        ours = numpy.full((len(queries), len(targets)), math.nan)
        rows = {name: i for i, name in enumerate(query_names)}
        columns = {name: i for i, name in enumerate(target_names)}
        with open(table) as lines:
            for line in csv.DictReader(lines, delimiter="\t"):
                ours[rows[line["Query_ID"]], columns[line["Target_ID"]]] = float(line["p-value"])
        assert not numpy.isnan(ours).any(), "pairs are missing"
        theirs = exact[0]
        within = (theirs >= 1e-10) & (theirs <= 0.1)
        off = numpy.abs(numpy.log(ours[within]) / numpy.log(theirs[within]) - 1)
        print(f"{len(queries)} x {len(targets)} motifs; {within.sum()} pairs with p from 1e-10 to 0.1")
        print(f"log p within 1 %: {100 * (off <= 0.01).mean():.4f} %; largest difference {100 * off.max():.2f} %")
        times = {"memelite, exact": [], "memelite, as it is by default": [], "cisgrad, whole process": []}
        for _ in range(args.rounds):
            for name, bins in (("memelite, exact", None), ("memelite, as it is by default", 100)):
                start = time.perf_counter()
                tomtom(queries, targets, n_target_bins=bins)
                times[name].append(time.perf_counter() - start)
            start = time.perf_counter()
            subprocess.run([*command, "--out", table], check=True)
            times["cisgrad, whole process"].append(time.perf_counter() - start)
        for name, seconds in times.items():
            print(f"{name}: {statistics.median(seconds):.3f} s ({min(seconds):.3f} to {max(seconds):.3f})")


if __name__ == "__main__":
    main()
