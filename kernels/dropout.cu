// Dropout (src/ops/dropout): element i of the batch stays where its 32 random bits are at least `threshold` = p 2^32,
// and is then divided by 1 - p. 64 elements in a row share 16 counters: word v of counter c belongs to element 16 v + c.
//
// A thread draws a counter's four words and has their four elements, neighbouring threads neighbouring ones; no shared memory.
// Some 70 instructions for a counter, less than the time of its 32 bytes: bound by memory. Predicted for an H200, 200 lines of 4,800 numbers:
// 2 us (8 MB at 4.8 TB/s), backward 3 us.
#include "lib/stays.cuh"

// n = rows * len elements; with `shared` all rows have the same x. A thread for each counter.
extern "C" __global__ void __launch_bounds__(256) dropout_forward(
    const float* __restrict__ x, float* __restrict__ y, const StepState* __restrict__ state, u64 n, u32 len, u32 shared,
    u64 stream, u64 threshold, float scale) {
    const u64 first = stays_first((u64)blockIdx.x * blockDim.x + threadIdx.x);
    if (first >= n) return;
    u32 words[4];
    stay_words(words, state, stream, first);
#pragma unroll
    for (u32 v = 0; v < 4; v++) {
        const u64 i = first + 16 * v;
        if (i < n) y[i] = words[v] >= threshold ? x[shared ? i % len : i] * scale : 0.f;
    }
}

// The gradient where every row has its own x: a thread for each counter.
extern "C" __global__ void __launch_bounds__(256) dropout_backward(
    const float* __restrict__ dy, float* __restrict__ dx, const StepState* __restrict__ state, u64 n, u64 stream, u64 threshold,
    float scale) {
    const u64 first = stays_first((u64)blockIdx.x * blockDim.x + threadIdx.x);
    if (first >= n) return;
    u32 words[4];
    stay_words(words, state, stream, first);
#pragma unroll
    for (u32 v = 0; v < 4; v++) {
        const u64 i = first + 16 * v;
        if (i < n && words[v] >= threshold) dx[i] += dy[i] * scale;
    }
}

// The gradient where all rows share x: each of its n elements gets those of so many rows, whose counters lie in no order.
extern "C" __global__ void __launch_bounds__(256) dropout_backward_shared(
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
