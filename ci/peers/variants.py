"""VCF that `variants` writes, read by htslib (pysam, and bcftools where it is installed) without a warning; its numbers are those that
`predict` gives for windows that are cut and edited here."""

import os
import random
import shutil
import subprocess
import tempfile
from pathlib import Path

import pysam


def run(folder: str, *words: str) -> str:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, f"{words}\n{done.stderr}"
    return done.stderr


def normalized(genome: str, at: int, ref: str, alt: str) -> tuple[int, str, str]:
    """Trimmed, and moved to the left as far as it goes (Tan et al. 2015); `at` counts from 0."""
    while True:
        if ref and alt and ref[-1] == alt[-1]:
            ref, alt = ref[:-1], alt[:-1]
        elif (not ref or not alt) and at > 0:
            at -= 1
            ref, alt = genome[at] + ref, genome[at] + alt
            if ref[-1] != alt[-1]:
                break
        else:
            break
    while ref and alt and ref[0] == alt[0]:
        ref, alt, at = ref[1:], alt[1:], at + 1
    return at, ref, alt


def windows(genome: str, at: int, ref: str, alt: str, length: int) -> list[str]:
    at, ref, alt = normalized(genome, at, ref, alt)
    start = at - (length // 2 - max(len(ref), len(alt)) // 2)
    edited = genome[:at] + alt + genome[at + len(ref) :]
    return [text[start : start + length] for text in (genome, edited)]


def main() -> None:
    cisgrad = os.environ["CISGRAD"]
    with tempfile.TemporaryDirectory() as folder:
        at = lambda name: Path(folder, name)
        run(folder, cisgrad, "demo", "--keep", "demo", "--peaks", "600", "--length", "80", "--epochs", "3")
        bases = "".join(line.split("\t")[1] for line in at("demo/sequences.tsv").read_text().splitlines()).upper()
        at("g.fa").write_text(f">chrT\n{bases}\n")
        rng = random.Random(5)
        lines = []
        for place in sorted(rng.sample(range(200, len(bases) - 200), 200)):
            one, three = bases[place], bases[place : place + 3]
            other = rng.choice([base for base in "ACGT" if base != one])
            kind = rng.randrange(4)
            ref, alt = [(one, other), (one, one + rng.choice(["A", "GT", "CCA"])), (three, one), (three, other + three[1:])][kind]
            lines.append((place, ref, alt))
        body = "".join(f"chrT\t{place + 1}\t.\t{ref}\t{alt}\t.\t.\t.\n" for place, ref, alt in lines)
        at("v.vcf").write_text("##fileformat=VCFv4.3\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n" + body)
        run(folder, cisgrad, "variants", "--model", "demo/model", "--vcf", "v.vcf", "--genome", "g.fa", "--out", "o.vcf.gz", "--null", "3")
        cut = [window for line in lines for window in windows(bases, *line, 80)]
        at("w.tsv").write_text("".join(f"w{i}\t{window}\n" for i, window in enumerate(cut)))
        run(folder, cisgrad, "tisfm", "predict", "--model", "demo/model", "--sequences", "w.tsv", "--out", "p.tsv")
        rows = [line.split("\t")[1:] for line in at("p.tsv").read_text().splitlines()]
        outputs, rows = rows[0], [[float(x) for x in row] for row in rows[1:]]
        worst = 0.0
        with pysam.VariantFile(str(at("o.vcf.gz"))) as file:
            for place, record in enumerate(file):
                for output, name in enumerate(outputs):
                    found = record.info[f"CG_{name}_DIFF"][0]
                    expected = rows[2 * place + 1][output] - rows[2 * place][output]
                    worst = max(worst, abs(found - expected))
                    assert 0 < record.info[f"CG_{name}_PVAL"][0] <= 1
        assert place + 1 == len(lines) and worst < 2e-6, (place, worst)
        if shutil.which("bcftools"):
            said = run(folder, "bcftools", "view", "-o", "/dev/null", "o.vcf.gz")
            assert not said, said
        print(f"{len(lines)} variants: differences within {worst:.1e}")


main()
