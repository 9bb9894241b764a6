// Convolution over both strands of codes and tracks, ReLU included (src/ops/strand_conv), as products on tensor cores: a line
// of x is the window at one position of one strand of one row, `width x channels` numbers.
//
// Neighbouring windows overlap in all but one place, so a block keeps a strip of places in shared memory, channels side by side,
// and reads element (line, k) of x at line x channels + k. That holds windows of up to 256 numbers; of larger ones every element
// is made where it is read. Bound by the tensor cores where windows are as the original has them, three products in f32 (two
// halves of some 11 bits of each factor), one in bf16 runs. Predicted for an H200, 100 rows of the original's size: 31 us forward, 41 us
// backward, by the count of instructions (docs/benchmarks.md).
#include "lib/gemm.cuh"
#include "lib/stays.cuh"

static constexpr u32 BASES = 4;

// x(line, k): lines are (row, strand, position), k is (place in the window, channel), bases before tracks.
struct StrandWindows {
    const u8* codes;
    const float* tracks;
    const u32* order;
    u32 track_stride, length, positions, channels;
    u32 first;  // the line that the product's first one is
};

DEV float strand_window(const StrandWindows& x, u32 line, u32 k) {
    line += x.first;
    const u32 both = line / x.positions, t = line - both * x.positions, row = both / 2, other = both & 1;
    const u32 j = k / x.channels, c = k - j * x.channels, at = t + j, from = other ? x.length - 1 - at : at;
    if (c < BASES) return x.codes[(u64)row * x.length + from] == (other ? BASES - 1 - c : c) ? 1.f : 0.f;
    const u32 track = other ? x.order[c - BASES] : c - BASES;
    return x.tracks[(u64)row * x.track_stride + (u64)track * x.length + from];
}

DEV float gemm_element(const StrandWindows& x, u32 line, u32 k) { return strand_window(x, line, k); }

// The kernel as it meets a window: W (width, 1, channels, kernels) is flipped along its width.
struct StrandWeight {
    const float* w;
    u32 width, channels, kernels;
};

DEV float gemm_element(const StrandWeight& x, u32 f, u32 k) {
    const u32 j = k / x.channels, c = k - j * x.channels;
    return x.w[((u64)(x.width - 1 - j) * x.channels + c) * x.kernels + f];
}

// A block's tile of lines x kernels, tiles counted in one dimension. With `state` (else null) dropout follows the ReLU.
extern "C" __global__ void __launch_bounds__(128) strand_conv_forward(const u8* __restrict__ codes, const float* __restrict__ tracks, const u32* __restrict__ order, const float* __restrict__ weight, const float* __restrict__ bias, float* __restrict__ y, const StepState* __restrict__ state, u64 stream, u64 threshold, float scale, u32 track_stride, u32 lines, u32 length, u32 width, u32 channels, u32 kernels, u32 bf16) {
    __shared__ GemmEither s;
    const StrandWindows x{codes, tracks, order, track_stride, length, length - width + 1, channels, 0};
    const StrandWeight w{weight, width, channels, kernels};
    const auto put = [&](u32 line, u32 f, float sum) {
        const u64 at = (u64)line * kernels + f;
        const float h = fmaxf(sum + bias[f], 0.f);
        y[at] = !state ? h : stays(state, stream, at, threshold) ? h * scale : 0.f;
    };
    gemm_either<true, false>(s, bf16, x, w, lines, kernels, width * channels, blockIdx.x, put);
}

// ---- from strips ----------------------------------------------------------------------------------------------------

// Kernels of a block, and numbers of a strip after its places: what fragments read beyond the last window.
static constexpr u32 STRIP_KERNELS = 32, STRIP_PAD = 16;
// Lines of a block forward: four warps of four fragments. Of a step backward.
static constexpr u32 FORWARD_LINES = 256, BACKWARD_LINES = 64;
static constexpr u32 NO_LINE = 0xffffffffu;

// What a strand's strips are made of.
struct StripSource {
    const u8* codes;
    const float* tracks;
    const u32* order;
    u32 track_stride, length, channels;
};

