// Matrix product on tensor cores, C (M x N) = A (M x K) B (K x N), in f32 as three TF32 products (hi hi + hi lo + lo hi: some
// 22 bits of each factor) or in bf16 with f32 sums. Any sizes and strides; sums run over k in one fixed order.
//
// One block makes one tile with 128 threads: 64 x 64, or 128 x 32 where C is narrow; 4 warps of 32 x 32. Slices of 16 k are staged
// in two shared buffers, k outermost, with rows of 8 floats more than the tile has: lanes (g, t) of a fragment read banks 8 t + g,
// all different. Every eight slices the sums are added to others: tensor cores cut their sums off instead of rounding them, which
// a long chain would show.
#pragma once
#include "lib/dev.cuh"

static constexpr u32 GEMM_TILE = 64, GEMM_DEPTH = 16, GEMM_THREADS = 128, GEMM_CHAIN = 128;
// Columns of a narrow tile, and the lines of one with so many columns.
static constexpr u32 GEMM_NARROW = 32;
DEV constexpr u32 gemm_lines(u32 columns) { return columns == GEMM_NARROW ? 128 : 64; }

// x(i, k) = data[i * along + k * deep]: `along` counts rows of A or columns of B. A factor may be any type with a
// gemm_element of its own.
struct Matrix {
    const float* data;
    u32 along, deep;
};

DEV float gemm_element(const Matrix& x, u32 along, u32 deep) {
    return x.data[(u64)along * x.along + (u64)deep * x.deep];
}

// The slices, and when they are done with the tile of sums.
template <u32 COLUMNS> struct GemmSlices {
    __align__(16) float a[2][GEMM_DEPTH][gemm_lines(COLUMNS) + 8];
    __align__(16) float b[2][GEMM_DEPTH][COLUMNS + 8];
};
template <u32 COLUMNS> union GemmMemory {
    GemmSlices<COLUMNS> in;
    __align__(16) float c[gemm_lines(COLUMNS)][COLUMNS + 8];
};
using GemmShared = GemmMemory<GEMM_TILE>;

// In place of put(m, n, sum): sums are added to what is at address at(m, n).
template <class At> struct AddTo {
    At at;
};
template <class At> DEV AddTo<At> add_to(At at) { return {at}; }

// Where a slice keeps its column: neighbours along k, stored by neighbouring threads, fall into different banks.
DEV u32 gemm_column(u32 deep, u32 along) { return along ^ (deep / 4 * 2); }

// A thread's elements of a SIZE x 16 slice, the fast direction of memory along neighbouring threads.
template <bool DEEP_FAST, u32 SIZE> DEV void gemm_place(u32 thread, u32 i, u32& along, u32& deep) {
    const u32 e = thread + i * GEMM_THREADS;
    if (DEEP_FAST) { deep = e % GEMM_DEPTH; along = e / GEMM_DEPTH; }
    else { along = e % SIZE; deep = e / SIZE; }
}

template <bool DEEP_FAST, u32 SIZE, u32 COUNT, class Factor>
DEV void gemm_fetch(float (&into)[COUNT], const Factor& x, u32 along0, u32 size, u32 deep0, u32 depth) {
#pragma unroll
    for (u32 i = 0; i < COUNT; i++) {
        u32 along, deep;
        gemm_place<DEEP_FAST, SIZE>(threadIdx.x, i, along, deep);
        along += along0;
        deep += deep0;
        into[i] = along < size && deep < depth ? gemm_element(x, along, deep) : 0.f;
    }
}

template <bool DEEP_FAST, u32 COUNT, u32 ROW> DEV void gemm_store(float (&into)[GEMM_DEPTH][ROW], const float (&from)[COUNT]) {
#pragma unroll
    for (u32 i = 0; i < COUNT; i++) {
        u32 along, deep;
        gemm_place<DEEP_FAST, ROW - 8>(threadIdx.x, i, along, deep);
        into[deep][gemm_column(deep, along)] = from[i];
    }
}

// To nearest, and what is left of x cut off: with whole numbers, as cards emulate the conversion or have few units for it.
// NaN stays in `low`.
DEV void split_tf32(float x, u32& high, u32& low) {
    high = (__float_as_uint(x) + 0x1000u) & 0xffffe000u;
    low = __float_as_uint(x - __uint_as_float(high)) & 0xffffe000u;
}

// A fragment's numbers in halves.
template <u32 COUNT> DEV void split_all(const float (&x)[COUNT], u32 (&high)[COUNT], u32 (&low)[COUNT]) {
#pragma unroll
    for (u32 i = 0; i < COUNT; i++) split_tf32(x[i], high[i], low[i]);
}

