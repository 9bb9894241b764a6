// Kernels that are right, to check that the stand-in runs them so: tensor cores, asynchronous copies, reductions,
// dynamic shared memory, shuffles and atomics.
#include "lib/dev.cuh"

// y = a x + y
extern "C" __global__ void __launch_bounds__(256)
    good_axpy(float a, const float* __restrict__ x, float* __restrict__ y, u32 n) {
  const u32 i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = a * x[i] + y[i];
}

extern "C" __global__ void __launch_bounds__(256)
    good_to_bf16(const float* __restrict__ x, u16* __restrict__ y, u32 n) {
  const u32 i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = f32_to_bf16(x[i]);
}

// C (M x N) = A (M x K) B^T (N x K), bf16 to f32. Tiles of 64 x 64, steps of 32 along K, 4 warps of 32 x 32 each, two
// buffers filled by cp.async. K is a multiple of 8.
static constexpr u32 TILE_M = 64, TILE_N = 64, TILE_K = 32;
static constexpr u32 PITCH = TILE_K + 8;  // rows 80 bytes apart: ldmatrix meets no bank conflict

extern "C" __global__ void __launch_bounds__(128)
    good_gemm_bf16(const u16* __restrict__ a, const u16* __restrict__ b, float* __restrict__ c, u32 m, u32 n, u32 k) {
  __shared__ __align__(16) u16 tile_a[2][TILE_M][PITCH];
  __shared__ __align__(16) u16 tile_b[2][TILE_N][PITCH];
  const u32 thread = threadIdx.x, lane = thread % 32, warp = thread / 32;
  const u32 warp_m = warp % 2 * 32, warp_n = warp / 2 * 32;
  const u32 m0 = blockIdx.y * TILE_M, n0 = blockIdx.x * TILE_N;
  float sum[2][4][4] = {};

  auto load = [&](u32 buffer, u32 k0) {
    for (u32 part = thread; part < TILE_M * TILE_K / 8; part += 128) {
      const u32 row = part / 4, column = part % 4 * 8;
      const bool has_a = m0 + row < m && k0 + column < k, has_b = n0 + row < n && k0 + column < k;
      cp_async16(&tile_a[buffer][row][column], has_a ? a + (u64)(m0 + row) * k + k0 + column : a, has_a ? 16 : 0);
      cp_async16(&tile_b[buffer][row][column], has_b ? b + (u64)(n0 + row) * k + k0 + column : b, has_b ? 16 : 0);
    }
    cp_async_commit();
  };

  load(0, 0);
  u32 buffer = 0;
  for (u32 k0 = 0; k0 < k; k0 += TILE_K, buffer ^= 1) {
    if (k0 + TILE_K < k) {
      load(buffer ^ 1, k0 + TILE_K);
      cp_async_wait<1>();
    } else {
      cp_async_wait<0>();
    }
    __syncthreads();
    for (u32 step = 0; step < TILE_K; step += 16) {
      u32 fragment_a[2][4], fragment_b[2][4];
      for (u32 i = 0; i < 2; i++)
        ldmatrix_x4(fragment_a[i], &tile_a[buffer][warp_m + i * 16 + lane % 16][step + lane / 16 * 8]);
      for (u32 j = 0; j < 2; j++)
        ldmatrix_x4(fragment_b[j],
                    &tile_b[buffer][warp_n + j * 16 + lane % 8 + lane / 16 * 8][step + lane / 8 % 2 * 8]);
      for (u32 i = 0; i < 2; i++)
        for (u32 j = 0; j < 4; j++) {
          const u32 pair[2] = {fragment_b[j / 2][j % 2 * 2], fragment_b[j / 2][j % 2 * 2 + 1]};
          mma_bf16_16816(sum[i][j], fragment_a[i], pair);
        }
    }
    __syncthreads();
  }

  for (u32 i = 0; i < 2; i++)
    for (u32 j = 0; j < 4; j++)
      for (u32 part = 0; part < 4; part++) {
        const u32 row = m0 + warp_m + i * 16 + lane / 4 + part / 2 * 8;
        const u32 column = n0 + warp_n + j * 8 + lane % 4 * 2 + part % 2;
        if (row < m && column < n) c[(u64)row * n + column] = sum[i][j][part];
      }
}