// `count` places of a strand from `first` on, 0 outside the window, and the padding.
DEV void load_strip(float* strip, const StripSource& x, u32 row, u32 other, i32 first, u32 count) {
    for (u32 i = threadIdx.x; i < count * x.channels + STRIP_PAD; i += blockDim.x) {
        const u32 place = i / x.channels, c = i - place * x.channels;
        const i32 at = first + (i32)place;
        float value = 0.f;
        if (place < count && at >= 0 && at < (i32)x.length) {
            const u32 from = other ? x.length - 1 - (u32)at : (u32)at;
            if (c < BASES) value = x.codes[(u64)row * x.length + from] == (other ? BASES - 1 - c : c) ? 1.f : 0.f;
            else value = x.tracks[(u64)row * x.track_stride + (u64)(other ? x.order[c - BASES] : c - BASES) * x.length + from];
        }
        strip[i] = value;
    }
}

// Dropout behind the ReLU; without it `state` is null.
struct Dropped {
    const StepState* state;
    u64 stream, threshold;
    float scale;
};

// How dropout's words are drawn for elements f and f + 16 of two neighbouring lines, of which the first is an even one: where lines
// have 32 numbers one counter has the words of all four, where they have a multiple of 32 one of each line's two.
enum class Draw { None, Four, Two, Each };

template <Draw DRAW> DEV void drop_four(float (&h)[2][2], const Dropped& drop, const u64 (&at)[2]) {
    if (DRAW == Draw::None) return;
    u32 words[4];
    if (DRAW == Draw::Four) stay_words(words, drop.state, drop.stream, at[0]);
#pragma unroll
    for (u32 line = 0; line < 2; line++) {
        const bool later = at[line] >> 5 & 1;
        if (DRAW == Draw::Two) stay_words(words, drop.state, drop.stream, at[line]);
#pragma unroll
        for (u32 half = 0; half < 2; half++) {
            bool kept;
            if (DRAW == Draw::Four) kept = words[2 * line + half] >= drop.threshold;
            else if (DRAW == Draw::Two) kept = (later ? words[2 + half] : words[half]) >= drop.threshold;
            else kept = stays(drop.state, drop.stream, at[line] + 16 * half, drop.threshold);
            h[line][half] = kept ? h[line][half] * drop.scale : 0.f;
        }
    }
}

// What a thread of the forward run puts: sums of four fragments of 16 lines, from line `first` of a strand on, by 32 kernels.
struct StripOut {
    const float* bias;
    float* y;
    Dropped drop;
    u64 strand_line;
    i32 first, positions;
    u32 f0, kernels;
};

template <Draw DRAW> DEV void put_strip(const float (&sum)[4][4][4], const StripOut& to) {
    const u32 lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
#pragma unroll
    for (u32 i = 0; i < 4; i++) {
        const i32 first = to.first + (i32)(i * 16 + 2 * g);
#pragma unroll
        for (u32 pair = 0; pair < 4; pair++) {
            const u32 n = pair / 2, e = pair % 2, f = to.f0 + n * 8 + 2 * t + e;
            u64 at[2];
            float h[2][2];
#pragma unroll
            for (u32 line = 0; line < 2; line++) {
                at[line] = (to.strand_line + (u64)(i64)(first + (i32)line)) * to.kernels + f;
#pragma unroll
                for (u32 half = 0; half < 2; half++) {
                    const u32 own = f + 16 * half;
                    h[line][half] = fmaxf(sum[i][n + 2 * half][line * 2 + e] + (own < to.kernels ? to.bias[own] : 0.f), 0.f);
                }
            }
            drop_four<DRAW>(h, to.drop, at);
#pragma unroll
            for (u32 line = 0; line < 2; line++) {
                const i32 position = first + (i32)line;
                if (position < 0 || position >= to.positions) continue;
#pragma unroll
                for (u32 half = 0; half < 2; half++)
                    if (f + 16 * half < to.kernels) to.y[at[line] + 16 * half] = h[line][half];
            }
        }
    }
}

