// Products of a batch, a block for each 64 x 64 tile of each: which tile this block makes, and where its sums go.
#pragma once
#include "lib/gemm.cuh"

struct ProductTile {
    u32 product, m0, n0;
};
DEV ProductTile product_tile(u32 m, u32 n) {
    const u32 across = (n + GEMM_TILE - 1) / GEMM_TILE, tiles = across * ((m + GEMM_TILE - 1) / GEMM_TILE);
    const u32 tile = blockIdx.x % tiles;
    return {blockIdx.x / tiles, tile / across * GEMM_TILE, tile % across * GEMM_TILE};
}

// In place of put(m, n, sum): scale sum + bias[m], or the sum alone without bias, is stored at address at(m, n), or
// added there with `add`.
template <class At> struct Into {
    At at;
    const float* bias;
    float scale;
    u32 add;
};
template <class At> DEV Into<At> into(At at, const float* bias, float scale, u32 add) { return {at, bias, scale, add}; }

// All loads before the first store: a store may not be overtaken.
template <class At>
DEV void gemm_put(const GemmShared& s, const Into<At>& to, u32 first, u32 m0, u32 n0, u32 M, u32 N) {
    float* at[8];
    float old[8];
#pragma unroll
    for (u32 i = 0; i < 8; i++) {
        const u32 m = m0 + first + i / 2 * 4, n = n0 + threadIdx.x % 32 + i % 2 * 32;
        at[i] = m < M && n < N ? to.at(m, n) : nullptr;
        old[i] = !at[i] ? 0.f : to.add ? *at[i] : to.bias ? to.bias[m] : 0.f;
    }
#pragma unroll
    for (u32 i = 0; i < 8; i++)
        if (at[i]) *at[i] = old[i] + to.scale * s.c[first + i / 2 * 4][threadIdx.x % 32 + i % 2 * 32];
}
