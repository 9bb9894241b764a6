// A batch out of the resident data set (src/ops/gather): a block for each row.
#include "lib/step_state.cuh"

// Rows of `bases` hold 16 bases a word, those of `unknown` 32 marks a word, least significant first; the batch's rows
// stand in `order` from batch x batch_size on.
extern "C" __global__ void __launch_bounds__(256)
    gather(const u32* __restrict__ bases, const u32* __restrict__ unknown, const float* __restrict__ signals,
           const u32* __restrict__ order, const StepState* __restrict__ state, u8* __restrict__ codes,
           float* __restrict__ targets, u32 batch_size, u32 length, u32 outputs) {
  const u64 row = blockIdx.x, from = order[(u64)state->batch * batch_size + row];
  bases += from * ((length + 15) / 16);
  unknown += from * ((length + 31) / 32);
  for (u32 l = threadIdx.x; l < length; l += blockDim.x) {
    const u32 base = bases[l / 16] >> 2 * (l % 16) & 3, n = unknown[l / 32] >> l % 32 & 1;
    codes[row * length + l] = (u8)(n ? 4 : base);
  }
  for (u32 o = threadIdx.x; o < outputs; o += blockDim.x) targets[row * outputs + o] = signals[from * outputs + o];
}
