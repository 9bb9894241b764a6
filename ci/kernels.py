#!/usr/bin/env python3
"""Compiles every CUDA kernel as a user's machine will, without a GPU, and fails on:

- warnings, of the compiler or of ptxas (inline PTX is checked only where machine code is made);
- registers, shared memory, stack or spills that differ from kernels/budget.tsv;
- opcodes in the machine code that kernels/sass.tsv forbids or misses (local memory; no tensor core instruction);
- PTX in kernels/ptx that is not what the oldest compiler makes of the text now.

`--update` writes the budget and the PTX anew. Needs Python 3.9 and pip; NVIDIA's compilers come from PyPI.
"""

import argparse
import difflib
import os
import re
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from gates import budget, sass, sources, usage, wheels
from gates.nvrtc import Nvrtc

ROOT = Path(__file__).parent.parent
# One for each generation whose code differs enough to be looked at in every change, and every one there is.
USUAL = [80, 90, 120]
EVERY = [80, 86, 89, 90, 100, 120]
# The least that the kernels run on: what the PTX is made for.
LEAST = 80

IDLE_GLOBAL = re.compile(r"^\.global \.align 8 \.(?:u64|b8) (_ZN\d+_INTERNAL_\w+nv6target\w+)\b.*;\n", re.MULTILINE)

_nvrtc = None


def open_nvrtc(path):
    """Once in each process of a pool."""
    global _nvrtc
    _nvrtc = Nvrtc(path)


def machine_code(name, arch, nvdisasm):
    """(usage by kernel, opcodes by kernel, complaints) of a kernel file."""
    options = [*sources.options(), f"--gpu-architecture=sm_{arch}", usage.OPTION]
    _, cubin, log = _nvrtc.compile(f"{name}.cu", sources.text(name), sources.headers(), options)
    if cubin is None:
        return {}, {}, log
    used, complaints = usage.read(log)
    opcodes = sass.opcodes(nvdisasm, cubin)
    if used.keys() != opcodes.keys():
        complaints += f"\nptxas tells of {sorted(used)}, the machine code of {sorted(opcodes)}"
    return used, opcodes, complaints


def portable_text(name):
    """(PTX, complaints) of a kernel file, with the oldest compiler."""
    # For a real architecture, not compute_80: the PTX is the same, and that compiler's own ptxas has read it then.
    # Without source lines, which would change with every comment.
    options = [option for option in sources.options() if option != "--generate-line-info"]
    options.append(f"--gpu-architecture=sm_{LEAST}")
    ptx, _, log = _nvrtc.compile(f"{name}.cu", sources.text(name), sources.headers(), options)
    return ptx and without_idle_globals(ptx.decode()), log


def without_idle_globals(ptx):
    """NVRTC 12 puts constants of a header of its own into every file, under a name that changes with the text. Nothing
    reads them, and without them a diff shows what changed."""
    return IDLE_GLOBAL.sub(lambda line: line[0] if ptx.count(line[1]) > 1 else "", ptx)


def check(arguments):
    found = wheels.install(arguments.wheels)
    if arguments.nvrtc_path:
        print(found.newest)
        return []
    every = sources.names()
    names = arguments.kernels or every
    if unknown := sorted(set(names) - set(every)):
        sys.exit(f"no kernels/{unknown[0]}.cu")
    names = sorted(set(names))
    archs = EVERY if arguments.all or arguments.update else sorted(set(arguments.arch or USUAL))

    jobs = [(name, arch) for name in names for arch in archs]
    with ProcessPoolExecutor(arguments.jobs, initializer=open_nvrtc, initargs=(found.newest,)) as pool:
        code = dict(zip(jobs, pool.map(machine_code, *zip(*jobs), [found.nvdisasm] * len(jobs))))
    with ProcessPoolExecutor(arguments.jobs, initializer=open_nvrtc, initargs=(found.oldest,)) as pool:
        texts = dict(zip(names, pool.map(portable_text, names)))

    faults = [f"{name}.cu for sm_{arch}: {log.strip()}" for (name, arch), (_, _, log) in code.items() if log]
    faults += [f"{name}.cu by the oldest compiler: {log.strip()}" for name, (_, log) in texts.items() if log]
    # A file that does not compile says nothing of the tables: its log is enough.
    if all(kernels for kernels, _, _ in code.values()) and all(ptx for ptx, _ in texts.values()):
        whole = names == every
        compiled = {(kernel, arch): used for (_, arch), (kernels, _, _) in code.items() for kernel, used in kernels.items()}
        texts = {name: ptx for name, (ptx, _) in texts.items()}
        faults += sass_faults(code, whole)
        if arguments.update:
            update(compiled, texts, whole)
        else:
            faults += stale(compiled, texts, archs, whole)
    print(f"{len(names)} kernel files, {len(jobs) + len(names)} compilations, {len(faults)} faults")
    return faults