// d += A B from halves; with ONE product of the upper ones alone.
template <bool ONE>
DEV void mma_halves(float (&d)[4], const u32 (&ah)[4], const u32 (&al)[4], const u32 (&bh)[2], const u32 (&bl)[2]) {
    if (!ONE) {
        mma_tf32_1688(d, al, bh);
        mma_tf32_1688(d, ah, bl);
    }
    mma_tf32_1688(d, ah, bh);
}

// A warp's 32 x 32 of the tile over 16 k, in f32.
template <u32 ROW_A, u32 ROW_B>
DEV void gemm_warp_f32(float (&sum)[2][4][4], const float (&a)[GEMM_DEPTH][ROW_A], const float (&b)[GEMM_DEPTH][ROW_B], u32 m0, u32 n0, u32 g, u32 t) {
#pragma unroll
    for (u32 k = 0; k < GEMM_DEPTH; k += 8) {
        u32 ah[2][4], al[2][4];
#pragma unroll
        for (u32 i = 0; i < 2; i++)
#pragma unroll
            for (u32 r = 0; r < 4; r++) {
                const u32 deep = k + (r >> 1) * 4, m = m0 + i * 16 + g + (r & 1) * 8;
                split_tf32(a[deep + t][gemm_column(deep, m)], ah[i][r], al[i][r]);
            }
#pragma unroll
        for (u32 j = 0; j < 4; j++) {
            u32 bh[2], bl[2];
#pragma unroll
            for (u32 r = 0; r < 2; r++) {
                const u32 deep = k + r * 4;
                split_tf32(b[deep + t][gemm_column(deep, n0 + j * 8 + g)], bh[r], bl[r]);
            }
#pragma unroll
            for (u32 i = 0; i < 2; i++) {
                mma_tf32_1688(sum[i][j], al[i], bh);
                mma_tf32_1688(sum[i][j], ah[i], bl);
                mma_tf32_1688(sum[i][j], ah[i], bh);
            }
        }
    }
}

// The same with both factors rounded to bf16.
template <u32 ROW_A, u32 ROW_B>
DEV void gemm_warp_bf16(float (&sum)[2][4][4], const float (&a)[GEMM_DEPTH][ROW_A], const float (&b)[GEMM_DEPTH][ROW_B], u32 m0, u32 n0, u32 g, u32 t) {
    u32 pa[2][4];
#pragma unroll
    for (u32 i = 0; i < 2; i++)
#pragma unroll
        for (u32 r = 0; r < 4; r++) {
            const u32 k = 2 * t + (r >> 1) * 8, m = gemm_column(k, m0 + i * 16 + g + (r & 1) * 8);
            pa[i][r] = pack_bf16(a[k][m], a[k + 1][m]);
        }
#pragma unroll
    for (u32 j = 0; j < 4; j++) {
        u32 pb[2];
#pragma unroll
        for (u32 r = 0; r < 2; r++) {
            const u32 k = 2 * t + r * 8, n = gemm_column(k, n0 + j * 8 + g);
            pb[r] = pack_bf16(b[k][n], b[k + 1][n]);
        }
#pragma unroll
        for (u32 i = 0; i < 2; i++) mma_bf16_16816(sum[i][j], pa[i], pb);
    }
}

// The lines and columns of eight numbers of a warp's thread, from a line on: a warp a line, neighbouring lanes neighbouring columns.
template <u32 COLUMNS> DEV u32 gemm_line(u32 i) { return i / (COLUMNS / 32) * 4; }
template <u32 COLUMNS> DEV u32 gemm_lane(u32 i) { return threadIdx.x % 32 + i % (COLUMNS / 32) * 32; }

// Eight of the tile's numbers that lie in M x N.
template <u32 COLUMNS, class Put>
DEV void gemm_put(const GemmMemory<COLUMNS>& s, const Put& put, u32 first, u32 m0, u32 n0, u32 M, u32 N) {
#pragma unroll
    for (u32 i = 0; i < 8; i++) {
        const u32 m = first + gemm_line<COLUMNS>(i), n = gemm_lane<COLUMNS>(i);
        if (m0 + m < M && n0 + n < N) put(m0 + m, n0 + n, s.c[m][n]);
    }
}

// All loads before the first store: a store may not be overtaken.
template <u32 COLUMNS, class At>
DEV void gemm_put(const GemmMemory<COLUMNS>& s, const AddTo<At>& to, u32 first, u32 m0, u32 n0, u32 M, u32 N) {
    float* at[8];
    float old[8];
#pragma unroll
    for (u32 i = 0; i < 8; i++) {
        const u32 m = m0 + first + gemm_line<COLUMNS>(i), n = n0 + gemm_lane<COLUMNS>(i);
        at[i] = m < M && n < N ? to.at(m, n) : nullptr;
        old[i] = at[i] ? *at[i] : 0.f;
    }
#pragma unroll
    for (u32 i = 0; i < 8; i++)
        if (at[i]) *at[i] = old[i] + s.c[first + gemm_line<COLUMNS>(i)][gemm_lane<COLUMNS>(i)];
}

