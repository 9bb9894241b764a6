// Binary cross-entropy of a row's probabilities (src/ops/binary_cross_entropy): a block for each row,
// its sum through registers and shared memory. Bound by its launch, 2 us predicted for an H200 and 100 rows.
#include "lib/elementwise.cuh"

static constexpr float CLIP_LOW = 1e-7f, CLIP_HIGH = 0.9999999f;

DEV float clip(float p) { return p < CLIP_LOW ? CLIP_LOW : p > CLIP_HIGH ? CLIP_HIGH : p; }

extern "C" __global__ void __launch_bounds__(256)
    binary_cross_entropy_forward(const float* __restrict__ p, u32 p_stride, const float* __restrict__ t, u32 t_stride,
                                 float* __restrict__ y, u32 len) {
  const u64 row = blockIdx.x;
  p += row * p_stride;
  t += row * t_stride;
  const float sum = row_sum(len, [&](u32 i) {
    const float q = clip(p[i]);
    return t[i] * logf(q) + (1.f - t[i]) * logf(1.f - q);
  });
  if (threadIdx.x == 0) y[row] = -sum / (float)len;
}

// The gradient of one probability but for the row's dy / O; 0 beyond a bound.
DEV float cross_entropy_slope(float p, float t) {
  return p < CLIP_LOW || p > CLIP_HIGH ? 0.f : (1.f - t) / (1.f - p) - t / p;
}

extern "C" __global__ void __launch_bounds__(256)
    binary_cross_entropy_backward(const float* __restrict__ dy, const float* __restrict__ p, u32 p_stride,
                                  const float* __restrict__ t, u32 t_stride, float* __restrict__ dp, float share,
                                  u32 len, u32 chunks) {
  each_number(len, chunks, [&](u64 row, u32 i) {
    dp[row * len + i] += share * dy[row] * cross_entropy_slope(p[row * p_stride + i], t[row * t_stride + i]);
  });
}

// A p that all rows share sums over them.
extern "C" __global__ void __launch_bounds__(256)
    binary_cross_entropy_backward_shared(const float* __restrict__ dy, const float* __restrict__ p,
                                         const float* __restrict__ t, u32 t_stride, float* __restrict__ dp, float share,
                                         u32 rows, u32 len) {
  sum_over_rows(dp, rows, len,
                [&](u64 row, u32 i) { return share * dy[row] * cross_entropy_slope(p[i], t[row * t_stride + i]); });
}
