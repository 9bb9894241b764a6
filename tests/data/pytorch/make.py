"""Writes this folder's files, with torch 2.6.0, numpy 1.26.4 and safetensors 0.5.3:  python make.py

One small network with the original's parameter names. Its values are known in closed form (tests/numbers/state_dict computes
them again), exact in f16 and bf16, so that every file must hold the same numbers.
"""

import os
from collections import OrderedDict

import torch
from safetensors.torch import save_file

os.chdir(os.path.dirname(os.path.abspath(__file__)))


def tensor(start, *shape):
    """start, start + 1/4, start + 2/4, ..."""
    count = torch.Size(shape).numel()
    return (start + 0.25 * torch.arange(count, dtype=torch.float64)).reshape(shape)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv_motif = torch.nn.Conv1d(4, 2, 3, bias=False)
        self.linreg = torch.nn.Linear(2, 3)
        self.norm = torch.nn.BatchNorm1d(2)  # its num_batches_tracked is the i64 scalar


net = Net()
state = net.state_dict()
state["conv_motif.weight"] = tensor(-1, 2, 4, 3)
state["linreg.weight"] = tensor(0.5, 3, 2)
state["linreg.bias"] = tensor(-0.75, 3)
state["norm.num_batches_tracked"] = torch.tensor(2**40 + 1)
net.load_state_dict(state)

torch.save(net.state_dict(), "zip_f32.pt")
torch.save(net.state_dict(), "legacy_f32.pt", _use_new_zipfile_serialization=False)
save_file(net.state_dict(), "f32.safetensors", metadata={"format": "pt"})
net.double()
torch.save(net.state_dict(), "zip_f64.pt")
torch.save(net.state_dict(), "legacy_f64.pt", _use_new_zipfile_serialization=False)

# The narrow types, and what a state dict may hold besides contiguous tensors of its own: a transposed view, a slice that
# does not begin at its storage's start, two names for one storage, no elements at all.
whole = tensor(0, 4, 3).float()
other = OrderedDict(
    bf16=tensor(-1, 2, 3).bfloat16(),
    f16=tensor(-1, 2, 3).half(),
    i32=torch.tensor([-7, 2**31 - 1], dtype=torch.int32),
    u8=torch.tensor([0, 255], dtype=torch.uint8),
    bool=torch.tensor([True, False]),
    transposed=whole.t(),
    sliced=whole[2:],
    twice=whole,
    none=torch.zeros(0, 3),
)
torch.save(other, "zip_other.pt")
torch.save(other, "legacy_other.pt", _use_new_zipfile_serialization=False)
save_file({k: v.contiguous().clone() for k, v in other.items()}, "other.safetensors")

# Not state dicts, or not of numbers that we read.
torch.save({"epoch": 3, "lr": 0.1}, "no_tensor.pt")
torch.save({"complex": torch.zeros(2, dtype=torch.complex64)}, "complex.pt")
save_file({"narrow": torch.zeros(2, dtype=torch.float8_e4m3fn)}, "f8.safetensors")
