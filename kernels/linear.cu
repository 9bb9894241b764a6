// Fully connected layer (src/ops/linear) on `lines` lines of numbers. Its weight lies as (outputs, inputs) or as (inputs,
// outputs): the forward product of one layout is the product of the other's gradient towards x.
#include "lib/column_sum.cuh"
#include "lib/gemm.cuh"

// A number of a product, in its place or added to what is there.
DEV void linear_put(float* y, u64 at, float sum, u32 add) {
    if (add) y[at] += sum;
    else y[at] = sum;
}

// y (lines x columns) = a (lines x depth) b^T + bias, b (columns x depth)
extern "C" __global__ void __launch_bounds__(128) linear_times_transposed(const float* __restrict__ a, const float* __restrict__ b, const float* __restrict__ bias, float* __restrict__ y, u32 lines, u32 columns, u32 depth, u32 add, u32 bf16) {
    gemm_block<true, true>(bf16, {a, depth, 1}, {b, depth, 1}, lines, columns, depth, [&](u32 line, u32 column, float sum) {
        linear_put(y, (u64)line * columns + column, bias ? sum + bias[column] : sum, add);
    });
}

// y (lines x columns) = a (lines x depth) b + bias, b (depth x columns)
extern "C" __global__ void __launch_bounds__(128) linear_times(const float* __restrict__ a, const float* __restrict__ b, const float* __restrict__ bias, float* __restrict__ y, u32 lines, u32 columns, u32 depth, u32 add, u32 bf16) {
    gemm_block<true, false>(bf16, {a, depth, 1}, {b, 1, columns}, lines, columns, depth, [&](u32 line, u32 column, float sum) {
        linear_put(y, (u64)line * columns + column, bias ? sum + bias[column] : sum, add);
    });
}

// dW (across x along) += a^T b, a sum over all lines: a (lines x across), b (lines x along)
extern "C" __global__ void __launch_bounds__(128) linear_backward_weight(const float* __restrict__ a, const float* __restrict__ b, float* __restrict__ dw, u32 lines, u32 across, u32 along, u32 bf16) {
    gemm_block<false, false>(bf16, {a, 1, across}, {b, 1, along}, across, along, lines, [&](u32 i, u32 j, float sum) {
        dw[(u64)i * along + j] += sum;
    });
}

extern "C" __global__ void __launch_bounds__(256) linear_backward_bias(const float* __restrict__ dy, float* __restrict__ db, u32 lines, u32 outputs) {
    column_sum(dy, db, lines, outputs);
}
