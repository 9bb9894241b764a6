// Bidirectional LSTM over both strands (src/ops/lstm): a chain is a strand of a row in one direction, number
// q = strand x 2 + direction. Gates lie side by side, i f c o; what is kept of a step is its gates behind their functions
// (4 r numbers) and its cell (r).
//
// Products of a chain's steps with W, and gradients of W, U and x, are made chain by chain on tensor cores: its multipliers are the same
// at every step, so they act on the weights, or on a chain's sum. A warp has a gate; the block's lines of x, dz and W lie in shared memory,
// sums in registers. Bound by instructions, a sixth of them products. The recurrence runs step by step, a block for some chains of
// one direction, with U in registers or through L2; bound by the length of a step. Predicted for an H200, 100 rows of 75 steps, 32
// inputs and units: inputs 5 us, recurrence 17 us each way, gradients of weights 9 us, of inputs 5 us (docs/benchmarks.md).
#include "lib/gemm.cuh"
#include "lib/stays.cuh"

static constexpr u32 GATES = 4, DIRECTIONS = 2;

struct Sizes {
    u32 rows, steps, inputs, units;
};

// Multipliers of inputs and of h, by row: strand, direction, gate, number. Null: all are 1.
struct Masks {
    const float *input, *state;
    u32 input_stride, state_stride;
};

DEV float input_mask(const Masks& m, const Sizes& n, u32 row, u32 q, u32 gate, u32 i) {
    return m.input ? m.input[(u64)row * m.input_stride + (q * GATES + gate) * n.inputs + i] : 1.f;
}
DEV float state_mask(const Masks& m, const Sizes& n, u32 row, u32 q, u32 gate, u32 i) {
    return m.state ? m.state[(u64)row * m.state_stride + (q * GATES + gate) * n.units + i] : 1.f;
}

// The multipliers of one dropout site, 16 inputs or 16 units a row, n in all: a thread for each counter of random words.
extern "C" __global__ void __launch_bounds__(256) lstm_masks(const StepState* __restrict__ state, float* __restrict__ masks, u64 n, u64 stream, u64 threshold, float scale) {
    const u64 first = stays_first((u64)blockIdx.x * blockDim.x + threadIdx.x);
    if (first >= n) return;
    u32 words[4];
    stay_words(words, state, stream, first);
#pragma unroll
    for (u32 v = 0; v < 4; v++)
        if (first + 16 * v < n) masks[first + 16 * v] = words[v] >= threshold ? scale : 0.f;
}

// One direction's parameters of four gates each side by side: w (inputs, 4 r), u (r, 4 r), ut (r, 4, r) with column j of U_gate
// at (j, gate), b (4 r).
extern "C" __global__ void __launch_bounds__(256) lstm_pack(const float* __restrict__ wi, const float* __restrict__ wf, const float* __restrict__ wc, const float* __restrict__ wo, const float* __restrict__ ui, const float* __restrict__ uf, const float* __restrict__ uc, const float* __restrict__ uo, const float* __restrict__ bi, const float* __restrict__ bf, const float* __restrict__ bc, const float* __restrict__ bo, float* __restrict__ packed, u32 inputs, u32 units) {
    const u32 i = blockIdx.x * blockDim.x + threadIdx.x, wide = GATES * units, lines = inputs + units + 1;
    if (i >= lines * wide) return;
    const u32 line = i / wide, column = i - line * wide, gate = column / units, j = column - gate * units;
    const float* w = gate == 0 ? wi : gate == 1 ? wf : gate == 2 ? wc : wo;
    const float* u = gate == 0 ? ui : gate == 1 ? uf : gate == 2 ? uc : uo;
    const float* b = gate == 0 ? bi : gate == 1 ? bf : gate == 2 ? bc : bo;
    if (line < inputs) {
        packed[i] = w[line * units + j];
    } else if (line < inputs + units) {
        const u32 from = line - inputs;
        const float value = u[from * units + j];
        packed[i] = value;
        packed[lines * wide + (j * GATES + gate) * units + from] = value;
    } else {
        packed[i] = b[j];
    }
}

// Where parts of a packed direction begin.
struct Packed {
    const float *w, *u, *ut, *b;
};
DEV Packed packed_of(const float* packed, const Sizes& n, u32 direction) {
    const u64 wide = GATES * n.units, lines = n.inputs + n.units + 1;
    packed += direction * (lines * wide + n.units * wide);
    return {packed, packed + n.inputs * wide, packed + lines * wide, packed + (n.inputs + n.units) * wide};
}

// Where a chain's kept numbers begin: gates of all steps, then cells.
DEV u64 chain_place(const Sizes& n, u32 row, u32 q) {
    return ((u64)row * DIRECTIONS * 2 + q) * n.steps * (GATES + 1) * n.units;
}

// ---- forward ------------------------------------------------------------------------------------------------------

// Products of a chain's steps with a gate's W, or its transpose: a warp has a gate, STRETCH steps by 32 columns; sums run over pieces of
// DEEP inputs or units.
static constexpr u32 STRETCH = 48, DEEP = 32, COLUMNS = 32;
using StretchSums = float[STRETCH / 16][4][4];

