// Attention pooling (src/ops/attention_pool), x (rows, C, R, L), weight (C, R), W = ceil(L / window) windows. A
// window's mask is m[l] = e^(s[l] - top) scale with the scores s[l] = sum_r weight[r] x[r, l], 0 beyond L.
//
// With R = 1, the usual, the scores are made from x wherever they are needed. Otherwise what they cost R numbers each
// to make is kept in `mask` and `slope`, (rows, C, L).
#include "lib/lines.cuh"

struct Pool {
    u32 lines, channels, depth, length, window, windows, keep, lanes;
};

// The score of a position of a channel: its R lines of x from there on, and the channel's weights.
template <bool ONE> DEV float score(const float* x, const float* weight, const Pool& p) {
    if (ONE) return *weight * *x;
    float sum = 0.f;
    for (u32 r = 0; r < p.depth; r++) sum += weight[r] * x[(u64)r * p.length];
    return sum;
}

template <bool ONE>
DEV void pool_forward(const float* __restrict__ x, const float* __restrict__ weight, float* __restrict__ y,
                      float* __restrict__ tops, float* __restrict__ scales, float* mask, const Pool& p) {
    const LineLane at = line_lane(p.lanes);
    const bool inside = at.line < p.lines;
    const u32 channel = at.line / p.windows;
    const u32 j = at.line % p.windows, first = j * p.window, width = min(p.window, p.length - first);
    const u32 end = inside ? width : 0, beyond = p.window - width, depth = ONE ? 1 : p.depth;
    x += (u64)channel * depth * p.length + first;
    weight += channel % p.channels * depth;
    float top = beyond ? 0.f : LOWEST;
#pragma unroll 4
    for (u32 l = at.lane; l < end; l += p.lanes) top = fmaxf(top, score<ONE>(x + l, weight, p));
    top = lanes_max(top, p.lanes);
    if (!ONE) mask += (u64)channel * p.length + first;
    float sum = 0.f, pooled = 0.f;
#pragma unroll 4
    for (u32 l = at.lane; l < end; l += p.lanes) {
        const float e = expf(score<ONE>(x + l, weight, p) - top);
        sum += e;
        if (ONE) pooled += e * x[l];
        else mask[l] = e;
    }
    const float scale = 1.f / (lanes_sum(sum, p.lanes) + (float)beyond * expf(-top));
    if (tops && inside && at.lane == 0) {
        tops[at.line] = top;
        scales[at.line] = scale;
    }
    const u32 out = p.keep ? p.length : p.windows, copies = !inside ? 0 : p.keep ? width : 1;
    y += (u64)channel * depth * out + (p.keep ? first : j);
    for (u32 r = 0; r < depth; r++) {
        if (!ONE) {
            pooled = 0.f;
#pragma unroll 4
            for (u32 l = at.lane; l < end; l += p.lanes) pooled += mask[l] * x[(u64)r * p.length + l];
        }
        const float value = lanes_sum(pooled, p.lanes) * scale;
        for (u32 l = at.lane; l < copies; l += p.lanes) y[(u64)r * out + l] = value;
    }
}

// A group of lanes for each window. tops and scales (rows, C, W), null where nothing runs backward; mask null with R =
// 1. `keep`: y has L positions, not W.
extern "C" __global__ void __launch_bounds__(256)
attention_pool_forward(const float* __restrict__ x, const float* __restrict__ weight, float* __restrict__ y,
                       float* __restrict__ tops, float* __restrict__ scales, u32 lines, u32 channels, u32 length,
                       u32 window, u32 windows, u32 keep, u32 lanes) {
    const Pool p = {lines, channels, 1, length, window, windows, keep, lanes};
    pool_forward<true>(x, weight, y, tops, scales, nullptr, p);
}

// R > 1
extern "C" __global__ void __launch_bounds__(256, 4)
attention_pool_joint_forward(const float* __restrict__ x, const float* __restrict__ weight, float* __restrict__ y,
                             float* __restrict__ tops, float* __restrict__ scales, float* mask, u32 lines, u32 channels,
                             u32 depth, u32 length, u32 window, u32 windows, u32 keep, u32 lanes) {
    const Pool p = {lines, channels, depth, length, window, windows, keep, lanes};
    pool_forward<false>(x, weight, y, tops, scales, mask, p);
}

