// Mixture of two values by a third (src/ops/blend): y = z a + (1 - z) b.
#include "lib/elementwise.cuh"

extern "C" __global__ void __launch_bounds__(256)
    blend_forward(const float* __restrict__ z, u32 z_stride, const float* __restrict__ a, u32 a_stride,
                  const float* __restrict__ b, u32 b_stride, float* __restrict__ y, u32 len, u32 chunks) {
  each_element(len, chunks, [&](auto wide, u64 row, u32 i) {
    using V = decltype(wide);
    const V share = V::at(z, row * z_stride + i), rest = V::made([&](u32 k) { return 1.f - share.e[k]; });
    V::at(y, row * len + i) = share * V::at(a, row * a_stride + i) + rest * V::at(b, row * b_stride + i);
  });
}

// dz += dy (a - b), da += dy z, db += dy (1 - z). Null: not asked for, or shared.
extern "C" __global__ void __launch_bounds__(256)
    blend_backward(const float* __restrict__ dy, const float* __restrict__ z, u32 z_stride, const float* __restrict__ a,
                   u32 a_stride, const float* __restrict__ b, u32 b_stride, float* __restrict__ dz,
                   float* __restrict__ da, float* __restrict__ db, u32 len, u32 chunks) {
  each_element(len, chunks, [&](auto wide, u64 row, u32 i) {
    using V = decltype(wide);
    const u64 at = row * len + i;
    const V d = V::at(dy, at), share = V::at(z, row * z_stride + i);
    if (dz) V::at(dz, at) += d * (V::at(a, row * a_stride + i) - V::at(b, row * b_stride + i));
    if (da) V::at(da, at) += d * share;
    if (db) V::at(db, at) += d * V::made([&](u32 k) { return 1.f - share.e[k]; });
  });
}

// The gradient of a shared input (0 z, 1 a, 2 b) sums over the rows.
extern "C" __global__ void __launch_bounds__(256)
    blend_backward_shared(const float* __restrict__ dy, const float* __restrict__ z, u32 z_stride,
                          const float* __restrict__ a, u32 a_stride, const float* __restrict__ b, u32 b_stride,
                          float* __restrict__ into, u32 which, u32 rows, u32 len) {
  sum_over_rows(into, rows, len, [&](u64 row, u32 i) {
    const float d = dy[row * len + i];
    if (which == 0) return d * (a[row * a_stride + i] - b[row * b_stride + i]);
    const float share = z[row * z_stride + i];
    return d * (which == 1 ? share : 1.f - share);
  });
}
