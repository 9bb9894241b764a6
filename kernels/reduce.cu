// One number of each channel (src/ops/reduce): 0 sum, 1 mean, 2 maximum. A line is the `length` numbers of one channel
// of one row, and has a warp.
#include "lib/elementwise.cuh"

static constexpr u32 NOWHERE = 0xffffffffu;

// `at`, unless null: where the line's first maximum is.
extern "C" __global__ void __launch_bounds__(256)
    reduce_forward(const float* __restrict__ x, float* __restrict__ y, u32* __restrict__ at, u32 kind, u32 lines,
                   u32 length) {
  const u32 lane = threadIdx.x % 32, line = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
  if (line >= lines) return;
  x += (u64)line * length;
  if (kind != 2) {
    float sum = 0.f;
#pragma unroll 4
    for (u32 l = lane; l < length; l += 32) sum += x[l];
    sum = warp_sum(sum);
    if (lane == 0) y[line] = kind == 1 ? sum / (float)length : sum;
    return;
  }
  float best = __uint_as_float(0xff800000u);  // -infinity; NaN is no maximum
  u32 first = NOWHERE;
#pragma unroll 4
  for (u32 l = lane; l < length; l += 32) {
    const float v = x[l];
    if (v > best || (v == best && first == NOWHERE)) {
      best = v;
      first = l;
    }
  }
#pragma unroll
  for (u32 step = 16; step; step >>= 1) {
    const float other = __shfl_xor_sync(0xffffffffu, best, step);
    const u32 place = __shfl_xor_sync(0xffffffffu, first, step);
    if (other > best || (other == best && place < first)) {
      best = other;
      first = place;
    }
  }
  if (lane == 0) {
    y[line] = best;
    if (at) at[line] = first;
  }
}

// Sum and mean: dx[c, l] += share dy[c].
extern "C" __global__ void __launch_bounds__(256)
    reduce_backward_sum(const float* __restrict__ dy, float* __restrict__ dx, float share, u32 length, u32 len,
                        u32 chunks) {
  const u32 channels = len / length;
  each_element(len, chunks, [&](auto wide, u64 row, u32 i) {
    using V = decltype(wide);
    V::at(dx, row * len + i) += share * by_channel<V>(dy + row * channels, i, length);
  });
}

// Maximum: dy goes to the first one.
extern "C" __global__ void __launch_bounds__(256)
    reduce_backward_max(const float* __restrict__ dy, const u32* __restrict__ at, float* __restrict__ dx, u32 lines,
                        u32 length) {
  const u32 line = blockIdx.x * blockDim.x + threadIdx.x;
  if (line < lines && at[line] != NOWHERE) dx[(u64)line * length + at[line]] += dy[line];
}
