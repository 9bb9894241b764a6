// Maximum over windows (src/ops/max_pool). Forward keeps the place of each window's first maximum, so that backward
// reads neither x nor all of a window.
#include "lib/divide.cuh"

// Elements of a block: four a thread, for one division.
static constexpr u32 SPAN = 1024;

// `first` is null where no backward run follows.
extern "C" __global__ void __launch_bounds__(256) max_pool_forward(
    const float* __restrict__ x, float* __restrict__ y, u32* __restrict__ first, u64 n, u32 length, u32 outputs,
    u32 window, u32 stride, u32 padding) {
    const u64 start = (u64)blockIdx.x * SPAN;
    const Lines lines = lines_from(start, outputs);
#pragma unroll
    for (u32 d = threadIdx.x; d < SPAN; d += 256) {
        if (start + d >= n) return;
        u32 j;
        const float* line = x + locate(lines, d, j) * length;
        const u32 low = j * stride, from = low > padding ? low - padding : 0, end = min(low + window - padding, length);
        u32 place = from;
        float largest = line[from], maximum = largest;
        for (u32 at = from + 1; at < end; at++) {
            const float v = line[at];
            maximum = fmaxf(maximum, v);
            if (v > largest) {
                largest = v;
                place = at;
            }
        }
        y[start + d] = maximum;
        if (first) first[start + d] = place;
    }
}

// dx[p] += dy of the windows whose first maximum is at p; n elements of dx.
extern "C" __global__ void __launch_bounds__(256) max_pool_backward(
    const u32* __restrict__ first, const float* __restrict__ dy, float* __restrict__ dx, u64 n, u32 length, u32 outputs,
    u32 window, u32 stride, u32 padding) {
    const u64 start = (u64)blockIdx.x * SPAN;
    const Lines lines = lines_from(start, length);
    const Divisor by_stride = divisor(stride);
#pragma unroll
    for (u32 d = threadIdx.x; d < SPAN; d += 256) {
        if (start + d >= n) return;
        u32 p;
        const u64 line = locate(lines, d, p) * outputs;
        u32 rest;
        const u32 padded = p + padding, last = min(divide(by_stride, padded, rest), outputs - 1);
        bool hit = false;
        float sum = 0.f;
        for (u32 j = padded < window ? 0 : divide(by_stride, padded - window, rest) + 1; j <= last; j++)
            if (first[line + j] == p) {
                sum += dy[line + j];
                hit = true;
            }
        if (hit) dx[start + d] += sum;
    }
}
