"""kernels/sass.tsv: opcodes that a kernel's machine code must or must not hold."""

import re
import subprocess
import tempfile
from fnmatch import fnmatchcase
from typing import NamedTuple

from . import sources

PATH = sources.FOLDER / "sass.tsv"
SECTION = re.compile(r"^\.text\.(\w+):$")
INSTRUCTION = re.compile(r"^\s+/\*[0-9a-f]+\*/\s+(?:@!?U?P\w+\s+)?([A-Z][A-Z0-9_.]*)")


class Row(NamedTuple):
    kernel: str
    must: list
    must_not: list
    may: list


def rows():
    return [Row(row[0], *(cell.split() for cell in (row[1:] + ["", "", ""])[:3])) for row in sources.table(PATH)]


def opcodes(nvdisasm, cubin):
    """{kernel: its opcodes}"""
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        command = [str(nvdisasm), "-c", file.name]
        listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return parse(listing)


def parse(listing):
    found, current = {}, set()
    for line in listing.splitlines():
        if match := SECTION.match(line):
            current = found.setdefault(match[1], set())
        elif match := INSTRUCTION.match(line):
            current.add(match[1])
    return found


def holds(opcodes, wanted):
    """Whether an opcode is there with at least these modifiers."""
    name, *modifiers = wanted.split(".")
    parts = (opcode.split(".") for opcode in opcodes)
    return any(part[0] == name and set(modifiers) <= set(part[1:]) for part in parts)


def faults(rows, kernel, opcodes):
    mine = [row for row in rows if fnmatchcase(kernel, row.kernel)]
    allowed = {opcode for row in mine for opcode in row.may}
    lacks = {opcode for row in mine for opcode in row.must if not holds(opcodes, opcode)}
    has = {opcode for row in mine for opcode in row.must_not if opcode not in allowed and holds(opcodes, opcode)}
    return [f"lacks {opcode}" for opcode in sorted(lacks)] + [f"holds {opcode}" for opcode in sorted(has)]


def idle(rows, kernels):
    """Rows that no kernel answers to: a renamed kernel must not lose its gate."""
    return [row.kernel for row in rows if not any(fnmatchcase(kernel, row.kernel) for kernel in kernels)]
