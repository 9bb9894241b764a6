"""The kernel files, their headers and options: the same texts that build.rs packs and src/engine/cuda/images.rs compiles."""

from pathlib import Path

FOLDER = Path(__file__).parent.parent.parent / "kernels"
PTX = FOLDER / "ptx"


def names():
    """Of the ops that have a kernel file."""
    return sorted(path.stem for path in FOLDER.glob("*.cu"))


def text(name):
    return (FOLDER / f"{name}.cu").read_bytes()


def headers():
    """Name as in `#include`, and text."""
    return [(f"lib/{path.name}", path.read_bytes()) for path in sorted((FOLDER / "lib").iterdir())]


def options():
    lines = (line.strip() for line in (FOLDER / "options.txt").read_text().splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def table(path):
    """Rows of a tab-separated file; a line that starts with # is a comment."""
    lines = path.read_text().splitlines() if path.is_file() else []
    return [line.split("\t") for line in lines if line and not line.startswith("#")]
