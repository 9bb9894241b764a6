// Gradients of elements that move together (src/optim/ties): a thread for each element. The first of a pair writes the mean of both to
// both, so no two threads touch the same number.
#include "lib/dev.cuh"

static constexpr u32 RESTS = 0xffffffffu;

extern "C" __global__ void __launch_bounds__(256)
    tie_gradients(float* __restrict__ grads, const u32* __restrict__ partners, u64 elements) {
  const u64 element = (u64)blockIdx.x * blockDim.x + threadIdx.x;
  if (element >= elements) return;
  const u32 partner = partners[element];
  if (partner == RESTS) {
    grads[element] = 0.f;
  } else if (partner > element) {
    const float mean = __fmul_rn(__fadd_rn(grads[element], grads[partner]), 0.5f);
    grads[element] = mean;
    grads[partner] = mean;
  }
}
