// A batch's outputs to the place of its batch among `batches` of them (src/train/worker/step/keep_outputs): a thread for
// each number; bound by its launch, 2 us predicted for an H200.
#include "lib/step_state.cuh"

// `full` numbers has a full batch, `count` this one.
extern "C" __global__ void __launch_bounds__(256)
    keep_outputs(const float* __restrict__ outputs, const StepState* __restrict__ state, float* __restrict__ kept, u32 batches,
                 u32 full, u32 count) {
    const u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) kept[(u64)(state->batch % batches) * full + i] = outputs[i];
}
