// Motif layer, calibration, sigmoid, strand merge and attention pooling in one (src/ops/pwm_scan_pool). The motif layer's
// output is never written: the backward kernels make it again.
//
// A lane is a channel. Channels are sorted by width and laid out in groups of 32 (slots; a motif's two strands are
// neighbours), so that a group is only as wide as its widest motif. Channel c's columns that are not zero begin at `first`;
// position i of a group is where those columns begin in the sequence: i = l + first, which makes the base codes of a position
// the same for all lanes. A lane takes part where first <= i < first + positions.
//
// Sums over positions are kept by every lane for itself, eight positions at a time; the softmax is normalised online.
#include "lib/dev.cuh"

static constexpr u32 LANES = 32, BLOCK = 8, NO_CHANNEL = 0xffffffffu;
// A step of a scan of codes is two bases: 25 pairs of A C G T N.
static constexpr u32 PAIRS = 25, STEP = PAIRS * LANES;
static constexpr float LOG2E = 1.4426950408889634f, LN2 = 0.69314718055994531f;
static constexpr float NEG_INF = -3.4e38f;

// A group in the table of the op: width, columns of the groups before it, steps of the groups before it.
struct Group {
    u32 width, columns, steps_before;
    __device__ u32 steps() const { return (width + 1) / 2; }
};

// The op's table: three words a group, then two a slot.
struct Geometry {
    const u32* table;
    u32 groups;
    __device__ Group group(u32 g) const { return {table[3 * g], table[3 * g + 1], table[3 * g + 2]}; }
    __device__ u32 channel(u32 slot) const { return table[3 * groups + 2 * slot]; }
    __device__ u32 first(u32 slot) const { return table[3 * groups + 2 * slot + 1]; }
};

DEV float exp_fast(float x) { return ex2_approx(x * LOG2E); }
DEV float sigmoid(float x) { return __fdividef(1.f, 1.f + exp_fast(-x)); }

// ---- packing: what the scans read, from the parameters --------------------------------------------------------

// One block a group. weights[column][lane][base], sums[column][lane] over bases, pairs[step][pair][lane] and, by slot, scale,
// bias and pooling weight. Slots without a channel are zero.
extern "C" __global__ void __launch_bounds__(256) pwm_scan_pool_pack(const u32* __restrict__ table, const float* __restrict__ weight, const float* __restrict__ scale, const float* __restrict__ bias, const float* __restrict__ pool, float* __restrict__ weights, float* __restrict__ sums, float* __restrict__ pairs, float* __restrict__ lines, u32 groups, u32 kernel_width, u32 strands) {
    const Geometry geometry{table, groups};
    const u32 g = blockIdx.x, slots = groups * LANES;
    const Group group = geometry.group(g);
    const u32 lane = threadIdx.x % LANES, strip = threadIdx.x / LANES, strips = blockDim.x / LANES;
    const u32 slot = g * LANES + lane, channel = geometry.channel(slot), first = geometry.first(slot);
    auto column = [&](u32 base, u32 j) {
        return channel == NO_CHANNEL || base > 3 || j >= group.width ? 0.f : weight[((u64)channel * 4 + base) * kernel_width + first + j];
    };
    for (u32 j = strip; j < group.width; j += strips) {
        const u64 at = (u64)(group.columns + j) * LANES + lane;
        float sum = 0.f;
#pragma unroll
        for (u32 base = 0; base < 4; base++) {
            const float w = column(base, j);
            weights[at * 4 + base] = w;
            sum += w;
        }
        sums[at] = sum;
    }
    for (u32 e = strip; e < group.steps() * PAIRS; e += strips) {
        const u32 step = e / PAIRS, pair = e % PAIRS;
        pairs[((u64)group.steps_before * PAIRS + e) * LANES + lane] = column(pair / 5, 2 * step) + column(pair % 5, 2 * step + 1);
    }
    if (strip == 0) {
        const bool real = channel != NO_CHANNEL;
        lines[slot] = real ? scale[channel] : 0.f;
        lines[slots + slot] = real ? bias[channel] : 0.f;
        lines[2 * slots + slot] = real ? pool[channel / strands] : 0.f;
    }
}

