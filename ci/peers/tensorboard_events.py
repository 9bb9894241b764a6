"""Event files of `--log-dir`, read by tensorboard: tags, steps and numbers are those of history.tsv."""

import csv
import os
import subprocess
import tempfile
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        run = lambda *words: subprocess.run([os.environ["CISGRAD"], *words], cwd=folder, check=True, capture_output=True)
        run("demo", "--keep", "demo", "--peaks", "400", "--length", "80", "--epochs", "1")
        train = ["tisfm", "train", "--meme-file", "demo/motifs.meme", "--atac-file", "demo/signals.tsv"]
        train += ["--sequences", "demo/sequences.tsv", "--split", "random:80,10,10", "--architecture", "plain"]
        run(*train, "--number-of-epochs", "3", "--model-output", "model", "--log-dir", "logs")
        events = EventAccumulator(str(Path(folder, "logs", "model")))
        events.Reload()
        with open(Path(folder, "model", "history.tsv"), newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        tags = {"train/loss": "train_loss", "validation/loss": "validation_loss", "validation/pearson": "validation_r"}
        for tag, column in tags.items():
            found = [(event.step, event.value) for event in events.Scalars(tag)]
            assert [step for step, _ in found] == [int(row["epoch"]) for row in rows], found
            for (_, value), row in zip(found, rows):
                assert abs(value - float(row[column])) <= 1e-6 * max(1, abs(value)), (tag, value, row)
        print(f"{len(rows)} epochs, tags {sorted(events.Tags()['scalars'])}")


main()
