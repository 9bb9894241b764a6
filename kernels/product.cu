// Product, element by element or by channel (src/ops/product): y[i] = a[i] b[i / repeat].
#include "lib/elementwise.cuh"
#include "lib/scaled_channels.cuh"

template <class V>
DEV V factor(const float* b, u32 i, u32 repeat) {
  return repeat == 1 ? V::at(b, i) : by_channel<V>(b, i, repeat);
}

extern "C" __global__ void __launch_bounds__(256)
    product_forward(const float* __restrict__ a, u32 a_stride, const float* __restrict__ b, u32 b_stride,
                    float* __restrict__ y, u32 repeat, u32 len, u32 chunks) {
  each_element(len, chunks, [&](auto wide, u64 row, u32 i) {
    using V = decltype(wide);
    V::at(y, row * len + i) = V::at(a, row * a_stride + i) * factor<V>(b + row * b_stride, i, repeat);
  });
}

// Element by element: da += dy b, db += dy a. Null: not asked for, or shared.
extern "C" __global__ void __launch_bounds__(256)
    product_backward(const float* __restrict__ dy, const float* __restrict__ a, u32 a_stride,
                     const float* __restrict__ b, u32 b_stride, float* __restrict__ da, float* __restrict__ db, u32 len,
                     u32 chunks) {
  each_element(len, chunks, [&](auto wide, u64 row, u32 i) {
    using V = decltype(wide);
    const V d = V::at(dy, row * len + i);
    if (da) V::at(da, row * len + i) += d * V::at(b, row * b_stride + i);
    if (db) V::at(db, row * len + i) += d * V::at(a, row * a_stride + i);
  });
}

// By channel: da += dy b, and the sum over l of dy a.
extern "C" __global__ void __launch_bounds__(256)
    product_backward_channels(const float* __restrict__ dy, const float* __restrict__ a, u32 a_stride,
                              const float* __restrict__ b, u32 b_stride, float* __restrict__ da, float* db, u32 db_adds,
                              u32 lines, u32 channels, u32 length) {
  scaled_channels_backward(dy, a, a_stride, b, b_stride, da, {db, db_adds}, {nullptr, 0}, lines, channels, length);
}

// A shared factor's gradient sums dy `other` over the rows; without an `other`, what each row has summed already.
extern "C" __global__ void __launch_bounds__(256)
    product_backward_shared(const float* __restrict__ dy, const float* __restrict__ other, u32 other_stride, u32 repeat,
                            float* __restrict__ into, u32 rows, u32 len) {
  sum_over_rows(into, rows, len, [&](u64 row, u32 i) {
    const float d = dy[row * len + i];
    return other ? d * other[row * other_stride + i / repeat] : d;
  });
}
