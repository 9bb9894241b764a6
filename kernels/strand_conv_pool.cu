// What strand_conv_pool (src/ops/strand_conv_pool) has beside the convolution's kernels and linear's: maxima behind the layer of
// each position, and the layer's gradients at once for usual numbers of kernels. A line is a strand of a row; neighbouring threads have
// neighbouring kernels. Predicted for an H200, 100 rows of the original's size: maxima 5 us, the layer's gradients 21 us
// (docs/benchmarks.md).
#include "lib/elementwise.cuh"
#include "lib/gemm.cuh"
#include "lib/window_maximum.cuh"

// y (lines, windows, kernels) = the largest of u (lines, positions, kernels) under a window, at least 0; `first` (null where no
// backward run follows) its first place in the window.
extern "C" __global__ void __launch_bounds__(256)
    strand_conv_pool_maximum(const float* __restrict__ u, float* __restrict__ y, u32* __restrict__ first, u32 positions,
                             u32 kernels, u32 windows, u32 pool, u32 chunks) {
  const u32 len = windows * kernels;
  each_number(len, chunks, [&](u64 line, u32 i) {
    const u32 j = i / kernels, f = i - j * kernels;
    const float* at = u + (line * positions + (u64)j * pool) * kernels + f;
    const WindowMaximum found = window_maximum(at, pool, kernels);
    y[line * len + i] = fmaxf(found.largest, 0.f);
    if (first) first[line * len + i] = found.place;
  });
}

// du = dy at each maximum above 0, and 0 elsewhere, written whole.
extern "C" __global__ void __launch_bounds__(256)
    strand_conv_pool_spread(const u32* __restrict__ first, const float* __restrict__ y, const float* __restrict__ dy,
                            float* __restrict__ du, u32 positions, u32 kernels, u32 windows, u32 pool, u32 chunks) {
  each_number(positions * kernels, chunks, [&](u64 line, u32 i) {
    const u32 p = i / kernels, f = i - p * kernels, j = p / pool;
    const u64 from = (line * windows + j) * kernels + f;
    const bool here = j < windows && first[from] == p - j * pool && y[from] > 0.f;
    du[line * positions * kernels + i] = here ? dy[from] : 0.f;
  });
}

// ---- the layer's gradients at once: 32, 64 or 128 kernels ----------------------------------------------------------
//
// A block takes 64 positions of a strand after the other: du from the places of the maxima, all else 0, then dh = du V^T, to memory,
// and h^T du and the sum of du, which stay in registers and become a part. Bound by the tensor cores and by reading h and writing dh.
static constexpr u32 LAYER_LINES = 64;

// What the gradients are made from. `dh` may be null.
struct LayerSource {
    const float *h, *v, *y, *dy;
    const u32* first;
    float* dh;
    u32 strands, positions, windows, pool;
};

