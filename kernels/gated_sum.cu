// Weighted sum of parts (src/ops/gated_sum): y[c, l] = sum_i part_i[c, l] g, eight parts a launch. Of part first + k,
// bit k of `shared` says that all rows share it, bit k of `narrow` that it has one number a channel. Gates by `kind`:
// 0 g[i, l], 1 g[i], 2 g[c, i].
#include "lib/lines.cuh"

static constexpr u32 PARTS = 8;
enum Kind : u32 { PER_POSITION, PER_PART, PER_CHANNEL };

// What the launch's parts are.
struct Parts {
    u32 all, first, count, shared, narrow;
};

DEV bool bit(u32 mask, u32 k) { return mask >> k & 1; }

// Place of a row's gate of part i for channel c, at position 0.
DEV u64 gate_place(u32 kind, u32 parts, u32 length, u32 i, u32 c) {
    return kind == PER_POSITION ? (u64)i * length : kind == PER_PART ? i : (u64)c * parts + i;
}

// Where part k's numbers of (row, c) start.
DEV u64 part_place(const Parts& parts, u32 k, u64 row, u32 c, u32 channels, u32 length) {
    const u32 width = bit(parts.narrow, k) ? 1 : length;
    return (bit(parts.shared, k) ? 0 : row * channels * width) + (u64)c * width;
}

// A line of y from its parts, their gates and one gate of each that holds for the whole line.
template <bool BY_POSITION>
DEV void sum_line(const float* const (&x)[PARTS], const float* const (&gate)[PARTS], const Parts& parts, float* y,
                  u32 lane, u32 end, u32 lanes, u32 add) {
    float factor[PARTS];
    if (!BY_POSITION && end)
#pragma unroll
        for (u32 k = 0; k < PARTS; k++) factor[k] = k < parts.count ? *gate[k] : 0.f;
    for (u32 l = lane; l < end; l += lanes) {
        float sum = add ? y[l] : 0.f;
#pragma unroll
        for (u32 k = 0; k < PARTS; k++)
            if (k < parts.count) sum += (BY_POSITION ? gate[k][l] : factor[k]) * x[k][bit(parts.narrow, k) ? 0 : l];
        y[l] = sum;
    }
}

// y = the launch's parts, or += with `add`: a group of lanes for each (row, c).
extern "C" __global__ void __launch_bounds__(256)
gated_sum_forward(const float* __restrict__ x0, const float* __restrict__ x1, const float* __restrict__ x2,
                  const float* __restrict__ x3, const float* __restrict__ x4, const float* __restrict__ x5,
                  const float* __restrict__ x6, const float* __restrict__ x7, const float* __restrict__ gate,
                  float* __restrict__ y, u32 lines, u32 channels, u32 length, u32 kind, u32 gate_row, u32 parts,
                  u32 first, u32 count, u32 shared, u32 narrow, u32 add, u32 lanes) {
    const LineLane at = line_lane(lanes);
    if (at.line >= lines) return;
    const u64 row = at.line / channels;
    const u32 c = at.line % channels;
    const Parts of = {parts, first, count, shared, narrow};
    const float* x[PARTS] = {x0, x1, x2, x3, x4, x5, x6, x7};
    const float* gates[PARTS];
#pragma unroll
    for (u32 k = 0; k < PARTS; k++) {
        if (k < count) x[k] += part_place(of, k, row, c, channels, length);
        gates[k] = gate + row * gate_row + gate_place(kind, parts, length, first + k, c);
    }
    y += (u64)at.line * length;
    if (kind == PER_POSITION) sum_line<true>(x, gates, of, y, at.lane, length, lanes, add);
    else sum_line<false>(x, gates, of, y, at.lane, length, lanes, add);
}

