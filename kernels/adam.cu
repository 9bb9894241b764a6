// The optimizer's update of all parameters at once (src/ops/adam): a thread for each four of them. Every operation is
// rounded by itself, in the order of the CPU's update, so that both give the same bits.
// Bound by memory, 28 bytes for each parameter: predicted for an H200 and the 640,000 of FactorNet's default size 4 us (18 MB at 4.8 TB/s).
#include "lib/step_state.cuh"

struct AdamNumbers {
  float rate, spread, keep, beta1, rest1, beta2, rest2, eps, lambda, stretch;
};

DEV void adam_one(float& w, float g, float& m, float& v, const AdamNumbers& n, bool penalised) {
  m = __fadd_rn(__fmul_rn(n.beta1, m), __fmul_rn(n.rest1, g));
  v = __fadd_rn(__fmul_rn(n.beta2, v), __fmul_rn(__fmul_rn(n.rest2, g), g));
  const float d = __fadd_rn(__fdiv_rn(__fsqrt_rn(v), n.spread), n.eps);
  w = __fsub_rn(__fmul_rn(w, n.keep), __fdiv_rn(__fmul_rn(n.rate, m), d));
  if (penalised) {
    const float size = fabsf(w), less = __fsub_rn(size, __fdiv_rn(__fmul_rn(n.rate, n.lambda), d));
    float kept = __fmul_rn(less < 0.f ? 0.f : less, n.stretch);
    if (kept > size) kept = size;
    w = w < 0.f ? -kept : kept;
  }
}

// flags has one number for each 64 parameters: 0 does not learn, 1 learns, 2 learns and is penalised if there is a
// penalty (0 none, 1 L1, 2 MCP). `total` is a multiple of 64. After a loss that was not finite nothing moves.
extern "C" __global__ void __launch_bounds__(256)
    adam_update(float* __restrict__ w, const float* __restrict__ g, float* __restrict__ m, float* __restrict__ v,
                const u8* __restrict__ flags, const StepState* __restrict__ state, const u32* __restrict__ stopped,
                u64 total, float beta1, float rest1, float beta2, float rest2, float eps, u32 penalty, float lambda,
                float stretch) {
  const u64 quad = (u64)blockIdx.x * blockDim.x + threadIdx.x;
  if (quad >= total / 4 || *stopped) return;
  const u32 flag = flags[quad / 16];
  if (flag == 0) return;
  const AdamNumbers n = {state->rate, state->spread, state->keep, beta1,  rest1,
                         beta2,       rest2,         eps,         lambda, penalty == 2 ? stretch : 1.f};
  const bool penalised = flag == 2 && penalty != 0;
  float4 w4 = reinterpret_cast<float4*>(w)[quad], m4 = reinterpret_cast<float4*>(m)[quad],
         v4 = reinterpret_cast<float4*>(v)[quad];
  const float4 g4 = reinterpret_cast<const float4*>(g)[quad];
  adam_one(w4.x, g4.x, m4.x, v4.x, n, penalised);
  adam_one(w4.y, g4.y, m4.y, v4.y, n, penalised);
  adam_one(w4.z, g4.z, m4.z, v4.z, n, penalised);
  adam_one(w4.w, g4.w, m4.w, v4.w, n, penalised);
  reinterpret_cast<float4*>(w)[quad] = w4;
  reinterpret_cast<float4*>(m)[quad] = m4;
  reinterpret_cast<float4*>(v)[quad] = v4;
}
