// Batch norm (src/ops/batch_norm): a block a channel, which it reads again from the cache. All sums are trees of fixed
// shape. `saved` is, C numbers each: mean, 1 / sqrt(v + eps), unbiased variance.
#include "lib/divide.cuh"

static constexpr float EPSILON = 1e-5f, MOMENTUM = 0.1f;

// The elements of channel c in all rows, as one line of rows * length.
struct Channel {
    Divisor length;
    u32 c, channels, n;
};

DEV Channel channel_of_block(u32 rows, u32 channels, u32 length) {
    return {divisor(length), blockIdx.x, channels, rows * length};
}

DEV u64 place(const Channel& of, u32 i) {
    u32 l;
    const u64 row = divide(of.length, i, l);
    return (row * of.channels + of.c) * of.length.d + l;
}

// Without `training` by the running mean and variance.
extern "C" __global__ void __launch_bounds__(512) batch_norm_forward(
    const float* __restrict__ x, const float* __restrict__ weight, const float* __restrict__ bias,
    const float* __restrict__ running_mean, const float* __restrict__ running_var, float* __restrict__ y,
    float* __restrict__ saved, u32 rows, u32 channels, u32 length, u32 training) {
    __shared__ float scratch[32];
    const Channel of = channel_of_block(rows, channels, length);
    float mean, var, unbiased = 0.f;
    if (training) {
        float sum = 0.f;
        for (u32 i = threadIdx.x; i < of.n; i += blockDim.x) sum += x[place(of, i)];
        mean = block_sum(sum, scratch) / of.n;
        float squares = 0.f;
        for (u32 i = threadIdx.x; i < of.n; i += blockDim.x) {
            const float d = x[place(of, i)] - mean;
            squares += d * d;
        }
        squares = block_sum(squares, scratch);
        var = squares / of.n;
        unbiased = squares / max(of.n - 1, 1u);
    } else {
        mean = running_mean[of.c];
        var = running_var[of.c];
    }
    const float inverse = 1.f / sqrtf(var + EPSILON);
    if (threadIdx.x == 0) {
        saved[of.c] = mean;
        saved[channels + of.c] = inverse;
        saved[2 * channels + of.c] = unbiased;
    }
    const float slope = inverse * weight[of.c], offset = bias[of.c];
    for (u32 i = threadIdx.x; i < of.n; i += blockDim.x) {
        const u64 at = place(of, i);
        y[at] = (x[at] - mean) * slope + offset;
    }
}

// Gradients that nobody asks for are null.
extern "C" __global__ void __launch_bounds__(512) batch_norm_backward(
    const float* __restrict__ x, const float* __restrict__ weight, const float* __restrict__ saved,
    const float* __restrict__ dy, float* __restrict__ dx, float* __restrict__ dweight, float* __restrict__ dbias,
    u32 rows, u32 channels, u32 length, u32 training) {
    __shared__ float scratch[32];
    const Channel of = channel_of_block(rows, channels, length);
    const float mean = saved[of.c], inverse = saved[channels + of.c], slope = inverse * weight[of.c];
    float plain = 0.f, normal = 0.f;
    if (training || dweight || dbias) {
        for (u32 i = threadIdx.x; i < of.n; i += blockDim.x) {
            const u64 at = place(of, i);
            const float d = dy[at];
            plain += d;
            normal += d * (x[at] - mean);
        }
        plain = block_sum(plain, scratch);
        normal = block_sum(normal, scratch) * inverse;
        if (threadIdx.x == 0) {
            if (dweight) dweight[of.c] += normal;
            if (dbias) dbias[of.c] += plain;
        }
    }
    if (!dx) return;
    const float constant = training ? plain / of.n : 0.f, linear = training ? normal / of.n * inverse : 0.f;
    for (u32 i = threadIdx.x; i < of.n; i += blockDim.x) {
        const u64 at = place(of, i);
        dx[at] += slope * (dy[at] - constant - (x[at] - mean) * linear);
    }
}

extern "C" __global__ void __launch_bounds__(256) batch_norm_move(
    const float* __restrict__ saved, float* __restrict__ mean, float* __restrict__ var, float* __restrict__ count,
    u32 channels) {
    const u32 c = blockIdx.x * blockDim.x + threadIdx.x;
    if (c == 0) count[0] += 1.f;
    if (c >= channels) return;
    mean[c] = (1.f - MOMENTUM) * mean[c] + MOMENTUM * saved[c];
    var[c] = (1.f - MOMENTUM) * var[c] + MOMENTUM * saved[2 * channels + c];
}
