"""FactorNet's network in PyTorch, in the fastest form found on a CPU: the speed to compare `cargo bench --bench factornet` with.
On a GPU, where the LSTM is cuDNN's, what to compare `cisgrad bench --architecture factornet-k32-r32` with.

    OMP_WAIT_POLICY=passive MALLOC_MMAP_THRESHOLD_=4000000000 MALLOC_TRIM_THRESHOLD_=8000000000 MALLOC_TOP_PAD_=268435456 \
        python3 factornet_torch.py w26_k32_r32 train 10 --threads 1
    python3 factornet_torch.py w26_k32_r32 train 5 --device cuda --tracks 1 --length 1000 --precision bf16 --batch-size 1000

The layer of each position is a convolution of width 1 and the LSTM is torch.nn.LSTM, which has ordinary sigmoid gates and no
dropout of its own: the same work or less, not the same numbers. Data lie in memory (the GPU's), encoded; both strands are one batch.
Channels come last in memory (a fifth faster than Conv1d's order); products of unfolded windows and batches in parts were slower.
"""

import argparse
import resource
import time

import torch
from torch import nn

DENSE = 128
# Steps between two waits for a GPU: as seldom as cisgrad.
STRIDE = 64


class Network(nn.Module):
    def __init__(self, length, tracks, width, kernels, units):
        super().__init__()
        self.convolution = nn.Conv2d(4 + tracks, kernels, (1, width))
        self.positionwise = nn.Conv2d(kernels, kernels, 1)
        self.pool = nn.MaxPool2d((1, width // 2))
        self.lstm = nn.LSTM(kernels, units, batch_first=True, bidirectional=True)
        steps = (length - width + 1) // (width // 2)
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
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--precision", default="f32", choices=["f32", "bf16"], help="of matrix products")
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--length", type=int, default=1002)
    parser.add_argument("--tracks", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    device = torch.device(args.device)
    sizes = [int(part[1:]) for part in args.network.split("_")]
    network = Network(args.length, args.tracks, *sizes).to(device, memory_format=torch.channels_last)
    # Bases as one-hot lines, then the tracks; the other strand reversed, its bases complemented.
    batch, length = args.batch_size, args.length
    bases = nn.functional.one_hot(torch.randint(4, (batch, length)), 4).transpose(1, 2).float()
    tracks = torch.rand(batch, args.tracks, length)
    other = torch.cat([bases.flip(1), tracks], 1).flip(2)
    both = torch.cat([torch.cat([bases, tracks], 1), other]).to(device)
    # Strides of the channels-last order, here so that no step pays for them: (strands, channels, positions).
    both = both.transpose(1, 2).contiguous().transpose(1, 2)
    target = torch.randint(2, (batch,)).float().to(device)
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    half = torch.autocast(args.device, torch.bfloat16, enabled=args.precision == "bf16")

    def train():
        optimizer.zero_grad()
        with half:
            found = network(both)
        nn.functional.binary_cross_entropy(found.float(), target).backward()
        optimizer.step()

    def inference():
        with torch.inference_mode(), half:
            network(both)

    network.train(args.mode == "train")
    once = train if args.mode == "train" else inference
    stride = STRIDE if args.device == "cuda" else 1

    def step():
        for _ in range(stride):
            once()
        if args.device == "cuda":
            torch.cuda.synchronize()

    for _ in range(2):
        step()
    times, started, used = [], time.perf_counter(), time.process_time()
    while len(times) < 5 or time.perf_counter() - started < args.seconds:
        before = time.perf_counter()
        step()
        times.append(time.perf_counter() - before)
    used = time.process_time() - used
    rows = stride * batch
    wall = rows / sorted(times)[len(times) // 2]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # kilobytes on Linux
    print("network\tmode\tsamples_per_s\tper_processor_s\tpeak_rss_mb")
    print(f"{args.network}\t{args.mode}\t{wall:.0f}\t{rows * len(times) / used:.0f}\t{peak:.0f}")


if __name__ == "__main__":
    main()
