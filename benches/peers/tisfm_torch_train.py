"""Trains the network of tisfm_torch.py in PyTorch by the original program's rules: the accuracy of `cisgrad tisfm train` has this
for a peer, seed against seed.

    python tisfm_torch_train.py --meme-file M.meme.gz --sequences S.list.gz --atac-file T.tsv.gz --split-folder D --seed 1

Rules: every Linear starts at PyTorch's default, then its weights at U(+-sqrt(6 / fan_in)) where it is a child of the model itself;
the position scalars at N(0, 1); scale 1 and bias 0; AdamW at 0.001, motif kernels frozen; the rate is cut to a tenth when the
validation loss has not improved by 1e-4 of itself for more than 10 epochs. One TSV line an epoch: losses over all rows of a
split, and Pearson's correlation on the test rows for each output.
"""

import argparse
import gzip
import os
import time

import numpy as np
import torch
import torch.nn.functional as F
from tisfm_torch import ARCHITECTURES, Net, motif_kernels, read_meme


def text(path):
    return (gzip.open if path.endswith(".gz") else open)(path, "rt")


def read(args):
    with text(args.sequences) as file:
        sequences = dict(line.split()[:2] for line in file if line.strip())
    with text(args.atac_file) as file:
        next(file)
        rows = [line.split() for line in file if line.strip()]
    codes = np.array([["ACGT".find(b) for b in sequences[row[0]].upper()] for row in rows], dtype=np.int64)
    assert (codes >= 0).all(), "this peer knows A, C, G and T only"
    signals = np.array([row[1:] for row in rows], dtype=np.float32)
    split = {s: np.load(os.path.join(args.split_folder, f"{s}_split.npy")) for s in ("train", "validation", "test")}
    return torch.from_numpy(codes), torch.from_numpy(signals), split


def start(net):
    """The rules of the original for the model's direct children; attention tensors keep what their constructor gave them."""
    for child in net.children():
        if isinstance(child, torch.nn.Linear):
            bound = (6 / child.in_features) ** 0.5
            torch.nn.init.uniform_(child.weight, -bound, bound)


def one_hot(codes):
    return F.one_hot(codes, 4).transpose(1, 2).float().contiguous()


def evaluate(net, codes, signals, rows, batch):
    with torch.no_grad():
        out = torch.cat([net(one_hot(codes[rows[i : i + batch]])) for i in range(0, len(rows), batch)])
    return out.double().numpy(), signals[rows].double().numpy()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--meme-file", "--sequences", "--atac-file", "--split-folder"):
        parser.add_argument(name, required=True)
    parser.add_argument("--architecture", choices=ARCHITECTURES, default="model_pos_attention_calib_sigmoid_interaction")
    parser.add_argument("--number-of-epochs", type=int, default=30)
    parser.add_argument("--batch-size", type=int, default=254)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    codes, signals, split = read(args)
    kernels = motif_kernels(read_meme(args.meme_file))
    net = Net(kernels, codes.shape[1], signals.shape[1], ARCHITECTURES[args.architecture])
    start(net)
    optimizer = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], lr=args.lr)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.1, patience=10)
    print("epoch\ttrain_loss\tvalidation_loss\ttest_loss\ttest_r\tlr\tseconds", flush=True)
    for epoch in range(1, args.number_of_epochs + 1):
        began = time.perf_counter()
        net.train()
        order = split["train"][torch.randperm(len(split["train"])).numpy()]
        losses = []
        for i in range(0, len(order), args.batch_size):
            rows = order[i : i + args.batch_size]
            optimizer.zero_grad()
            loss = F.mse_loss(net(one_hot(codes[rows])), signals[rows])
            loss.backward()
            optimizer.step()
            losses.append((loss.item(), len(rows)))
        net.eval()
        predicted, observed = evaluate(net, codes, signals, split["validation"], args.batch_size)
        validation = ((predicted - observed) ** 2).mean()
        predicted, observed = evaluate(net, codes, signals, split["test"], args.batch_size)
        test = ((predicted - observed) ** 2).mean()
        r = [np.corrcoef(predicted[:, i], observed[:, i])[0, 1] for i in range(observed.shape[1])]
        train = sum(a * n for a, n in losses) / sum(n for _, n in losses)
        rate = optimizer.param_groups[0]["lr"]
        schedule.step(validation)
        print(
            f"{epoch}\t{train:.5f}\t{validation:.5f}\t{test:.5f}\t{' / '.join(f'{x:.3f}' for x in r)}\t{rate:g}"
            f"\t{time.perf_counter() - began:.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
