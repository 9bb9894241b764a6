// What changes from one training step to the next, in device memory, so that a captured step can be replayed.
// The same struct as StepState in src/engine/cuda/state.rs.
#pragma once
#include "lib/dev.cuh"

struct StepState {
    u64 seed;       // of the random numbers
    u64 step;       // optimizer steps done before this one
    u32 batch;      // number of this batch in the epoch
    float rate;     // lr / (1 - beta1^t)
    float spread;   // sqrt(1 - beta2^t)
    float keep;     // 1 - lr decay
};
// Fields of equal size follow one another, largest first: the same offsets in both languages (asserted in state.rs).
static_assert(sizeof(StepState) == 32, "StepState: size");