// Lines of a strand x 32 kernels: a warp has 64 lines. Fragment rows g and g + 8 are neighbouring lines, an even one of the whole
// batch first, which share dropout's counters; so a strand's first line may be none.
template <bool ONE>
DEV void forward_strip(const StripSource& x, const float* weight, const float* bias, float* y, const Dropped& drop, u32 width, u32 kernels) {
    DYN_SMEM(memory);
    float* strip = reinterpret_cast<float*>(memory);
    const u32 window = width * x.channels, steps = (window + 7) / 8, places = FORWARD_LINES + width - 1;
    u32* w_line = reinterpret_cast<u32*>(strip + places * x.channels + STRIP_PAD);
    const u32 positions = x.length - width + 1, tiles = (positions + FORWARD_LINES) / FORWARD_LINES;
    const u32 strand = blockIdx.x / tiles, f0 = blockIdx.y * STRIP_KERNELS;
    const u64 strand_line = (u64)strand * positions;
    const i32 t0 = (i32)(blockIdx.x % tiles * FORWARD_LINES) - (i32)(strand_line & 1);
    load_strip(strip, x, strand / 2, strand & 1, t0, places);
    // Where line k of the flipped kernel lies.
    for (u32 k = threadIdx.x; k < steps * 8; k += blockDim.x) {
        const u32 j = k / x.channels, c = k - j * x.channels;
        w_line[k] = k < window ? ((width - 1 - j) * x.channels + c) * kernels : NO_LINE;
    }
    __syncthreads();
    const u32 lane = threadIdx.x % 32, g = lane / 4, t = lane % 4, warp_line = threadIdx.x / 32 * 64;
    float sum[4][4][4] = {};
#pragma unroll 1
    for (u32 step = 0; step < steps; step++) {
        u32 bh[4][2], bl[4][2];
        const u32 at[2] = {w_line[step * 8 + t], w_line[step * 8 + t + 4]};
#pragma unroll
        for (u32 n = 0; n < 4; n++) {
            const u32 f = f0 + n * 8 + g;
            float b[2];
#pragma unroll
            for (u32 r = 0; r < 2; r++) b[r] = at[r] != NO_LINE && f < kernels ? weight[at[r] + f] : 0.f;
            split_all(b, bh[n], bl[n]);
        }
#pragma unroll
        for (u32 i = 0; i < 4; i++) {
            float a[4];
#pragma unroll
            for (u32 r = 0; r < 4; r++)
                a[r] = strip[(warp_line + i * 16 + 2 * g + (r & 1)) * x.channels + step * 8 + t + r / 2 * 4];
            u32 ah[4], al[4];
            split_all(a, ah, al);
#pragma unroll
            for (u32 n = 0; n < 4; n++) mma_halves<ONE>(sum[i][n], ah, al, bh[n], bl[n]);
        }
    }
    const StripOut to{bias, y, drop, strand_line, t0 + (i32)warp_line, (i32)positions, f0, kernels};
    if (!drop.state) put_strip<Draw::None>(sum, to);
    else if (kernels == STRIP_KERNELS) put_strip<Draw::Four>(sum, to);
    else if (kernels % STRIP_KERNELS == 0) put_strip<Draw::Two>(sum, to);
    else put_strip<Draw::Each>(sum, to);
}

// Block: (256 lines of a strand, 32 kernels). With `state` (else null) dropout follows the ReLU.
extern "C" __global__ void __launch_bounds__(128) strand_conv_forward_strips(const u8* __restrict__ codes, const float* __restrict__ tracks, const u32* __restrict__ order, const float* __restrict__ weight, const float* __restrict__ bias, float* __restrict__ y, const StepState* __restrict__ state, u64 stream, u64 threshold, float scale, u32 track_stride, u32 length, u32 width, u32 channels, u32 kernels, u32 bf16) {
    const StripSource x{codes, tracks, order, track_stride, length, channels};
    const Dropped drop{state, stream, threshold, scale};
    if (bf16) forward_strip<true>(x, weight, bias, y, drop, width, kernels);
    else forward_strip<false>(x, weight, bias, y, drop, width, kernels);
}

// ---- backward -----------------------------------------------------------------------------------------------------

// dz(line, f) = scale dy [y > 0]: through dropout, too, where y is what it left and scale is its 1 / (1 - p).
struct ThroughRelu {
    const float *y, *dy;
    u32 kernels, first;
    float scale;
};

DEV float through_relu(const ThroughRelu& x, u32 line, u32 f) {
    const u64 at = (u64)(x.first + line) * x.kernels + f;
    return x.y[at] > 0.f ? x.scale * x.dy[at] : 0.f;
}

DEV float gemm_element(const ThroughRelu& x, u32 f, u32 line) { return through_relu(x, line, f); }

// The windows the other way round, and below them a line of ones for the bias.
struct WindowsAndOne {
    StrandWindows x;
    u32 window;
};

DEV float gemm_element(const WindowsAndOne& x, u32 k, u32 line) {
    return k == x.window ? 1.f : strand_window(x.x, line, k);
}

