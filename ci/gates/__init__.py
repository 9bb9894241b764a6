"""Checks of the CUDA kernels that need no GPU; run by ci/kernels.py."""
