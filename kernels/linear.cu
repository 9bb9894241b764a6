// Fully connected layer (src/ops/linear) on `lines` lines of numbers. Its weight lies as (outputs, inputs) or as (inputs,
// outputs): the forward product of one layout is the product of the other's gradient towards x.
//
// A block makes a tile of 64 x 64 or 128 x 32 numbers (lib/gemm.cuh). Where that would be too few blocks, the sum of each number is
// cut into parts, one for each blockIdx.y: they are written side by side and added in their order by linear_sum_parts, so that the result
// does not depend on which block ends first. Bound by the rate of instructions: some 600 of each warp for 16 terms of a tile, of
// which 48 are products on tensor cores in f32. Predicted for an H200, 200 lines of 4,800 numbers to 128: 10 us, gradients 14 us.
#include "lib/column_sum.cuh"
#include "lib/gemm.cuh"

// A number of a product, in its place or added to what is there.
DEV void linear_put(float* y, u64 at, float sum, u32 add) {
    if (add) y[at] += sum;
    else y[at] = sum;
}

// y (lines x columns) = a (lines x depth) b^T + bias, b (columns x depth); terms part x part_depth and on of each sum.
extern "C" __global__ void __launch_bounds__(128) linear_times_transposed(
    const float* __restrict__ a, const float* __restrict__ b, const float* __restrict__ bias, float* __restrict__ y, u32 lines,
    u32 columns, u32 depth, u32 part_depth, u32 add, u32 bf16) {
    const u32 first = blockIdx.y * part_depth, count = min(part_depth, depth - first);
    y += (u64)blockIdx.y * lines * columns;
    const Matrix of_a{a + first, depth, 1}, of_b{b + first, depth, 1};
    __shared__ GemmEither s;
    gemm_either<true, true>(s, bf16, of_a, of_b, lines, columns, count, blockIdx.x, [&](u32 line, u32 column, float sum) {
        linear_put(y, (u64)line * columns + column, bias ? sum + bias[column] : sum, add);
    });
}

// y (lines x columns) = a (lines x depth) b + bias, b (depth x columns)
extern "C" __global__ void __launch_bounds__(128) linear_times(
    const float* __restrict__ a, const float* __restrict__ b, const float* __restrict__ bias, float* __restrict__ y, u32 lines,
    u32 columns, u32 depth, u32 part_depth, u32 add, u32 bf16) {
    const u32 first = blockIdx.y * part_depth, count = min(part_depth, depth - first);
    y += (u64)blockIdx.y * lines * columns;
    const Matrix of_a{a + first, depth, 1}, of_b{b + (u64)first * columns, 1, columns};
    __shared__ GemmEither s;
    gemm_either<true, false>(s, bf16, of_a, of_b, lines, columns, count, blockIdx.x, [&](u32 line, u32 column, float sum) {
        linear_put(y, (u64)line * columns + column, bias ? sum + bias[column] : sum, add);
    });
}

// dW (across x along) (+)= a^T b, a sum over lines: a (lines x across), b (lines x along)
extern "C" __global__ void __launch_bounds__(128) linear_backward_weight(
    const float* __restrict__ a, const float* __restrict__ b, float* __restrict__ dw, u32 lines, u32 across, u32 along,
    u32 part_lines, u32 add, u32 bf16) {
    const u32 first = blockIdx.y * part_lines, count = min(part_lines, lines - first);
    dw += (u64)blockIdx.y * across * along;
    const Matrix of_a{a + (u64)first * across, 1, across}, of_b{b + (u64)first * along, 1, along};
    __shared__ GemmEither s;
    gemm_either<false, false>(s, bf16, of_a, of_b, across, along, count, blockIdx.x,
                              [&](u32 i, u32 j, float sum) { linear_put(dw, (u64)i * along + j, sum, add); });
}

// db (+)= the sum of the lines of a part: 32 outputs a block.
extern "C" __global__ void __launch_bounds__(256) linear_backward_bias(const float* __restrict__ dy, float* __restrict__ db,
                                                                       u32 lines, u32 outputs, u32 part_lines, u32 add) {
    const u32 first = blockIdx.y * part_lines;
    const float* from = dy + (u64)first * outputs;
    column_sum(from, db + (u64)blockIdx.y * outputs, min(part_lines, lines - first), outputs, add);
}

// y (+)= the sum of `count` parts of n numbers in their order, + bias (or null) of n / columns lines: a thread for each number.
extern "C" __global__ void __launch_bounds__(256) linear_sum_parts(const float* __restrict__ parts, const float* __restrict__ bias,
                                                                   float* __restrict__ y, u64 n, u32 columns, u32 count, u32 add) {
    const u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float sum = bias ? bias[i % columns] : 0.f;
#pragma unroll 4
    for (u32 part = 0; part < count; part++) sum += parts[part * n + i];
    linear_put(y, i, sum, add);
}
