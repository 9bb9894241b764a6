"""FactorNet in PyTorch, trained and evaluated on chr22 by the rules of `cisgrad factornet`: what its figures are compared with.

    python3 factornet_torch_train.py DATA/factornet GENOME.fa.gz K562 CTCF --negatives 3 --epochs 30 --seed 1 --test K562 MCF-7

Not the fastest form and never in CI: it says how good the network is under the same rules with other random numbers, and what
parts of it matter. --lstm keras is the network as published (hard sigmoids, dropout on the LSTM's inputs and states); --lstm torch is
torch.nn.LSTM. stdout: TSV, a line a test cell line; stderr: a line an epoch.
"""

import argparse
import copy
import gzip
import math
import pathlib
import sys
import time

import numpy as np
import pyBigWig
import torch
from torch import nn
from torch.nn import functional as F

CHROMOSOME, WINDOW, STEP, COVERED, FLANK, KEPT = "chr22", 200, 50, 101, 200, 76
BATCH, WIDTH, KERNELS, UNITS, DENSE = 100, 26, 32, 32, 128
POOL = WIDTH // 2


def intervals(path):
    opener = gzip.open if str(path).endswith(".gz") else open
    with opener(path, "rt") as lines:
        fields = (line.split() for line in lines)
        return [(int(f[1]), int(f[2])) for f in fields if f and f[0] == CHROMOSOME]


def mask(size, spans, grow=0):
    """1 where a span, grown on both sides, lies."""
    covered = np.zeros(size, bool)
    for start, end in spans:
        covered[max(0, start - grow) : min(size, end + grow)] = True
    return covered


def sums(covered):
    return np.concatenate([[0], np.cumsum(covered)])


class Cell:
    """A cell line's track and peaks."""

    def __init__(self, folder, factor, genome, blacklist, length):
        self.folder = folder
        size = len(genome)
        track = (folder / "bigwig.txt").read_text().split()[0]
        with pyBigWig.open(str(folder / track)) as file:
            self.track = np.nan_to_num(file.values(CHROMOSOME, 0, size, numpy=True))
        lines = [line.split() for line in (folder / "chip.txt").read_text().splitlines()]
        (line,) = [line for line in lines if line[1] == factor]
        self.peaks = intervals(folder / line[0])
        self.relaxed = intervals(folder / line[2]) if len(line) > 2 else self.peaks
        grown = mask(size, blacklist, length)
        grown[:length] = grown[-length:] = True
        grown_sums = sums(grown)
        self.kept = [(s, e) for s, e in self.peaks if grown_sums[e] == grown_sums[s]]
        self.excluded = sums(mask(size, self.relaxed, FLANK) | grown | (genome == 4))


class Network(nn.Module):
    def __init__(self, args):
        super().__init__()
        channels = 5
        self.length, self.kind, self.rate = args.length, args.lstm, args.lstm_dropout
        self.convolution = nn.Conv1d(channels, KERNELS, WIDTH)
        self.positionwise = nn.Conv1d(KERNELS, KERNELS, 1)
        steps = (args.length - WIDTH + 1) // POOL
        self.dense = nn.Linear(steps * 2 * UNITS, DENSE)
        self.last = nn.Linear(DENSE, 1)
        if self.kind == "torch":
            self.lstm = nn.LSTM(KERNELS, UNITS, batch_first=True, bidirectional=True)
        else:
            # Directions, gates (i, f, c, o), from, to.
            self.inputs = nn.Parameter(torch.empty(2, 4, KERNELS, UNITS))
            self.states = nn.Parameter(torch.empty(2, 4, UNITS, UNITS))
            self.biases = nn.Parameter(torch.zeros(2, 4, UNITS))
        if args.init == "keras":
            bound = math.sqrt(6 / (channels * KERNELS * (1 + WIDTH)))
            nn.init.uniform_(self.convolution.weight, -bound, bound)
            for layer in (self.positionwise, self.dense, self.last):
                nn.init.xavier_uniform_(layer.weight)
            for layer in (self.convolution, self.positionwise, self.dense, self.last):
                nn.init.zeros_(layer.bias)
        if self.kind == "keras":
            for weights in (self.inputs, self.states):
                bound = math.sqrt(6 / (weights.shape[-2] + weights.shape[-1]))
                nn.init.uniform_(weights, -bound, bound)
            with torch.no_grad():
                self.biases[:, 1] = 1

    def keras_lstm(self, x):
        """x: (strands, steps, kernels); one mask a sequence, direction and gate, the same at every step."""
        strands, steps, _ = x.shape
        both = torch.stack([x, x.flip(1)])  # directions
        if self.training and self.rate:
            keep = 1 - self.rate
            wide = torch.empty(2, 4, strands, 1, KERNELS).bernoulli_(keep) / keep
            masked = both.unsqueeze(1) * wide
            recurrent = torch.empty(2, 4, strands, UNITS).bernoulli_(keep) / keep
        else:
            masked = both.unsqueeze(1).expand(2, 4, strands, steps, KERNELS)
            recurrent = None
        z = torch.matmul(masked.reshape(8, strands * steps, KERNELS), self.inputs.view(8, KERNELS, UNITS))
        z = (z.view(2, 4, strands, steps, UNITS) + self.biases[:, :, None, None]).unbind(3)
        h = torch.zeros(2, strands, UNITS)
        c = torch.zeros(2, strands, UNITS)
        out = []
        for step in z:
            before = h.unsqueeze(1).expand(2, 4, strands, UNITS)
            if recurrent is not None:
                before = before * recurrent
            gates = step + torch.matmul(before, self.states)
            hard = (0.2 * gates + 0.5).clamp(0, 1)
            c = hard[:, 1] * c + hard[:, 0] * torch.tanh(gates[:, 2])
            h = hard[:, 3] * torch.tanh(c)
            out.append(h)
        out = torch.stack(out, 2)
        return torch.cat([out[0], out[1].flip(1)], 2)

    def forward(self, both):
        train = self.training
        x = F.dropout(torch.relu(self.convolution(both)), 0.1, train)
        x = F.max_pool1d(torch.relu(self.positionwise(x)), POOL).transpose(1, 2)
        x = self.lstm(x)[0] if self.kind == "torch" else self.keras_lstm(x)
        x = torch.relu(self.dense(F.dropout(x, 0.5, train).flatten(1)))
        p = torch.sigmoid(self.last(F.dropout(x, 0.5, train)))
        return p.view(2, -1).mean(0)


