// Fully connected layer (src/ops/linear): y (rows x outputs) = x (rows x inputs) W^T + b.
#include "lib/column_sum.cuh"
#include "lib/gemm.cuh"

extern "C" __global__ void __launch_bounds__(128) linear_forward(const float* __restrict__ x, const float* __restrict__ weight, const float* __restrict__ bias, float* __restrict__ y, u32 rows, u32 inputs, u32 outputs, u32 bf16) {
    gemm_block<true, true>(bf16, {x, inputs, 1}, {weight, inputs, 1}, rows, outputs, inputs, [&](u32 r, u32 o, float sum) {
        y[(u64)r * outputs + o] = bias ? sum + bias[o] : sum;
    });
}

// dx += dy W
extern "C" __global__ void __launch_bounds__(128) linear_backward_input(const float* __restrict__ dy, const float* __restrict__ weight, float* __restrict__ dx, u32 rows, u32 inputs, u32 outputs, u32 bf16) {
    gemm_block<true, false>(bf16, {dy, outputs, 1}, {weight, 1, inputs}, rows, inputs, outputs, [&](u32 r, u32 f, float sum) {
        dx[(u64)r * inputs + f] += sum;
    });
}

// dW += dy^T x
extern "C" __global__ void __launch_bounds__(128) linear_backward_weight(const float* __restrict__ dy, const float* __restrict__ x, float* __restrict__ dw, u32 rows, u32 inputs, u32 outputs, u32 bf16) {
    gemm_block<false, false>(bf16, {dy, 1, outputs}, {x, 1, inputs}, outputs, inputs, rows, [&](u32 o, u32 f, float sum) {
        dw[(u64)o * inputs + f] += sum;
    });
}

extern "C" __global__ void __launch_bounds__(256) linear_backward_bias(const float* __restrict__ dy, float* __restrict__ db, u32 rows, u32 outputs) {
    column_sum(dy, db, rows, outputs);
}