// sum += A B over DEEP. A's (step, k) lies at a[step][first + k]; b(k, n) is B's element of this lane, at (k + its t, n + its g), k a
// multiple of 4 and n of 8.
template <bool ONE, u32 ROW, class B>
DEV void stretch_products(StretchSums& sum, const float (&a)[STRETCH][ROW], u32 first, u32 steps, const B& b) {
    static_assert(ROW % 32 == 4, "lanes (g, t) read banks 4 g + t, all different");
    const u32 lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
#pragma unroll
    for (u32 k = 0; k < DEEP; k += 8) {
        u32 bh[4][2], bl[4][2];
#pragma unroll
        for (u32 n = 0; n < 4; n++)
#pragma unroll
            for (u32 r = 0; r < 2; r++) split_tf32(b(k + r * 4, n * 8), bh[n][r], bl[n][r]);
#pragma unroll
        for (u32 m = 0; m < STRETCH / 16; m++) {
            if (m * 16 >= steps) break;
            u32 ah[4], al[4];
#pragma unroll
            for (u32 r = 0; r < 4; r++) split_tf32(a[m * 16 + g + (r & 1) * 8][first + k + t + r / 2 * 4], ah[r], al[r]);
#pragma unroll
            for (u32 n = 0; n < 4; n++) mma_halves<ONE>(sum[m][n], ah, al, bh[n], bl[n]);
        }
    }
}

// A warp brings lines of 32 numbers, `stride` apart, to shared memory: `count` lines of `width` numbers, around them zeros.
template <u32 LINES, u32 ROW>
DEV void load_lines(float (&to)[LINES][ROW], u32 column, const float* from, u32 stride, u32 count, u32 width) {
    const u32 lane = threadIdx.x % 32;
    if (width >= 32 && stride % 4 == 0 && reinterpret_cast<u64>(from) % 16 == 0) {
        const u32 line = lane / 8, four = lane % 8 * 4;
        from += (u64)line * stride + four;
#pragma unroll
        for (u32 at = 0; at < LINES; at += 4, from += 4 * stride)
            *reinterpret_cast<float4*>(&to[at + line][column + four]) = at + line < count ? *reinterpret_cast<const float4*>(from) : make_float4(0.f, 0.f, 0.f, 0.f);
        return;
    }
    from += lane;
#pragma unroll 4
    for (u32 at = 0; at < LINES; at++, from += stride) to[at][column + lane] = at < count && lane < width ? *from : 0.f;
}

struct InputsShared {
    __align__(16) float x[STRETCH][DEEP + 4];
    __align__(16) float w[GATES][DEEP][COLUMNS + 8];
};
// Lines of x that a warp brings.
static constexpr u32 X_LINES = STRETCH / GATES;

// `z` of the stretch's first step; by[k / 4] is the multiplier of the input k + this lane's t.
template <bool ONE>
DEV void chain_inputs(InputsShared& s, const float* x, const Masks& masks, const Packed& own, float* z, const Sizes& n, u32 row, u32 q, u32 steps, u32 j0) {
    const u32 lane = threadIdx.x % 32, gate = threadIdx.x / 32, g = lane / 4, t = lane % 4, wide = GATES * n.units;
    StretchSums total = {};
#pragma unroll 1
    for (u32 i0 = 0; i0 < n.inputs; i0 += DEEP) {
        const u32 inputs = n.inputs - i0, line = gate * X_LINES, left = steps > line ? steps - line : 0;
        float by[DEEP / 4];
#pragma unroll
        for (u32 k = 0; k < DEEP / 4; k++) by[k] = k * 4 + t < inputs ? input_mask(masks, n, row, q, gate, i0 + k * 4 + t) : 0.f;
        __syncthreads();
        load_lines(reinterpret_cast<float(&)[X_LINES][DEEP + 4]>(s.x[line]), 0, x + (u64)line * n.inputs + i0, n.inputs, left, inputs);
        load_lines(s.w[gate], 0, own.w + (u64)i0 * wide + gate * n.units + j0, wide, inputs, n.units - j0);
        __syncthreads();
        StretchSums sum = {};
        stretch_products<ONE>(sum, s.x, 0, steps, [&](u32 k, u32 column) { return s.w[gate][k + t][column + g] * by[k / 4]; });
#pragma unroll
        for (u32 e = 0; e < STRETCH; e++) total[e / 16][e / 4 % 4][e % 4] += sum[e / 16][e / 4 % 4][e % 4];
    }
    // A lane's columns of a step: pairs 8 apart.
    const bool pairs = n.units % 2 == 0;
    float b[8];
#pragma unroll
    for (u32 e = 0; e < 8; e++) {
        const u32 j = j0 + e / 2 * 8 + 2 * t + e % 2;
        b[e] = j < n.units ? own.b[gate * n.units + j] : 0.f;
    }
    float* to = z + (u64)g * wide + gate * n.units + j0 + 2 * t;
#pragma unroll
    for (u32 half = 0; half < STRETCH / 8; half++, to += 8 * wide) {
        if (half * 8 + g >= steps) break;
#pragma unroll
        for (u32 e = 0; e < 8; e += 2) {
            const u32 j = j0 + e * 4 + 2 * t;
            if (j >= n.units) break;
            const float* pair = &total[half / 2][e / 2][half % 2 * 2];
            const float2 both = make_float2(pair[0] + b[e], pair[1] + b[e + 1]);
            if (pairs) *reinterpret_cast<float2*>(to + e * 4) = both;
            else {
                to[e * 4] = both.x;
                if (j + 1 < n.units) to[e * 4 + 1] = both.y;
            }
        }
    }
}