// shift[g][i][lane] = sum_j position[index[i + j]] sums[j]: what the position table adds to every sequence's scores.
// Block (g, strip of positions).
extern "C" __global__ void __launch_bounds__(256) pwm_scan_pool_shift(const u32* __restrict__ table, const u32* __restrict__ index, const float* __restrict__ position, const float* __restrict__ sums, float* __restrict__ shift, u32 groups, u32 length) {
    const Group group = Geometry{table, groups}.group(blockIdx.x);
    const u32 lane = threadIdx.x % LANES, i = blockIdx.y * (blockDim.x / LANES) + threadIdx.x / LANES;
    if (i + group.width > length) return;
    float sum = 0.f;
    for (u32 j = 0; j < group.width; j++) sum += position[index[i + j]] * sums[(u64)(group.columns + j) * LANES + lane];
    shift[((u64)blockIdx.x * length + i) * LANES + lane] = sum;
}

// ---- scores of eight positions --------------------------------------------------------------------------------

// `pair` points at position i of the pairs of bases (q: 5 code[q] + code[q + 1]), `pairs` at this lane of the group's table.
// Two neighbouring steps share six of eight places, so a place's offset is made once.
DEV void scan_codes(float (&s)[BLOCK], const u8* pair, const float* pairs, u32 steps) {
    u32 at[BLOCK];
#pragma unroll
    for (u32 p = 0; p < BLOCK; p++) at[p] = pair[p] * LANES;
#pragma unroll 4
    for (u32 step = 0; step < steps; step++) {
#pragma unroll
        for (u32 p = 0; p < BLOCK; p++) s[p] += pairs[step * STEP + at[p]];
#pragma unroll
        for (u32 p = 0; p + 2 < BLOCK; p++) at[p] = at[p + 2];
        at[BLOCK - 2] = pair[2 * step + BLOCK] * LANES;
        at[BLOCK - 1] = pair[2 * step + BLOCK + 1] * LANES;
    }
}

// `x` points at position i, four bases each; `weights` at this lane of the group's columns.
DEV void scan_dense(float (&s)[BLOCK], const float4* x, const float4* weights, u32 width) {
    float4 window[BLOCK];
#pragma unroll
    for (u32 p = 0; p < BLOCK; p++) window[p] = x[p];
#pragma unroll 8
    for (u32 j = 0; j < width; j++) {
        const float4 w = weights[j * LANES];
#pragma unroll
        for (u32 p = 0; p < BLOCK; p++) s[p] += w.x * window[p].x + w.y * window[p].y + w.z * window[p].z + w.w * window[p].w;
#pragma unroll
        for (u32 p = 0; p + 1 < BLOCK; p++) window[p] = window[p + 1];
        window[BLOCK - 1] = x[j + BLOCK];
    }
}

// ---- pooling --------------------------------------------------------------------------------------------------

// A channel's parameters and where it takes part.
struct Channel {
    float scale, bias, pool;
    u32 begin, end;
};

DEV Channel channel_of(const Geometry& geometry, const float* lines, u32 slot, u32 positions) {
    const u32 slots = geometry.groups * LANES, first = geometry.first(slot);
    const bool real = geometry.channel(slot) != NO_CHANNEL;
    return {lines[slot], lines[slots + slot], lines[2 * slots + slot], first, real ? first + positions : 0};
}

// Sums of e = exp(w g - top) and its products over the positions seen so far, with g = sigmoid(scale s + bias), h = g (1 - g).
// `g` and `gg` are those of g - centre, the sigmoid of a score of 0: the variance of g is a small difference otherwise.
struct Pool {
    float centre, top = NEG_INF, z = 0.f, g = 0.f, gg = 0.f, h = 0.f, gh = 0.f, sh = 0.f, sgh = 0.f;

    __device__ __forceinline__ void rescale(float to) {
        const float f = exp_fast(top - to);
        z *= f; g *= f; gg *= f; h *= f; gh *= f; sh *= f; sgh *= f;
        top = to;
    }

