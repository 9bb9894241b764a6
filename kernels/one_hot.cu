// Base codes to four channels (src/ops/one_hot): y[b, l] = 1 where the code at l is b, else 0; code 4 gives four zeros.
#include "lib/elementwise.cuh"

extern "C" __global__ void __launch_bounds__(256)
    one_hot_forward(const u8* __restrict__ codes, float* __restrict__ y, u32 length, u32 chunks) {
  each_number(length, chunks, [&](u64 row, u32 l) {
    const u32 code = codes[row * length + l];
#pragma unroll
    for (u32 b = 0; b < 4; b++) y[(row * 4 + b) * length + l] = code == b ? 1.f : 0.f;
  });
}
