"""results.py OUT: what the jobs of the GPU bundle left in OUT, as one file OUT/results.json."""

import json
import pathlib
import subprocess
import sys

out = pathlib.Path(sys.argv[1])


def card():
    fields = "name,driver_version,memory.total,clocks.max.sm"
    asked = ["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader"]
    try:
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def benches():
    for path in sorted(out.glob("bench-*.txt")):
        try:
            yield json.loads(path.read_text())
        except ValueError:
            yield {"failed": path.stem}


def peers():
    for path in sorted(out.glob("torch-*.txt")):
        lines = path.read_text().strip().splitlines()
        yield {"run": path.stem, "table": lines[-2:]}


commit = pathlib.Path(__file__).with_name("commit")
results = {
    "card": card(),
    "commit": commit.read_text().strip() if commit.exists() else "unknown",
    "jobs": (out / "summary.txt").read_text().splitlines(),
    "benches": list(benches()),
    "peers": list(peers()),
}
(out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
print(f"{len(results['benches'])} benches, {len(results['peers'])} peers in {out / 'results.json'}")
