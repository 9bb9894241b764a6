// The batch's loss (src/ops/end_step): one block sums the rows' losses in f64, in a fixed tree.
#include "lib/step_state.cuh"

static constexpr u32 LOSS_THREADS = 256;

extern "C" __global__ void __launch_bounds__(256)
    end_step(const float* __restrict__ row_losses, const StepState* __restrict__ state, double* __restrict__ losses,
             u32* __restrict__ stopped, u32 rows) {
  __shared__ double part[LOSS_THREADS];
  double sum = 0.0;
  for (u32 row = threadIdx.x; row < rows; row += LOSS_THREADS) sum += (double)row_losses[row];
  part[threadIdx.x] = sum;
#pragma unroll
  for (u32 half = LOSS_THREADS / 2; half; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) part[threadIdx.x] += part[threadIdx.x + half];
  }
  if (threadIdx.x == 0) {
    losses[state->batch] = part[0];
    // Infinity less infinity and whatever is made of NaN is NaN.
    if (part[0] - part[0] != 0.0 && *stopped == 0) *stopped = 1 + state->batch;
  }
}