    template <bool TRAIN> __device__ __forceinline__ void add(const Channel& c, const float (&s)[BLOCK], u32 i) {
        float sig[BLOCK], most = top;
#pragma unroll
        for (u32 p = 0; p < BLOCK; p++) {
            sig[p] = sigmoid(c.scale * s[p] + c.bias);
            if (i + p >= c.begin && i + p < c.end) most = fmaxf(most, c.pool * sig[p]);
        }
        if (most > top) rescale(most);
#pragma unroll
        for (u32 p = 0; p < BLOCK; p++) {
            const float v = sig[p];
            const float e = i + p >= c.begin && i + p < c.end ? exp_fast(c.pool * v - top) : 0.f;
            z += e;
            g += e * (v - centre);
            if (TRAIN) {
                const float eh = e * v * (1.f - v);
                gg += e * (v - centre) * (v - centre);
                h += eh;
                gh += eh * v;
                sh += eh * s[p];
                sgh += eh * v * s[p];
            }
        }
    }
};

// What a row leaves for the backward run, each rows x slots: log of the softmax's sum, the output, and the output's
// derivatives to bias, scale and pooling weight.
struct Stats {
    float *logz, *out, *to_bias, *to_scale, *to_pool;
};

DEV Stats stats_of(float* stats, u32 rows, u32 slots) {
    const u64 n = (u64)rows * slots;
    return {stats, stats + n, stats + 2 * n, stats + 3 * n, stats + 4 * n};
}

// Joins the two strands (neighbouring lanes), writes the feature and the statistics.
template <bool TRAIN> DEV void finish(Pool pool, const Channel& c, u32 channel, u32 strands, u32 features, u32 row, u32 slot, u32 slots, float* y, const Stats& stats) {
    if (strands == 2) {
        const float other = __shfl_xor_sync(0xffffffffu, pool.top, 1);
        if (other > pool.top) pool.rescale(other);
    }
    auto both = [&](float x) { return strands == 2 ? x + __shfl_xor_sync(0xffffffffu, x, 1) : x; };
    const float z = both(pool.z), out = both(pool.g + pool.centre * pool.z) / z, off = pool.centre - out;
    const float spread = both(pool.gg + 2.f * off * pool.g + off * off * pool.z);
    if (channel == NO_CHANNEL) return;
    if (channel % strands == 0) y[(u64)row * features + channel / strands] = out;
    if (TRAIN) {
        const u64 at = (u64)row * slots + slot;
        const float share = 1.f - c.pool * out;
        stats.logz[at] = pool.top + LN2 * log2f(z);
        stats.out[at] = out;
        stats.to_bias[at] = (share * pool.h + c.pool * pool.gh) / z;
        stats.to_scale[at] = (share * pool.sh + c.pool * pool.sgh) / z;
        stats.to_pool[at] = spread / z;
    }
}

// ---- forward --------------------------------------------------------------------------------------------------

// Pairs of bases of a row into shared memory by one warp; NO_PAIR behind the end.
DEV void load_pairs(u8* into, const u8* codes, i32 from, u32 count, u32 length, u32 lane, u32 lanes) {
    for (u32 q = lane; q < count; q += lanes) {
        const i32 at = from + (i32)q;
        const u32 a = at >= 0 && at < (i32)length ? codes[at] : 4, b = at + 1 >= 0 && at + 1 < (i32)length ? codes[at + 1] : 4;
        into[q] = (u8)(5 * a + b);
    }
}

template <bool TRAIN> DEV void forward_codes(u8* memory, const Geometry& geometry, const u8* codes, const float* pairs, const float* shift, const float* lines, float* y, float* stats, u32 rows, u32 length, u32 kernel_width, u32 strands, u32 features) {
    const u32 g = blockIdx.x, lane = threadIdx.x % LANES, warp = threadIdx.x / LANES, warps = blockDim.x / LANES;
    const u32 slots = geometry.groups * LANES, slot = g * LANES + lane;
    const Group group = geometry.group(g);
    const u32 steps = group.steps(), ends = length - group.width + 1;
    float* own = (float*)memory;
    for (u32 e = threadIdx.x; e < steps * STEP; e += blockDim.x) own[e] = pairs[(u64)group.steps_before * STEP + e];
    const u32 count = length + 2 * BLOCK + kernel_width;
    u8* pair = memory + steps * STEP * sizeof(float) + warp * count;
    __syncthreads();
    const Channel c = channel_of(geometry, lines, slot, length - kernel_width + 1);
    const Stats out = stats_of(stats, rows, slots);
    for (u32 row = blockIdx.y * warps + warp; row < rows; row += gridDim.y * warps) {
        __syncwarp();
        load_pairs(pair, codes + (u64)row * length, 0, count, length, lane, LANES);
        __syncwarp();
        Pool pool{sigmoid(c.bias)};
        for (u32 i = 0; i < ends; i += BLOCK) {
            float s[BLOCK];
#pragma unroll
            for (u32 p = 0; p < BLOCK; p++) s[p] = shift && i + p < ends ? shift[((u64)g * length + i + p) * LANES + lane] : 0.f;
            scan_codes(s, pair + i, own + lane, steps);
            pool.add<TRAIN>(c, s, i);
        }
        finish<TRAIN>(pool, c, geometry.channel(slot), strands, features, row, slot, slots, y, out);
    }
}

