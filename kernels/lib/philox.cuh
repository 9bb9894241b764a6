// Philox4x32-10, the same numbers as src/engine/random.rs.
#pragma once
#include "lib/dev.cuh"

// Word number `word` of the four at (stream, index).
DEV u32 philox_word(u64 seed, u64 stream, u64 index, u32 word) {
    u32 key0 = (u32)seed, key1 = (u32)(seed >> 32);
    u32 a = (u32)index, b = (u32)(index >> 32), c = (u32)stream, d = (u32)(stream >> 32);
#pragma unroll
    for (u32 round = 0; round < 10; round++) {
        const u64 p = (u64)a * 0xD2511F53u, q = (u64)c * 0xCD9E8D57u;
        a = (u32)(q >> 32) ^ b ^ key0;
        b = (u32)q;
        c = (u32)(p >> 32) ^ d ^ key1;
        d = (u32)p;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    return word == 0 ? a : word == 1 ? b : word == 2 ? c : d;
}
