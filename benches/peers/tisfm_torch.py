"""The peer of `cisgrad bench`: the two published tiSFM networks in PyTorch, eager, written for this comparison.

    python tisfm_torch.py --check GOLDEN_DIR...                 output and gradients agree with the original's (f64, below 1e-12)
    python tisfm_torch.py --architecture A --mode train --meme-file M.meme.gz       one TSV line: sequences/s, peak memory

Parameter names are the original's. A training step is forward, mean squared error, backward, AdamW with the motif kernels
frozen: what the original's train_model.py does by default; with --unfreeze-conv they learn too, as its flag of that name makes them. Inputs and starting values are random; the speed does not depend on them.
"""

import argparse
import gzip
import json
import os
import resource
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

ARCHITECTURES = {  # name: attention over the input
    "model_pos_calib_sigmoid_interaction": False,
    "model_pos_attention_calib_sigmoid_interaction": True,
}


class SparseAttention(nn.Module):
    """Self-attention over positions whose softmax runs over the query index."""

    def __init__(self, dim=4, heads=2):
        super().__init__()
        inner = -(-dim // heads)
        self.scale = inner**-0.5
        for name in ("tokey", "toquery", "tovalue"):
            setattr(self, name, nn.Parameter(torch.empty(heads, inner, dim)))
            setattr(self, name + "_bias", nn.Parameter(torch.zeros(1, heads, inner, 1)))
        self.unifyheads = nn.Parameter(torch.empty(heads, dim, inner))
        for weight in (self.tokey, self.toquery, self.tovalue, self.unifyheads):
            nn.init.xavier_uniform_(weight)
        self.unifyheads_bias = nn.Parameter(torch.empty(1, dim, 1).uniform_(-(dim**-0.5), dim**-0.5))

    def forward(self, x):  # (batch, dim, length)
        key, query, value = (
            torch.einsum("hed,bdl->bhel", weight, x) + bias
            for weight, bias in (
                (self.tokey, self.tokey_bias),
                (self.toquery, self.toquery_bias),
                (self.tovalue, self.tovalue_bias),
            )
        )
        scores = key.transpose(2, 3) @ query * self.scale  # (batch, heads, key position, query position)
        out = value @ scores.softmax(dim=3)
        return torch.einsum("hct,bhtl->bcl", self.unifyheads, out) + self.unifyheads_bias


class AttentionPooling(nn.Module):
    """Softmax over all positions of weight * x, once a channel."""

    def __init__(self, features):
        super().__init__()
        self.weight = nn.Parameter(torch.full((features,), 2.0))

    def forward(self, x):
        return (x * (x * self.weight[:, None]).softmax(dim=2)).sum(dim=2)


class Net(nn.Module):
    def __init__(self, kernels, window, outputs, attention):  # kernels (channels, 4, width), strands alternating
        super().__init__()
        channels, _, width = kernels.shape
        features = channels // 2
        self.position_emb = nn.Embedding(-(-window // 2), 1)
        self.register_buffer("folded", torch.tensor([min(i, window - 1 - i) for i in range(window)]), persistent=False)
        if attention:
            self.attention_layer = SparseAttention()
        self.conv_motif = nn.Conv1d(4, channels, width, bias=False)
        self.conv_motif.weight = nn.Parameter(kernels, requires_grad=False)
        self.conv_scale = nn.Parameter(torch.ones(channels))
        self.conv_bias = nn.Parameter(torch.zeros(1, channels, 1))
        self.attentionpooling = AttentionPooling(features)
        self.interaction_layer = nn.Linear(features, features)
        self.linreg = nn.Linear(features, outputs)

    def forward(self, x):
        position = self.position_emb(self.folded).T  # (1, window)
        x = x + self.attention_layer(x + position) if hasattr(self, "attention_layer") else x + position
        x = torch.sigmoid(self.conv_motif(x) * self.conv_scale[:, None] + self.conv_bias)
        x = x.view(x.shape[0], x.shape[1] // 2, -1)  # both strands of a motif one after the other
        x = self.attentionpooling(x)
        x = x * torch.sigmoid(self.interaction_layer(x))
        return self.linreg(x)


def read_meme(path):
    """The motifs' probabilities, each (width, 4)."""
    motifs = []
    with (gzip.open if path.endswith(".gz") else open)(path, "rt") as file:
        rows = None
        for line in file:
            fields = line.split()
            if fields[:1] == ["letter-probability"]:
                rows = []
                motifs.append(rows)
            elif rows is not None and len(fields) == 4:
                rows.append([float(x) for x in fields])
            elif rows:
                rows = None
    return [np.array(rows) for rows in motifs]


def motif_kernels(motifs):
    """Channel 2k the motif, 2k+1 its reverse complement, each centred; four zero channels at the end."""
    width = max(len(m) for m in motifs)
    kernels = torch.zeros(2 * len(motifs) + 4, 4, width)
    for k, motif in enumerate(motifs):
        start = (width - len(motif)) // 2
        kernels[2 * k, :, start : start + len(motif)] = torch.from_numpy(motif.T)
        kernels[2 * k + 1, :, start : start + len(motif)] = torch.from_numpy(motif[::-1, ::-1].T.copy())
    return kernels


def check(folder):
    """The relative differences from the original's output and gradients."""
    from safetensors.torch import load_file

    with open(os.path.join(folder, "case.json")) as file:
        case = json.load(file)
    params = load_file(os.path.join(folder, "params.safetensors"))
    expected = load_file(os.path.join(folder, "expected.safetensors"))
    with open(os.path.join(folder, "sequences.tsv")) as file:
        sequences = [line.split()[1].upper() for line in file if line.strip()]
    x = torch.tensor([[[float(base == b) for base in s] for b in "ACGT"] for s in sequences], dtype=torch.float64)
    attention = ARCHITECTURES[case["architecture"]]
    net = Net(params["conv_motif.weight"], case["window"], case["outputs"], attention).double()
    net.load_state_dict(params)  # strict: the same names
    net.requires_grad_(True)
    output = net(x)
    error = {"output": (output - expected["output"]).norm() / expected["output"].norm()}
    signals = np.loadtxt(os.path.join(folder, "signals.tsv"), skiprows=1, usecols=range(1, case["outputs"] + 1))
    F.mse_loss(output, torch.from_numpy(signals)).backward()
    for name, p in net.named_parameters():
        reference = expected["grad." + name]
        error["grad." + name] = (p.grad - reference).norm()
        # The query's bias shifts all the scores under one softmax alike: its gradient is zero, what is left is rounding.
        if not name.endswith("toquery_bias"):
            error["grad." + name] /= reference.norm()
    return {name: float(e) for name, e in error.items()}


def measure(args):
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    torch.set_float32_matmul_precision("high" if args.precision == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = args.precision == "tf32"
    kernels = motif_kernels(read_meme(args.meme_file))
    net = Net(kernels, args.window_size, args.outputs, ARCHITECTURES[args.architecture]).to(args.device)
    net.conv_motif.weight.requires_grad_(args.unfreeze_conv)
    bases = torch.randint(4, (args.batch_size, args.window_size))
    x = F.one_hot(bases, 4).transpose(1, 2).float().contiguous().to(args.device)  # resident: feeding is not measured
    y = torch.randn(args.batch_size, args.outputs).to(args.device)
    optimizer = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], lr=1e-3)
    model = torch.compile(net) if args.compile else net
    mixed = torch.autocast(args.device, dtype=torch.bfloat16, enabled=args.precision == "bf16")

    def train():
        optimizer.zero_grad()
        with mixed:
            loss = F.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()

    def inference():
        with torch.no_grad(), mixed:
            model(x)

    def wait():
        if args.device == "cuda":
            torch.cuda.synchronize()

    net.train(args.mode == "train")
    step = train if args.mode == "train" else inference
    for _ in range(args.warm_up):
        step()
    times = []
    # A GPU is waited for as rarely as cisgrad waits for it.
    together = 64 if args.device == "cuda" else 1
    for _ in range(args.steps):
        wait()
        start = time.perf_counter()
        for _ in range(together):
            step()
        wait()
        times.append((time.perf_counter() - start) / together)
    rate = args.batch_size / float(np.median(times))
    if args.device == "cuda":
        peak = torch.cuda.max_memory_allocated() / 2**20
    else:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # kilobytes on Linux
    print("architecture\tmode\tsequences_per_s\tpeak_rss_mb")
    print(f"{args.architecture}\t{args.mode}\t{rate:.1f}\t{peak:.0f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", nargs="+", metavar="GOLDEN_DIR", help="compare with the original's numbers and stop")
    parser.add_argument("--architecture", choices=ARCHITECTURES, default=next(iter(ARCHITECTURES)))
    parser.add_argument("--mode", choices=["train", "inference"], default="train")
    parser.add_argument("--meme-file", "--meme", help="motifs, MEME text, gzip or not")
    parser.add_argument("--window-size", type=int, default=300)
    parser.add_argument("--outputs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=254)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--precision", choices=["f32", "tf32", "bf16"], default="f32")
    parser.add_argument("--compile", action="store_true", help="torch.compile the network")
    parser.add_argument("--unfreeze-conv", action="store_true", help="train the motif kernels too")
    parser.add_argument("--warm-up", type=int, default=2, help="steps that are not timed")
    parser.add_argument("--steps", type=int, default=5, help="timed steps (on a GPU runs of 64); the median counts")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.check:
        print("case\tnumber\trelative_error")
        failed = False
        for folder in args.check:
            for name, error in check(folder).items():
                print(f"{os.path.basename(os.path.normpath(folder))}\t{name}\t{error:.1e}")
                failed |= not error < 1e-12
        sys.exit("not below 1e-12" if failed else 0)
    if not args.meme_file:
        parser.error("--meme-file is needed")
    measure(args)


if __name__ == "__main__":
    main()