// Block (group, strip of rows): a warp a row. `shift` and `stats` may be null.
extern "C" __global__ void __launch_bounds__(256, 3) pwm_scan_pool_codes_forward(const u32* __restrict__ table, const u8* __restrict__ codes, const float* __restrict__ pairs, const float* __restrict__ shift, const float* __restrict__ lines, float* __restrict__ y, float* __restrict__ stats, u32 groups, u32 rows, u32 length, u32 kernel_width, u32 strands, u32 features) {
    DYN_SMEM(memory);
    const Geometry geometry{table, groups};
    if (stats) forward_codes<true>(memory, geometry, codes, pairs, shift, lines, y, stats, rows, length, kernel_width, strands, features);
    else forward_codes<false>(memory, geometry, codes, pairs, shift, lines, y, stats, rows, length, kernel_width, strands, features);
}

// x of one row, (4, length), into shared memory as one float4 a position, zero outside.
DEV void load_dense(float4* into, const float* x, i32 from, u32 count, u32 length) {
    for (u32 q = threadIdx.x; q < count; q += blockDim.x) {
        const i32 at = from + (i32)q;
        const bool inside = at >= 0 && at < (i32)length;
        into[q] = inside ? make_float4(x[at], x[length + at], x[2 * length + at], x[3 * length + at]) : make_float4(0.f, 0.f, 0.f, 0.f);
    }
}

template <bool TRAIN> DEV void forward_dense(float4* xs, const Geometry& geometry, const float* x, const float* weights, const float* lines, float* y, float* stats, u32 rows, u32 length, u32 kernel_width, u32 strands, u32 features) {
    const u32 row = blockIdx.x, lane = threadIdx.x % LANES, warps = blockDim.x / LANES;
    const u32 g = blockIdx.y * warps + threadIdx.x / LANES, slots = geometry.groups * LANES;
    load_dense(xs, x + (u64)row * 4 * length, 0, length + BLOCK + kernel_width, length);
    __syncthreads();
    if (g >= geometry.groups) return;
    const u32 slot = g * LANES + lane;
    const Group group = geometry.group(g);
    const Channel c = channel_of(geometry, lines, slot, length - kernel_width + 1);
    const float4* own = (const float4*)weights + (u64)group.columns * LANES + lane;
    Pool pool{sigmoid(c.bias)};
    for (u32 i = 0; i + group.width <= length; i += BLOCK) {
        float s[BLOCK] = {};
        scan_dense(s, xs + i, own, group.width);
        pool.add<TRAIN>(c, s, i);
    }
    finish<TRAIN>(pool, c, geometry.channel(slot), strands, features, row, slot, slots, y, stats_of(stats, rows, slots));
}

// Block (row, eight groups): a warp a group. `stats` may be null.
extern "C" __global__ void __launch_bounds__(256) pwm_scan_pool_dense_forward(const u32* __restrict__ table, const float* __restrict__ x, const float* __restrict__ weights, const float* __restrict__ lines, float* __restrict__ y, float* __restrict__ stats, u32 groups, u32 rows, u32 length, u32 kernel_width, u32 strands, u32 features) {
    DYN_SMEM(memory);
    const Geometry geometry{table, groups};
    if (stats) forward_dense<true>((float4*)memory, geometry, x, weights, lines, y, stats, rows, length, kernel_width, strands, features);
    else forward_dense<false>((float4*)memory, geometry, x, weights, lines, y, stats, rows, length, kernel_width, strands, features);
}

