"""`cisgrad motifs scan` beside memelite's fimo (PyPI, 0.5.0) and, where it is installed, lightmotif: occurrences, and times.

    python benches/peers/fimo_memelite.py CISGRAD MOTIFS.meme.gz SEQUENCES.list.gz [--threads 2] [--rounds 3]

SEQUENCES: a name and a sequence of one length per line, none with an N. Compares the occurrences, their scores and p-values. Times:
memelite's call alone, warm, with its tables and with counts alone; lightmotif's scan alone, one thread, at the same scores; cisgrad's
whole process with --threads and with one thread, reading and writing included. Rounds alternate, the medians are shown.
"""

import argparse
import csv
import gzip
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numba
import numpy
from memelite import fimo
from tomtom_memelite import motifs

try:
    import lightmotif
except ImportError:
    lightmotif = None


def with_lightmotif(matrices, sequences, cutoffs):
    """Occurrences of all motifs on both strands in all sequences, as one text with an N between them."""
    text = lightmotif.stripe("N".join(sequences))
    found = 0
    for matrix, cutoff in zip(matrices, cutoffs):
        counts = {base: [int(round(1e6 * p)) for p in row] for base, row in zip("ACGT", matrix)}
        scores = lightmotif.CountMatrix(counts).normalize(100.0).log_odds()
        for strand in (scores, scores.reverse_complement()):
            found += sum(1 for _ in lightmotif.scan(strand, text, threshold=cutoff))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("cisgrad")
    parser.add_argument("motifs")
    parser.add_argument("sequences")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    numba.set_num_threads(args.threads)
    identifiers, matrices = motifs(args.motifs)
    with gzip.open(args.sequences, "rt") as lines:
        names, sequences = zip(*(line.split() for line in lines))
    codes = numpy.zeros((256, 4), dtype="int8")
    for place, base in enumerate("ACGT"):
        codes[[ord(base), ord(base.lower())], place] = 1
    encoded = numpy.stack([codes[numpy.frombuffer(s.encode(), dtype="uint8")].T for s in sequences])
    collection = dict(zip(identifiers, matrices))
    theirs = {}
    for table in fimo(collection, encoded):
        for row in table.itertuples(index=False):
            theirs[row[0], names[row[2]], row[3], row[5]] = (row[6], row[7])
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "all.tsv")
        command = [args.cisgrad, "motifs", "scan", args.motifs, "--sequences", args.sequences, "--out", table]
        run = {"check": True, "stderr": subprocess.DEVNULL}
        subprocess.run(command, **run)
        ours = {}
        with open(table) as lines:
            for line in csv.DictReader(lines, delimiter="\t"):
                key = line["motif_id"], line["sequence_name"], int(line["start"]) - 1, line["strand"]
                ours[key] = float(line["score"]), float(line["p-value"])
        missing = [key for key in theirs if key not in ours]
        both = [key for key in ours if key in theirs]
        above = [key for key in both if theirs[key][1] > 0]
        print(f"{len(identifiers)} motifs, {len(names)} sequences of {len(sequences[0])} bases")
        print(f"occurrences: {len(ours)}; memelite's: {len(theirs)}, {len(missing)} of them not ours, of which "
              f"{sum(theirs[key][1] == 0 for key in missing)} have p = 0; ours alone: {len(ours) - len(both)}")
        print(f"largest difference: score {max(abs(ours[k][0] - theirs[k][0]) for k in both):.4f}, "
              f"p {100 * max(abs(ours[k][1] / theirs[k][1] - 1) for k in above):.4f} % (five digits are written)")
        times = {}

        def timed(name, call):
            start = time.perf_counter()
            call()
            times.setdefault(name, []).append(time.perf_counter() - start)

        least = {}
        for (motif, _, _, _), (score, _) in ours.items():
            least[motif] = min(least.get(motif, score), score)
        cutoffs = [least.get(motif, 1e9) for motif in identifiers]
        for _ in range(args.rounds):
            timed("memelite, tables", lambda: fimo(collection, encoded))
            timed("memelite, counts", lambda: fimo(collection, encoded, return_counts=True))
            for threads in sorted({1, args.threads}):
                line = [*command, "--threads", str(threads)]
                timed(f"cisgrad, whole process, threads {threads}", lambda: subprocess.run(line, **run))
            if lightmotif:
                timed("lightmotif, one thread", lambda: with_lightmotif(matrices, sequences, cutoffs))
        for name, seconds in times.items():
            print(f"{name}: {statistics.median(seconds):.3f} s ({min(seconds):.3f} to {max(seconds):.3f})")


if __name__ == "__main__":
    main()
