// Element-wise functions (src/ops/activation): 0 sigmoid, 1 ReLU, 2 leaky ReLU with slope 0.01, 3 exact GELU.
#include "lib/dev.cuh"

static constexpr float LEAK = 0.01f;

DEV float normal_distribution(float x) { return 0.5f * erfcf(-x * 0.70710678118654752f); }
DEV float normal_density(float x) { return 0.39894228040143268f * expf(-0.5f * x * x); }

extern "C" __global__ void __launch_bounds__(256) activation_forward(const float* __restrict__ x, float* __restrict__ y, u32 n, u32 kind) {
    const u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const float v = x[i];
    float out;
    if (kind == 0) out = 1.f / (1.f + expf(-v));
    else if (kind == 1) out = fmaxf(v, 0.f);
    else if (kind == 2) out = v > 0.f ? v : LEAK * v;
    else out = v * normal_distribution(v);
    y[i] = out;
}

// `at` is the output y, for GELU the input x.
extern "C" __global__ void __launch_bounds__(256) activation_backward(const float* __restrict__ at, const float* __restrict__ dy, float* __restrict__ dx, u32 n, u32 kind) {
    const u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const float v = at[i];
    float slope;
    if (kind == 0) slope = v * (1.f - v);
    else if (kind == 1) slope = v > 0.f ? 1.f : 0.f;
    else if (kind == 2) slope = v > 0.f ? 1.f : LEAK;
    else slope = normal_distribution(v) + v * normal_density(v);
    dx[i] += dy[i] * slope;
}
