#!/usr/bin/env python3
"""Would a broken kernel be noticed? Drops each barrier, wait and guard of the kernels in turn, runs the op's cases on the
stand-in of the driver, and prints a table of what noticed it.

    python3 ci/mutants.py [OP ...] [--limit N]

Needs target/debug/cisgrad (cargo build) and a C++ compiler. A mutant that nothing notices is printed as alive and makes the
exit status 1, unless the file ci/mutants-alive.txt names it with the reason why it changes nothing.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "target/debug/cisgrad"
# What is replaced by what: the name of the mutation, a pattern, and the replacement.
MUTATIONS = [
    ("barrier", re.compile(r"__syncthreads\(\);"), ""),
    ("warp barrier", re.compile(r"__syncwarp\(\);"), ""),
    ("chain barrier", re.compile(r"chain_barrier<R>\(\);"), ""),
    ("wait", re.compile(r"cp_async_wait<\d>\(\);"), ""),
    ("early return", re.compile(r"if \([^;{}]*\) return;"), ""),
    ("bound", re.compile(r"(if \([^;{}]*?) < "), r"\1 <= "),
    ("accumulate", re.compile(r"\] \+= "), "] = "),
]
# Ops that have no cases of their own: they are tested elsewhere.
UNTESTED = {"adam", "begin_step", "end_step", "gather", "keep_outputs", "ties"}
# How a mutant is run: name, build of the stand-in, environment. In order of cost.
DETECTORS = [
    ("plain", "plain", {}),
    ("seed", "plain", {"CUDA_STANDIN_SEED": "1"}),
    ("seed", "plain", {"CUDA_STANDIN_SEED": "2"}),
    ("asan", "asan", {}),
    ("tsan", "tsan", {"CUDA_STANDIN_WORKERS": "2"}),
]


def mutants(text):
    """(what, line, mutated text) of every mutation of a kernel file."""
    for what, pattern, replacement in MUTATIONS:
        for match in pattern.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            if "//" in text[text.rfind("\n", 0, match.start()) + 1 : match.start()]:
                continue  # a formula in a comment
            yield what, line, text[: match.start()] + match.expand(replacement) + text[match.end() :]


def noticed(folder, op):
    """The first detector whose run of the op's cases fails; None where all pass."""
    for name, kind, settings in DETECTORS:
        environment = {
            **os.environ,
            **settings,
            "CUDA_STANDIN_KERNELS": str(folder),
            "CUDA_STANDIN_TARGET": str(ROOT / "target/mutants"),
            "NVRTC_PATH": "/nonexistent",
            "CISGRAD_CACHE": "/nonexistent",
        }
        command = ["sh", str(ROOT / "standin/run.sh"), kind, str(PROGRAM), "selftest", "--device", "cuda", "--ops", op]
        try:
            run = subprocess.run(command, env=environment, capture_output=True, timeout=600)
        except subprocess.TimeoutExpired:
            return name + " (hangs)"
        if run.returncode != 0:
            return name
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ops", nargs="*")
    parser.add_argument("--limit", type=int, help="no more mutants than this for each op")
    args = parser.parse_args()
    kernels = ROOT / "kernels"
    ops = args.ops or sorted(p.stem for p in kernels.glob("*.cu") if p.stem not in UNTESTED)
    known = ROOT / "ci/mutants-alive.txt"
    expected = known.read_text().splitlines() if known.exists() else []
    folder = ROOT / "target/mutants/kernels"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(kernels, folder, ignore=shutil.ignore_patterns("ptx"))
    survived = 0
    print("op\tmutation\tline\tnoticed_by", flush=True)
    for op in ops:
        path = folder / f"{op}.cu"
        text = path.read_text()
        for what, line, mutated in list(mutants(text))[: args.limit]:
            path.write_text(mutated)
            by = noticed(folder, op)
            print(f"{op}\t{what}\t{line}\t{by or 'ALIVE'}", flush=True)
            source = text.splitlines()[line - 1].strip()
            excused = any(e.startswith(f"{op}\t{what}\t{source}") for e in expected)
            survived += by is None and not excused
        path.write_text(text)
    sys.exit(f"{survived} mutants were not noticed" if survived else 0)


if __name__ == "__main__":
    main()