// z of all steps without h, b among it: W's lines times the chain's multipliers, then one product. Block: a row's strand,
// (direction, 32 units), 48 steps.
extern "C" __global__ void __launch_bounds__(128, 2) lstm_inputs(const float* __restrict__ x, const float* __restrict__ input_masks, u32 input_stride, const float* __restrict__ packed, float* __restrict__ kept, u32 rows, u32 steps, u32 inputs, u32 units, u32 bf16) {
    __shared__ InputsShared s;
    const Sizes n{rows, steps, inputs, units};
    const u32 across = (units + COLUMNS - 1) / COLUMNS, direction = blockIdx.y / across, j0 = blockIdx.y % across * COLUMNS;
    const u32 row = blockIdx.x / 2, q = blockIdx.x % 2 * DIRECTIONS + direction, from = blockIdx.z * STRETCH;
    const Packed own = packed_of(packed, n, direction);
    const Masks masks{input_masks, nullptr, input_stride, 0};
    float* z = kept + chain_place(n, row, q) + (u64)from * GATES * units;
    x += ((u64)blockIdx.x * steps + from) * inputs;
    if (bf16) chain_inputs<true>(s, x, masks, own, z, n, row, q, min(STRETCH, steps - from), j0);
    else chain_inputs<false>(s, x, masks, own, z, n, row, q, min(STRETCH, steps - from), j0);
}

DEV float hard_sigmoid(float z) { return fminf(fmaxf(0.2f * z + 0.5f, 0.f), 1.f); }

// The recurrence of CHAINS chains (row, strand) of one direction, blockIdx.y. Shared memory: h times its multipliers by gate
// (4 r CHAINS), the new h and the cells (r CHAINS each), chains innermost.
template <u32 CHAINS>
DEV void lstm_run(const Masks& masks, const float* packed, float* kept, float* y, const Sizes& n) {
    DYN_SMEM(memory);
    const u32 r = n.units, direction = blockIdx.y, first = blockIdx.x * CHAINS, all = 2 * n.rows;
    float* masked = reinterpret_cast<float*>(memory);
    float* fresh = masked + GATES * r * CHAINS;
    float* cells = fresh + r * CHAINS;
    const float* u = packed_of(packed, n, direction).u;
    for (u32 i = threadIdx.x; i < (GATES + 2) * r * CHAINS; i += blockDim.x) masked[i] = 0.f;
    __syncthreads();
    for (u32 number = 0; number < n.steps; number++) {
        const u32 step = direction ? n.steps - 1 - number : number;
        for (u32 j = threadIdx.x; j < r; j += blockDim.x) {
            float z[GATES][CHAINS];
#pragma unroll
            for (u32 c = 0; c < CHAINS; c++) {
                const u32 chain = min(first + c, all - 1), row = chain / 2, q = chain % 2 * DIRECTIONS + direction;
                const float* at = kept + chain_place(n, row, q) + (u64)step * GATES * r + j;
#pragma unroll
                for (u32 g = 0; g < GATES; g++) z[g][c] = at[g * r];
            }
#pragma unroll 2
            for (u32 i = 0; i < r; i++)
#pragma unroll
                for (u32 g = 0; g < GATES; g++) {
                    const float weight = u[(u64)i * GATES * r + g * r + j];
#pragma unroll
                    for (u32 c = 0; c < CHAINS; c++) z[g][c] += masked[(g * r + i) * CHAINS + c] * weight;
                }
#pragma unroll
            for (u32 c = 0; c < CHAINS; c++) {
                const float in = hard_sigmoid(z[0][c]), forget = hard_sigmoid(z[1][c]), new_cell = tanhf(z[2][c]);
                const float out = hard_sigmoid(z[3][c]), cell = forget * cells[j * CHAINS + c] + in * new_cell;
                const float h = out * tanhf(cell);
                cells[j * CHAINS + c] = cell;
                fresh[j * CHAINS + c] = h;
                if (first + c >= all) continue;
                const u32 chain = first + c, row = chain / 2, q = chain % 2 * DIRECTIONS + direction;
                float* at = kept + chain_place(n, row, q);
                float* gates = at + (u64)step * GATES * r + j;
                gates[0] = in;
                gates[r] = forget;
                gates[2 * r] = new_cell;
                gates[3 * r] = out;
                at[((u64)n.steps * GATES + step) * r + j] = cell;
                y[((u64)chain * n.steps + step) * DIRECTIONS * r + direction * r + j] = h;
            }
        }
        __syncthreads();
        for (u32 i = threadIdx.x; i < GATES * r * CHAINS; i += blockDim.x) {
            const u32 c = i % CHAINS, at = i / CHAINS, g = at / r, j = at - g * r;
            const u32 chain = min(first + c, all - 1);
            masked[i] = fresh[j * CHAINS + c] * state_mask(masks, n, chain / 2, chain % 2 * DIRECTIONS + direction, g, j);
        }
        __syncthreads();
    }
}

// `chains` of a block: 1 or 4.
extern "C" __global__ void __launch_bounds__(128, 2) lstm_forward(const float* __restrict__ state_masks, u32 state_stride, const float* __restrict__ packed, float* __restrict__ kept, float* __restrict__ y, u32 rows, u32 steps, u32 inputs, u32 units, u32 chains) {
    const Masks masks{nullptr, state_masks, 0, state_stride};
    const Sizes n{rows, steps, inputs, units};
    if (chains == 1) lstm_run<1>(masks, packed, kept, y, n);
    else lstm_run<4>(masks, packed, kept, y, n);
}

