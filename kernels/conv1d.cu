// Convolution (src/ops/conv1d) as products of matrices whose windows are read where they lie, never written out.
// A column is a (row, position) of the batch, a tap a (channel, place in the kernel): y = w (outputs x taps) X.
#include "lib/column_sum.cuh"
#include "lib/divide.cuh"
#include "lib/gemm.cuh"

// What a block's tile is: blocks that follow one another share the columns, the larger matrix.
struct TilePlace {
    u32 m0, n0;
};
DEV TilePlace tile_place(u32 m) {
    const u32 tiles = (m + GEMM_TILE - 1) / GEMM_TILE;
    return {blockIdx.x % tiles * GEMM_TILE, blockIdx.x / tiles * GEMM_TILE};
}

// The taps of one column of a (lines x length) matrix: tap (line, k) meets element first + STEP k of that line. All
// that a thread fetches is of one column.
template <i32 STEP> struct ColumnWindows {
    const float* lines;
    u32 length;
    i32 first;
    Divisor width;
};
static_assert(GEMM_THREADS % GEMM_TILE == 0, "a thread fetches from one column only");

template <bool DEEP_FAST, u32 SIZE, i32 STEP>
DEV void gemm_fetch(float (&into)[8], const ColumnWindows<STEP>& x, u32 n0, u32 columns, u32 tap0, u32 taps) {
    static_assert(!DEEP_FAST, "neighbouring threads fetch neighbouring columns");
    const bool inside = n0 + threadIdx.x % GEMM_TILE < columns;
#pragma unroll
    for (u32 i = 0; i < 8; i++) {
        u32 column, tap, k;
        gemm_place<false, SIZE>(threadIdx.x, i, column, tap);
        tap += tap0;
        const u32 line = divide(x.width, tap, k);
        const i32 at = x.first + STEP * (i32)k;
        into[i] = inside && tap < taps && (u32)at < x.length ? x.lines[line * x.length + at] : 0.f;
    }
}

// The windows of this thread's column among those of the tile, of an operand with row_step elements a row.
template <i32 STEP>
DEV ColumnWindows<STEP> column_windows(const float* x, const Lines& columns, u64 row_step, u32 length, i32 shift,
                                       u32 width) {
    u32 l;
    const u64 row = locate(columns, threadIdx.x % GEMM_TILE, l);
    return {x + row * row_step, length, (i32)l + shift, divisor(width)};
}

// Kernels as a matrix. Weights have fewer than 2^32 elements: half the registers for their places.
struct Kernels {
    const float* weight;
    u32 along, deep;
};
DEV float gemm_element(const Kernels& x, u32 along, u32 deep) { return x.weight[along * x.along + deep * x.deep]; }

template <bool A_DEEP, class A, class B, class Put>
DEV void conv_tile(GemmShared& s, u32 bf16, const A& a, const B& b, u32 M, u32 N, u32 K, const TilePlace& at,
                   const Put& put) {
    if (bf16) gemm_tile<true, A_DEEP, false>(s, a, b, M, N, K, at.m0, at.n0, put);
    else gemm_tile<false, A_DEEP, false>(s, a, b, M, N, K, at.m0, at.n0, put);
}

extern "C" __global__ void __launch_bounds__(128, 2) conv1d_forward(
    const float* __restrict__ x, const float* __restrict__ weight, const float* __restrict__ bias,
    float* __restrict__ y, u32 rows, u32 inputs, u32 outputs, u32 length, u32 out_length, u32 width, u32 padding,
    u32 bf16) {
    __shared__ GemmShared s;
    const u32 taps = inputs * width;
    const TilePlace at = tile_place(outputs);
    const Lines columns = lines_from(at.n0, out_length);
    const ColumnWindows<1> windows =
        column_windows<1>(x, columns, (u64)inputs * length, length, -(i32)padding, width);
    conv_tile<true>(s, bf16, Kernels{weight, taps, 1}, windows, outputs, rows * out_length, taps, at,
                    [&](u32 o, u32 n, float sum) {
                        u32 l;
                        const u64 row = locate(columns, n - at.n0, l);
                        y[(row * outputs + o) * out_length + l] = bias ? sum + bias[o] : sum;
                    });
}

