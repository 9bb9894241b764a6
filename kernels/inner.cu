// Inner product of a row (src/ops/inner): y = sum_i a[i] b[i], a block for each row.
#include "lib/elementwise.cuh"

extern "C" __global__ void __launch_bounds__(256)
    inner_forward(const float* __restrict__ a, u32 a_stride, const float* __restrict__ b, u32 b_stride,
                  float* __restrict__ y, u32 len) {
  const u64 row = blockIdx.x;
  a += row * a_stride;
  b += row * b_stride;
  const float sum = row_sum(len, [&](u32 i) { return a[i] * b[i]; });
  if (threadIdx.x == 0) y[row] = sum;
}

// da += dy b, db += dy a. Null: not asked for, or shared.
extern "C" __global__ void __launch_bounds__(256)
    inner_backward(const float* __restrict__ dy, const float* __restrict__ a, u32 a_stride, const float* __restrict__ b,
                   u32 b_stride, float* __restrict__ da, float* __restrict__ db, u32 len, u32 chunks) {
  each_element(len, chunks, [&](auto wide, u64 row, u32 i) {
    using V = decltype(wide);
    const float d = dy[row];
    if (da) V::at(da, row * len + i) += d * V::at(b, row * b_stride + i);
    if (db) V::at(db, row * len + i) += d * V::at(a, row * a_stride + i);
  });
}

// A shared factor's gradient sums over the rows; `other` is the other one.
extern "C" __global__ void __launch_bounds__(256)
    inner_backward_shared(const float* __restrict__ dy, const float* __restrict__ other, u32 other_stride,
                          float* __restrict__ into, u32 rows, u32 len) {
  sum_over_rows(into, rows, len, [&](u64 row, u32 i) { return dy[row] * other[row * other_stride + i]; });
}
