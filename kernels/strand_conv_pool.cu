// What strand_conv_pool (src/ops/strand_conv_pool) has beside the convolution's kernels and linear's: maxima behind the layer of
// each position. A line is a strand of a row; neighbouring threads have neighbouring kernels.
#include "lib/elementwise.cuh"
#include "lib/window_maximum.cuh"

// y (lines, windows, kernels) = the largest of u (lines, positions, kernels) under a window, at least 0; `first` (null where no
// backward run follows) its first place in the window.
extern "C" __global__ void __launch_bounds__(256)
    strand_conv_pool_maximum(const float* __restrict__ u, float* __restrict__ y, u32* __restrict__ first, u32 positions,
                             u32 kernels, u32 windows, u32 pool, u32 chunks) {
  const u32 len = windows * kernels;
  each_number(len, chunks, [&](u64 line, u32 i) {
    const u32 j = i / kernels, f = i - j * kernels;
    const float* at = u + (line * positions + (u64)j * pool) * kernels + f;
    const WindowMaximum found = window_maximum(at, pool, kernels);
    y[line * len + i] = fmaxf(found.largest, 0.f);
    if (first) first[line * len + i] = found.place;
  });
}

// du = dy at each maximum above 0, and 0 elsewhere, written whole.
extern "C" __global__ void __launch_bounds__(256)
    strand_conv_pool_spread(const u32* __restrict__ first, const float* __restrict__ y, const float* __restrict__ dy,
                            float* __restrict__ du, u32 positions, u32 kernels, u32 windows, u32 pool, u32 chunks) {
  each_number(positions * kernels, chunks, [&](u64 line, u32 i) {
    const u32 p = i / kernels, f = i - p * kernels, j = p / pool;
    const u64 from = (line * windows + j) * kernels + f;
    const bool here = j < windows && first[from] == p - j * pool && y[from] > 0.f;
    du[line * positions * kernels + i] = here ? dy[from] : 0.f;
  });
}