// Kernels as another matrix: (channel, tap of an output).
struct KernelsOfChannel {
    const float* weight;
    u32 inputs;
    Divisor width;
};
DEV float gemm_element(const KernelsOfChannel& x, u32 c, u32 tap) {
    u32 k;
    const u32 o = divide(x.width, tap, k);
    return x.weight[(o * x.inputs + c) * x.width.d + k];
}

// dx[c, p] += sum over outputs o and k of w[o, c, k] dy[o, p - k + padding].
extern "C" __global__ void __launch_bounds__(128, 2) conv1d_backward_input(
    const float* __restrict__ dy, const float* __restrict__ weight, float* __restrict__ dx, u32 rows, u32 inputs,
    u32 outputs, u32 length, u32 out_length, u32 width, u32 padding, u32 bf16) {
    __shared__ GemmShared s;
    const u32 taps = outputs * width, n = rows * length;
    const TilePlace at = tile_place(inputs);
    const Lines columns = lines_from(at.n0, length);
    const ColumnWindows<-1> windows =
        column_windows<-1>(dy, columns, (u64)outputs * out_length, out_length, padding, width);
    const auto put = add_to([&](u32 c, u32 n) {
        u32 p;
        const u64 row = locate(columns, n - at.n0, p);
        return dx + (row * inputs + c) * length + p;
    });
    if (width == 1) conv_tile<false>(s, bf16, Kernels{weight, 1, inputs}, windows, inputs, n, taps, at, put);
    else {
        const KernelsOfChannel kernels = {weight, inputs, divisor(width)};
        conv_tile<true>(s, bf16, kernels, windows, inputs, n, taps, at, put);
    }
}

// With few input channels the tiles above would be mostly empty. Instead, the gradients of the windows (taps x
// columns), dX = w^T dy, of some rows ...
extern "C" __global__ void __launch_bounds__(128, 3) conv1d_backward_windows(
    const float* __restrict__ dy, const float* __restrict__ weight, float* __restrict__ windows, u32 rows, u32 taps,
    u32 outputs, u32 out_length, u32 bf16) {
    __shared__ GemmShared s;
    const u32 n = rows * out_length;
    const TilePlace at = tile_place(taps);
    const ColumnWindows<1> columns = column_windows<1>(
        dy, lines_from(at.n0, out_length), (u64)outputs * out_length, out_length, 0, 1);
    conv_tile<false>(s, bf16, Kernels{weight, 1, taps}, columns, taps, n, outputs, at,
                     [&](u32 tap, u32 column, float sum) { windows[(u64)tap * n + column] = sum; });
}

// ... and their sum where they overlap; n elements of dx.
extern "C" __global__ void __launch_bounds__(256) conv1d_backward_overlap(
    const float* __restrict__ windows, float* __restrict__ dx, u32 n, u32 rows, u32 inputs, u32 length,
    u32 out_length, u32 width, u32 padding) {
    const u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const u32 line = i / length, p = i - line * length, row = line / inputs, c = line - row * inputs;
    const u64 columns = (u64)rows * out_length;
    const float* of = windows + (u64)c * width * columns + row * out_length;
    float sum = 0.f;
    for (u32 k = 0; k < width; k++) {
        const i32 l = (i32)(p + padding) - (i32)k;
        if ((u32)l < out_length) sum += of[k * columns + l];
    }
    dx[i] += sum;
}

// Lines of y, and windows of x, from column `first` on. All that a thread fetches at a time is of one column.
struct ColumnsOfOutput {
    const float* dy;
    u32 row_step, first;
    Divisor length;
};

template <bool DEEP_FAST, u32 SIZE>
DEV void gemm_fetch(float (&into)[8], const ColumnsOfOutput& y, u32 o0, u32 outputs, u32 n0, u32 columns) {
    static_assert(DEEP_FAST, "neighbouring threads fetch neighbouring columns");
    const u32 n = n0 + threadIdx.x % GEMM_DEPTH;
    u32 l;
    const u64 row = divide(y.length, y.first + n, l);
    u32 first, deep;
    gemm_place<true, SIZE>(threadIdx.x, 0, first, deep);
    const u32 o = o0 + first, step = GEMM_THREADS / GEMM_DEPTH;
    const float* from = y.dy + row * y.row_step + (o * y.length.d + l);
#pragma unroll
    for (u32 i = 0; i < 8; i++) into[i] = o + i * step < outputs && n < columns ? from[i * step * y.length.d] : 0.f;
}

