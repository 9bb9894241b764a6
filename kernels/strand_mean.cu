// Mean of both strands (src/ops/strand_mean): y (len) of x (2, len).
// A thread for each number, no shared memory; bound by its launch, 2 us predicted for an H200 and 100 rows.
#include "lib/elementwise.cuh"

extern "C" __global__ void __launch_bounds__(256)
    strand_mean_forward(const float* __restrict__ x, float* __restrict__ y, u32 len, u32 chunks) {
  each_number(len, chunks, [&](u64 row, u32 i) {
    const float* both = x + row * 2 * len + i;
    y[row * len + i] = 0.5f * (both[0] + both[len]);
  });
}

extern "C" __global__ void __launch_bounds__(256)
    strand_mean_backward(const float* __restrict__ dy, float* __restrict__ dx, u32 len, u32 chunks) {
  each_number(2 * len, chunks,
              [&](u64 row, u32 i) { dx[row * 2 * len + i] += 0.5f * dy[row * len + (i >= len ? i - len : i)]; });
}
