// Sliding sums along lines, y[l] = sum_k w[k] x[l + k + shift], x 0 outside, and their gradients. A warp makes 128
// neighbouring sums, four neighbours a lane: for four taps it reads two vectors of shared memory and adds 16 products.
#pragma once
#include "lib/dev.cuh"

static constexpr u32 LINE_TILE = 128, LINE_TAPS = 64, LINE_WARPS = 4;

// Of one warp.
struct LineShared {
    __align__(16) float x[LINE_TILE + LINE_TAPS];
    __align__(16) float taps[LINE_TAPS];
};

struct Taps {
    const float* w;
    u32 width;
    bool reversed;
};

// Adds to this lane's four of the 128 sums; `at` is the place in x that the first sum's first tap meets.
DEV void correlate(float (&sum)[4], LineShared& s, const float* x, u32 length, const Taps& taps, i32 at) {
    const u32 lane = threadIdx.x % 32;
    const float4* x4 = reinterpret_cast<const float4*>(s.x);
    const float4* taps4 = reinterpret_cast<const float4*>(s.taps);
    for (u32 first = 0; first < taps.width; first += LINE_TAPS) {
        const u32 count = min(LINE_TAPS, taps.width - first), quads = (count + 3) / 4;
        __syncwarp();  // the last reads are done
        for (u32 i = lane; i < 4 * quads; i += 32) {
            const u32 k = first + i;
            s.taps[i] = i < count ? taps.w[taps.reversed ? taps.width - 1 - k : k] : 0.f;
        }
        for (u32 i = lane; i < LINE_TILE + 4 * quads; i += 32) {
            const i32 p = at + (i32)(first + i);
            s.x[i] = (u32)p < length ? x[p] : 0.f;
        }
        __syncwarp();
        float4 a = x4[lane];
#pragma unroll 2
        for (u32 q = 0; q < quads; q++) {
            const float4 b = x4[lane + q + 1], w = taps4[q];
            sum[0] += w.x * a.x + w.y * a.y + w.z * a.z + w.w * a.w;
            sum[1] += w.x * a.y + w.y * a.z + w.z * a.w + w.w * b.x;
            sum[2] += w.x * a.z + w.y * a.w + w.z * b.x + w.w * b.y;
            sum[3] += w.x * a.w + w.y * b.x + w.z * b.y + w.w * b.z;
            a = b;
        }
    }
}

// The warp's sums, neighbouring lanes neighbouring places: put(l, sum, i) for l = first + lane + 32 i below `length`.
template <class Put>
DEV void put_line(LineShared& s, const float (&sum)[4], u32 first, u32 length, const Put& put) {
    const u32 lane = threadIdx.x % 32;
    __syncwarp();
    reinterpret_cast<float4*>(s.x)[lane] = make_float4(sum[0], sum[1], sum[2], sum[3]);
    __syncwarp();
#pragma unroll
    for (u32 i = 0; i < LINE_TILE / 32; i++) {
        const u32 l = lane + 32 * i;
        if (first + l < length) put(first + l, s.x[l], i);
    }
}

// Lines that share a kernel: line i of x and of dy start i steps on.
struct LinePairs {
    const float *x, *dy;
    u64 x_step, dy_step;
    u32 length, out_length, lines;
    i32 shift;
};

// dw[k] = sum over lines and l of dy[l] x[l + k + shift] for 4 LAGS taps from `tap` on, in part number `part` of
// `parts` of the lines; and db, the sum of dy. Every lane holds all taps for four neighbouring l of a line's 128.
// put_tap(k, sum) and put_bias(sum) are called by one thread each.
template <u32 LAGS, class PutTap, class PutBias>
DEV void correlate_gradient(LineShared (&shared)[LINE_WARPS], float (&dy_shared)[LINE_WARPS][LINE_TILE],
                            const LinePairs& of, u32 tap, u32 width, u32 part, u32 parts, const PutTap& put_tap,
                            const PutBias& put_bias) {
    const u32 lane = threadIdx.x % 32, warp = threadIdx.x / 32, tiles = (of.out_length + LINE_TILE - 1) / LINE_TILE;
    float* xs = shared[warp].x;
    float* dys = dy_shared[warp];
    const float4* x4 = reinterpret_cast<const float4*>(xs);
    float sum[4 * LAGS] = {}, bias = 0.f;
    for (u32 unit = part * LINE_WARPS + warp; unit < of.lines * tiles; unit += parts * LINE_WARPS) {
        const u32 line = unit / tiles, first = (unit - line * tiles) * LINE_TILE;
        const float *x = of.x + line * of.x_step, *dy = of.dy + line * of.dy_step;
        const i32 at = (i32)(first + tap) + of.shift;
        __syncwarp();
#pragma unroll
        for (u32 i = lane; i < LINE_TILE; i += 32) dys[i] = first + i < of.out_length ? dy[first + i] : 0.f;
#pragma unroll
        for (u32 i = lane; i < LINE_TILE + 4 * LAGS; i += 32) {
            const i32 p = at + (i32)i;
            xs[i] = (u32)p < of.length ? x[p] : 0.f;
        }
        __syncwarp();
        const float4 d = reinterpret_cast<const float4*>(dys)[lane];
        float4 a = x4[lane];
#pragma unroll
        for (u32 q = 0; q < LAGS; q++) {
            const float4 b = x4[lane + q + 1];
            sum[4 * q] += d.x * a.x + d.y * a.y + d.z * a.z + d.w * a.w;
            sum[4 * q + 1] += d.x * a.y + d.y * a.z + d.z * a.w + d.w * b.x;
            sum[4 * q + 2] += d.x * a.z + d.y * a.w + d.z * b.x + d.w * b.y;
            sum[4 * q + 3] += d.x * a.w + d.y * b.x + d.z * b.y + d.w * b.z;
            a = b;
        }
        bias += d.x + d.y + d.z + d.w;
    }
    // Every warp's sums, in its own x.
    __syncwarp();
#pragma unroll
    for (u32 i = 0; i < 4 * LAGS; i++) {
        const float whole = warp_sum(sum[i]);
        if (lane == 0) xs[i] = whole;
    }
    bias = warp_sum(bias);
    if (lane == 0) xs[4 * LAGS] = bias;
    __syncthreads();
    const u32 i = threadIdx.x;
    if (i > 4 * LAGS) return;
    float all = 0.f;
#pragma unroll
    for (u32 w = 0; w < LINE_WARPS; w++) all += shared[w].x[i];
    if (i == 4 * LAGS) put_bias(all);
    else if (tap + i < width) put_tap(tap + i, all);
}