class Adam:
    """Keras 1's: epsilon is added outside the bias correction."""

    def __init__(self, parameters, rate):
        self.parameters, self.rate, self.step_count = list(parameters), rate, 0
        self.moments = [(torch.zeros_like(p), torch.zeros_like(p)) for p in self.parameters]

    @torch.no_grad()
    def step(self):
        self.step_count += 1
        t = self.step_count
        rate = self.rate * math.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        for p, (m, v) in zip(self.parameters, self.moments):
            m.lerp_(p.grad, 0.1)
            v.mul_(0.999).addcmul_(p.grad, p.grad, value=0.001)
            p.addcdiv_(m, v.sqrt().add_(1e-8), value=-rate)
            p.grad = None


def batch(cell, genome, middles, length):
    """(2 * samples, 5, length): the forward strands, then the others."""
    at = np.asarray(middles)[:, None] - length // 2 + np.arange(length)
    inside = (at >= 0) & (at < len(genome))
    at = at.clip(0, len(genome) - 1)
    codes = np.where(inside, genome[at], 4)
    bases = np.eye(5, dtype=np.float32)[codes][:, :, :4]
    track = np.where(inside, cell.track[at], 0).astype(np.float32)[:, :, None]
    forward = np.concatenate([bases, track], 2)
    reverse = np.concatenate([bases[:, ::-1, ::-1], track[:, ::-1]], 2)
    return torch.from_numpy(np.ascontiguousarray(np.concatenate([forward, reverse]).transpose(0, 2, 1)))


def scores(network, cell, genome, middles, length):
    network.eval()
    with torch.inference_mode():
        parts = [network(batch(cell, genome, middles[i : i + 500], length)) for i in range(0, len(middles), 500)]
    return torch.cat(parts).numpy()