// ---- the recurrence with U in registers: 32 or 64 units -----------------------------------------------------------
//
// A thread keeps 32 numbers of U for each gate. Of 32 units it has one whole unit, and a warp is a chain; of 64 it has half of one,
// its neighbour the other half, and a block of four warps is a chain. h times its multipliers goes through shared memory, the four
// gates of a unit side by side, in two places in turn: one barrier a step. Bound by the length of a step where chains are few,
// by instructions where they are many: 128 multiply-adds and 32 reads of shared memory of each thread and step, and the gates.
template <u32 R> struct InRegisters {
    static constexpr u32 SHARES = R / 32;          // threads of a unit
    static constexpr u32 THREADS = R * SHARES;     // of a chain
    static constexpr u32 CHAINS = 128 / THREADS;   // of a block
    static constexpr u32 LINE = R + SHARES;        // shares begin in different banks
};

// Where a thread stands. A spare one has no chain of its own; a chain's threads are all spare or none.
struct OfChain {
    u32 own, j, share, direction, row, q;
    u64 chain;
    bool writes, spare;
};
template <u32 R> DEV OfChain of_chain(const Sizes& n) {
    typedef InRegisters<R> In;
    const u32 own = threadIdx.x / In::THREADS, thread = threadIdx.x % In::THREADS, all = 2 * n.rows;
    const u32 number = blockIdx.x * In::CHAINS + own, chain = min(number, all - 1);
    const u32 share = thread % In::SHARES, direction = blockIdx.y;
    return {own, thread / In::SHARES, share, direction, chain / 2, chain % 2 * DIRECTIONS + direction, chain, number < all && share == 0, number >= all};
}

// Behind it every thread of the chain sees what was written to shared memory.
template <u32 R> DEV void chain_barrier() {
    if (InRegisters<R>::SHARES == 1) __syncwarp();
    else __syncthreads();
}

// The sum over a unit's shares, the same bits in each.
template <u32 R> DEV float over_shares(float x) {
    return InRegisters<R>::SHARES == 1 ? x : x + __shfl_xor_sync(0xffffffffu, x, 1);
}

// sum[g] += the products of a share's numbers of `line` with u.
DEV void add_share(float (&sum)[GATES], const float (&u)[GATES][32], const float4* line) {
#pragma unroll
    for (u32 k = 0; k < 32; k++) {
        const float4 x = line[k];
        sum[0] += x.x * u[0][k];
        sum[1] += x.y * u[1][k];
        sum[2] += x.z * u[2][k];
        sum[3] += x.w * u[3][k];
    }
}

template <u32 R>
DEV void lstm_run_in_registers(const Masks& masks, const float* packed, float* kept, float* y, const Sizes& n) {
    typedef InRegisters<R> In;
    __shared__ float4 lines[2][In::CHAINS * In::LINE];
    const OfChain at = of_chain<R>(n);
    const float* from = packed_of(packed, n, at.direction).u + at.j;
    float u[GATES][32], m[GATES];
#pragma unroll
    for (u32 k = 0; k < 32; k++)
#pragma unroll
        for (u32 g = 0; g < GATES; g++) u[g][k] = from[((at.share * 32 + k) * GATES + g) * R];
#pragma unroll
    for (u32 g = 0; g < GATES; g++) m[g] = state_mask(masks, n, at.row, at.q, g, at.j);
    float* gates = kept + chain_place(n, at.row, at.q) + at.j;
    float* cells = gates + (u64)n.steps * GATES * R;
    float* out = y + at.chain * n.steps * DIRECTIONS * R + at.direction * R + at.j;
    const u32 mine = at.own * In::LINE + at.j + at.j / 32;
    if (at.spare) return;
    if (at.share == 0) lines[0][mine] = make_float4(0.f, 0.f, 0.f, 0.f);
    float z[GATES], cell = 0.f;
    const u32 last = n.steps - 1;
#pragma unroll
    for (u32 g = 0; g < GATES; g++) z[g] = gates[((u64)(at.direction ? last : 0) * GATES + g) * R];
    chain_barrier<R>();
    for (u32 number = 0; number < n.steps; number++) {
        const u32 step = at.direction ? last - number : number;
        float sum[GATES], next[GATES];
        // Those of the step after it, before they are needed.
        const u32 ahead = at.direction ? step - 1 : step + 1;
#pragma unroll
        for (u32 g = 0; g < GATES; g++) {
            sum[g] = at.share == 0 ? z[g] : 0.f;
            next[g] = number == last ? 0.f : gates[((u64)ahead * GATES + g) * R];
        }
        add_share(sum, u, &lines[number & 1][at.own * In::LINE + at.share * 33]);
#pragma unroll
        for (u32 g = 0; g < GATES; g++) sum[g] = over_shares<R>(sum[g]);
        const float in = hard_sigmoid(sum[0]), forget = hard_sigmoid(sum[1]), new_cell = tanhf(sum[2]), open = hard_sigmoid(sum[3]);
        cell = forget * cell + in * new_cell;
        const float h = open * tanhf(cell);
        if (at.share == 0) lines[(number + 1) & 1][mine] = make_float4(h * m[0], h * m[1], h * m[2], h * m[3]);
        if (at.writes) {
            float* to = gates + (u64)step * GATES * R;
            to[0] = in;
            to[R] = forget;
            to[2 * R] = new_cell;
            to[3 * R] = open;
            cells[(u64)step * R] = cell;
            out[(u64)step * DIRECTIONS * R] = h;
        }
#pragma unroll
        for (u32 g = 0; g < GATES; g++) z[g] = next[g];
        chain_barrier<R>();
    }
}

