"""NVIDIA's compilers from PyPI, in a folder of their own: no Python environment is touched."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).parent.parent / "requirements-cuda.txt"


class Wheels:
    """The installed files that are used."""

    def __init__(self, folder):
        self.newest = folder / "nvidia/cu13/lib/libnvrtc.so.13"
        self.oldest = folder / "nvidia/cuda_nvrtc/lib/libnvrtc.so.12"
        self.nvdisasm = folder / "nvidia/cu13/bin/nvdisasm"
        for path in (self.newest, self.oldest, self.nvdisasm):
            if not path.is_file():
                sys.exit(f"{path} is missing: delete {folder} and run again")


def install(cache):
    """Installs what ci/requirements-cuda.txt pins, once for each state of that file."""
    pins = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:16]
    folder = Path(cache).resolve() / pins
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Under another name until it is whole: a download that breaks off leaves nothing that looks finished.
        unfinished = folder.with_name(f"unfinished-{os.getpid()}")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:", "--no-compile"]
        command += ["--target", str(unfinished), "--requirement", str(REQUIREMENTS)]
        settings = {**os.environ, "PIP_ROOT_USER_ACTION": "ignore", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        # pip's words to stderr: the output of this script may be a path that a shell reads.
        done = subprocess.run(command, env=settings, stdout=sys.stderr, check=False)
        if done.returncode != 0:
            shutil.rmtree(unfinished, ignore_errors=True)
            sys.exit(f"{' '.join(command)} failed (without pip: apt-get install python3-pip)")
        try:
            unfinished.rename(folder)
        except OSError:  # another run was first
            shutil.rmtree(unfinished)
    return Wheels(folder)
