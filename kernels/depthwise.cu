// Convolutions of lines by kernels of their own: src/ops/depthwise, depthwise_transposed and shared_conv are one
// formula. Line n of y belongs to line n / filters of x and to kernel n % kernels:
//   y[n, l] = b[n % kernels] + sum_k w[n % kernels, k] x[n / filters, l + k + shift]
// with w read backwards where `reversed`, and x 0 outside.
#include "lib/column_sum.cuh"
#include "lib/correlate.cuh"

// Warp number of the grid: a warp makes a tile of a line.
DEV u32 warp_of_grid() { return blockIdx.x * LINE_WARPS + threadIdx.x / 32; }

extern "C" __global__ void __launch_bounds__(128) depthwise_forward(
    const float* __restrict__ x, const float* __restrict__ w, const float* __restrict__ bias, float* __restrict__ y,
    u32 lines, u32 filters, u32 kernels, u32 length, u32 out_length, u32 width, i32 shift, u32 reversed) {
    __shared__ LineShared shared[LINE_WARPS];
    LineShared& s = shared[threadIdx.x / 32];
    const u32 tiles = (out_length + LINE_TILE - 1) / LINE_TILE;
    const u32 n = warp_of_grid() / tiles, first = warp_of_grid() % tiles * LINE_TILE, kernel = n % kernels;
    if (n >= lines) return;
    float sum[4] = {};
    const float* line = x + (u64)(n / filters) * length;
    correlate(sum, s, line, length, {w + kernel * width, width, reversed != 0}, (i32)first + shift);
    const float b = bias ? bias[kernel] : 0.f;
    put_line(s, sum, first, out_length, [&](u32 l, float v, u32) { y[(u64)n * out_length + l] = v + b; });
}

// dx[m, p] += sum over its lines n of y, and k, of w[n % kernels, k] dy[n, p - k - shift]; m counts `lines` of x.
extern "C" __global__ void __launch_bounds__(128, 8) depthwise_backward_input(
    const float* __restrict__ dy, const float* __restrict__ w, float* __restrict__ dx, u32 lines, u32 filters,
    u32 kernels, u32 length, u32 out_length, u32 width, i32 shift, u32 reversed) {
    __shared__ LineShared shared[LINE_WARPS];
    LineShared& s = shared[threadIdx.x / 32];
    const u32 tiles = (length + LINE_TILE - 1) / LINE_TILE;
    const u32 m = warp_of_grid() / tiles, first = warp_of_grid() % tiles * LINE_TILE;
    if (m >= lines) return;
    // Read early: all the products hide it.
    float old[LINE_TILE / 32];
#pragma unroll
    for (u32 i = 0; i < LINE_TILE / 32; i++) {
        const u32 p = first + threadIdx.x % 32 + 32 * i;
        old[i] = p < length ? dx[(u64)m * length + p] : 0.f;
    }
    float sum[4] = {};
    const i32 at = (i32)first - (i32)(width - 1) - shift;
    for (u32 n = m * filters; n < (m + 1) * filters; n++)
        correlate(sum, s, dy + (u64)n * out_length, out_length, {w + n % kernels * width, width, reversed == 0}, at);
    put_line(s, sum, first, length, [&](u32 p, float v, u32 i) { dx[(u64)m * length + p] = old[i] + v; });
}

// Parts of dw (parts x kernels x width) and, if not null, of db (parts x kernels). The grid is, innermost first:
// 4 `lags` taps, kernel, part; lags is 4 or 8.
extern "C" __global__ void __launch_bounds__(128) depthwise_backward_weight(
    const float* __restrict__ x, const float* __restrict__ dy, float* __restrict__ dw, float* __restrict__ db,
    u32 lines, u32 filters, u32 kernels, u32 length, u32 out_length, u32 width, i32 shift, u32 reversed, u32 lags,
    u32 parts) {
    __shared__ LineShared shared[LINE_WARPS];
    __shared__ __align__(16) float dy_shared[LINE_WARPS][LINE_TILE];
    const u32 chunks = (width + 4 * lags - 1) / (4 * lags), kernel = blockIdx.x / chunks % kernels;
    const u32 tap = blockIdx.x % chunks * 4 * lags, part = blockIdx.x / chunks / kernels;
    const LinePairs of = {x + (u64)(kernel / filters) * length, dy + (u64)kernel * out_length,
                          (u64)(kernels / filters) * length, (u64)kernels * out_length, length, out_length,
                          lines / kernels, shift};
    const u64 row = (u64)part * kernels + kernel;
    const auto put_tap = [&](u32 k, float sum) { dw[row * width + (reversed ? width - 1 - k : k)] = sum; };
    const auto put_bias = [&](float sum) {
        if (tap == 0 && db) db[row] = sum;
    };
    if (lags == 4) correlate_gradient<4>(shared, dy_shared, of, tap, width, part, parts, put_tap, put_bias);
    else correlate_gradient<8>(shared, dy_shared, of, tap, width, part, parts, put_tap, put_bias);
}

// out[i] += the sum of its parts.
extern "C" __global__ void __launch_bounds__(256) depthwise_sum_parts(
    const float* __restrict__ parts, float* __restrict__ out, u32 rows, u32 columns) {
    column_sum(parts, out, rows, columns, 1);
}
