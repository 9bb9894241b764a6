"""kernels/budget.tsv: what every kernel takes of the card. Any difference is shown before it lands, better or worse."""

from . import sources
from .usage import Usage

PATH = sources.FOLDER / "budget.tsv"
HEADER = "# Written by ci/kernels.py --update.\n# " + "\t".join(("kernel", "arch", *Usage._fields)) + "\n"


def read():
    """{(kernel, arch): Usage}"""
    return {(row[0], int(row[1])): Usage(*map(int, row[2:])) for row in sources.table(PATH)}


def write(budget):
    rows = ("\t".join(map(str, (*key, *usage))) + "\n" for key, usage in sorted(budget.items()))
    PATH.write_text(HEADER + "".join(rows))


def differences(old, new):
    """One line for each row that differs."""
    lines = []
    for kernel, arch in sorted(old.keys() | new.keys()):
        before, after = old.get((kernel, arch)), new.get((kernel, arch))
        if before == after:
            continue
        if before is None:
            change = "not in the file: " + ", ".join(f"{n} {v}" for n, v in after._asdict().items())
        elif after is None:
            change = "in the file, but there is no such kernel"
        else:
            changed = ((n, b, a) for n, b, a in zip(Usage._fields, before, after) if b != a)
            change = ", ".join(f"{n} {b} -> {a}" for n, b, a in changed)
        lines.append(f"{kernel} sm_{arch}: {change}")
    return lines
