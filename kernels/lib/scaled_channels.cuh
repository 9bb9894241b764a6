// Gradients of y[row, c, l] = x[row, c, l] scale[row, c] + bias[row, c]: a warp for each line (row, c), so that dy and
// x are read once. Whatever is null is not asked for.
#pragma once
#include "lib/dev.cuh"

// One number of each line: added to a gradient that has a row of its own, else written, to be summed over rows later.
struct LineSum {
    float* to;
    u32 adds;
};

DEV void put(const LineSum& sum, u32 line, float value) {
    if (sum.to) sum.to[line] = sum.adds ? sum.to[line] + value : value;
}

DEV void scaled_channels_backward(const float* __restrict__ dy, const float* __restrict__ x, u32 x_stride,
                                  const float* __restrict__ scale, u32 scale_stride, float* __restrict__ dx,
                                  LineSum dscale, LineSum dbias, u32 lines, u32 channels, u32 length) {
    const u32 lane = threadIdx.x % 32, line = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
    if (line >= lines) return;
    const u32 row = line / channels, c = line % channels;
    dy += (u64)line * length;
    x += (u64)row * x_stride + (u64)c * length;
    const float factor = dx ? scale[(u64)row * scale_stride + c] : 0.f;
    if (dx) dx += (u64)line * length;
    float with_x = 0.f, alone = 0.f;
#pragma unroll 4
    for (u32 l = lane; l < length; l += 32) {
        const float d = dy[l];
        if (dx) dx[l] += d * factor;
        if (dscale.to) with_x += d * x[l];
        alone += d;
    }
    with_x = warp_sum(with_x);
    alone = warp_sum(alone);
    if (lane == 0) {
        put(dscale, line, with_x);
        put(dbias, line, alone);
    }
}
