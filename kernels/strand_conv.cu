// Convolution over both strands of codes and tracks, ReLU included (src/ops/strand_conv), as products on tensor cores: a line
// of x is the window at one position of one strand of one row, `width x channels` numbers that are made where they are read.
// In f32 throughout: rounding to bf16 would move numbers over the ReLU's kink, and what trains is strand_conv_pool.
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
extern "C" __global__ void __launch_bounds__(128) strand_conv_forward(const u8* __restrict__ codes, const float* __restrict__ tracks, const u32* __restrict__ order, const float* __restrict__ weight, const float* __restrict__ bias, float* __restrict__ y, const StepState* __restrict__ state, u64 stream, u64 threshold, float scale, u32 track_stride, u32 lines, u32 length, u32 width, u32 channels, u32 kernels) {
    __shared__ GemmShared s;
    const u32 across = (kernels + GEMM_TILE - 1) / GEMM_TILE;
    const u32 m0 = blockIdx.x / across * GEMM_TILE, n0 = blockIdx.x % across * GEMM_TILE;
    const StrandWindows x{codes, tracks, order, track_stride, length, length - width + 1, channels, 0};
    const StrandWeight w{weight, width, channels, kernels};
    const auto put = [&](u32 line, u32 f, float sum) {
        const u64 at = (u64)line * kernels + f;
        const float h = fmaxf(sum + bias[f], 0.f);
        y[at] = !state ? h : stays(state, stream, at, threshold) ? h * scale : 0.f;
    };
    gemm_tile<false, true, false>(s, x, w, lines, kernels, width * channels, m0, n0, put);
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
extern "C" __global__ void __launch_bounds__(128) strand_conv_backward_weight(const u8* __restrict__ codes, const float* __restrict__ tracks, const u32* __restrict__ order, const float* __restrict__ y, const float* __restrict__ dy, float* __restrict__ parts, float scale, u32 track_stride, u32 lines, u32 length, u32 width, u32 channels, u32 kernels, u32 part_lines) {
    __shared__ GemmShared s;
    const u32 window = width * channels, across = (kernels + GEMM_TILE - 1) / GEMM_TILE;
    const u32 m0 = blockIdx.x / across * GEMM_TILE, n0 = blockIdx.x % across * GEMM_TILE;
    const u32 first = blockIdx.y * part_lines, count = min(part_lines, lines - first);
    const WindowsAndOne x{{codes, tracks, order, track_stride, length, length - width + 1, channels, first}, window};
    const ThroughRelu dz{y, dy, kernels, first, scale};
    parts += (u64)blockIdx.y * (window + 1) * kernels;
    const auto put = [&](u32 k, u32 f, float sum) { parts[(u64)k * kernels + f] = sum; };
    gemm_tile<false, false, false>(s, x, dz, window + 1, kernels, count, m0, n0, put);
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