// ---- backward -------------------------------------------------------------------------------------------------

// dscale, dbias and dpool, each null or added to: sums over the rows of d times what the forward run left. Block: 32 slots,
// eight strips of rows, joined in order.
extern "C" __global__ void __launch_bounds__(256) pwm_scan_pool_backward_lines(const u32* __restrict__ table, float* __restrict__ stats, const float* __restrict__ dy, float* __restrict__ dscale, float* __restrict__ dbias, float* __restrict__ dpool, u32 groups, u32 rows, u32 strands, u32 features) {
    __shared__ float part[3][8][LANES];
    const Geometry geometry{table, groups};
    const u32 lane = threadIdx.x % LANES, strip = threadIdx.x / LANES, slots = groups * LANES, slot = blockIdx.x * LANES + lane;
    const u32 channel = geometry.channel(slot);
    const Stats from = stats_of(stats, rows, slots);
    float sums[3] = {};
    if (channel != NO_CHANNEL)
        for (u32 row = strip; row < rows; row += 8) {
            const float d = dy[(u64)row * features + channel / strands];
            const u64 at = (u64)row * slots + slot;
            sums[0] += d * from.to_scale[at];
            sums[1] += d * from.to_bias[at];
            sums[2] += d * from.to_pool[at];
        }
#pragma unroll
    for (u32 k = 0; k < 3; k++) part[k][strip][lane] = sums[k];
    __syncthreads();
    if (strip < 3 && channel != NO_CHANNEL) {
        float sum = 0.f;
#pragma unroll
        for (u32 i = 0; i < 8; i++) sum += part[strip][i][lane];
        if (strip == 0 && dscale) dscale[channel] += sum;
        if (strip == 1 && dbias) dbias[channel] += sum;
        if (strip == 2 && dpool && channel % strands == 0) dpool[channel / strands] += sum;
    }
}

// The gradient of a score, from the statistics of its row: scale d a (1 + w (g - out)) h.
DEV float score_gradient(const Channel& c, float s, float d, float logz, float out) {
    const float g = sigmoid(c.scale * s + c.bias);
    const float a = exp_fast(c.pool * g - logz);
    return c.scale * d * a * (1.f + c.pool * (g - out)) * g * (1.f - g);
}

// by_place[g][i][lane] = sum over rows of the gradient of the score at i. Block (group, 64 positions): a warp has eight
// positions and goes through all rows in order.
extern "C" __global__ void __launch_bounds__(256, 3) pwm_scan_pool_codes_backward(const u32* __restrict__ table, const u8* __restrict__ codes, const float* __restrict__ pairs, const float* __restrict__ shift, const float* __restrict__ lines, float* __restrict__ stats, const float* __restrict__ dy, float* __restrict__ by_place, u32 groups, u32 rows, u32 length, u32 kernel_width, u32 strands, u32 features, u32 staged) {
    DYN_SMEM(memory);
    const Geometry geometry{table, groups};
    const u32 g = blockIdx.x, lane = threadIdx.x % LANES, warp = threadIdx.x / LANES, warps = blockDim.x / LANES;
    const u32 slots = groups * LANES, slot = g * LANES + lane, channel = geometry.channel(slot);
    const Group group = geometry.group(g);
    const u32 steps = group.steps(), ends = length - group.width + 1;
    const u32 begin = blockIdx.y * warps * BLOCK, i = begin + warp * BLOCK;
    if (begin >= ends) return;
    float* own = (float*)memory;
    for (u32 e = threadIdx.x; e < steps * STEP; e += blockDim.x) own[e] = pairs[(u64)group.steps_before * STEP + e];
    const u32 count = warps * BLOCK + BLOCK + kernel_width + 2;
    u8* windows = memory + steps * STEP * sizeof(float);
    const Channel c = channel_of(geometry, lines, slot, length - kernel_width + 1);
    const Stats from = stats_of(stats, rows, slots);
    float base[BLOCK], sum[BLOCK] = {};
#pragma unroll
    for (u32 p = 0; p < BLOCK; p++) base[p] = i + p < ends ? shift[((u64)g * length + i + p) * LANES + lane] : 0.f;
    for (u32 row0 = 0; row0 < rows; row0 += staged) {
        const u32 here = min(staged, rows - row0);
        __syncthreads();
        for (u32 r = warp; r < here; r += warps) load_pairs(windows + r * count, codes + (u64)(row0 + r) * length, (i32)begin, count, length, lane, LANES);
        __syncthreads();
        for (u32 r = 0; r < here; r++) {
            const u32 row = row0 + r;
            float s[BLOCK];
#pragma unroll
            for (u32 p = 0; p < BLOCK; p++) s[p] = base[p];
            scan_codes(s, windows + r * count + warp * BLOCK, own + lane, steps);
            if (channel == NO_CHANNEL) continue;
            const float d = dy[(u64)row * features + channel / strands];
            const float logz = from.logz[(u64)row * slots + slot], out = from.out[(u64)row * slots + slot];
#pragma unroll
            for (u32 p = 0; p < BLOCK; p++)
                if (i + p >= c.begin && i + p < c.end) sum[p] += score_gradient(c, s[p], d, logz, out);
        }
    }
#pragma unroll
    for (u32 p = 0; p < BLOCK; p++)
        if (i + p < ends) by_place[((u64)g * length + i + p) * LANES + lane] = sum[p];
}

