// Bidirectional LSTM over both strands (src/ops/lstm): a chain is a strand of a row in one direction, number
// q = strand x 2 + direction. Gates lie side by side, i f c o; what is kept of a step is its gates behind their functions
// (4 r numbers) and its cell (r).
//
// The inputs of all steps are one product; the recurrence runs step by step, a block for some chains of one direction, which
// share its U; the gradients of weights and inputs are products over all steps again.
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

// The multipliers of one dropout site, count = 16 inputs or 16 units a row.
extern "C" __global__ void __launch_bounds__(256) lstm_masks(const StepState* __restrict__ state, float* __restrict__ masks, u64 n, u64 stream, u64 threshold, float scale) {
    const u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) masks[i] = stays(state, stream, i, threshold) ? scale : 0.f;
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

// x(line, i) times the multipliers of a direction's gate; lines are (row, strand, step).
struct MaskedInputs {
    const float* x;
    Masks masks;
    Sizes n;
    u32 direction, gate;
};

DEV float gemm_element(const MaskedInputs& x, u32 line, u32 i) {
    const u32 both = line / x.n.steps, row = both / 2, q = both % 2 * DIRECTIONS + x.direction;
    return x.x[(u64)line * x.n.inputs + i] * input_mask(x.masks, x.n, row, q, x.gate, i);
}

