"""Writes model.best, with torch 2.6.0, numpy 1.26.4 and safetensors 0.5.3:  python make_tisfm.py

The weights of the golden case model_pos_calib_sigmoid (f64), as the original program's torch.save writes them.
"""

import os
from collections import OrderedDict

import torch
from safetensors.torch import load_file

os.chdir(os.path.dirname(os.path.abspath(__file__)))
state = load_file("../golden/tisfm/model_pos_calib_sigmoid/params.safetensors")
torch.save(OrderedDict(sorted(state.items())), "model.best")