// by_position[q] = sum over slots and columns j of sums[j] by_place[q - j]. One block a position.
extern "C" __global__ void __launch_bounds__(256) pwm_scan_pool_backward_positions(const u32* __restrict__ table, const float* __restrict__ sums, const float* __restrict__ by_place, float* __restrict__ by_position, u32 groups, u32 length) {
    __shared__ float scratch[32];
    const Geometry geometry{table, groups};
    const u32 q = blockIdx.x, lane = threadIdx.x % LANES;
    float sum = 0.f;
    for (u32 g = threadIdx.x / LANES; g < groups; g += blockDim.x / LANES) {
        const Group group = geometry.group(g);
        for (u32 j = 0; j < group.width && j <= q; j++)
            if (q - j + group.width <= length) sum += sums[(u64)(group.columns + j) * LANES + lane] * by_place[((u64)g * length + q - j) * LANES + lane];
    }
    sum = block_sum(sum, scratch);
    if (threadIdx.x == 0) by_position[q] = sum;
}

// dposition[r] += sum of by_position[q] over the q with index[q] = r, in order.
extern "C" __global__ void __launch_bounds__(256) pwm_scan_pool_backward_table(const u32* __restrict__ index, const float* __restrict__ by_position, float* __restrict__ dposition, u32 length, u32 entries) {
    const u32 r = blockIdx.x * blockDim.x + threadIdx.x;
    if (r >= entries) return;
    float sum = 0.f;
    for (u32 q = 0; q < length; q++)
        if (index[q] == r) sum += by_position[q];
    dposition[r] += sum;
}

