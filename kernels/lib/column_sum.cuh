// out[c] = sum over rows of x[row, c], or added to it, in a fixed order: 32 columns a block of 256 threads, eight threads a column.
#pragma once
#include "lib/dev.cuh"

DEV void column_sum(const float* __restrict__ x, float* __restrict__ out, u32 rows, u32 columns, u32 add) {
    __shared__ float part[8][33];
    const u32 lane = threadIdx.x % 32, strip = threadIdx.x / 32, c = blockIdx.x * 32 + lane;
    float sum = 0.f;
    if (c < columns)
        for (u32 r = strip; r < rows; r += 8) sum += x[(u64)r * columns + c];
    part[strip][lane] = sum;
    __syncthreads();
    if (strip == 0 && c < columns) {
        float all = 0.f;
#pragma unroll
        for (u32 i = 0; i < 8; i++) all += part[i][lane];
        out[c] = add ? out[c] + all : all;
    }
}
