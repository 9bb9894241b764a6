"""The signals of `cisgrad prepare peaks` beside pyBigWig's, on real peaks and tracks."""

import csv
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pyBigWig

DATA = Path(os.environ["CISGRAD_DATA"])
CELLS = DATA / "factornet"
TRACKS = {"K562": CELLS / "K562/acc.K562.chr22.bw", "MCF7": CELLS / "MCF-7/acc.MCF7.chr22.bw"}
PEAKS = sorted(CELLS.glob("K562/*.CTCF.conservative.*")) + sorted(CELLS.glob("MCF-7/*.CTCF.conservative.*"))
STATISTICS = {"mean": np.mean, "sum": np.sum, "max": np.max}


def main() -> None:
    assert len(PEAKS) == 2, PEAKS
    for statistic, of in STATISTICS.items():
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder, "out")
            command = [os.environ["CISGRAD"], "prepare", "peaks", "--out", out, "--statistic", statistic]
            command += ["--genome", DATA / "genome/hg38.chr22.fa.gz", "--peaks", *PEAKS]
            command += ["--signal", *(f"{name}={path}" for name, path in TRACKS.items())]
            subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
            with open(out / "signals.tsv", newline="") as file:
                rows = list(csv.DictReader(file, delimiter="\t"))
        assert len(rows) > 1_000
        for name, path in TRACKS.items():
            with pyBigWig.open(str(path)) as track:
                for row in rows:
                    chromosome, place = row["name"].split(":")
                    start, end = map(int, place.split("-"))
                    values = np.nan_to_num(track.values(chromosome, start, end, numpy=True)).astype(float)
                    expected, found = of(values), float(row[name])
                    assert abs(found - expected) <= 1e-12 * max(1.0, abs(expected)), (row, expected)
        print(f"{statistic}: {len(rows)} windows, {len(TRACKS)} tracks: the same numbers")


main()