// dx[b][q] += sum over channels and columns j of W[j][b] times the gradient of the score at q - j. Block (row, 320 positions
// q), a thread a position; for each group in turn, the scores' gradients over the places that reach those positions are made
// by all warps into shared memory, then every thread gathers its own.
extern "C" __global__ void __launch_bounds__(320) pwm_scan_pool_dense_backward(const u32* __restrict__ table, const float* __restrict__ x, const float* __restrict__ weights, const float* __restrict__ lines, float* __restrict__ stats, const float* __restrict__ dy, float* __restrict__ dx, u32 groups, u32 rows, u32 length, u32 kernel_width, u32 strands, u32 features, u32 row_places) {
    DYN_SMEM(memory);
    const Geometry geometry{table, groups};
    const u32 row = blockIdx.x, lane = threadIdx.x % LANES, warp = threadIdx.x / LANES, warps = blockDim.x / LANES;
    const u32 slots = groups * LANES, q0 = blockIdx.y * blockDim.x, q = q0 + threadIdx.x;
    const i32 before = (i32)q0 - (i32)kernel_width + 1;
    float4* xs = (float4*)memory;
    const u32 count = blockDim.x + 2 * kernel_width + 2 * BLOCK;
    float4* columns = xs + count;
    float* places = (float*)(columns + kernel_width * LANES);
    load_dense(xs, x + (u64)row * 4 * length, before, count, length);
    const Stats from = stats_of(stats, rows, slots);
    float4 sum = make_float4(0.f, 0.f, 0.f, 0.f);
    for (u32 g = 0; g < groups; g++) {
        const Group group = geometry.group(g);
        const u32 slot = g * LANES + lane, channel = geometry.channel(slot);
        __syncthreads();
        for (u32 e = threadIdx.x; e < group.width * LANES; e += blockDim.x) columns[e] = ((const float4*)weights)[(u64)group.columns * LANES + e];
        __syncthreads();
        const Channel c = channel_of(geometry, lines, slot, length - kernel_width + 1);
        const bool real = channel != NO_CHANNEL;
        const u64 at = (u64)row * slots + slot;
        const float d = real ? dy[(u64)row * features + channel / strands] : 0.f;
        const float logz = real ? from.logz[at] : 0.f, out = real ? from.out[at] : 0.f;
        const u32 needed = blockDim.x + kernel_width - 1;
        for (u32 i = warp * BLOCK; i < needed; i += warps * BLOCK) {
            float s[BLOCK] = {};
            scan_dense(s, xs + i, columns + lane, group.width);
#pragma unroll
            for (u32 p = 0; p < BLOCK; p++) {
                const i32 place = before + (i32)(i + p);
                const bool inside = real && place >= (i32)c.begin && place < (i32)c.end;
                places[lane * row_places + i + p] = inside ? score_gradient(c, s[p], d, logz, out) : 0.f;
            }
        }
        __syncthreads();
        for (u32 k = 0; k < LANES; k++) {
            const float* own = places + k * row_places + threadIdx.x + kernel_width - 1;
            for (u32 j = 0; j < group.width; j++) {
                const float4 w = columns[j * LANES + k];
                const float u = own[-(i32)j];
                sum.x += w.x * u;
                sum.y += w.y * u;
                sum.z += w.z * u;
                sum.w += w.w * u;
            }
        }
    }
    if (q < length) {
        float* to = dx + (u64)row * 4 * length + q;
        to[0] += sum.x;
        to[length] += sum.y;
        to[2 * length] += sum.z;
        to[3 * length] += sum.w;
    }
}

// ---- the gradient of the motifs -------------------------------------------------------------------------------

// Columns that a warp adds up, warps of a block, and places that a block takes at a time.
static constexpr u32 OWN = 4, WARPS = 8, PLACES = WARPS * BLOCK;

// The four bases at position `at` of a row: from x, (4, length), where there are no codes, else the code's base and the
// position table's number (`source`, which may be null) on all four.
DEV float4 bases_at(const u8* codes, const u32* index, const float* source, u32 row, u32 at, u32 length) {
    if (at >= length) return make_float4(0.f, 0.f, 0.f, 0.f);
    if (!codes) {
        const float* x = source + (u64)row * 4 * length + at;
        return make_float4(x[0], x[length], x[2 * length], x[3 * length]);
    }
    const u32 code = codes[(u64)row * length + at];
    const float p = source ? source[index[at]] : 0.f;
    return make_float4(p + (code == 0), p + (code == 1), p + (code == 2), p + (code == 3));
}

