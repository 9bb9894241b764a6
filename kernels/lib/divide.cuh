// Division by a number that stays the same, in a third of the instructions of n / d: n floor((2^32 - 1) / d) / 2^32 is
// less than 1 below n / d, so that its whole part is the quotient or one less.
#pragma once
#include "lib/dev.cuh"

struct Divisor {
    u32 d, inverse;
};
DEV Divisor divisor(u32 d) { return {d, 0xffffffffu / d}; }

DEV u32 divide(const Divisor& by, u32 n, u32& rest) {
    const u32 q = __umulhi(n, by.inverse), r = n - q * by.d;
    const bool less = r >= by.d;
    rest = less ? r - by.d : r;
    return less ? q + 1 : q;
}

// Lines of equal length, one after the other in memory: which one the first of some elements is in, and where in it.
struct Lines {
    u64 line;
    u32 at;
    Divisor length;
};
DEV Lines lines_from(u64 first, u32 length) {
    const u64 line = first >> 32 ? first / length : (u32)first / length;
    return {line, (u32)(first - line * length), divisor(length)};
}

// The same of the d-th element from there on.
DEV u64 locate(const Lines& lines, u32 d, u32& at) { return lines.line + divide(lines.length, lines.at + d, at); }