def sass_faults(code, whole):
    rows = sass.rows()
    faults = [
        f"{kernel} sm_{arch} {fault}"
        for (_, arch), (_, kernels, _) in code.items()
        for kernel, opcodes in sorted(kernels.items())
        for fault in sass.faults(rows, kernel, opcodes)
    ]
    if whole:
        kernels = {kernel for _, opcodes, _ in code.values() for kernel in opcodes}
        faults += [f"{sass.PATH.name}: no kernel answers to {kernel}" for kernel in sass.idle(rows, kernels)]
    return faults


def update(compiled, texts, whole):
    kernels = {kernel for kernel, _ in compiled}
    others = {} if whole else {key: row for key, row in budget.read().items() if key[0] not in kernels}
    budget.write({**others, **compiled})
    sources.PTX.mkdir(exist_ok=True)
    for name, ptx in texts.items():
        (sources.PTX / f"{name}.ptx").write_text(ptx)
    for path in sources.PTX.glob("*.ptx"):
        if path.stem not in sources.names():
            path.unlink()


def stale(compiled, texts, archs, whole):
    """Committed files that do not say what was found now."""
    kernels = {kernel for kernel, _ in compiled}
    written = {key: row for key, row in budget.read().items() if whole or key[0] in kernels}
    # Rows of architectures that this run leaves out count only when their kernel is gone.
    written = {key: row for key, row in written.items() if key[1] in archs or key[0] not in kernels}
    faults = [f"budget: {line}" for line in budget.differences(written, compiled)]
    for name, ptx in texts.items():
        path = sources.PTX / f"{name}.ptx"
        old = path.read_text() if path.is_file() else ""
        if old != ptx:
            lines = difflib.unified_diff(old.splitlines(), ptx.splitlines(), "committed", "made now", lineterm="", n=1)
            faults.append("\n    ".join([f"{path.relative_to(ROOT)} is out of date", *list(lines)[:20]]))
    if whole:
        gone = sorted(path.name for path in sources.PTX.glob("*.ptx") if path.stem not in sources.names())
        faults += [f"kernels/ptx/{name} belongs to no kernel file" for name in gone]
    return faults


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kernels", nargs="*", metavar="OP", help="only kernels/OP.cu; all when none is named")
    parser.add_argument("--update", action="store_true", help="write kernels/budget.tsv and kernels/ptx anew")
    parser.add_argument("--all", action="store_true", help=f"for {EVERY} instead of {USUAL}")
    parser.add_argument("--arch", type=int, action="append", choices=EVERY, help="for this one; may be repeated")
    parser.add_argument("--wheels", type=Path, default=ROOT / "target/cuda-wheels", help="where the compilers are kept")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--nvrtc-path", action="store_true", help="only install; print the newest libnvrtc")
    faults = check(parser.parse_args())
    for fault in faults:
        print(f"FAULT {fault}")
    if any("budget: " in fault or "out of date" in fault for fault in faults):
        print("When the change is meant: python3 ci/kernels.py --update")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