// partial[strip][column][lane][base] = sum over the strip's rows, in order, and places i of x[base][i + j] times the gradient
// of the score at i. Block (group, strip of rows, 32 columns): for 64 places at a time each warp makes the gradients of eight
// scores, then it adds up four columns over all of them. Motifs that learn have all their columns in the group. What bounds
// it: multiply-adds, as many for the scores as for the columns.
extern "C" __global__ void __launch_bounds__(256) pwm_scan_pool_motifs_backward(const u32* __restrict__ table, const u8* __restrict__ codes, const u32* __restrict__ index, const float* __restrict__ source, const float* __restrict__ weights, const float* __restrict__ lines, float* __restrict__ stats, const float* __restrict__ dy, float* __restrict__ partial, u32 groups, u32 rows, u32 length, u32 kernel_width, u32 strands, u32 features) {
    DYN_SMEM(memory);
    const Geometry geometry{table, groups};
    const u32 g = blockIdx.x, lane = threadIdx.x % LANES, warp = threadIdx.x / LANES;
    const u32 slots = groups * LANES, slot = g * LANES + lane, channel = geometry.channel(slot);
    const Group group = geometry.group(g);
    const u32 j0 = (blockIdx.z * WARPS + warp) * OWN, i = warp * BLOCK, ends = length - group.width + 1;
    const u32 count = PLACES + kernel_width + BLOCK + WARPS * OWN;
    float4* xs = (float4*)memory;
    float* gradients = (float*)(xs + count);
    const float4* own = (const float4*)weights + (u64)group.columns * LANES + lane;
    const Channel c = channel_of(geometry, lines, slot, length - kernel_width + 1);
    const Stats from = stats_of(stats, rows, slots);
    const bool real = channel != NO_CHANNEL;
    float4 sum[OWN];
#pragma unroll
    for (u32 k = 0; k < OWN; k++) sum[k] = make_float4(0.f, 0.f, 0.f, 0.f);
    for (u32 row = blockIdx.y; row < rows; row += gridDim.y) {
        const u64 at = (u64)row * slots + slot;
        const float d = real ? dy[(u64)row * features + channel / strands] : 0.f;
        const float logz = real ? from.logz[at] : 0.f, out = real ? from.out[at] : 0.f;
        for (u32 i0 = 0; i0 < ends; i0 += PLACES) {
            __syncthreads();
            for (u32 q = threadIdx.x; q < count; q += blockDim.x) xs[q] = bases_at(codes, index, source, row, i0 + q, length);
            __syncthreads();
            float s[BLOCK] = {};
            scan_dense(s, xs + i, own, group.width);
#pragma unroll
            for (u32 p = 0; p < BLOCK; p++) {
                const u32 place = i0 + i + p;
                const bool inside = real && place >= c.begin && place < c.end;
                gradients[(i + p) * LANES + lane] = inside ? score_gradient(c, s[p], d, logz, out) : 0.f;
            }
            __syncthreads();
            if (j0 >= group.width) continue;
            float4 window[OWN];
#pragma unroll
            for (u32 k = 0; k < OWN; k++) window[k] = xs[j0 + k];
#pragma unroll 8
            for (u32 q = 0; q < PLACES; q++) {
                const float u = gradients[q * LANES + lane];
#pragma unroll
                for (u32 k = 0; k < OWN; k++) {
                    sum[k].x += window[k].x * u;
                    sum[k].y += window[k].y * u;
                    sum[k].z += window[k].z * u;
                    sum[k].w += window[k].w * u;
                }
#pragma unroll
                for (u32 k = 0; k + 1 < OWN; k++) window[k] = window[k + 1];
                window[OWN - 1] = xs[q + j0 + OWN];
            }
        }
    }
    float4* to = (float4*)partial + ((u64)blockIdx.y * slots * kernel_width + (u64)group.columns * LANES) + lane;
#pragma unroll
    for (u32 k = 0; k < OWN; k++)
        if (j0 + k < group.width) to[(j0 + k) * LANES] = sum[k];
}

// dweight[c][base][first + j] += sum of the strips, in order. Block (group, eight columns).
extern "C" __global__ void __launch_bounds__(256) pwm_scan_pool_motifs_sum(const u32* __restrict__ table, const float* __restrict__ partial, float* __restrict__ dweight, u32 groups, u32 kernel_width, u32 strips) {
    const Geometry geometry{table, groups};
    const u32 g = blockIdx.x, lane = threadIdx.x % LANES, j = blockIdx.y * (blockDim.x / LANES) + threadIdx.x / LANES;
    const u32 slots = groups * LANES, slot = g * LANES + lane, channel = geometry.channel(slot);
    const Group group = geometry.group(g);
    if (channel == NO_CHANNEL || j >= group.width) return;
    const float4* from = (const float4*)partial + (u64)(group.columns + j) * LANES + lane;
    float4 sum = make_float4(0.f, 0.f, 0.f, 0.f);
    for (u32 strip = 0; strip < strips; strip++) {
        const float4 part = from[(u64)strip * slots * kernel_width];
        sum.x += part.x;
        sum.y += part.y;
        sum.z += part.z;
        sum.w += part.w;
    }
    float* to = dweight + (u64)channel * 4 * kernel_width + geometry.first(slot) + j;
    to[0] += sum.x;
    to[kernel_width] += sum.y;
    to[2 * kernel_width] += sum.z;
    to[3 * kernel_width] += sum.w;
}
