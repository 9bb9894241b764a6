// A batch out of the rows that the GPU holds (src/train/worker/step/gather).
//
// A row is `words` words: bases, 16 in a word; marks of unknown bases, 32 in a word, least significant bits first; then
// numbers in f32, each dense input's and the targets. The batch's rows stand in `order` from batch x batch_size on.
// All of it is copying: bound by memory, some 2 x 4 bytes for each number; no
// shared memory. Predicted for an H200, 100 rows of 1,002 bases and a track: 2 us each for bases and numbers, the launch (1 MB).
#include "lib/step_state.cuh"

DEV const u32* row_of(const u32* rows, const u32* order, const StepState* state, u32 batch_size, u32 words) {
    return rows + (u64)order[(u64)state->batch * batch_size + blockIdx.x] * words;
}

// A block for each row: a byte for each base, 0 to 3, or 4 where it is unknown.
extern "C" __global__ void __launch_bounds__(256)
    gather_codes(const u32* __restrict__ rows, const u32* __restrict__ order, const StepState* __restrict__ state,
                 u8* __restrict__ codes, u32 batch_size, u32 words, u32 length) {
    const u32* bases = row_of(rows, order, state, batch_size, words);
    const u32* unknown = bases + (length + 15) / 16;
    codes += (u64)blockIdx.x * length;
    for (u32 l = threadIdx.x; l < length; l += blockDim.x) {
        const u32 base = bases[l / 16] >> 2 * (l % 16) & 3, n = unknown[l / 32] >> l % 32 & 1;
        codes[l] = (u8)(n ? 4 : base);
    }
}

// A block for each row and 1,024 of its numbers: `count` of them, from word `first` of the row on.
extern "C" __global__ void __launch_bounds__(256)
    gather_numbers(const u32* __restrict__ rows, const u32* __restrict__ order, const StepState* __restrict__ state,
                   float* __restrict__ numbers, u32 batch_size, u32 words, u32 first, u32 count) {
    const u32* from = row_of(rows, order, state, batch_size, words) + first;
    numbers += (u64)blockIdx.x * count;
#pragma unroll
    for (u32 i = 0; i < 4; i++) {
        const u32 n = (blockIdx.y * 4 + i) * 256 + threadIdx.x;
        if (n < count) numbers[n] = __uint_as_float(from[n]);
    }
}
