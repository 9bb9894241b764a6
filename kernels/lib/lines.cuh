// A line of numbers for each group of 2^k neighbouring lanes, as many as the line has use for: short lines leave no
// lane idle. Blocks of 256 threads; the launches' side is src/ops/lines.rs.
#pragma once
#include "lib/dev.cuh"

// Below every finite number: what a maximum starts from. Infinity would give infinity - infinity.
static constexpr float LOWEST = -3.402823466e38f;

// This thread's line, and its place among the lanes that share it.
struct LineLane {
    u32 line, lane;
};
DEV LineLane line_lane(u32 lanes) {
    return {blockIdx.x * (256 / lanes) + threadIdx.x / lanes, threadIdx.x % lanes};
}

// The group's sum, the same bits in each of its lanes. All 32 lanes of the warp take part, also those without a line.
template <class T> DEV T lanes_sum(T x, u32 lanes) {
    for (u32 step = lanes / 2; step; step /= 2) x += __shfl_xor_sync(0xffffffffu, x, step);
    return x;
}

DEV float lanes_max(float x, u32 lanes) {
    for (u32 step = lanes / 2; step; step /= 2) x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, step));
    return x;
}