extern "C" __global__ void __launch_bounds__(128) lstm_forward_in_registers(const float* __restrict__ state_masks, u32 state_stride, const float* __restrict__ packed, float* __restrict__ kept, float* __restrict__ y, u32 rows, u32 steps, u32 inputs, u32 units) {
    const Masks masks{nullptr, state_masks, 0, state_stride};
    const Sizes n{rows, steps, inputs, units};
    if (units == 32) lstm_run_in_registers<32>(masks, packed, kept, y, n);
    else lstm_run_in_registers<64>(masks, packed, kept, y, n);
}

// ---- backward -----------------------------------------------------------------------------------------------------

DEV float through_hard(float d, float y) { return y > 0.f && y < 1.f ? 0.2f * d : 0.f; }

// dz of all steps (chain, step, 4 r). Shared memory: dz of the step by gate (4 r CHAINS), dh and dc (r CHAINS each).
template <u32 CHAINS>
DEV void lstm_run_back(const Masks& masks, const float* packed, const float* kept, const float* dy, float* dz, const Sizes& n) {
    DYN_SMEM(memory);
    const u32 r = n.units, direction = blockIdx.y, first = blockIdx.x * CHAINS, all = 2 * n.rows;
    float* step_dz = reinterpret_cast<float*>(memory);
    float* dh = step_dz + GATES * r * CHAINS;
    float* dc = dh + r * CHAINS;
    const float* ut = packed_of(packed, n, direction).ut;
    for (u32 i = threadIdx.x; i < 2 * r * CHAINS; i += blockDim.x) dh[i] = 0.f;
    __syncthreads();
    for (u32 number = n.steps; number-- > 0;) {
        const u32 step = direction ? n.steps - 1 - number : number;
        const u32 before = direction ? step + 1 : step - 1;
        for (u32 i = threadIdx.x; i < r * CHAINS; i += blockDim.x) {
            const u32 c = i % CHAINS, j = i / CHAINS, chain = min(first + c, all - 1), row = chain / 2;
            const u32 q = chain % 2 * DIRECTIONS + direction;
            const float* at = kept + chain_place(n, row, q);
            const float* gates = at + (u64)step * GATES * r + j;
            const float* of_cells = at + (u64)n.steps * GATES * r + j;
            const float in = gates[0], forget = gates[r], new_cell = gates[2 * r], out = gates[3 * r];
            const float last = number ? of_cells[(u64)before * r] : 0.f, t = tanhf(of_cells[(u64)step * r]);
            const float h = dh[i] + dy[((u64)chain * n.steps + step) * DIRECTIONS * r + direction * r + j];
            const float d = h * out * (1.f - t * t) + dc[i];
            const float by_gate[GATES] = {through_hard(d * new_cell, in), through_hard(d * last, forget),
                                          d * in * (1.f - new_cell * new_cell), through_hard(h * t, out)};
            dc[i] = d * forget;
            float* to = dz + (((u64)row * DIRECTIONS * 2 + q) * n.steps + step) * GATES * r + j;
#pragma unroll
            for (u32 g = 0; g < GATES; g++) {
                step_dz[(g * r + j) * CHAINS + c] = by_gate[g];
                if (first + c < all) to[g * r] = by_gate[g];
            }
        }
        __syncthreads();
        for (u32 i = threadIdx.x; i < r; i += blockDim.x) {
            float sum[GATES][CHAINS] = {};
            for (u32 j = 0; j < r; j++)
#pragma unroll
                for (u32 g = 0; g < GATES; g++) {
                    const float weight = ut[((u64)j * GATES + g) * r + i];
#pragma unroll
                    for (u32 c = 0; c < CHAINS; c++) sum[g][c] += step_dz[(g * r + j) * CHAINS + c] * weight;
                }
#pragma unroll
            for (u32 c = 0; c < CHAINS; c++) {
                const u32 chain = min(first + c, all - 1), row = chain / 2, q = chain % 2 * DIRECTIONS + direction;
                float whole = 0.f;
#pragma unroll
                for (u32 g = 0; g < GATES; g++) whole += sum[g][c] * state_mask(masks, n, row, q, g, i);
                dh[i * CHAINS + c] = whole;
            }
        }
        __syncthreads();
    }
}

extern "C" __global__ void __launch_bounds__(128) lstm_backward(const float* __restrict__ state_masks, u32 state_stride, const float* __restrict__ packed, const float* __restrict__ kept, const float* __restrict__ dy, float* __restrict__ dz, u32 rows, u32 steps, u32 inputs, u32 units, u32 chains) {
    const Masks masks{nullptr, state_masks, 0, state_stride};
    const Sizes n{rows, steps, inputs, units};
    if (chains == 1) lstm_run_back<1>(masks, packed, kept, dy, dz, n);
    else lstm_run_back<4>(masks, packed, kept, dy, dz, n);
}

