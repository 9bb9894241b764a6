// Kernels that are wrong on purpose, each with one kind of mistake that the stand-in has to find. check.cpp runs them,
// ../selfcheck.sh says which build finds which.
#include "lib/dev.cuh"

// The barrier between writing and reading shared memory is missing; behind a template, as in real kernels.
template <class T>
DEV T reversed(T value) {
  __shared__ T values[256];
  values[threadIdx.x] = value;
  // BUG: no __syncthreads()
  return values[blockDim.x - 1 - threadIdx.x];
}
extern "C" __global__ void bug_missing_barrier(float* x) {
  const u32 i = blockIdx.x * blockDim.x + threadIdx.x;
  x[i] = reversed(x[i]);
}

// Softmax of a row; the barrier that protects the scratch memory of a reduction from the next one is missing.
extern "C" __global__ void bug_missing_second_barrier(float* x, u32 n) {
  __shared__ float scratch[32];
  const u32 thread = threadIdx.x, lane = thread % 32, warp = thread / 32, warps = blockDim.x / 32;
  float largest = warp_max(x[blockIdx.x * n + thread]);
  if (lane == 0) scratch[warp] = largest;
  __syncthreads();
  largest = warp_max(lane < warps ? scratch[lane] : -3e38f);
  const float e = __expf(x[blockIdx.x * n + thread] - largest);
  float sum = warp_sum(e);
  if (lane == 0) scratch[warp] = sum;  // BUG: no __syncthreads() before this write
  __syncthreads();
  sum = warp_sum(lane < warps ? scratch[lane] : 0.f);
  x[blockIdx.x * n + thread] = e / sum;
}

// Warp-synchronous shared memory, as before Volta.
extern "C" __global__ void bug_missing_syncwarp(float* x) {
  __shared__ volatile float s[64];
  const u32 t = threadIdx.x;
  s[t] = x[t];
  for (u32 step = 16; step; step /= 2)
    if (t < step) s[t] = s[t] + s[t + step];  // BUG: no __syncwarp()
  if (t == 0) x[0] = s[0];
}

extern "C" __global__ void bug_static_out_of_bounds(float* x, u32 shift) {
  __shared__ float a[64];
  __shared__ float b[64];
  const u32 t = threadIdx.x;
  a[t] = 1.f;
  b[t] = 2.f;
  __syncthreads();
  float* p = a;
  p[t + shift] = 3.f;  // BUG: past the end of a
  __syncthreads();
  x[t] = a[t] + b[t];
}

extern "C" __global__ void bug_row_out_of_bounds(float* x, u32 shift) {
  __shared__ float a[8][32];
  a[threadIdx.x / 32][threadIdx.x % 32 + shift] = 1.f;  // BUG: into the next row
  __syncthreads();
  x[threadIdx.x] = a[threadIdx.x / 32][threadIdx.x % 32];
}

extern "C" __global__ void bug_dynamic_out_of_bounds(float* x, u32 shift) {
  DYN_SMEM(bytes);
  float* s = reinterpret_cast<float*>(bytes);
  s[threadIdx.x + shift] = 1.f;  // BUG: past what the launch asked for
  __syncthreads();
  x[threadIdx.x] = s[threadIdx.x];
}

extern "C" __global__ void bug_global_out_of_bounds(float* x, u32 n) {
  const u32 i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i <= n) x[i] = 1.f;  // BUG: <=
}

extern "C" __global__ void bug_misaligned(const float* x, float* y) {
  const float4 v = *reinterpret_cast<const float4*>(x + 1 + threadIdx.x * 4);  // BUG: + 1
  y[threadIdx.x] = v.x + v.w;
}

extern "C" __global__ void bug_divergent_barrier(float* x) {
  if (threadIdx.x < 20) {
    __syncthreads();  // BUG: some threads wait here, the others below
  } else {
    x[threadIdx.x] = 0.f;
    __syncthreads();
  }
}

extern "C" __global__ void bug_divergent_shuffle(float* x) {
  float v = x[threadIdx.x];
  if (threadIdx.x < 8) v += __shfl_xor_sync(0xffffffffu, v, 1);  // BUG: the mask names all lanes
  __syncthreads();
  x[threadIdx.x] = v;
}

extern "C" __global__ void bug_no_wait(const float* x, float* y) {
  __shared__ __align__(16) float s[128];
  cp_async16(&s[threadIdx.x * 4], x + threadIdx.x * 4);
  cp_async_commit();
  __syncthreads();  // BUG: no cp_async_wait before it
  y[threadIdx.x] = s[threadIdx.x * 4];
}

extern "C" __global__ void bug_wait_without_barrier(const float* x, float* y) {
  __shared__ __align__(16) float s[128];
  const u32 t = threadIdx.x;
  cp_async16(&s[t * 4], x + t * 4);
  cp_async_commit();
  cp_async_wait<0>();
  y[t] = s[(t + 1) % 32 * 4];  // BUG: another thread's copy, and no barrier
}

extern "C" __global__ void bug_uninitialised(float* y) {
  __shared__ float s[64];
  if (threadIdx.x < 32) s[threadIdx.x] = 0.f;  // BUG: the other half is not set
  __syncthreads();
  y[threadIdx.x] = s[threadIdx.x];
}

// The same in dynamic shared and in global memory.
extern "C" __global__ void bug_uninitialised_dynamic(float* y) {
  DYN_SMEM(bytes);
  float* s = reinterpret_cast<float*>(bytes);
  if (threadIdx.x < 32) s[threadIdx.x] = 0.f;
  __syncthreads();
  y[threadIdx.x] = s[threadIdx.x];
}
extern "C" __global__ void bug_uninitialised_global(const float* fresh, float* y) {
  y[threadIdx.x] = fresh[threadIdx.x];
}

extern "C" __global__ void bug_race_of_blocks(float* y) {
  if (threadIdx.x == 0) y[0] = y[0] + 1.f;  // BUG: every block, without an atomic
}

// C (16 x 8) = A (16 x 16) B^T (8 x 16)
extern "C" __global__ void bug_fragment(const u16* a, const u16* b, float* c) {
  const u32 g = threadIdx.x / 4, t = threadIdx.x % 4;
  const u32* a2 = reinterpret_cast<const u32*>(a);
  const u32* b2 = reinterpret_cast<const u32*>(b);
  // BUG: rows and halves of K are the wrong way round, a1 and a2 exchanged
  const u32 fragment_a[4] = {a2[g * 8 + t], a2[g * 8 + t + 4], a2[(g + 8) * 8 + t], a2[(g + 8) * 8 + t + 4]};
  const u32 fragment_b[2] = {b2[g * 8 + t], b2[g * 8 + t + 4]};
  float d[4] = {};
  mma_bf16_16816(d, fragment_a, fragment_b);
  for (u32 i = 0; i < 4; i++) c[(g + i / 2 * 8) * 8 + t * 2 + i % 2] = d[i];
}

extern "C" __global__ void bug_half_a_warp(float* c) {
  const u32 a[4] = {}, b[2] = {};
  float d[4] = {};
  if (threadIdx.x < 16) mma_bf16_16816(d, a, b);  // BUG: mma wants all lanes
  c[threadIdx.x] = d[0];
}

extern "C" __global__ void __launch_bounds__(64) bug_too_many_threads(float* x) {
  x[threadIdx.x] = 0.f;  // BUG: launched with 128 threads
}