// The block's tile at (m0, n0); `put(m, n, sum)` gets every element inside M x N once. BF16 chooses the precision; A_DEEP and
// B_DEEP say that memory runs along k; the columns of the tile follow from `s`.
template <bool BF16, bool A_DEEP, bool B_DEEP, u32 COLUMNS, class A, class B, class Put>
DEV void gemm_tile(GemmMemory<COLUMNS>& s, const A& a, const B& b, u32 M, u32 N, u32 K, u32 m0, u32 n0, const Put& put) {
    const u32 lane = threadIdx.x % 32, warp = threadIdx.x / 32, g = lane / 4, t = lane % 4;
    constexpr u32 LINES = gemm_lines(COLUMNS), DOWN = LINES / 32;
    const u32 wm = warp % DOWN * 32, wn = warp / DOWN * 32;
    float sum[2][4][4] = {}, chain[2][4][4] = {};
    float ra[LINES * GEMM_DEPTH / GEMM_THREADS], rb[COLUMNS * GEMM_DEPTH / GEMM_THREADS];
    gemm_fetch<A_DEEP, LINES>(ra, a, m0, M, 0, K);
    gemm_fetch<B_DEEP, COLUMNS>(rb, b, n0, N, 0, K);
    gemm_store<A_DEEP>(s.in.a[0], ra);
    gemm_store<B_DEEP>(s.in.b[0], rb);
    __syncthreads();
    u32 at = 0;
    for (u32 k = 0; k < K; k += GEMM_DEPTH, at ^= 1) {
        const bool more = k + GEMM_DEPTH < K;
        if (more) {
            gemm_fetch<A_DEEP, LINES>(ra, a, m0, M, k + GEMM_DEPTH, K);
            gemm_fetch<B_DEEP, COLUMNS>(rb, b, n0, N, k + GEMM_DEPTH, K);
        }
        if (BF16) gemm_warp_bf16(chain, s.in.a[at], s.in.b[at], wm, wn, g, t);
        else gemm_warp_f32(chain, s.in.a[at], s.in.b[at], wm, wn, g, t);
        if (!more || (k + GEMM_DEPTH) % GEMM_CHAIN == 0) {
#pragma unroll
            for (u32 i = 0; i < 32; i++) {
                float& link = chain[i / 16][i / 4 % 4][i % 4];
                sum[i / 16][i / 4 % 4][i % 4] += link;
                link = 0.f;
            }
        }
        if (more) {
            gemm_store<A_DEEP>(s.in.a[at ^ 1], ra);
            gemm_store<B_DEEP>(s.in.b[at ^ 1], rb);
        }
        __syncthreads();
    }
#pragma unroll
    for (u32 i = 0; i < 2; i++)
#pragma unroll
        for (u32 j = 0; j < 4; j++)
#pragma unroll
            for (u32 r = 0; r < 2; r++) {
                float* c = &s.c[wm + i * 16 + g + r * 8][wn + j * 8 + 2 * t];
                *reinterpret_cast<float2*>(c) = make_float2(sum[i][j][2 * r], sum[i][j][2 * r + 1]);
            }
    __syncthreads();
#pragma unroll 1
    for (u32 first = warp; first < LINES; first += 4 * 8 / (COLUMNS / 32)) gemm_put(s, put, first, m0, n0, M, N);
}

// Memory for a tile of either width.
union GemmEither {
    GemmMemory<GEMM_TILE> wide;
    GemmMemory<GEMM_NARROW> narrow;
};

// Tile number `tile` of those that make C, line of tiles after line of tiles: narrow ones where C is narrow.
template <bool A_DEEP, bool B_DEEP, class A, class B, class Put>
DEV void gemm_either(GemmEither& s, bool bf16, const A& a, const B& b, u32 M, u32 N, u32 K, u32 tile, const Put& put) {
    if (N <= GEMM_NARROW) {
        const u32 m0 = tile * gemm_lines(GEMM_NARROW);
        if (bf16) gemm_tile<true, A_DEEP, B_DEEP>(s.narrow, a, b, M, N, K, m0, 0, put);
        else gemm_tile<false, A_DEEP, B_DEEP>(s.narrow, a, b, M, N, K, m0, 0, put);
        return;
    }
    const u32 across = (N + GEMM_TILE - 1) / GEMM_TILE, m0 = tile / across * GEMM_TILE, n0 = tile % across * GEMM_TILE;
    if (bf16) gemm_tile<true, A_DEEP, B_DEEP>(s.wide, a, b, M, N, K, m0, n0, put);
    else gemm_tile<false, A_DEEP, B_DEEP>(s.wide, a, b, M, N, K, m0, n0, put);
}