// dz of all steps, with U in registers: line i of every gate's U, by shares of its columns.
template <u32 R>
DEV void lstm_run_back_in_registers(const Masks& masks, const float* packed, const float* kept, const float* dy, float* dz, const Sizes& n) {
    typedef InRegisters<R> In;
    __shared__ float4 lines[2][In::CHAINS * In::LINE];
    const OfChain at = of_chain<R>(n);
    const float* from = packed_of(packed, n, at.direction).ut + at.j;
    float u[GATES][32], m[GATES];
#pragma unroll
    for (u32 k = 0; k < 32; k++)
#pragma unroll
        for (u32 g = 0; g < GATES; g++) u[g][k] = from[((at.share * 32 + k) * GATES + g) * R];
#pragma unroll
    for (u32 g = 0; g < GATES; g++) m[g] = state_mask(masks, n, at.row, at.q, g, at.j);
    const float* gates = kept + chain_place(n, at.row, at.q) + at.j;
    const float* cells = gates + (u64)n.steps * GATES * R;
    const float* of_dy = dy + at.chain * n.steps * DIRECTIONS * R + at.direction * R + at.j;
    float* to = dz + ((u64)at.row * DIRECTIONS * 2 + at.q) * n.steps * GATES * R + at.j;
    const u32 mine = at.own * In::LINE + at.j + at.j / 32;
    float dh = 0.f, dc = 0.f;
    float of[GATES], last, cell, d;
    const auto fetch = [&](u32 number) {
        const u32 step = at.direction ? n.steps - 1 - number : number, before = at.direction ? step + 1 : step - 1;
#pragma unroll
        for (u32 g = 0; g < GATES; g++) of[g] = gates[((u64)step * GATES + g) * R];
        cell = cells[(u64)step * R];
        last = number ? cells[(u64)before * R] : 0.f;
        d = of_dy[(u64)step * DIRECTIONS * R];
    };
    if (at.spare) return;
    fetch(n.steps - 1);
    for (u32 number = n.steps; number-- > 0;) {
        const u32 step = at.direction ? n.steps - 1 - number : number;
        const float in = of[0], forget = of[1], new_cell = of[2], open = of[3], t = tanhf(cell), h = dh + d;
        const float through = h * open * (1.f - t * t) + dc;
        const float4 own = make_float4(through_hard(through * new_cell, in), through_hard(through * last, forget),
                                       through * in * (1.f - new_cell * new_cell), through_hard(h * t, open));
        dc = through * forget;
        if (number) fetch(number - 1);
        if (at.share == 0) lines[number & 1][mine] = own;
        if (at.writes) {
            float* line = to + (u64)step * GATES * R;
            line[0] = own.x;
            line[R] = own.y;
            line[2 * R] = own.z;
            line[3 * R] = own.w;
        }
        chain_barrier<R>();
        float sum[GATES] = {};
        add_share(sum, u, &lines[number & 1][at.own * In::LINE + at.share * 33]);
        dh = 0.f;
#pragma unroll
        for (u32 g = 0; g < GATES; g++) dh += over_shares<R>(sum[g]) * m[g];
    }
}

extern "C" __global__ void __launch_bounds__(128) lstm_backward_in_registers(const float* __restrict__ state_masks, u32 state_stride, const float* __restrict__ packed, const float* __restrict__ kept, const float* __restrict__ dy, float* __restrict__ dz, u32 rows, u32 steps, u32 inputs, u32 units) {
    const Masks masks{nullptr, state_masks, 0, state_stride};
    const Sizes n{rows, steps, inputs, units};
    if (units == 32) lstm_run_back_in_registers<32>(masks, packed, kept, dy, dz, n);
    else lstm_run_back_in_registers<64>(masks, packed, kept, dy, dz, n);
}

struct BackShared {
    union {
        __align__(16) float dz[STRETCH][GATES * DEEP + 4];
        float sums[GATES][STRETCH][COLUMNS + 4];
    };
    __align__(16) float w[GATES][COLUMNS][DEEP + 4];
};

// dx(step, i) += the sum over directions and gates of m_i (dz W^T): a warp sums a gate, then gates are added in their order. `dz` of
// a row's first chain, `dx` of its own first step.
template <bool ONE>
DEV void chain_input_gradient(BackShared& s, const float* dz, const Masks& masks, const float* packed, float* dx, const Sizes& n, u32 row, u32 strand, u32 steps, u32 i0) {
    const u32 lane = threadIdx.x % 32, gate = threadIdx.x / 32, g = lane / 4, t = lane % 4, wide = GATES * n.units;
    StretchSums total = {};
#pragma unroll 1
    for (u32 direction = 0; direction < DIRECTIONS; direction++) {
        const u32 q = strand * DIRECTIONS + direction;
        float by[8];
#pragma unroll
        for (u32 e = 0; e < 8; e++) {
            const u32 i = i0 + e / 2 * 8 + 2 * t + e % 2;
            by[e] = i < n.inputs ? input_mask(masks, n, row, q, gate, i) : 0.f;
        }
#pragma unroll 1
        for (u32 j0 = 0; j0 < n.units; j0 += DEEP) {
            const u32 place = gate * n.units + j0;
            __syncwarp();  // a warp reads what it wrote itself
            load_lines(s.dz, gate * DEEP, dz + (u64)q * n.steps * wide + place, wide, steps, n.units - j0);
            load_lines(s.w[gate], 0, packed_of(packed, n, direction).w + (u64)i0 * wide + place, wide, n.inputs - i0, n.units - j0);
            __syncwarp();
            StretchSums sum = {};
            stretch_products<ONE>(sum, s.dz, gate * DEEP, steps, [&](u32 k, u32 column) { return s.w[gate][column + g][k + t]; });
#pragma unroll
            for (u32 e = 0; e < STRETCH; e++)
                total[e / 16][e / 4 % 4][e % 4] += by[e / 4 % 4 * 2 + e % 2] * sum[e / 16][e / 4 % 4][e % 4];
        }
    }
    __syncthreads();
#pragma unroll
    for (u32 e = 0; e < STRETCH; e++)
        s.sums[gate][e / 16 * 16 + g + e % 4 / 2 * 8][e / 4 % 4 * 8 + 2 * t + e % 2] = total[e / 16][e / 4 % 4][e % 4];
    __syncthreads();
    if (i0 + lane >= n.inputs) return;
#pragma unroll 4
    for (u32 at = gate; at < steps; at += GATES) {
        float whole = 0.f;
#pragma unroll
        for (u32 of = 0; of < GATES; of++) whole += s.sums[of][at][lane];
        dx[(u64)at * n.inputs + i0 + lane] += whole;
    }
}

