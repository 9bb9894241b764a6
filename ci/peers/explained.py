"""Files of `explain`: tfmodisco-lite runs on them as they are and finds the motifs that the demo planted, pyBigWig reads the bigWig, and
saturation mutagenesis in NumPy is what `predict` says of every mutant."""

import csv
import os
import re
import subprocess
import tempfile
from pathlib import Path

import h5py
import numpy as np
import pyBigWig

PLANTED = {"B_cell": {"EBF1", "SPI1"}, "T_cell": {"RUNX1", "TBX21"}, "monocyte": {"CEBPB", "SPI1"}}


def run(folder: str, *words: str) -> str:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, f"{words}\n{done.stderr}"
    return done.stderr


def patterns_as_meme(file: Path, to: Path) -> int:
    """The positive patterns' letters, as MEME text."""
    count = 0
    with h5py.File(file) as found, open(to, "w") as meme:
        meme.write("MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n")
        for name, pattern in found.get("pos_patterns", {}).items():
            rows = np.array(pattern["sequence"])
            strength = np.abs(np.array(pattern["contrib_scores"])).sum(1)
            core = np.flatnonzero(strength > 0.2 * strength.max())
            rows = rows[core[0] : core[-1] + 1]
            rows = rows / rows.sum(1, keepdims=True)
            meme.write(f"\nMOTIF {name}\nletter-probability matrix: alength= 4 w= {len(rows)} nsites= 20\n")
            meme.writelines(" ".join(f"{p:.6f}" for p in row) + "\n" for row in rows)
            count += 1
    return count


def main() -> None:
    cisgrad = os.environ["CISGRAD"]
    with tempfile.TemporaryDirectory() as folder:
        at = lambda name: Path(folder, name)
        run(folder, cisgrad, "demo", "--keep", "demo")
        said = run(folder, cisgrad, "explain", "--model", "demo/model", "--sequences", "demo/sequences.tsv", "--out", "why")
        assert "modisco motifs -s why/ohe.npz" in said, said
        for output, planted in PLANTED.items():
            # As the run prints it, with fewer seqlets.
            command = re.search(r"modisco motifs .*", said).group().split()
            command = [word.replace("B_cell", output) for word in command]
            command[command.index("-n") + 1] = "2000"
            run(folder, *command)
            count = patterns_as_meme(at(f"why/modisco.{output}.h5"), at("found.meme"))
            run(folder, cisgrad, "motifs", "match", "found.meme", "demo/motifs.meme", "--distance", "pearson", "--out", "match.tsv")
            with open(at("match.tsv"), newline="") as file:
                rows = [row for row in csv.DictReader((line for line in file if line.strip()), delimiter="\t")]
            best = {}
            for row in rows:
                p = float(row["p-value"])
                if p < best.get(row["Query_ID"], ("", 1.0))[1]:
                    best[row["Query_ID"]] = (row["Target_ID"], p)
            named = {target for target, p in best.values() if p < 1e-3}
            print(f"{output}: {count} patterns, {sorted(named)}; planted {sorted(planted)}")
            assert planted <= named, (output, best)
        one_hot = np.load(at("why/ohe.npz"))["arr_0"]
        lines = [line.split("\t") for line in at("demo/sequences.tsv").read_text().splitlines()]
        letters = np.array([list(bases.upper()) for _, bases in lines])
        assert all((one_hot[:, base] == (letters == "ACGT"[base])).all() for base in range(4))
        # Every mutant of two sequences.
        few = [(name, bases) for name, bases in lines[:2]]
        with open(at("mutants.tsv"), "w") as file:
            for name, bases in few:
                for place in range(len(bases)):
                    for base in "ACGT":
                        file.write(f"{name} {place} {base}\t{bases[:place]}{base}{bases[place + 1:]}\n")
        run(folder, cisgrad, "tisfm", "predict", "--model", "demo/model", "--sequences", "mutants.tsv", "--out", "p.tsv")
        for output in PLANTED:
            with open(at("p.tsv"), newline="") as file:
                scores = np.array([float(row[output]) for row in csv.DictReader(file, delimiter="\t")])
            scores = scores.reshape(len(few), -1, 4).transpose(0, 2, 1)
            expected = scores - scores.mean(1, keepdims=True)
            found = np.load(at(f"why/attr.{output}.npz"))["arr_0"][: len(few)]
            off = np.abs(found - expected).max() / np.abs(scores).max()
            assert off < 1e-5, off
        print(f"mutants of {len(few)} sequences: within {off:.1e} of the largest prediction")
        # Places: windows of a made chromosome, of which the first two overlap.
        length = one_hot.shape[2]
        chromosome = "".join(bases for _, bases in lines[:20])
        at("g.fa").write_text(f">chrT\n{chromosome}\n")
        starts = [100, 150, 1000]
        at("w.bed").write_text("".join(f"chrT\t{start}\t{start + length}\n" for start in starts))
        run(folder, cisgrad, "explain", "--model", "demo/model", "--bed", "w.bed", "--genome", "g.fa", "--out", "placed")
        own = (np.load(at("placed/ohe.npz"))["arr_0"] * np.load(at("placed/attr.T_cell.npz"))["arr_0"]).sum(1)
        track = pyBigWig.open(str(at("placed/attr.T_cell.bw")))
        cut = (100 + 150 + length) // 2
        values = lambda start, end: np.array(track.values("chrT", start, end))
        assert track.chroms() == {"chrT": len(chromosome)}
        assert (values(100, cut) == own[0, : cut - 100]).all() and (values(cut, 150 + length) == own[1, cut - 150 :]).all()
        assert (values(1000, 1000 + length) == own[2]).all() and np.isnan(values(0, 100)).all()
        print(f"bigWig: {int(track.header()['nBasesCovered'])} bases")


main()