// Where the taps of a tile lie, from the row's element l on: `offset`, if l + k is inside the line. In shared memory,
// as registers are few.
struct TapPlace {
    u32 offset, k;
};
// After the last tap comes a 1, whose product with dy is the gradient of the bias.
static constexpr u32 NO_TAP = 0x80000000u, BIAS_TAP = 0x80000001u;

DEV TapPlace tap_place(u32 tap, u32 taps, u32 width, u32 length, u32 padding) {
    if (tap >= taps) return {0, tap == taps ? BIAS_TAP : NO_TAP};
    const u32 line = tap / width, k = tap - line * width - padding;
    return {line * length + k, k};
}

struct ColumnsOfWindows {
    const float* x;
    u32 row_step, first, length;
    Divisor out_length;
    const TapPlace* taps;
};

template <bool DEEP_FAST, u32 SIZE>
DEV void gemm_fetch(float (&into)[8], const ColumnsOfWindows& x, u32, u32, u32 n0, u32 columns) {
    static_assert(DEEP_FAST, "neighbouring threads fetch neighbouring columns");
    // Behind the last column dy is 0, and any number serves: the last one's.
    const u32 n = min(n0 + threadIdx.x % GEMM_DEPTH, columns - 1);
    u32 l;
    const u64 row = divide(x.out_length, x.first + n, l);
    const float* from = x.x + row * x.row_step;
#pragma unroll
    for (u32 i = 0; i < 8; i++) {
        u32 along, deep;
        gemm_place<true, SIZE>(threadIdx.x, i, along, deep);
        const TapPlace tap = x.taps[along];
        into[i] = l + tap.k < x.length ? from[tap.offset + l] : tap.k == BIAS_TAP ? 1.f : 0.f;
    }
}

// Parts of dw (parts x outputs x taps) and db (parts x outputs), either may be null: each part sums `span` columns, all
// its tiles in blocks that follow one another.
extern "C" __global__ void __launch_bounds__(128, 3) conv1d_backward_weight(
    const float* __restrict__ x, const float* __restrict__ dy, float* __restrict__ dw, float* __restrict__ db,
    u32 rows, u32 inputs, u32 outputs, u32 length, u32 out_length, u32 width, u32 padding, u32 span, u32 bf16) {
    __shared__ GemmShared s;
    const u32 taps = inputs * width, first_tap = dw ? 0 : taps, N = taps - first_tap + (db ? 1 : 0);
    const u32 tiles_m = (outputs + GEMM_TILE - 1) / GEMM_TILE, tiles_n = (N + GEMM_TILE - 1) / GEMM_TILE;
    const u32 part = blockIdx.x / (tiles_m * tiles_n), tile = blockIdx.x - part * tiles_m * tiles_n;
    const u32 m0 = tile % tiles_m * GEMM_TILE, n0 = tile / tiles_m * GEMM_TILE;
    const u32 first = part * span, count = min(span, rows * out_length - first);
    const Divisor by_length = divisor(out_length);
    const ColumnsOfOutput a = {dy, outputs * out_length, first, by_length};
    __shared__ TapPlace places[GEMM_TILE];
    if (threadIdx.x < GEMM_TILE)
        places[threadIdx.x] = tap_place(first_tap + n0 + threadIdx.x, taps, width, length, padding);
    __syncthreads();
    const ColumnsOfWindows b = {x, inputs * length, first, length, by_length, places};
    const auto put = [&](u32 o, u32 i, float sum) {
        const u32 tap = first_tap + i;
        if (tap < taps) dw[((u64)part * outputs + o) * taps + tap] = sum;
        else db[(u64)part * outputs + o] = sum;
    };
    if (bf16) gemm_tile<true, true, true>(s, a, b, outputs, N, count, m0, n0, put);
    else gemm_tile<false, true, true>(s, a, b, outputs, N, count, m0, n0, put);
}

// out[i] += the sum of its parts.
extern "C" __global__ void __launch_bounds__(256) conv1d_sum_parts(
    const float* __restrict__ parts, float* __restrict__ out, u32 rows, u32 columns) {
    column_sum(parts, out, rows, columns, 1);
}
