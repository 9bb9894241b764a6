"""What a kernel takes of the card, from the log that ptxas writes when it is asked to be verbose."""

import re
from typing import NamedTuple

OPTION = "--ptxas-options=-v"


class Usage(NamedTuple):
    registers: int
    shared: int  # bytes, without what a launch asks for on top
    stack: int  # bytes a thread
    spills: int  # bytes, stores and loads


ENTRY = re.compile(r"ptxas info\s+: Compiling entry function '(\w+)' for 'sm_\w+'")
FUNCTION = re.compile(r"ptxas info\s+: Function properties for (\w+)")
STACK = re.compile(r"(?:ptxas\s+\.)?\s+(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
USED = re.compile(r"ptxas info\s+: Used (\d+) registers\b[^(]*")
SHARED = re.compile(r"(\d+) bytes smem")
IDLE = re.compile(r"ptxas info\s+: (\d+ bytes gmem[^(]*|Compile time = .*)")


def read(log):
    """({kernel: Usage}, what else the log says): the rest is warnings, which are not accepted."""
    usage, rest = {}, []
    kernel, stack, spills = None, 0, 0
    for line in log.splitlines():
        if match := ENTRY.fullmatch(line):
            kernel, stack, spills = match[1], 0, 0
        elif match := STACK.fullmatch(line):
            # Of the kernel, and of functions that were not inlined into it.
            stack += int(match[1])
            spills += int(match[2]) + int(match[3])
        elif (match := USED.fullmatch(line)) and kernel:
            shared = SHARED.search(line)
            usage[kernel] = Usage(int(match[1]), int(shared[1]) if shared else 0, stack, spills)
        elif line.strip() and not FUNCTION.fullmatch(line) and not IDLE.fullmatch(line):
            rest.append(line)
    return usage, "\n".join(rest)