// parts[part][k][f] = the sum of x(line, k) dz(line, f) over the lines of a part; k = window: of dz alone.
extern "C" __global__ void __launch_bounds__(128) strand_conv_backward_weight(const u8* __restrict__ codes, const float* __restrict__ tracks, const u32* __restrict__ order, const float* __restrict__ y, const float* __restrict__ dy, float* __restrict__ parts, float scale, u32 track_stride, u32 lines, u32 length, u32 width, u32 channels, u32 kernels, u32 part_lines, u32 bf16) {
    __shared__ GemmShared s;
    const u32 window = width * channels, across = (kernels + GEMM_TILE - 1) / GEMM_TILE;
    const u32 m0 = blockIdx.x / across * GEMM_TILE, n0 = blockIdx.x % across * GEMM_TILE;
    const u32 first = blockIdx.y * part_lines, count = min(part_lines, lines - first);
    const WindowsAndOne x{{codes, tracks, order, track_stride, length, length - width + 1, channels, first}, window};
    const ThroughRelu dz{y, dy, kernels, first, scale};
    parts += (u64)blockIdx.y * (window + 1) * kernels;
    const auto put = [&](u32 k, u32 f, float sum) { parts[(u64)k * kernels + f] = sum; };
    if (bf16) gemm_tile<true, false, false>(s, x, dz, window + 1, kernels, count, m0, n0, put);
    else gemm_tile<false, false, false>(s, x, dz, window + 1, kernels, count, m0, n0, put);
}

// The same from strips: warp w has fragments w, w + 4, .. of 16 lines k, MINE of them at most; its sums go to `parts` as above.
// `dz` holds those of the lines at work.
template <bool ONE, u32 MINE>
DEV void backward_strip(float (&dz)[BACKWARD_LINES][STRIP_KERNELS + 8], const StripSource& x, const ThroughRelu& whole, float* parts, u32 rows, u32 width) {
    DYN_SMEM(memory);
    float* strip = reinterpret_cast<float*>(memory);
    const u32 kernels = whole.kernels, window = width * x.channels, places = BACKWARD_LINES + width - 1;
    const u32 positions = x.length - width + 1, tiles = (positions + BACKWARD_LINES - 1) / BACKWARD_LINES;
    const u32 all = 2 * rows * tiles, each = (all + gridDim.x - 1) / gridDim.x;
    const u32 lane = threadIdx.x % 32, warp = threadIdx.x / 32, g = lane / 4, t = lane % 4;
    const u32 f0 = blockIdx.y * STRIP_KERNELS, f = f0 + lane, first = blockIdx.x * each;
    float sum[MINE][4][4] = {}, of_bias = 0.f;
    for (u32 tile = first; tile < min(first + each, all); tile++) {
        const u32 strand = tile / tiles, t0 = tile % tiles * BACKWARD_LINES;
        const ThroughRelu from{whole.y, whole.dy, kernels, strand * positions, whole.scale};
        load_strip(strip, x, strand / 2, strand & 1, (i32)t0, places);
#pragma unroll 4
        for (u32 line = warp; line < BACKWARD_LINES; line += 4) {
            const float d = t0 + line < positions && f < kernels ? through_relu(from, t0 + line, f) : 0.f;
            dz[line][lane] = d;
            of_bias += d;
        }
        __syncthreads();
        float chain[MINE][4][4] = {};
#pragma unroll 1
        for (u32 l = 0; l < BACKWARD_LINES; l += 8) {
            u32 bh[4][2], bl[4][2];
#pragma unroll
            for (u32 n = 0; n < 4; n++) {
                const float b[2] = {dz[l + t][n * 8 + g], dz[l + t + 4][n * 8 + g]};
                split_all(b, bh[n], bl[n]);
            }
#pragma unroll
            for (u32 m = 0; m < MINE; m++) {
                const u32 k = (warp + 4 * m) * 16;
                if (k >= window) continue;
                float a[4];
#pragma unroll
                for (u32 r = 0; r < 4; r++) a[r] = strip[(l + t + r / 2 * 4) * x.channels + k + g + (r & 1) * 8];
                u32 ah[4], al[4];
                split_all(a, ah, al);
#pragma unroll
                for (u32 n = 0; n < 4; n++) mma_halves<ONE>(chain[m][n], ah, al, bh[n], bl[n]);
            }
        }
        __syncthreads();
#pragma unroll
        for (u32 m = 0; m < MINE; m++)
#pragma unroll
            for (u32 i = 0; i < 16; i++) sum[m][i / 4][i % 4] += chain[m][i / 4][i % 4];
    }
    parts += (u64)blockIdx.x * (window + 1) * kernels;
#pragma unroll
    for (u32 m = 0; m < MINE; m++)
#pragma unroll
        for (u32 i = 0; i < 16; i++) {
            const u32 k = (warp + 4 * m) * 16 + g + i % 4 / 2 * 8, own = f0 + i / 4 * 8 + 2 * t + i % 2;
            if (k < window && own < kernels) parts[(u64)k * kernels + own] = sum[m][i / 4][i % 4];
        }
    dz[warp][lane] = of_bias;
    __syncthreads();
    if (warp == 0 && f < kernels) parts[(u64)window * kernels + f] = dz[0][lane] + dz[1][lane] + dz[2][lane] + dz[3][lane];
}

