// What ops share that work number by number: loops over the elements of rows, and sums over rows and channels.
// The launches' side is src/ops/elementwise.rs.
#pragma once
#include "lib/dev.cuh"

template <u32 W>
struct Word;
template <>
struct Word<1> {
  using Type = float;
};
template <>
struct Word<4> {
  using Type = float4;
};

// W neighbouring numbers, loaded and stored at once; they start at a multiple of 4 W bytes.
template <u32 W>
struct alignas(4 * W) Floats {
  static constexpr u32 WIDTH = W;
  float e[W];

  DEV Floats& at(float* data, u64 i) { return *reinterpret_cast<Floats*>(data + i); }

  // As one word: of a reference, each number would be loaded where it is used.
  DEV Floats at(const float* data, u64 i) {
    using T = typename Word<W>::Type;
    Floats out;
    *reinterpret_cast<T*>(&out) = *reinterpret_cast<const T*>(data + i);
    return out;
  }

  template <class F>
  DEV Floats made(F f) {
    Floats out;
#pragma unroll
    for (u32 k = 0; k < W; k++) out.e[k] = f(k);
    return out;
  }
};

template <u32 W>
DEV Floats<W> operator+(const Floats<W>& a, const Floats<W>& b) {
  return Floats<W>::made([&](u32 k) { return a.e[k] + b.e[k]; });
}
template <u32 W>
DEV Floats<W> operator-(const Floats<W>& a, const Floats<W>& b) {
  return Floats<W>::made([&](u32 k) { return a.e[k] - b.e[k]; });
}
template <u32 W>
DEV Floats<W> operator*(const Floats<W>& a, const Floats<W>& b) {
  return Floats<W>::made([&](u32 k) { return a.e[k] * b.e[k]; });
}
template <u32 W>
DEV Floats<W> operator*(float a, const Floats<W>& b) {
  return Floats<W>::made([&](u32 k) { return a * b.e[k]; });
}
template <u32 W>
DEV void operator+=(Floats<W>& a, const Floats<W>& b) {
  a = a + b;
}

// b[i / repeat] for the W elements from i on.
template <class V>
DEV V by_channel(const float* b, u32 i, u32 repeat) {
  u32 c = i / repeat, l = i % repeat;
  return V::made([&](u32) {
    const float found = b[c];
    if (++l == repeat) {
      l = 0;
      c++;
    }
    return found;
  });
}

// Blocks of 256 threads, each for 1024 elements of one row: `chunks` blocks a row.
static constexpr u32 ROW_BLOCK = 256, ROW_CHUNK = 4 * ROW_BLOCK;

// f(row, i) for each element of the block's chunk.
template <class F>
DEV void each_number(u32 len, u32 chunks, F f) {
  const u64 row = blockIdx.x / chunks;
  const u32 start = blockIdx.x % chunks * ROW_CHUNK + threadIdx.x;
#pragma unroll
  for (u32 k = 0; k < 4; k++) {
    const u32 i = start + k * ROW_BLOCK;
    if (i < len) f(row, i);
  }
}

// The same with four elements at once where the chunk is full and rows are aligned: f(V, row, i) with V = Floats<1> or
// Floats<4>, of which f reads the type alone.
template <class F>
DEV void each_element(u32 len, u32 chunks, F f) {
  const u32 start = blockIdx.x % chunks * ROW_CHUNK;
  const bool aligned = len % 4 == 0 || gridDim.x == chunks;
  if (aligned && len - start >= ROW_CHUNK) f(Floats<4>{}, (u64)(blockIdx.x / chunks), start + 4 * threadIdx.x);
  else each_number(len, chunks, [&](u64 row, u32 i) { f(Floats<1>{}, row, i); });
}

// into[i] += the sum over rows of f(row, i), in a fixed order: 32 elements a block of 256 threads, eight threads an
// element.
template <class F>
DEV void sum_over_rows(float* __restrict__ into, u32 rows, u32 len, F f) {
  __shared__ float part[8][32];
  const u32 lane = threadIdx.x % 32, strip = threadIdx.x / 32, i = blockIdx.x * 32 + lane;
  float sum = 0.f;
  if (i < len) {
#pragma unroll 4
    for (u32 row = strip; row < rows; row += 8) sum += f((u64)row, i);
  }
  part[strip][lane] = sum;
  __syncthreads();
  if (strip == 0 && i < len) {
    float pairs[4];
#pragma unroll
    for (u32 k = 0; k < 4; k++) pairs[k] = part[2 * k][lane] + part[2 * k + 1][lane];
    into[i] += (pairs[0] + pairs[1]) + (pairs[2] + pairs[3]);
  }
}

// The sum of f(i) over a row, one block of 256 threads each, in a fixed order; the same in every thread.
template <class F>
DEV float row_sum(u32 len, F f) {
  __shared__ float scratch[32];
  float sum = 0.f;
#pragma unroll 4
  for (u32 i = threadIdx.x; i < len; i += ROW_BLOCK) sum += f(i);
  return block_sum(sum, scratch);
}
