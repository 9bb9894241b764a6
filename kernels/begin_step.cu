// The numbers of the epoch's next step become the current ones (src/ops/begin_step): one thread.
#include "lib/step_state.cuh"

extern "C" __global__ void __launch_bounds__(1)
    begin_step(const StepState* __restrict__ table, u32* __restrict__ counter, StepState* __restrict__ state) {
  *state = table[*counter];
  *counter += 1;
}