// Block: (a part of the lines, 32 kernels).
extern "C" __global__ void __launch_bounds__(128, 2) strand_conv_backward_weight_strips(const u8* __restrict__ codes, const float* __restrict__ tracks, const u32* __restrict__ order, const float* __restrict__ y, const float* __restrict__ dy, float* __restrict__ parts, float scale, u32 track_stride, u32 rows, u32 length, u32 width, u32 channels, u32 kernels, u32 bf16) {
    const StripSource x{codes, tracks, order, track_stride, length, channels};
    const ThroughRelu from{y, dy, kernels, 0, scale};
    __shared__ float dz[BACKWARD_LINES][STRIP_KERNELS + 8];
    if (width * channels <= 192) {
        if (bf16) backward_strip<true, 3>(dz, x, from, parts, rows, width);
        else backward_strip<false, 3>(dz, x, from, parts, rows, width);
    } else {
        if (bf16) backward_strip<true, 4>(dz, x, from, parts, rows, width);
        else backward_strip<false, 4>(dz, x, from, parts, rows, width);
    }
}

// dw and db, either may be null, += the parts in their order: a thread for each number.
extern "C" __global__ void __launch_bounds__(256) strand_conv_sum_parts(const float* __restrict__ parts, float* __restrict__ dw, float* __restrict__ db, u32 count, u32 width, u32 channels, u32 kernels) {
    const u32 window = width * channels, n = (window + 1) * kernels, i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const u32 k = i / kernels, f = i - k * kernels;
    float* to;
    if (k == window) {
        if (!db) return;
        to = db + f;
    } else {
        if (!dw) return;
        const u32 j = k / channels, c = k - j * channels;
        to = dw + ((u64)(width - 1 - j) * channels + c) * kernels + f;
    }
    float sum = 0.f;
    for (u32 part = 0; part < count; part++) sum += parts[(u64)part * n + i];
    *to += sum;
}

// dtracks[row, track, l] += the sum over strands, channels that read the track, places and kernels of dz W. Block: 256 places
// of a track of a row.
extern "C" __global__ void __launch_bounds__(256) strand_conv_backward_tracks(const u32* __restrict__ order, const float* __restrict__ weight, const float* __restrict__ y, const float* __restrict__ dy, float* __restrict__ dtracks, u32 tracks, u32 length, u32 width, u32 kernels) {
    const u32 channels = BASES + tracks, positions = length - width + 1, chunks = (length + 255) / 256;
    const u32 line = blockIdx.x / chunks, l = blockIdx.x % chunks * 256 + threadIdx.x;
    if (l >= length) return;
    const u32 row = line / tracks, track = line - row * tracks;
    float sum = 0.f;
    for (u32 other = 0; other < 2; other++) {
        const u32 at = other ? length - 1 - l : l;
        const ThroughRelu dz{y, dy, kernels, (row * 2 + other) * positions, 1.f};
        for (u32 c = 0; c < tracks; c++) {
            if ((other ? order[c] : c) != track) continue;
            for (u32 j = 0; j < width && j <= at; j++) {
                if (at - j >= positions) continue;
                const float* w = weight + ((u64)(width - 1 - j) * channels + BASES + c) * kernels;
                for (u32 f = 0; f < kernels; f++) sum += through_relu(dz, at - j, f) * w[f];
            }
        }
    }
    dtracks[(u64)line * length + l] += sum;
}
