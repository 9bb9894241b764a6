// Dropout (src/ops/dropout): element i of the batch stays where its 32 random bits are at least `threshold` = p 2^32,
// and is then divided by 1 - p. 64 elements in a row share 16 counters: word v of counter c belongs to element 16 v + c.
#include "lib/stays.cuh"

// n = rows * len elements; with `shared` all rows have the same x.
extern "C" __global__ void __launch_bounds__(256) dropout_forward(
    const float* __restrict__ x, float* __restrict__ y, const StepState* __restrict__ state, u64 n, u32 len, u32 shared,
    u64 stream, u64 threshold, float scale) {
    const u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const float v = x[shared ? i % len : i];
    y[i] = stays(state, stream, i, threshold) ? v * scale : 0.f;
}

// Each of the n elements of dx gets the gradients of so many rows.
extern "C" __global__ void __launch_bounds__(256) dropout_backward(
    const float* __restrict__ dy, float* __restrict__ dx, const StepState* __restrict__ state, u64 n, u32 rows,
    u64 stream, u64 threshold, float scale) {
    const u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float sum = 0.f;
    for (u32 row = 0; row < rows; row++) {
        const u64 at = row * n + i;
        if (stays(state, stream, at, threshold)) sum += dy[at];
    }
    dx[i] += sum * scale;
}
