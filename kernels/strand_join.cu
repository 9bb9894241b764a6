// Numbers of the row beside those of each strand (src/ops/strand_join): y (2, own + common) of x (2, own) and m (common).
// A thread for each number, no shared memory; bound by its launch, 2 us predicted for an H200 and 100 rows of 4,800 and 8 numbers.
#include "lib/elementwise.cuh"

extern "C" __global__ void __launch_bounds__(256)
    strand_join_forward(const float* __restrict__ x, u32 x_stride, const float* __restrict__ m, u32 m_stride,
                        float* __restrict__ y, u32 own, u32 common, u32 chunks) {
  const u32 width = own + common;
  each_number(2 * width, chunks, [&](u64 row, u32 i) {
    const u32 strand = i >= width, j = i - strand * width;
    y[row * 2 * width + i] = j < own ? x[row * x_stride + strand * own + j] : m[row * m_stride + j - own];
  });
}

// Where element i of a row of dx finds its gradient; of dm the second strand's is a line further.
DEV u64 strand_join_place(u64 row, u32 i, u32 own, u32 common) {
  return row * 2 * (own + common) + i + (i >= own ? common : 0);
}

extern "C" __global__ void __launch_bounds__(256)
    strand_join_backward_own(const float* __restrict__ dy, float* __restrict__ dx, u32 own, u32 common, u32 chunks) {
  each_number(2 * own, chunks,
              [&](u64 row, u32 i) { dx[row * 2 * own + i] += dy[strand_join_place(row, i, own, common)]; });
}

extern "C" __global__ void __launch_bounds__(256)
    strand_join_backward_common(const float* __restrict__ dy, float* __restrict__ dm, u32 own, u32 common, u32 chunks) {
  const u32 width = own + common;
  each_number(common, chunks, [&](u64 row, u32 i) {
    const float* line = dy + row * 2 * width + own + i;
    dm[row * common + i] += line[0] + line[width];
  });
}

// The same where all rows share x or m: sums over the rows.
extern "C" __global__ void __launch_bounds__(256)
    strand_join_backward_own_shared(const float* __restrict__ dy, float* __restrict__ dx, u32 own, u32 common, u32 rows) {
  sum_over_rows(dx, rows, 2 * own, [&](u64 row, u32 i) { return dy[strand_join_place(row, i, own, common)]; });
}

extern "C" __global__ void __launch_bounds__(256)
    strand_join_backward_common_shared(const float* __restrict__ dy, float* __restrict__ dm, u32 own, u32 common,
                                       u32 rows) {
  const u32 width = own + common;
  sum_over_rows(dm, rows, common, [&](u64 row, u32 i) {
    const float* line = dy + row * 2 * width + own + i;
    return line[0] + line[width];
  });
}