// Along one line: dx_k += dy g, and the line's sums of dy g and of dy x_k.
template <bool BY_POSITION>
DEV void backward_line(const float* const (&x)[PARTS], float* const (&dx)[PARTS], const float* const (&gate)[PARTS],
                       const Parts& parts, const float* dy, bool sum_gates, float (&with_gate)[PARTS],
                       float (&with_part)[PARTS], u32 lane, u32 end, u32 lanes) {
    float factor[PARTS];
    if (!BY_POSITION && end)
#pragma unroll
        for (u32 k = 0; k < PARTS; k++) factor[k] = k < parts.count ? *gate[k] : 0.f;
    for (u32 l = lane; l < end; l += lanes) {
        const float d = dy[l];
#pragma unroll
        for (u32 k = 0; k < PARTS; k++) {
            if (k >= parts.count) continue;
            const bool one = bit(parts.narrow, k);
            if (dx[k]) {
                const float of_part = d * (BY_POSITION ? gate[k][l] : factor[k]);
                if (one) with_gate[k] += of_part;
                else dx[k][l] += of_part;
            }
            if (!BY_POSITION && sum_gates) with_part[k] += d * x[k][one ? 0 : l];
        }
    }
}

// Gradients of the parts, and of the gates that hold for a line. dx_k is null where nobody asks, and for shared parts
// with L numbers a channel; those with one put each row's part of it to narrow_sums (parts, rows, C). The gates' go to
// gate_sums, null where nobody asks or gates are by position: (rows, parts, C) for PER_PART, (rows, C, parts) for
// PER_CHANNEL, where they are added with `adds`. Two parts may be one value, so dx_k may be the same.
extern "C" __global__ void __launch_bounds__(256, 2)
gated_sum_backward_lines(const float* __restrict__ x0, const float* __restrict__ x1, const float* __restrict__ x2,
                         const float* __restrict__ x3, const float* __restrict__ x4, const float* __restrict__ x5,
                         const float* __restrict__ x6, const float* __restrict__ x7, float* dx0, float* dx1, float* dx2,
                         float* dx3, float* dx4, float* dx5, float* dx6, float* dx7, const float* __restrict__ gate,
                         const float* __restrict__ dy, float* __restrict__ gate_sums, float* __restrict__ narrow_sums,
                         u32 lines, u32 channels, u32 length, u32 kind, u32 gate_row, u32 parts, u32 first, u32 count,
                         u32 shared, u32 narrow, u32 adds, u32 lanes) {
    const LineLane at = line_lane(lanes);
    const u32 end = at.line < lines ? length : 0, c = at.line % channels;
    const u64 row = at.line / channels;
    const Parts of = {parts, first, count, shared, narrow};
    const float* x[PARTS] = {x0, x1, x2, x3, x4, x5, x6, x7};
    float* dx[PARTS] = {dx0, dx1, dx2, dx3, dx4, dx5, dx6, dx7};
    const float* gates[PARTS];
    float with_gate[PARTS] = {}, with_part[PARTS] = {};
#pragma unroll
    for (u32 k = 0; k < PARTS; k++) {
        const u64 place = part_place(of, k, row, c, channels, length);
        if (k < count) x[k] += place;
        if (dx[k]) dx[k] += place;
        gates[k] = gate + row * gate_row + gate_place(kind, parts, length, first + k, c);
    }
    dy += (u64)at.line * length;
    if (kind == PER_POSITION)
        backward_line<true>(x, dx, gates, of, dy, gate_sums != nullptr, with_gate, with_part, at.lane, end, lanes);
    else
        backward_line<false>(x, dx, gates, of, dy, gate_sums != nullptr, with_gate, with_part, at.lane, end, lanes);
#pragma unroll
    for (u32 k = 0; k < PARTS; k++) {
        if (k >= count) continue;
        if (dx[k] && bit(narrow, k)) {
            const float sum = lanes_sum(with_gate[k], lanes);
            if (end && at.lane == 0) {
                if (bit(shared, k)) narrow_sums[(u64)(first + k) * lines + at.line] = sum;
                else *dx[k] += sum;
            }
        }
        if (gate_sums) {
            const float sum = lanes_sum(with_part[k], lanes);
            const u64 to = kind == PER_PART ? (row * parts + first + k) * channels + c
                                            : (u64)at.line * parts + first + k;
            if (end && at.lane == 0) gate_sums[to] = adds ? gate_sums[to] + sum : sum;
        }
    }
}

