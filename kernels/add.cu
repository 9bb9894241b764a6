// Sum of two values (src/ops/add): y = a + b.
#include "lib/elementwise.cuh"

extern "C" __global__ void __launch_bounds__(256)
    add_forward(const float* __restrict__ a, u32 a_stride, const float* __restrict__ b, u32 b_stride,
                float* __restrict__ y, u32 len, u32 chunks) {
  each_element(len, chunks, [&](auto wide, u64 row, u32 i) {
    using V = decltype(wide);
    V::at(y, row * len + i) = V::at(a, row * a_stride + i) + V::at(b, row * b_stride + i);
  });
}

// da += dy, db += dy. Null: not asked for, or shared.
extern "C" __global__ void __launch_bounds__(256)
    add_backward(const float* __restrict__ dy, float* __restrict__ da, float* __restrict__ db, u32 len, u32 chunks) {
  each_element(len, chunks, [&](auto wide, u64 row, u32 i) {
    using V = decltype(wide);
    const V d = V::at(dy, row * len + i);
    if (da) V::at(da, row * len + i) += d;
    if (db) V::at(db, row * len + i) += d;
  });
}

// A shared one's gradient sums over the rows.
extern "C" __global__ void __launch_bounds__(256)
    add_backward_shared(const float* __restrict__ dy, float* __restrict__ into, u32 rows, u32 len) {
  sum_over_rows(into, rows, len, [&](u64 row, u32 i) { return dy[row * len + i]; });
}
