// Philox4x32-10, the same numbers as src/engine/random.rs.
#pragma once
#include "lib/dev.cuh"

// The four words at (stream, index).
DEV void philox_words(u32 (&words)[4], u64 seed, u64 stream, u64 index) {
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
    words[0] = a;
    words[1] = b;
    words[2] = c;
    words[3] = d;
}

// Word number `word` of them.
DEV u32 philox_word(u64 seed, u64 stream, u64 index, u32 word) {
    u32 words[4];
    philox_words(words, seed, stream, index);
    return word == 0 ? words[0] : word == 1 ? words[1] : word == 2 ? words[2] : words[3];
}
