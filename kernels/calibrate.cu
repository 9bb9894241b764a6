// A scale and an offset for each channel (src/ops/calibrate): y[c, l] = x[c, l] scale[c] + bias[c].
#include "lib/elementwise.cuh"
#include "lib/scaled_channels.cuh"

extern "C" __global__ void __launch_bounds__(256)
    calibrate_forward(const float* __restrict__ x, u32 x_stride, const float* __restrict__ scale, u32 scale_stride,
                      const float* __restrict__ bias, u32 bias_stride, float* __restrict__ y, u32 length, u32 len,
                      u32 chunks) {
  each_element(len, chunks, [&](auto wide, u64 row, u32 i) {
    using V = decltype(wide);
    V scaled = V::at(x, row * x_stride + i) * by_channel<V>(scale + row * scale_stride, i, length);
    if (bias) scaled += by_channel<V>(bias + row * bias_stride, i, length);
    V::at(y, row * len + i) = scaled;
  });
}

// dx += dy scale, and the sums over l of dy x and of dy.
extern "C" __global__ void __launch_bounds__(256)
    calibrate_backward(const float* __restrict__ dy, const float* __restrict__ x, u32 x_stride,
                       const float* __restrict__ scale, u32 scale_stride, float* __restrict__ dx, float* dscale,
                       u32 dscale_adds, float* dbias, u32 dbias_adds, u32 lines, u32 channels, u32 length) {
  scaled_channels_backward(dy, x, x_stride, scale, scale_stride, dx, {dscale, dscale_adds}, {dbias, dbias_adds}, lines,
                           channels, length);
}

// A shared x sums dy scale over the rows; without a scale, what each row has summed already.
extern "C" __global__ void __launch_bounds__(256)
    calibrate_backward_shared(const float* __restrict__ dy, const float* __restrict__ scale, u32 scale_stride,
                              u32 length, float* __restrict__ into, u32 rows, u32 len) {
  sum_over_rows(into, rows, len, [&](u64 row, u32 i) {
    const float d = dy[row * len + i];
    return scale ? d * scale[row * scale_stride + i / length] : d;
  });
}
