// Position embedding (src/ops/position): y[c, l] = x[c, l] + table[index[l]].
#include "lib/elementwise.cuh"

// `len` may be several rows one after the other: l = i % length.
extern "C" __global__ void __launch_bounds__(256)
    position_forward(const float* __restrict__ x, u32 x_stride, const float* __restrict__ table, u32 table_stride,
                     const u32* __restrict__ index, float* __restrict__ y, u32 length, u32 len, u32 chunks) {
  each_element(len, chunks, [&](auto wide, u64 row, u32 i) {
    using V = decltype(wide);
    u32 l = i % length;
    const V embedding = V::made([&](u32) {
      const float found = table[row * table_stride + index[l]];
      if (++l == length) l = 0;
      return found;
    });
    V::at(y, row * len + i) = V::at(x, row * x_stride + i) + embedding;
  });
}

// dx += dy, and sums[row, part, l] = sum of dy over the part's POSITION_CHANNELS channels: a block for 32 positions of
// one part, eight threads a position. Null: not asked for.
static constexpr u32 POSITION_CHANNELS = 128;

extern "C" __global__ void __launch_bounds__(256)
    position_backward(const float* __restrict__ dy, float* __restrict__ dx, float* __restrict__ sums, u32 channels,
                      u32 length, u32 tiles, u32 parts) {
  __shared__ float strips[8][32];
  const u32 lane = threadIdx.x % 32, strip = threadIdx.x / 32;
  const u32 l = blockIdx.x % tiles * 32 + lane, part = blockIdx.x / tiles % parts, row = blockIdx.x / tiles / parts;
  const u32 from = part * POSITION_CHANNELS, left = channels - from;
  const u64 start = ((u64)row * channels + from) * length + l;
  float sum = 0.f;
  if (l < length) {
#pragma unroll 4
    for (u32 c = strip; c < (left < POSITION_CHANNELS ? left : POSITION_CHANNELS); c += 8) {
      const u64 i = start + (u64)c * length;
      const float d = dy[i];
      if (dx) dx[i] += d;
      sum += d;
    }
  }
  if (!sums) return;
  strips[strip][lane] = sum;
  __syncthreads();
  if (strip == 0 && l < length) {
    float all = 0.f;
#pragma unroll
    for (u32 k = 0; k < 8; k++) all += strips[k][lane];
    sums[((u64)row * parts + part) * length + l] = all;
  }
}

// dtable[group, r] += the group's lines of `sums` at all l with index[l] = r: positions[starts[r]] up to starts[r + 1].
// A block for each (group, r); a group is one row's lines, or all lines where the rows share the table.
extern "C" __global__ void __launch_bounds__(256)
    position_backward_table(const float* __restrict__ sums, const u32* __restrict__ starts,
                            const u32* __restrict__ positions, float* __restrict__ dtable, u32 table_stride, u32 reach,
                            u32 lines, u32 length) {
  const u32 r = blockIdx.x % reach, group = blockIdx.x / reach, from = starts[r], count = starts[r + 1] - from;
  sums += (u64)group * lines * length;
  const float sum =
      row_sum(lines * count, [&](u32 i) { return sums[(u64)(i / count) * length + positions[from + i % count]]; });
  if (threadIdx.x == 0) dtable[(u64)group * table_stride + r] += sum;
}

// A shared x's gradient sums over the rows.
extern "C" __global__ void __launch_bounds__(256)
    position_backward_shared(const float* __restrict__ dy, float* __restrict__ dx, u32 rows, u32 len) {
  sum_over_rows(dx, rows, len, [&](u64 row, u32 i) { return dy[row * len + i]; });
}
