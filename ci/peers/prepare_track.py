"""`cisgrad prepare track` beside deepTools' bamCoverage: the same count on every base of a made BAM."""

import os
import random
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pyBigWig
import pysam

LENGTHS = {"chr1": 200_000, "chrM": 5_000, "chrUn_alt": 3_000}
EXCLUDED = 0x4 | 0x100 | 0x200 | 0x400 | 0x800
EFFECTIVE = 150_000


def make(unsorted: Path, ordered: Path) -> None:
    """Both strands, deletions, soft clips, duplicates, secondary alignments, two mapping qualities, three contigs."""
    random.seed(1)
    header = {"HD": {"VN": "1.6"}, "SQ": [{"SN": name, "LN": length} for name, length in LENGTHS.items()]}
    with pysam.AlignmentFile(unsorted, "wb", header=header) as out:
        for number in range(20_000):
            read = pysam.AlignedSegment()
            bases = random.choice([36, 36, 50])
            read.query_name = f"r{number}"
            read.query_sequence = "A" * bases
            read.query_qualities = pysam.qualitystring_to_array("I" * bases)
            read.flag = random.choice([0, 16, 0, 16, 0x400, 0x100 | 16])
            read.reference_id = random.choice([0, 0, 0, 1])
            length = list(LENGTHS.values())[read.reference_id]
            read.reference_start = random.randrange(0, length - 80) // 3 * 3
            read.mapping_quality = random.choice([60, 60, 10])
            read.cigartuples = random.choice([[(0, bases)], [(4, 2), (0, 10), (2, 3), (0, bases - 12)]])
            out.write(read)
    pysam.sort("-o", str(ordered), str(unsorted))
    pysam.index(str(ordered))


def values(path: Path) -> dict[str, np.ndarray]:
    with pyBigWig.open(str(path)) as track:
        assert track.chroms() == LENGTHS, track.chroms()
        found = {name: track.values(name, 0, length, numpy=True) for name, length in LENGTHS.items()}
    return {name: np.nan_to_num(array) for name, array in found.items()}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        unsorted, ordered = Path(folder, "unsorted.bam"), Path(folder, "sorted.bam")
        make(unsorted, ordered)

        def both(name: str, ours: list[str], theirs: list[str]) -> tuple[dict, dict]:
            a, b = Path(folder, f"{name}.ours.bw"), Path(folder, f"{name}.theirs.bw")
            command = [os.environ["CISGRAD"], "prepare", "track", "--reads", unsorted, "--out", a]
            subprocess.run([*command, *ours], check=True)
            command = ["bamCoverage", "-b", ordered, "-o", b, "--Offset", "1", "--binSize", "1"]
            command += ["--minMappingQuality", "30", "--samFlagExclude", str(EXCLUDED)]
            subprocess.run([*command, *theirs], check=True, capture_output=True)
            return values(a), values(b)

        ours, theirs = both("counts", [], ["--normalizeUsing", "None"])
        for name in LENGTHS:
            assert np.array_equal(ours[name], theirs[name]), name
        # Browsers read the zoom levels, as `stats` does without exact=True.
        with pyBigWig.open(str(Path(folder, "counts.ours.bw"))) as track:
            for bins in (1, 4, 50):
                whole = [np.mean(part) for part in np.array_split(ours["chr1"], bins)]
                np.testing.assert_allclose(track.stats("chr1", nBins=bins), whole, rtol=0.05)
        cuts = sum(array.sum() for array in ours.values())
        assert cuts > 5_000
        size = ["--effective-genome-size", str(EFFECTIVE)]
        size_there = ["--effectiveGenomeSize", str(EFFECTIVE)]
        ours, theirs = both(
            "1x", ["--normalize", "1x", *size], ["--normalizeUsing", "RPGC", *size_there]
        )
        for name in LENGTHS:
            # bamCoverage estimates the share of reads that its filters leave; here they are counted.
            np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-3)
        print(f"{cuts:.0f} cuts: the same counts; 1x within 1e-3")


main()