// Where y has L positions: each window's sum of dy, (rows, C, R, W).
extern "C" __global__ void __launch_bounds__(256)
attention_pool_window_sums(const float* __restrict__ dy, float* __restrict__ sums, u32 lines, u32 length, u32 window,
                           u32 windows, u32 lanes) {
    const LineLane at = line_lane(lanes);
    const bool inside = at.line < lines;
    const u32 first = at.line % windows * window, end = inside ? min(window, length - first) : 0;
    dy += (u64)(at.line / windows) * length + first;
    float sum = 0.f;
#pragma unroll 4
    for (u32 l = at.lane; l < end; l += lanes) sum += dy[l];
    sum = lanes_sum(sum, lanes);
    if (inside && at.lane == 0) sums[at.line] = sum;
}

template <bool ONE>
DEV void pool_backward(const float* __restrict__ x, const float* __restrict__ weight, const float* __restrict__ y,
                       const float* __restrict__ dy, const float* __restrict__ tops, const float* __restrict__ scales,
                       float* __restrict__ dx, float* __restrict__ dweight, float* slope, const Pool& p) {
    const LineLane at = line_lane(p.lanes);
    const u32 end = at.line < p.lines ? p.length : 0, out = p.keep ? p.length : p.windows, depth = ONE ? 1 : p.depth;
    x += (u64)at.line * depth * p.length;
    weight += at.line % p.channels * depth;
    y += (u64)at.line * depth * out;
    dy += (u64)at.line * depth * p.windows;
    tops += (u64)at.line * p.windows;
    scales += (u64)at.line * p.windows;
    if (dx) dx += (u64)at.line * depth * p.length;
    if (!ONE && slope) slope += (u64)at.line * p.length;
    float sum = 0.f;
#pragma unroll 4
    for (u32 l = at.lane; l < end; l += p.lanes) {
        const u32 j = p.windows == 1 ? 0 : l / p.window, from = p.keep ? l : j;
        const float m = expf(score<ONE>(x + l, weight, p) - tops[j]) * scales[j];
        float ds = 0.f;
        for (u32 r = 0; r < depth; r++)
            ds += dy[(u64)r * p.windows + j] * (x[(u64)r * p.length + l] - y[(u64)r * out + from]);
        ds *= m;
        if (dx)
            for (u32 r = 0; r < depth; r++)
                dx[(u64)r * p.length + l] += dy[(u64)r * p.windows + j] * m + weight[r] * ds;
        if (ONE) sum += ds * x[l];
        else if (slope) slope[l] = ds;
    }
    if (!dweight) return;
    for (u32 r = 0; r < depth; r++) {
        if (!ONE) {
            sum = 0.f;
#pragma unroll 4
            for (u32 l = at.lane; l < end; l += p.lanes) sum += slope[l] * x[(u64)r * p.length + l];
        }
        const float all = lanes_sum(sum, p.lanes);
        if (end && at.lane == 0) dweight[(u64)at.line * depth + r] = all;
    }
}

// A group of lanes for each channel: ds = m sum_r dy[r] (x[r] - y[r]), dx += dy m + weight ds, and each row's part of
// the weight's gradient, sum_l ds x, to dweight (rows, C, R). dy of the windows, (rows, C, R, W); y as it was written.
// dx and dweight are null where nobody asks for them; slope too, and with R = 1.
extern "C" __global__ void __launch_bounds__(256)
attention_pool_backward(const float* __restrict__ x, const float* __restrict__ weight, const float* __restrict__ y,
                        const float* __restrict__ dy, const float* __restrict__ tops, const float* __restrict__ scales,
                        float* __restrict__ dx, float* __restrict__ dweight, u32 lines, u32 channels, u32 length,
                        u32 window, u32 windows, u32 keep, u32 lanes) {
    const Pool p = {lines, channels, 1, length, window, windows, keep, lanes};
    pool_backward<true>(x, weight, y, dy, tops, scales, dx, dweight, nullptr, p);
}

// R > 1
extern "C" __global__ void __launch_bounds__(256, 2)
attention_pool_joint_backward(const float* __restrict__ x, const float* __restrict__ weight,
                              const float* __restrict__ y, const float* __restrict__ dy, const float* __restrict__ tops,
                              const float* __restrict__ scales, float* __restrict__ dx, float* __restrict__ dweight,
                              float* slope, u32 lines, u32 channels, u32 depth, u32 length, u32 window, u32 windows,
                              u32 keep, u32 lanes) {
    const Pool p = {lines, channels, depth, length, window, windows, keep, lanes};
    pool_backward<false>(x, weight, y, dy, tops, scales, dx, dweight, slope, p);
}