// The gradient of one shared part with L numbers a channel: dx[c, l] += sum over rows of dy g, 32 elements a block,
// eight threads an element.
extern "C" __global__ void __launch_bounds__(256)
gated_sum_backward_shared(const float* __restrict__ gate, const float* __restrict__ dy, float* __restrict__ dx,
                          u32 rows, u32 channels, u32 length, u32 kind, u32 gate_row, u32 parts, u32 part) {
    __shared__ float sums[8][32];
    const u32 lane = threadIdx.x % 32, strip = threadIdx.x / 32;
    const u32 n = channels * length, i = blockIdx.x * 32 + lane, l = i % length;
    gate += gate_place(kind, parts, length, part, i / length) + (kind == PER_POSITION ? l : 0);
    float sum = 0.f;
    if (i < n) {
#pragma unroll 4
        for (u32 row = strip; row < rows; row += 8) sum += dy[(u64)row * n + i] * gate[(u64)row * gate_row];
    }
    sums[strip][lane] = sum;
    __syncthreads();
    if (strip == 0 && i < n) {
        float all = 0.f;
#pragma unroll
        for (u32 s = 0; s < 8; s++) all += sums[s][lane];
        dx[i] += all;
    }
}

// Gates by position: sums[row, i, l] = sum_c dy part_i, or += with `adds`; 32 positions a block, eight threads a
// position that each take every eighth channel.
extern "C" __global__ void __launch_bounds__(256)
gated_sum_backward_positions(const float* __restrict__ x0, const float* __restrict__ x1, const float* __restrict__ x2,
                             const float* __restrict__ x3, const float* __restrict__ x4, const float* __restrict__ x5,
                             const float* __restrict__ x6, const float* __restrict__ x7, const float* __restrict__ dy,
                             float* __restrict__ sums, u32 channels, u32 length, u32 parts, u32 first, u32 count,
                             u32 shared, u32 narrow, u32 adds) {
    __shared__ float strips[8][PARTS][32];
    const u32 tiles = (length + 31) / 32, lane = threadIdx.x % 32, strip = threadIdx.x / 32;
    const u32 l = blockIdx.x % tiles * 32 + lane;
    const u64 row = blockIdx.x / tiles;
    const Parts of = {parts, first, count, shared, narrow};
    const float* x[PARTS] = {x0, x1, x2, x3, x4, x5, x6, x7};
    u32 step[PARTS];
    float sum[PARTS] = {};
#pragma unroll
    for (u32 k = 0; k < PARTS; k++) {
        const bool one = bit(narrow, k);
        if (k < count) x[k] += part_place(of, k, row, strip, channels, length) + (one ? 0 : l);
        step[k] = one ? 8 : 8 * length;
    }
    dy += (row * channels + strip) * length + l;
    if (l < length) {
        for (u32 c = strip; c < channels; c += 8) {
            const float d = *dy;
            dy += 8 * (u64)length;
#pragma unroll
            for (u32 k = 0; k < PARTS; k++) {
                if (k >= count) continue;
                sum[k] += d * *x[k];
                x[k] += step[k];
            }
        }
    }
#pragma unroll
    for (u32 k = 0; k < PARTS; k++) strips[strip][k][lane] = sum[k];
    __syncthreads();
    const u32 k = strip;
    if (k < count && l < length) {
        float all = 0.f;
#pragma unroll
        for (u32 s = 0; s < 8; s++) all += strips[s][k][lane];
        const u64 to = (row * parts + first + k) * length + l;
        sums[to] = adds ? sums[to] + all : all;
    }
}

// out[line] = the sum of a line, or += with `adds`.
extern "C" __global__ void __launch_bounds__(256)
gated_sum_backward_total(const float* __restrict__ x, float* __restrict__ out, u32 lines, u32 length, u32 adds,
                         u32 lanes) {
    const LineLane at = line_lane(lanes);
    const u32 end = at.line < lines ? length : 0;
    x += (u64)at.line * length;
    float sum = 0.f;
#pragma unroll 4
    for (u32 l = at.lane; l < end; l += lanes) sum += x[l];
    sum = lanes_sum(sum, lanes);
    if (end && at.lane == 0) out[at.line] = adds ? out[at.line] + sum : sum;
}
