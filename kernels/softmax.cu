// Softmax along one axis (src/ops/softmax): lines along memory, or columns across it.
#include "lib/lines.cuh"

// x and y may be the same: a thread reads and writes the same numbers.
extern "C" __global__ void __launch_bounds__(256)
softmax_lines_forward(const float* x, float* y, u32 lines, u32 length, u32 lanes) {
    const LineLane at = line_lane(lanes);
    const u32 end = at.line < lines ? length : 0;
    x += (u64)at.line * length;
    y += (u64)at.line * length;
    float top = LOWEST, sum = 0.f;
#pragma unroll 4
    for (u32 l = at.lane; l < end; l += lanes) top = fmaxf(top, x[l]);
    top = lanes_max(top, lanes);
#pragma unroll 4
    for (u32 l = at.lane; l < end; l += lanes) sum += expf(x[l] - top);
    const float scale = 1.f / lanes_sum(sum, lanes);
#pragma unroll 4
    for (u32 l = at.lane; l < end; l += lanes) y[l] = expf(x[l] - top) * scale;
}

// dx += y (dy - sum dy y)
extern "C" __global__ void __launch_bounds__(256)
softmax_lines_backward(const float* __restrict__ y, const float* __restrict__ dy, float* __restrict__ dx, u32 lines,
                       u32 length, u32 lanes) {
    const LineLane at = line_lane(lanes);
    const u32 end = at.line < lines ? length : 0;
    y += (u64)at.line * length;
    dy += (u64)at.line * length;
    dx += (u64)at.line * length;
    float mean = 0.f;
#pragma unroll 4
    for (u32 l = at.lane; l < end; l += lanes) mean += dy[l] * y[l];
    mean = lanes_sum(mean, lanes);
#pragma unroll 4
    for (u32 l = at.lane; l < end; l += lanes) dx[l] += y[l] * (dy[l] - mean);
}

// 32 columns a block, eight threads a column, which each take every eighth number.
static constexpr u32 STRIPS = 8;

// The block's columns of (rows, outer, inner): where this thread's column starts.
struct Column {
    u32 lane, strip;
    bool inside;
    u64 start;
};
DEV Column column_of(u32 rows, u32 outer, u32 inner) {
    const u32 lane = threadIdx.x % 32, column = blockIdx.x * 32 + lane, row = column / inner;
    return {lane, threadIdx.x / 32, row < rows, (u64)row * outer * inner + column % inner};
}

// One pass for the maximum and the sum together: the sum is rescaled whenever the maximum grows.
extern "C" __global__ void __launch_bounds__(256)
softmax_columns_forward(const float* __restrict__ x, float* __restrict__ y, u32 rows, u32 outer, u32 inner) {
    __shared__ float tops[STRIPS][32], sums[STRIPS][32];
    const Column at = column_of(rows, outer, inner);
    const u32 end = at.inside ? outer : 0;
    x += at.start;
    y += at.start;
    float top = LOWEST, sum = 0.f;
#pragma unroll 4
    for (u32 a = at.strip; a < end; a += STRIPS) {
        const float v = x[(u64)a * inner], higher = fmaxf(top, v);
        sum = sum * expf(top - higher) + expf(v - higher);
        top = higher;
    }
    tops[at.strip][at.lane] = top;
    sums[at.strip][at.lane] = sum;
    __syncthreads();
    top = LOWEST;
    sum = 0.f;
#pragma unroll
    for (u32 i = 0; i < STRIPS; i++) top = fmaxf(top, tops[i][at.lane]);
#pragma unroll
    for (u32 i = 0; i < STRIPS; i++) sum += sums[i][at.lane] * expf(tops[i][at.lane] - top);
    const float scale = 1.f / sum;
#pragma unroll 4
    for (u32 a = at.strip; a < end; a += STRIPS) y[(u64)a * inner] = expf(x[(u64)a * inner] - top) * scale;
}

extern "C" __global__ void __launch_bounds__(256)
softmax_columns_backward(const float* __restrict__ y, const float* __restrict__ dy, float* __restrict__ dx, u32 rows,
                         u32 outer, u32 inner) {
    __shared__ float sums[STRIPS][32];
    const Column at = column_of(rows, outer, inner);
    const u32 end = at.inside ? outer : 0;
    y += at.start;
    dy += at.start;
    dx += at.start;
    float sum = 0.f;
#pragma unroll 4
    for (u32 a = at.strip; a < end; a += STRIPS) sum += dy[(u64)a * inner] * y[(u64)a * inner];
    sums[at.strip][at.lane] = sum;
    __syncthreads();
    float mean = 0.f;
#pragma unroll
    for (u32 i = 0; i < STRIPS; i++) mean += sums[i][at.lane];
#pragma unroll 4
    for (u32 a = at.strip; a < end; a += STRIPS) {
        const u64 i = (u64)a * inner;
        dx[i] += y[i] * (dy[i] - mean);
    }
}