// Block: a row's strand, 32 inputs, 48 steps.
extern "C" __global__ void __launch_bounds__(128, 3) lstm_backward_inputs(const float* __restrict__ dz, const float* __restrict__ input_masks, u32 input_stride, const float* __restrict__ packed, float* __restrict__ dx, u32 rows, u32 steps, u32 inputs, u32 units, u32 bf16) {
    __shared__ BackShared s;
    const Sizes n{rows, steps, inputs, units};
    const Masks masks{input_masks, nullptr, input_stride, 0};
    const u32 row = blockIdx.x / 2, strand = blockIdx.x % 2, i0 = blockIdx.y * COLUMNS, from = blockIdx.z * STRETCH;
    dz += ((u64)row * DIRECTIONS * 2 * steps + from) * GATES * units;
    dx += ((u64)blockIdx.x * steps + from) * inputs;
    if (bf16) chain_input_gradient<true>(s, dz, masks, packed, dx, n, row, strand, min(STRETCH, steps - from), i0);
    else chain_input_gradient<false>(s, dz, masks, packed, dx, n, row, strand, min(STRETCH, steps - from), i0);
}

// ---- gradients of W, U and b -----------------------------------------------------------------------------------------
//
// With X the inputs of a chain's steps and the h before each, side by side, and D the dz of a gate: X^T D, times the multipliers,
// which are the same at every step of a chain and so act on its sum. A block takes chains of one direction one after the other; a
// warp has one gate, 64 lines of X^T (inputs, then units) by 32 units. What a block has summed becomes a part; parts are added in
// their order. Bound by the tensor cores, 48 products for eight steps.
static constexpr u32 CHAIN_LINES = 64, CHAIN_UNITS = 32, CHAIN_STEPS = 40;

struct ChainShared {
    float x[CHAIN_STEPS][CHAIN_LINES + 8];
    float dz[CHAIN_STEPS][GATES * CHAIN_UNITS + 8];
};

// What a block of the gradient reads.
struct ChainSource {
    const float *x, *y, *dz;
    Masks masks;
    Sizes n;
    u32 direction, i0, j0;
};

// Steps `from` and on of a chain: a thread has one line of X^T, and one gate's unit, whose dz it adds to `of_bias`.
DEV void load_chain(ChainShared& s, const ChainSource& in, u32 both, u32 from, float& of_bias) {
    const Sizes& n = in.n;
    const u32 steps = min(CHAIN_STEPS, n.steps - from);
    const u32 line = threadIdx.x % CHAIN_LINES, first = threadIdx.x / CHAIN_LINES, apart = GEMM_THREADS / CHAIN_LINES;
    const u32 i = in.i0 + line, h = i - n.inputs;
    const bool of_x = i < n.inputs;
    // The h before a step; before the first there is none.
    const u64 whole = (u64)both * n.steps + from + first;
    const u32 none = of_x ? n.steps : in.direction ? n.steps - 1 : 0, stride = of_x ? n.inputs : DIRECTIONS * n.units;
    const float* x = of_x ? in.x + whole * n.inputs + i : in.y + (whole * DIRECTIONS + in.direction) * n.units + h;
    const i32 before = of_x ? 0 : in.direction ? (i32)stride : -(i32)stride;
    const u32 count = of_x || h < n.units ? steps : 0;
#pragma unroll 4
    for (u32 at = first; at < CHAIN_STEPS; at += apart, x += apart * stride) s.x[at][line] = at < count && from + at != none ? x[before] : 0.f;
    const u32 gate = threadIdx.x / CHAIN_UNITS, j = in.j0 + threadIdx.x % CHAIN_UNITS;
    const u64 chain = (u64)(both / 2) * DIRECTIONS * 2 + both % 2 * DIRECTIONS + in.direction;
    const float* dz = in.dz + ((chain * n.steps + from) * GATES + gate) * n.units + j;
    const u32 own = j < n.units ? steps : 0;
#pragma unroll 4
    for (u32 at = 0; at < CHAIN_STEPS; at++, dz += GATES * n.units) {
        const float d = at < own ? *dz : 0.f;
        s.dz[at][threadIdx.x] = d;
        of_bias += d;
    }
}

template <bool ONE> DEV void chain_products(float (&sum)[4][4][4], const ChainShared& s, u32 steps, u32 gate, u32 g, u32 t) {
#pragma unroll 1
    for (u32 k = 0; k < steps; k += 8) {
        u32 bh[4][2], bl[4][2];
#pragma unroll
        for (u32 n = 0; n < 4; n++)
#pragma unroll
            for (u32 r = 0; r < 2; r++) split_tf32(s.dz[k + t + r * 4][gate * CHAIN_UNITS + n * 8 + g], bh[n][r], bl[n][r]);
#pragma unroll
        for (u32 m = 0; m < 4; m++) {
            u32 ah[4], al[4];
#pragma unroll
            for (u32 r = 0; r < 4; r++) split_tf32(s.x[k + t + r / 2 * 4][m * 16 + g + (r & 1) * 8], ah[r], al[r]);
#pragma unroll
            for (u32 n = 0; n < 4; n++) mma_halves<ONE>(sum[m][n], ah, al, bh[n], bl[n]);
        }
    }
}