def metrics(p, y):
    """auROC, average precision, recall at 10 % and 50 % FDR; ties are one threshold."""
    order = np.argsort(-p, kind="stable")
    p, y = p[order], y[order]
    ends = np.append(np.nonzero(np.diff(p))[0], len(p) - 1)
    true = np.cumsum(y)[ends]
    called = ends + 1
    recall, precision = true / true[-1], true / called
    average = np.sum(np.diff(recall, prepend=0) * precision)
    false = called - true
    roc = np.trapezoid if hasattr(np, "trapezoid") else np.trapz
    area = roc(np.append(0, true / true[-1]), np.append(0, false / false[-1]))
    at = [max(recall[precision >= 1 - fdr], default=0.0) for fdr in (0.1, 0.5)]
    return area, average, *at


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=pathlib.Path, help="folder of the cell lines and resources")
    parser.add_argument("genome", help="FASTA of chr22, plain or gzipped")
    parser.add_argument("cell")
    parser.add_argument("factor")
    parser.add_argument("--test", nargs="*", default=[], help="cell lines to evaluate on")
    parser.add_argument("--negatives", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--length", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--lstm", choices=["keras", "torch"], default="keras")
    parser.add_argument("--lstm-dropout", type=float, default=0.1)
    parser.add_argument("--max-shift", type=int, default=None, help="largest shift of a positive, bases")
    parser.add_argument("--init", choices=["keras", "torch"], default="keras")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    draws = np.random.default_rng(args.seed)
    length, half = args.length, args.length // 2

    opener = gzip.open if args.genome.endswith(".gz") else open
    with opener(args.genome, "rt") as lines:
        text = "".join(line.strip() for line in lines if not line.startswith(">")).upper()
    table = np.full(256, 4, np.uint8)
    table[[ord(base) for base in "ACGT"]] = range(4)
    genome = table[np.frombuffer(text.encode(), np.uint8)]
    size = len(genome)
    resources = args.data / "resources"
    blacklist = intervals(resources / f"blacklist.hg38.{CHROMOSOME}.bed.gz")
    test = mask(size, intervals(resources / f"test_blocks.hg38.{CHROMOSOME}.bed"))
    held = mask(size, intervals(resources / f"validation_blocks.hg38.{CHROMOSOME}.bed"))
    closed = sums(test | held)
    cell = Cell(args.data / args.cell, args.factor, genome, blacklist, length)

    def reaches(middle):
        return closed[min(size, middle + half)] > closed[max(0, middle - half)]

    positives = [(s + e) // 2 for s, e in cell.kept]
    reach = [e - ((s + e) // 2 - WINDOW // 2) - KEPT for s, e in cell.kept]
    if args.max_shift is not None:
        reach = [min(shift, args.max_shift) for shift in reach]
    train = [i for i, m in enumerate(positives) if not test[m] and not held[m]]
    validation = [m for m in positives if held[m]]

    def shifted(i):
        for _ in range(1000):
            middle = positives[i] + int(draws.integers(-reach[i], reach[i] + 1))
            if not reaches(middle):
                return middle
        return None

    def negatives(count, part):
        found, taken = [], np.zeros(size, bool)
        while len(found) < count:
            start = int(draws.integers(0, size - WINDOW))
            middle = start + WINDOW // 2
            here = held[middle] if part == "validation" else not reaches(middle)
            free = cell.excluded[start + WINDOW] == cell.excluded[start] and not taken[start : start + WINDOW].any()
            if here and free:
                taken[start : start + WINDOW] = True
                found.append(middle)
        return found

    held_middles = np.array(validation + negatives(args.negatives * len(validation), "validation"))
    held_labels = np.arange(len(held_middles)) < len(validation)
    network = Network(args)
    optimizer = Adam(network.parameters(), 0.001)
    print(f"{len(train)} positives, {len(held_middles)} validation samples", file=sys.stderr)
    best, kept = math.inf, None
    for epoch in range(1, args.epochs + 1):
        started = time.perf_counter()
        middles = [m for m in map(shifted, train) if m is not None]
        labels = [1.0] * len(middles)
        middles += negatives(args.negatives * len(middles), "train")
        labels += [0.0] * (len(middles) - len(labels))
        order = draws.permutation(len(middles))
        middles, labels = np.array(middles)[order], torch.tensor(labels)[torch.from_numpy(order)]
        network.train()
        total = 0.0
        for i in range(0, len(middles), BATCH):
            p = network(batch(cell, genome, middles[i : i + BATCH], length)).clamp(1e-7, 1 - 1e-7)
            loss = F.binary_cross_entropy(p, labels[i : i + BATCH])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(p)
        p = scores(network, cell, genome, held_middles, length).clip(1e-7, 1 - 1e-7)
        loss = -np.log(np.where(held_labels, p, 1 - p)).mean()
        if loss < best:
            best, kept = loss, copy.deepcopy(network.state_dict())
        seconds = time.perf_counter() - started
        print(f"epoch {epoch}: train {total / len(middles):.5f}, validation {loss:.5f}, {seconds:.1f} s", file=sys.stderr, flush=True)
    network.load_state_dict(kept)
    plain, unknown = sums(mask(size, blacklist)), sums(genome == 4)
    outside = sums(~test)
    starts = np.arange(0, size - WINDOW + 1, STEP)
    starts = starts[[s + WINDOW <= size and not any(c[s + WINDOW] > c[s] for c in (plain, unknown, outside)) for s in starts]]
    print("cell\tauROC\tauPRC\trecall_at_10pct_FDR\trecall_at_50pct_FDR\tpositives\tnegatives\tbest_validation")
    for name in args.test:
        other = Cell(args.data / name, args.factor, genome, blacklist, length)
        bound, loose = (sums(mask(size, spans)) for spans in (other.peaks, other.relaxed))
        y = bound[starts + WINDOW] - bound[starts] >= COVERED
        keep = y | (loose[starts + WINDOW] - loose[starts] < COVERED)
        p = scores(network, other, genome, starts[keep] + WINDOW // 2, length)
        figures = "\t".join(f"{x:.4f}" for x in metrics(p, y[keep]))
        print(f"{name}\t{figures}\t{y[keep].sum()}\t{(~y[keep]).sum()}\t{best:.5f}", flush=True)


if __name__ == "__main__":
    main()
