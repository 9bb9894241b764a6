// Values side by side (src/ops/concat): each line of `whole` numbers of y has `width` of the part from `start` on.
#include "lib/elementwise.cuh"

// Where element i of a part's row lies in y.
DEV u64 concat_place(u64 row, u32 i, u32 start, u32 width, u32 whole, u32 lines) {
  return (row * lines + i / width) * whole + start + i % width;
}

extern "C" __global__ void __launch_bounds__(256)
    concat_forward(const float* __restrict__ part, u32 stride, float* __restrict__ y, u32 start, u32 width, u32 whole,
                   u32 lines, u32 chunks) {
  const u32 len = lines * width;
  each_number(len, chunks,
              [&](u64 row, u32 i) { y[concat_place(row, i, start, width, whole, lines)] = part[row * stride + i]; });
}

extern "C" __global__ void __launch_bounds__(256)
    concat_backward(const float* __restrict__ dy, float* __restrict__ into, u32 start, u32 width, u32 whole, u32 lines,
                    u32 chunks) {
  const u32 len = lines * width;
  each_number(len, chunks,
              [&](u64 row, u32 i) { into[row * len + i] += dy[concat_place(row, i, start, width, whole, lines)]; });
}

// A shared part's gradient sums over the rows.
extern "C" __global__ void __launch_bounds__(256)
    concat_backward_shared(const float* __restrict__ dy, float* __restrict__ into, u32 start, u32 width, u32 whole,
                           u32 lines, u32 rows) {
  sum_over_rows(into, rows, lines * width,
                [&](u64 row, u32 i) { return dy[concat_place(row, i, start, width, whole, lines)]; });
}
