"""FactorNet's network in PyTorch, in the fastest form found on a CPU: the speed to compare `cargo bench --bench factornet` with.

    OMP_WAIT_POLICY=passive MALLOC_MMAP_THRESHOLD_=4000000000 MALLOC_TRIM_THRESHOLD_=8000000000 MALLOC_TOP_PAD_=268435456 \
        python3 factornet_torch.py w26_k32_r32 train 10 --threads 1

The layer of each position is a convolution of width 1 and the LSTM is torch.nn.LSTM, which has ordinary sigmoid gates and no
dropout of its own: the same work or less, not the same numbers. Data lie in memory, encoded; both strands are one batch.
Channels come last in memory (a fifth faster than Conv1d's order); products of unfolded windows and batches in parts were slower.
"""

import argparse
import resource
import time

import torch
from torch import nn

LENGTH, DENSE, TRACKS, BATCH = 1002, 128, 2, 100


class Network(nn.Module):
    def __init__(self, width, kernels, units):
        super().__init__()
        self.convolution = nn.Conv2d(4 + TRACKS, kernels, (1, width))
        self.positionwise = nn.Conv2d(kernels, kernels, 1)
        self.pool = nn.MaxPool2d((1, width // 2))
        self.lstm = nn.LSTM(kernels, units, batch_first=True, bidirectional=True)
        steps = (LENGTH - width + 1) // (width // 2)
        self.dense = nn.Linear(steps * 2 * units, DENSE)
        self.last = nn.Linear(DENSE, 1)
        self.early, self.late = nn.Dropout(0.1), nn.Dropout(0.5)

    def forward(self, both):
        x = self.early(torch.relu(self.convolution(both.unsqueeze(2))))
        x = self.pool(torch.relu(self.positionwise(x))).squeeze(2)
        x, _ = self.lstm(x.transpose(1, 2))
        x = torch.relu(self.dense(self.late(x).flatten(1)))
        p = torch.sigmoid(self.last(self.late(x)))
        return p.view(2, -1).mean(0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", help="w<motif width>_k<kernels>_r<LSTM units>")
    parser.add_argument("mode", choices=["train", "inference"])
    parser.add_argument("seconds", nargs="?", type=float, default=5.0)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    network = Network(*(int(part[1:]) for part in args.network.split("_"))).to(memory_format=torch.channels_last)
    # Bases as one-hot lines, then the tracks; the other strand reversed, its bases complemented.
    bases = nn.functional.one_hot(torch.randint(4, (BATCH, LENGTH)), 4).transpose(1, 2).float()
    tracks = torch.rand(BATCH, TRACKS, LENGTH)
    other = torch.cat([bases.flip(1), tracks], 1).flip(2)
    both = torch.cat([torch.cat([bases, tracks], 1), other])
    # Strides of the channels-last order, here so that no step pays for them: (strands, channels, positions).
    both = both.transpose(1, 2).contiguous().transpose(1, 2)
    target = torch.randint(2, (BATCH,)).float()
    optimizer = torch.optim.Adam(network.parameters(), fused=True)

    def train():
        optimizer.zero_grad()
        nn.functional.binary_cross_entropy(network(both), target).backward()
        optimizer.step()

    def inference():
        with torch.inference_mode():
            network(both)

    network.train(args.mode == "train")
    step = train if args.mode == "train" else inference
    for _ in range(2):
        step()
    times, started, used = [], time.perf_counter(), time.process_time()
    while len(times) < 5 or time.perf_counter() - started < args.seconds:
        before = time.perf_counter()
        step()
        times.append(time.perf_counter() - before)
    used = time.process_time() - used
    wall = BATCH / sorted(times)[len(times) // 2]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # kilobytes on Linux
    print("network\tmode\tsamples_per_s\tper_processor_s\tpeak_rss_mb")
    print(f"{args.network}\t{args.mode}\t{wall:.0f}\t{BATCH * len(times) / used:.0f}\t{peak:.0f}")


if __name__ == "__main__":
    main()