// The transpose of a 16 x 16 matrix by ldmatrix.trans, one warp.
extern "C" __global__ void __launch_bounds__(32) good_transpose(const u16* __restrict__ x, u16* __restrict__ y) {
  __shared__ __align__(16) u16 tile[16][24];
  const u32 lane = threadIdx.x;
  for (u32 i = lane; i < 256; i += 32) tile[i / 16][i % 16] = x[i];
  __syncwarp();
  u32 r[4];
  ldmatrix_x4_trans(r, &tile[lane % 16][lane / 16 * 8]);
  // Matrix q of the four is the part at rows q % 2 * 8, columns q / 2 * 8.
  for (u32 q = 0; q < 4; q++) {
    const u32 row = q / 2 * 8 + lane / 4, column = q % 2 * 8 + lane % 4 * 2;
    y[row * 16 + column] = (u16)r[q];
    y[row * 16 + column + 1] = (u16)(r[q] >> 16);
  }
}

// C (16 x 8) = A (16 x 8) B (8 x 8) in tf32, one warp.
extern "C" __global__ void __launch_bounds__(32)
    good_mma_tf32(const float* __restrict__ a, const float* __restrict__ b, float* __restrict__ c) {
  const u32 g = threadIdx.x / 4, t = threadIdx.x % 4;
  const u32 fragment_a[4] = {f32_to_tf32(a[g * 8 + t]), f32_to_tf32(a[(g + 8) * 8 + t]), f32_to_tf32(a[g * 8 + t + 4]),
                             f32_to_tf32(a[(g + 8) * 8 + t + 4])};
  const u32 fragment_b[2] = {f32_to_tf32(b[t * 8 + g]), f32_to_tf32(b[(t + 4) * 8 + g])};
  float d[4] = {};
  mma_tf32_1688(d, fragment_a, fragment_b);
  for (u32 i = 0; i < 4; i++) c[(g + i / 2 * 8) * 8 + t * 2 + i % 2] = d[i];
}

// Softmax of each row in place, one block a row, the row kept in dynamic shared memory.
extern "C" __global__ void __launch_bounds__(256) good_softmax(float* __restrict__ x, u32 n) {
  DYN_SMEM(bytes);
  float* row = reinterpret_cast<float*>(bytes);
  __shared__ float scratch[32];
  float* p = x + (u64)blockIdx.x * n;
  float largest = __uint_as_float(0xff800000u);
  for (u32 i = threadIdx.x; i < n; i += blockDim.x) {
    row[i] = p[i];
    largest = fmaxf(largest, row[i]);
  }
  largest = block_max(largest, scratch);
  float sum = 0.f;
  for (u32 i = threadIdx.x; i < n; i += blockDim.x) {
    row[i] = ex2_approx((row[i] - largest) * 1.44269504f);
    sum += row[i];
  }
  const float scale = __fdividef(1.f, block_sum(sum, scratch));
  for (u32 i = threadIdx.x; i < n; i += blockDim.x) p[i] = row[i] * scale;
}

// out[segment[i]] += x[i] for sorted segments: a scan within the warp, then one atomic a segment and warp.
extern "C" __global__ void __launch_bounds__(256)
    good_segment_sum(const float* __restrict__ x, const u32* __restrict__ segment, float* __restrict__ out, u32 n) {
  const u32 i = blockIdx.x * blockDim.x + threadIdx.x, lane = threadIdx.x % 32;
  const i32 mine = i < n ? (i32)segment[i] : -1;
  float sum = i < n ? x[i] : 0.f;
  for (u32 step = 1; step < 32; step *= 2) {
    const float before = __shfl_up_sync(0xffffffffu, sum, step);
    const i32 of = __shfl_up_sync(0xffffffffu, mine, step);
    if (lane >= step && of == mine) sum += before;
  }
  const i32 next = __shfl_down_sync(0xffffffffu, mine, 1);
  if (mine >= 0 && (lane == 31 || next != mine)) atomicAdd(out + mine, sum);
}

// A name made by a macro, and launch bounds that are an expression.
static constexpr u32 THREADS = 64;
#define FILL(name, value)                                                                                 \
  extern "C" __global__ void __launch_bounds__(THREADS * 2, 1) name(float* __restrict__ x, u32 n) {       \
    for (u32 i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) x[i] = value; \
  }
FILL(good_fill_one, 1.f)
FILL(good_fill_two, 2.f)