// z of all steps without h, b among it: a block for a tile of lines x units of one gate (blockIdx.y = direction x 4 + gate).
extern "C" __global__ void __launch_bounds__(128) lstm_inputs(const float* __restrict__ x, const float* __restrict__ input_masks, u32 input_stride, const float* __restrict__ packed, float* __restrict__ kept, u32 rows, u32 steps, u32 inputs, u32 units) {
    __shared__ GemmShared s;
    const Sizes n{rows, steps, inputs, units};
    const u32 direction = blockIdx.y / GATES, gate = blockIdx.y % GATES, across = (units + GEMM_TILE - 1) / GEMM_TILE;
    const u32 m0 = blockIdx.x / across * GEMM_TILE, n0 = blockIdx.x % across * GEMM_TILE;
    const Packed own = packed_of(packed, n, direction);
    const MaskedInputs a{x, {input_masks, nullptr, input_stride, 0}, n, direction, gate};
    const Matrix w{own.w + gate * units, 1, GATES * units};
    gemm_tile<false, true, false>(s, a, w, rows * 2 * steps, units, inputs, m0, n0, [&](u32 line, u32 j, float sum) {
        const u32 both = line / steps, step = line - both * steps, q = both % 2 * DIRECTIONS + direction;
        kept[chain_place(n, both / 2, q) + ((u64)step * GATES + gate) * units + j] = sum + own.b[gate * units + j];
    });
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
extern "C" __global__ void __launch_bounds__(128) lstm_forward(const float* __restrict__ state_masks, u32 state_stride, const float* __restrict__ packed, float* __restrict__ kept, float* __restrict__ y, u32 rows, u32 steps, u32 inputs, u32 units, u32 chains) {
    const Masks masks{nullptr, state_masks, 0, state_stride};
    const Sizes n{rows, steps, inputs, units};
    if (chains == 1) lstm_run<1>(masks, packed, kept, y, n);
    else lstm_run<4>(masks, packed, kept, y, n);
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

// dz(line, j) of a direction's gate.
struct GateGradient {
    const float* dz;
    Sizes n;
    u32 direction, gate, first;
};

DEV float gate_gradient(const GateGradient& x, u32 line, u32 j) {
    line += x.first;
    const u32 both = line / x.n.steps, step = line - both * x.n.steps;
    const u64 chain = (u64)(both / 2) * DIRECTIONS * 2 + both % 2 * DIRECTIONS + x.direction;
    return x.dz[((chain * x.n.steps + step) * GATES + x.gate) * x.n.units + j];
}

// As a factor whose sum runs over units.
struct AlongUnits {
    GateGradient dz;
};
DEV float gemm_element(const AlongUnits& x, u32 line, u32 j) { return gate_gradient(x.dz, line, j); }

// As a factor whose sum runs over lines.
struct AlongLines {
    GateGradient dz;
};
DEV float gemm_element(const AlongLines& x, u32 j, u32 line) { return gate_gradient(x.dz, line, j); }

// dx(line, i) += the sum over directions and gates of m (dz W^T): a block for a tile, one product after the other.
extern "C" __global__ void __launch_bounds__(128) lstm_backward_inputs(const float* __restrict__ dz, const float* __restrict__ input_masks, u32 input_stride, const float* __restrict__ packed, float* __restrict__ dx, u32 rows, u32 steps, u32 inputs, u32 units) {
    __shared__ GemmShared s;
    const Sizes n{rows, steps, inputs, units};
    const Masks masks{input_masks, nullptr, input_stride, 0};
    const u32 across = (inputs + GEMM_TILE - 1) / GEMM_TILE;
    const u32 m0 = blockIdx.x / across * GEMM_TILE, n0 = blockIdx.x % across * GEMM_TILE;
#pragma unroll 1
    for (u32 number = 0; number < DIRECTIONS * GATES; number++) {
        const u32 direction = number / GATES, gate = number % GATES;
        const AlongUnits a{{dz, n, direction, gate, 0}};
        const Matrix w{packed_of(packed, n, direction).w + gate * units, GATES * units, 1};
        __syncthreads();  // the sums of the product before have been read
        gemm_tile<false, true, true>(s, a, w, rows * 2 * steps, inputs, units, m0, n0, [&](u32 line, u32 i, float sum) {
            const u32 both = line / steps;
            dx[(u64)line * inputs + i] +=
                sum * input_mask(masks, n, both / 2, both % 2 * DIRECTIONS + direction, gate, i);
        });
    }
}

// What W, U and b are multiplied by, one below the other: x m, the h before n, and 1.
struct Stacked {
    const float *x, *y;
    Masks masks;
    Sizes n;
    u32 direction, gate, first;
};

DEV float gemm_element(const Stacked& x, u32 i, u32 line) {
    line += x.first;
    const Sizes& n = x.n;
    if (i == n.inputs + n.units) return 1.f;
    const u32 both = line / n.steps, step = line - both * n.steps, row = both / 2, q = both % 2 * DIRECTIONS + x.direction;
    if (i < n.inputs) return x.x[(u64)line * n.inputs + i] * input_mask(x.masks, n, row, q, x.gate, i);
    if (step == (x.direction ? n.steps - 1 : 0)) return 0.f;
    const u32 j = i - n.inputs, before = x.direction ? line + 1 : line - 1;
    return x.y[((u64)before * DIRECTIONS + x.direction) * n.units + j] * state_mask(x.masks, n, row, q, x.gate, j);
}

// parts[part][direction, gate][inputs + r + 1][r] = the sums over a part of the lines. Block: (tile, part, direction x 4 + gate).
extern "C" __global__ void __launch_bounds__(128) lstm_backward_weights(const float* __restrict__ x, const float* __restrict__ y, const float* __restrict__ dz, const float* __restrict__ input_masks, u32 input_stride, const float* __restrict__ state_masks, u32 state_stride, float* __restrict__ parts, u32 rows, u32 steps, u32 inputs, u32 units, u32 part_lines) {
    __shared__ GemmShared s;
    const Sizes n{rows, steps, inputs, units};
    const u32 direction = blockIdx.z / GATES, gate = blockIdx.z % GATES, stacked = inputs + units + 1;
    const u32 across = (units + GEMM_TILE - 1) / GEMM_TILE, lines = rows * 2 * steps;
    const u32 m0 = blockIdx.x / across * GEMM_TILE, n0 = blockIdx.x % across * GEMM_TILE;
    const u32 first = blockIdx.y * part_lines, count = min(part_lines, lines - first);
    const Stacked a{x, y, {input_masks, state_masks, input_stride, state_stride}, n, direction, gate, first};
    const AlongLines b{{dz, n, direction, gate, first}};
    float* to = parts + ((u64)blockIdx.y * DIRECTIONS * GATES + blockIdx.z) * stacked * units;
    gemm_tile<false, false, false>(s, a, b, stacked, units, count, m0, n0,
                                   [&](u32 i, u32 j, float sum) { to[(u64)i * units + j] = sum; });
}

// The gradients of one direction's W, U and b of one gate += the parts in their order; each may be null.
extern "C" __global__ void __launch_bounds__(256) lstm_sum_parts(const float* __restrict__ parts, float* __restrict__ dw, float* __restrict__ du, float* __restrict__ db, u32 number, u32 count, u32 inputs, u32 units) {
    const u32 i = blockIdx.x * blockDim.x + threadIdx.x, n = (inputs + units + 1) * units;
    if (i >= n) return;
    const u32 line = i / units, j = i - line * units;
    float* to = line < inputs ? dw : line < inputs + units ? du : db;
    if (!to) return;
    to += line < inputs ? i : line < inputs + units ? i - inputs * units : j;
    float sum = 0.f;
    for (u32 part = 0; part < count; part++) sum += parts[((u64)part * DIRECTIONS * GATES + number) * n + i];
    *to += sum;
}