template <bool ONE> DEV void chain_gradient(ChainShared& s, const ChainSource& in, float* parts) {
    const Sizes& n = in.n;
    const u32 lane = threadIdx.x % 32, gate = threadIdx.x / 32, g = lane / 4, t = lane % 4, stacked = n.inputs + n.units;
    const u32 all = 2 * n.rows, each = (all + gridDim.x - 1) / gridDim.x, first = blockIdx.x * each;
    float total[4][4][4] = {}, of_bias = 0.f;
    for (u32 both = first; both < min(first + each, all); both++) {
        const u32 row = both / 2, q = both % 2 * DIRECTIONS + in.direction;
        float by[4][2];
#pragma unroll
        for (u32 m = 0; m < 8; m++) {
            const u32 i = in.i0 + m * 8 + g;
            by[m / 2][m % 2] = i < n.inputs ? input_mask(in.masks, n, row, q, gate, i)
                               : i < stacked ? state_mask(in.masks, n, row, q, gate, i - n.inputs)
                                             : 0.f;
        }
        for (u32 from = 0; from < n.steps; from += CHAIN_STEPS) {
            __syncthreads();
            load_chain(s, in, both, from, of_bias);
            __syncthreads();
            float sum[4][4][4] = {};
            chain_products<ONE>(sum, s, min(CHAIN_STEPS, n.steps - from), gate, g, t);
#pragma unroll
            for (u32 e = 0; e < 64; e++) total[e / 16][e / 4 % 4][e % 4] += by[e / 16][e % 4 / 2] * sum[e / 16][e / 4 % 4][e % 4];
        }
    }
    parts += (((u64)blockIdx.x * DIRECTIONS + in.direction) * GATES + gate) * (stacked + 1) * n.units;
#pragma unroll
    for (u32 m = 0; m < 4; m++)
#pragma unroll
        for (u32 e = 0; e < 16; e++) {
            const u32 i = in.i0 + m * 16 + g + e % 4 / 2 * 8, j = in.j0 + e / 4 * 8 + 2 * t + e % 2;
            if (i < stacked && j < n.units) parts[(u64)i * n.units + j] = total[m][e / 4][e % 4];
        }
    // The bias's line, with the first lines of the others.
    if (in.i0 == 0 && in.j0 + lane < n.units) parts[(u64)stacked * n.units + in.j0 + lane] = of_bias;
}

// parts[part][direction, gate][inputs + r + 1][r]. Block: (part, direction, 64 lines x 32 units).
extern "C" __global__ void __launch_bounds__(128, 2) lstm_backward_weights(const float* __restrict__ x, const float* __restrict__ y, const float* __restrict__ dz, const float* __restrict__ input_masks, u32 input_stride, const float* __restrict__ state_masks, u32 state_stride, float* __restrict__ parts, u32 rows, u32 steps, u32 inputs, u32 units, u32 bf16) {
    __shared__ ChainShared s;
    const u32 across = (units + CHAIN_UNITS - 1) / CHAIN_UNITS;
    const ChainSource in{x, y, dz, {input_masks, state_masks, input_stride, state_stride}, {rows, steps, inputs, units},
                         blockIdx.y, blockIdx.z / across * CHAIN_LINES, blockIdx.z % across * CHAIN_UNITS};
    if (bf16) chain_gradient<true>(s, in, parts);
    else chain_gradient<false>(s, in, parts);
}

// The gradients of one direction's parameters += the parts in their order; each may be null. A thread for each number of a gate.
extern "C" __global__ void __launch_bounds__(256) lstm_sum_parts(const float* __restrict__ parts, float* __restrict__ dwi, float* __restrict__ dwf, float* __restrict__ dwc, float* __restrict__ dwo, float* __restrict__ dui, float* __restrict__ duf, float* __restrict__ duc, float* __restrict__ duo, float* __restrict__ dbi, float* __restrict__ dbf, float* __restrict__ dbc, float* __restrict__ dbo, u32 direction, u32 count, u32 inputs, u32 units) {
    const u32 i = blockIdx.x * blockDim.x + threadIdx.x, n = (inputs + units + 1) * units, gate = blockIdx.y;
    if (i >= n) return;
    const u32 line = i / units, j = i - line * units;
    float* dw = gate == 0 ? dwi : gate == 1 ? dwf : gate == 2 ? dwc : dwo;
    float* du = gate == 0 ? dui : gate == 1 ? duf : gate == 2 ? duc : duo;
    float* db = gate == 0 ? dbi : gate == 1 ? dbf : gate == 2 ? dbc : dbo;
    float* to = line < inputs ? dw : line < inputs + units ? du : db;
    if (!to) return;
    to += line < inputs ? i : line < inputs + units ? i - inputs * units : j;
    const u32 number = direction * GATES + gate;
    float sum = 0.f;
#pragma unroll 4
    for (u32 part = 0; part < count; part++) sum += parts[((u64)part * DIRECTIONS * GATES + number) * n + i];
    *to += sum;
}
