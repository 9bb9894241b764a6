// Mean squared error of a row (src/ops/mse): y = sum_o (p[o] - t[o])^2 / O, a block for each row.
#include "lib/elementwise.cuh"

extern "C" __global__ void __launch_bounds__(256)
    mse_forward(const float* __restrict__ p, u32 p_stride, const float* __restrict__ t, u32 t_stride,
                float* __restrict__ y, u32 len) {
  const u64 row = blockIdx.x;
  p += row * p_stride;
  t += row * t_stride;
  const float squares = row_sum(len, [&](u32 i) {
    const float error = p[i] - t[i];
    return error * error;
  });
  if (threadIdx.x == 0) y[row] = squares / (float)len;
}

// dp += slope dy (p - t), dt -= the same; slope = 2 / O. Null: not asked for, or shared.
extern "C" __global__ void __launch_bounds__(256)
    mse_backward(const float* __restrict__ dy, const float* __restrict__ p, u32 p_stride, const float* __restrict__ t,
                 u32 t_stride, float* __restrict__ dp, float* __restrict__ dt, float slope, u32 len, u32 chunks) {
  each_element(len, chunks, [&](auto wide, u64 row, u32 i) {
    using V = decltype(wide);
    const V d = slope * dy[row] * (V::at(p, row * p_stride + i) - V::at(t, row * t_stride + i));
    if (dp) V::at(dp, row * len + i) += d;
    if (dt) V::at(dt, row * len + i) += -1.f * d;
  });
}

// A shared p or t (with -slope) sums over the rows.
extern "C" __global__ void __launch_bounds__(256)
    mse_backward_shared(const float* __restrict__ dy, const float* __restrict__ p, u32 p_stride,
                        const float* __restrict__ t, u32 t_stride, float* __restrict__ into, float slope, u32 rows,
                        u32 len) {
  sum_over_rows(into, rows, len,
                [&](u64 row, u32 i) { return slope * dy[row] * (p[row * p_stride + i] - t[row * t_stride + i]); });
}

// Weighted: y = sum_o w[o] (p[o] - t[o])^2 / O. A row of `target` is its O targets, then their O weights, which begin at any
// place: they are read one by one.
extern "C" __global__ void __launch_bounds__(256)
    mse_weighted_forward(const float* __restrict__ p, u32 p_stride, const float* __restrict__ target,
                         float* __restrict__ y, u32 len) {
  const u64 row = blockIdx.x;
  p += row * p_stride;
  target += 2 * row * len;
  const float squares = row_sum(len, [&](u32 i) {
    const float error = p[i] - target[i];
    return target[len + i] * (error * error);
  });
  if (threadIdx.x == 0) y[row] = squares / (float)len;
}

// dp += slope dy w (p - t); slope = 2 / O.
extern "C" __global__ void __launch_bounds__(256)
    mse_weighted_backward(const float* __restrict__ dy, const float* __restrict__ p, u32 p_stride,
                          const float* __restrict__ target, float* __restrict__ dp, float slope, u32 len, u32 chunks) {
  each_number(len, chunks, [&](u64 row, u32 i) {
    const float* own = target + 2 * row * len;
    dp[row * len + i] += slope * dy[row] * (own[len + i] * (p[row * p_stride + i] - own[i]));
  });
}

// A shared p sums over the rows.
extern "C" __global__ void __launch_bounds__(256)
    mse_weighted_backward_shared(const float* __restrict__ dy, const float* __restrict__ p,
                                 const float* __restrict__ target, float* __restrict__ dp, float slope, u32 rows,
                                 u32 len) {
  sum_over_rows(dp, rows, len, [&](u64 row, u32 i) {
    const float* own = target + 2 * row * len;
    return slope * dy[row] * (own[len + i] * (p[i] - own[i]));
  });
}