template <bool ONE, u32 K> DEV void layer_backward(const LayerSource& in, float* parts, float* bias_parts) {
    constexpr u32 ROW = K + 8, DOWN = K / 16, ACROSS = K / 8;
    // A warp's fragments of h^T du: all columns of some, or half of one's.
    constexpr u32 MINE = DOWN < 4 ? 1 : DOWN / 4, WIDE = DOWN < 4 ? ACROSS / 2 : ACROSS, GROUP = WIDE < 4 ? WIDE : 4;
    DYN_SMEM(memory);
    float* du = reinterpret_cast<float*>(memory);
    float* h = du + LAYER_LINES * ROW;
    const u32 lane = threadIdx.x % 32, warp = threadIdx.x / 32, g = lane / 4, t = lane % 4, f = threadIdx.x % K;
    const u32 tiles = (in.positions + LAYER_LINES - 1) / LAYER_LINES, all = in.strands * tiles;
    const u32 each = (all + gridDim.x - 1) / gridDim.x, begin = blockIdx.x * each;
    const u32 m0 = DOWN < 4 ? warp % 2 : warp, n0 = DOWN < 4 ? warp / 2 * WIDE : 0;
    float total[MINE][WIDE][4] = {}, of_bias = 0.f;
    for (u32 tile = begin; tile < min(begin + each, all); tile++) {
        const u32 strand = tile / tiles, p0 = tile % tiles * LAYER_LINES, count = min(LAYER_LINES, in.positions - p0);
        const u64 first_line = (u64)strand * in.positions + p0;
        __syncthreads();
        for (u32 i = threadIdx.x; i < LAYER_LINES * K; i += GEMM_THREADS) {
            const u32 line = i / K;
            du[line * ROW + f] = 0.f;
            h[line * ROW + f] = line < count ? in.h[first_line * K + i] : 0.f;
        }
        __syncthreads();
        const u32 windows = min(in.windows, (p0 + count - 1) / in.pool + 1);
        for (u32 j = p0 / in.pool + threadIdx.x / K; j < windows; j += GEMM_THREADS / K) {
            const u64 at = ((u64)strand * in.windows + j) * K + f;
            const u32 line = j * in.pool + in.first[at] - p0;  // of a place before the tile: large
            if (line < count && in.y[at] > 0.f) {
                const float d = in.dy[at];
                du[line * ROW + f] = d;
                of_bias += d;
            }
        }
        __syncthreads();
        if (in.dh) {
#pragma unroll 1
            for (u32 n = 0; n < ACROSS; n += 4) {
                float sum[4][4] = {};
#pragma unroll 4
                for (u32 k = 0; k < K; k += 8) {
                    float a[4];
#pragma unroll
                    for (u32 r = 0; r < 4; r++) a[r] = du[(warp * 16 + g + (r & 1) * 8) * ROW + k + t + r / 2 * 4];
                    u32 ah[4], al[4];
                    split_all(a, ah, al);
#pragma unroll
                    for (u32 i = 0; i < 4; i++) {
                        const float* v = in.v + ((n + i) * 8 + g) * K + k + t;
                        const float b[2] = {v[0], v[4]};
                        u32 bh[2], bl[2];
                        split_all(b, bh, bl);
                        mma_halves<ONE>(sum[i], ah, al, bh, bl);
                    }
                }
#pragma unroll
                for (u32 half = 0; half < 2; half++) {
                    const u32 line = warp * 16 + g + half * 8;
                    if (line >= count) continue;
#pragma unroll
                    for (u32 i = 0; i < 4; i++)
                        *reinterpret_cast<float2*>(in.dh + (first_line + line) * K + (n + i) * 8 + 2 * t) =
                            make_float2(sum[i][half * 2], sum[i][half * 2 + 1]);
                }
            }
        }
#pragma unroll
        for (u32 m = 0; m < MINE; m++)
#pragma unroll
            for (u32 n = 0; n < WIDE; n += GROUP) {
                float sum[GROUP][4] = {};
#pragma unroll 1
                for (u32 line = 0; line < LAYER_LINES; line += 8) {
                    float a[4];
#pragma unroll
                    for (u32 r = 0; r < 4; r++) a[r] = h[(line + t + r / 2 * 4) * ROW + (m0 + 4 * m) * 16 + g + (r & 1) * 8];
                    u32 ah[4], al[4];
                    split_all(a, ah, al);
#pragma unroll
                    for (u32 i = 0; i < GROUP; i++) {
                        const float* b_at = du + (line + t) * ROW + (n0 + n + i) * 8 + g;
                        const float b[2] = {b_at[0], b_at[4 * ROW]};
                        u32 bh[2], bl[2];
                        split_all(b, bh, bl);
                        mma_halves<ONE>(sum[i], ah, al, bh, bl);
                    }
                }
#pragma unroll
                for (u32 e = 0; e < GROUP * 4; e++) total[m][n + e / 4][e % 4] += sum[e / 4][e % 4];
            }
    }
    parts += (u64)blockIdx.x * K * K;
#pragma unroll
    for (u32 m = 0; m < MINE; m++)
#pragma unroll
        for (u32 e = 0; e < WIDE * 4; e++) {
            const u32 i = (m0 + 4 * m) * 16 + g + e % 4 / 2 * 8, j = (n0 + e / 4) * 8 + 2 * t + e % 2;
            parts[i * K + j] = total[m][e / 4][e % 4];
        }
    __syncthreads();
    du[threadIdx.x] = of_bias;
    __syncthreads();
    if (threadIdx.x < K) {
        float sum = 0.f;
#pragma unroll
        for (u32 i = 0; i < GEMM_THREADS; i += K) sum += du[i + threadIdx.x];
        bias_parts[blockIdx.x * K + threadIdx.x] = sum;
    }
}

template <u32 K> DEV void layer_backward(const LayerSource& in, float* parts, float* bias_parts, u32 bf16) {
    if (bf16) layer_backward<true, K>(in, parts, bias_parts);
    else layer_backward<false, K>(in, parts, bias_parts);
}

// parts[part][k][k] of dV, bias_parts[part][k] of the layer's bias, and dh; a block for each part. 32 or 64 kernels.
extern "C" __global__ void __launch_bounds__(128) strand_conv_pool_layer_backward(
    const float* __restrict__ h, const float* __restrict__ v, const u32* __restrict__ first, const float* __restrict__ y,
    const float* __restrict__ dy, float* __restrict__ dh, float* __restrict__ parts, float* __restrict__ bias_parts, u32 strands,
    u32 positions, u32 kernels, u32 windows, u32 pool, u32 bf16) {
    const LayerSource in{h, v, y, dy, first, dh, strands, positions, windows, pool};
    if (kernels == 32) layer_backward<32>(in, parts, bias_parts, bf16);
    else layer_backward<64>(in, parts, bias_parts, bf16);
}

// The same for 128 kernels, which takes twice the registers.
extern "C" __global__ void __launch_bounds__(128) strand_conv_pool_layer_backward_wide(
    const float* __restrict__ h, const float* __restrict__ v, const u32* __restrict__ first, const float* __restrict__ y,
    const float* __restrict__ dy, float* __restrict__ dh, float* __restrict__ parts, float* __restrict__ bias_parts, u32 strands,
    u32 positions, u32 windows, u32 pool, u32 bf16) {
    const LayerSource in{h, v, y, dy, first, dh, strands, positions, windows, pool};
    layer_backward<128>(in, parts, bias_parts, bf16);
}
