// Self-attention of positions (src/ops/self_attention): w[i, j] = softmax over j of k_i . q_j / sqrt(E),
// o[t, j] = sum_i v[t, i] w[i, j].
//
// Two forms. With two numbers a key and two a value (the attention on the bases) no L x L matrix is ever written: what
// a pair of positions costs is less than reading its weight. All other sizes go through matrix products
// (product_matrix.cu, softmax.cu), with the few kernels here that these lack.
#include "lib/divide.cuh"
#include "lib/lines.cuh"
#include "lib/products.cuh"

// ---- two numbers a key, two a value ---------------------------------------------------------------------------------
//
// A thread for each position, a loop over all positions staged in shared memory, k, q and v made anew from x wherever
// they are needed. Keys are scaled by log2(e) / sqrt(2), so that a weight is a power of two; `tops` (rows, H, L) are
// the largest scores in that scale, `scales` the reciprocals of the sums.

static constexpr u32 PAIR_THREADS = 160, STAGE = 2 * PAIR_THREADS;
static constexpr float KEY_SCALE = 1.44269504088896341f * 0.70710678118654752f;
// Of a gradient that scaled keys multiply: ln 2 takes the log2(e) out again.
static constexpr float SCALED_KEY_GRADIENT = 0.69314718055994531f;
static constexpr float ROOT_HALF = 0.70710678118654752f;

// Sums over channels of x at one position, times the two columns of a head's weights.
DEV float2 project(const float* x, u32 length, const float* weight, u32 of_channel, u32 of_number, u32 channels,
                   float2 sum) {
    for (u32 c = 0; c < channels; c++) {
        const float v = x[(u64)c * length];
        sum.x += weight[c * of_channel] * v;
        sum.y += weight[c * of_channel + of_number] * v;
    }
    return sum;
}

// One of the projections (H, 2, C) with its bias (H, 2).
struct Projection {
    const float* weight;
    const float* bias;
};
DEV float2 project(const Projection& p, const float* x, u32 head, u32 channels, u32 length) {
    const float2 bias = make_float2(p.bias[2 * head], p.bias[2 * head + 1]);
    return project(x, length, p.weight + (u64)head * 2 * channels, 1, channels, channels, bias);
}

DEV float2 scaled_key(const Projection& p, const float* x, u32 head, u32 channels, u32 length) {
    const float2 k = project(p, x, head, channels, length);
    return make_float2(k.x * KEY_SCALE, k.y * KEY_SCALE);
}

// The gradient of a head's o: U (H, C, 2) transposed times dy.
DEV float2 unified(const float* unify, const float* dy, u32 head, u32 channels, u32 length) {
    return project(dy, length, unify + (u64)head * 2 * channels, 2, 1, channels, make_float2(0.f, 0.f));
}

// Where a block with a head of its own works: blocks are (rows, H, chunks of positions).
struct HeadPlace {
    u64 row, line;
    u32 head, at;
    bool inside;
};
DEV HeadPlace head_place(u32 heads, u32 length) {
    const u32 chunks = (length + PAIR_THREADS - 1) / PAIR_THREADS, line = blockIdx.x / chunks;
    const u32 at = blockIdx.x % chunks * PAIR_THREADS + threadIdx.x;
    return {line / heads, line, line % heads, at, at < length};
}

// tops and scales: a thread for each key i.
extern "C" __global__ void __launch_bounds__(160, 8)
self_attention_keys(const float* __restrict__ x, const float* __restrict__ key, const float* __restrict__ key_bias,
                    const float* __restrict__ query, const float* __restrict__ query_bias, float* __restrict__ tops,
                    float* __restrict__ scales, u32 channels, u32 heads, u32 length) {
    __shared__ float2 queries[STAGE];
    const HeadPlace at = head_place(heads, length);
    x += at.row * channels * length;
    float2 k = make_float2(0.f, 0.f);
    if (at.inside) k = scaled_key({key, key_bias}, x + at.at, at.head, channels, length);
    float top = LOWEST, sum = 0.f;
    for (u32 first = 0; first < length; first += STAGE) {
        const u32 count = min(STAGE, length - first);
        __syncthreads();
        for (u32 j = threadIdx.x; j < count; j += PAIR_THREADS)
            queries[j] = project({query, query_bias}, x + first + j, at.head, channels, length);
        __syncthreads();
        float higher = top, part = 0.f;
#pragma unroll 4
        for (u32 j = 0; j < count; j++) higher = fmaxf(higher, k.x * queries[j].x + k.y * queries[j].y);
#pragma unroll 4
        for (u32 j = 0; j < count; j++) part += ex2_approx(k.x * queries[j].x + (k.y * queries[j].y - higher));
        sum = sum * ex2_approx(top - higher) + part;
        top = higher;
    }
    if (at.inside) {
        tops[(u64)at.line * length + at.at] = top;
        scales[(u64)at.line * length + at.at] = 1.f / sum;
    }
}

// o (rows, H, 2, L) and y: a thread for each query j, blocks are (rows, chunks of positions).
extern "C" __global__ void __launch_bounds__(160, 6)
self_attention_queries(const float* __restrict__ x, const float* __restrict__ key, const float* __restrict__ key_bias,
                       const float* __restrict__ query, const float* __restrict__ query_bias,
                       const float* __restrict__ value, const float* __restrict__ value_bias,
                       const float* __restrict__ unify, const float* __restrict__ unify_bias,
                       const float* __restrict__ tops, const float* __restrict__ scales, float* o,
                       float* __restrict__ y, u32 channels, u32 heads, u32 length) {
    __shared__ float4 staged[STAGE];  // k, top, the first number of v times its scale
    __shared__ float second[STAGE];   // the second
    const HeadPlace at = head_place(1, length);
    x += at.row * channels * length;
    y += at.row * channels * length + at.at;
    o += at.row * heads * 2 * length + at.at;
    for (u32 head = 0; head < heads; head++) {
        const u64 line = (at.row * heads + head) * length;
        float2 q = make_float2(0.f, 0.f), out = q;
        if (at.inside) q = project({query, query_bias}, x + at.at, head, channels, length);
        for (u32 first = 0; first < length; first += STAGE) {
            const u32 count = min(STAGE, length - first);
            __syncthreads();
            for (u32 i = threadIdx.x; i < count; i += PAIR_THREADS) {
                const float* xi = x + first + i;
                const float2 k = scaled_key({key, key_bias}, xi, head, channels, length);
                const float2 v = project({value, value_bias}, xi, head, channels, length);
                const float scale = scales[line + first + i];
                staged[i] = make_float4(k.x, k.y, tops[line + first + i], v.x * scale);
                second[i] = v.y * scale;
            }
            __syncthreads();
            float2 part = make_float2(0.f, 0.f);
#pragma unroll 4
            for (u32 i = 0; i < count; i++) {
                const float4 s = staged[i];
                const float p = ex2_approx(s.x * q.x + (s.y * q.y - s.z));
                part.x += p * s.w;
                part.y += p * second[i];
            }
            out.x += part.x;
            out.y += part.y;
        }
        if (at.inside) {
            o[(u64)head * 2 * length] = out.x;
            o[(u64)head * 2 * length + length] = out.y;
        }
    }
    if (!at.inside) return;
    for (u32 c = 0; c < channels; c++) {
        float sum = unify_bias[c];
        for (u32 head = 0; head < heads; head++) {
            const float* u = unify + ((u64)head * channels + c) * 2;
            sum += u[0] * o[(u64)head * 2 * length] + u[1] * o[(u64)head * 2 * length + length];
        }
        y[(u64)c * length] = sum;
    }
}

// Gradients of k and v of each head, lines 0, 1 and 4, 5 of `lines` (rows, H, 6, L): a thread for each key i. With
// D_ij = v_i . do_j: dv_i = sum_j w_ij do_j, mean_i = sum_j w_ij D_ij = v_i . dv_i, and
// dk_i = sum_j w_ij (D_ij - mean_i) q_j / sqrt(2).
extern "C" __global__ void __launch_bounds__(160, 8)
self_attention_backward_keys(const float* __restrict__ x, const float* __restrict__ key,
                             const float* __restrict__ key_bias, const float* __restrict__ query,
                             const float* __restrict__ query_bias, const float* __restrict__ value,
                             const float* __restrict__ value_bias, const float* __restrict__ unify,
                             const float* __restrict__ dy, const float* __restrict__ tops,
                             const float* __restrict__ scales, float* __restrict__ lines, float* __restrict__ means,
                             u32 channels, u32 heads, u32 length) {
    __shared__ float4 staged[STAGE];  // q and do
    const HeadPlace at = head_place(heads, length);
    x += at.row * channels * length;
    dy += at.row * channels * length;
    const u64 place = (u64)at.line * length + at.at;
    float2 k = make_float2(0.f, 0.f), v = k, dv = k, with_mean = k, with_query = k;
    float top = 0.f, scale = 0.f;
    if (at.inside) {
        k = scaled_key({key, key_bias}, x + at.at, at.head, channels, length);
        v = project({value, value_bias}, x + at.at, at.head, channels, length);
        top = tops[place];
        scale = scales[place];
    }
    for (u32 first = 0; first < length; first += STAGE) {
        const u32 count = min(STAGE, length - first);
        __syncthreads();
        for (u32 j = threadIdx.x; j < count; j += PAIR_THREADS) {
            const float2 q = project({query, query_bias}, x + first + j, at.head, channels, length);
            const float2 d = unified(unify, dy + first + j, at.head, channels, length);
            staged[j] = make_float4(q.x, q.y, d.x, d.y);
        }
        __syncthreads();
        float2 dv_part = make_float2(0.f, 0.f), mean_part = dv_part, query_part = dv_part;
#pragma unroll 4
        for (u32 j = 0; j < count; j++) {
            const float4 s = staged[j];
            const float p = ex2_approx(k.x * s.x + (k.y * s.y - top));
            const float with_d = p * (v.x * s.z + v.y * s.w);
            dv_part.x += p * s.z;
            dv_part.y += p * s.w;
            mean_part.x += p * s.x;
            mean_part.y += p * s.y;
            query_part.x += with_d * s.x;
            query_part.y += with_d * s.y;
        }
        dv.x += dv_part.x;
        dv.y += dv_part.y;
        with_mean.x += mean_part.x;
        with_mean.y += mean_part.y;
        with_query.x += query_part.x;
        with_query.y += query_part.y;
    }
    if (!at.inside) return;
    dv.x *= scale;
    dv.y *= scale;
    const float mean = v.x * dv.x + v.y * dv.y, half = scale * ROOT_HALF;
    lines += (u64)at.line * 6 * length + at.at;
    lines[0] = (with_query.x - mean * with_mean.x) * half;
    lines[length] = (with_query.y - mean * with_mean.y) * half;
    lines[4 * (u64)length] = dv.x;
    lines[5 * (u64)length] = dv.y;
    means[place] = mean;
}

// The gradient of q, lines 2 and 3, and dx: a thread for each query j. dq_j = sum_i w_ij (D_ij - mean_i) k_i / sqrt(2).
// dx may be null.
extern "C" __global__ void __launch_bounds__(160, 6)
self_attention_backward_queries(const float* __restrict__ x, const float* __restrict__ key,
                                const float* __restrict__ key_bias, const float* __restrict__ query,
                                const float* __restrict__ query_bias, const float* __restrict__ value,
                                const float* __restrict__ value_bias, const float* __restrict__ unify,
                                const float* __restrict__ dy, const float* __restrict__ tops,
                                const float* __restrict__ scales, float* lines, const float* __restrict__ means,
                                float* __restrict__ dx, u32 channels, u32 heads, u32 length) {
    __shared__ float4 staged[STAGE];  // k, top, the first number of v times its scale
    __shared__ float2 second[STAGE];  // the second, and the mean times the scale
    const HeadPlace at = head_place(1, length);
    x += at.row * channels * length;
    dy += at.row * channels * length;
    lines += at.row * heads * 6 * length + at.at;
    for (u32 head = 0; head < heads; head++) {
        const u64 line = (at.row * heads + head) * length;
        float2 q = make_float2(0.f, 0.f), d = q, dq = q;
        if (at.inside) {
            q = project({query, query_bias}, x + at.at, head, channels, length);
            d = unified(unify, dy + at.at, head, channels, length);
        }
        for (u32 first = 0; first < length; first += STAGE) {
            const u32 count = min(STAGE, length - first);
            __syncthreads();
            for (u32 i = threadIdx.x; i < count; i += PAIR_THREADS) {
                const float* xi = x + first + i;
                const float2 k = scaled_key({key, key_bias}, xi, head, channels, length);
                const float2 v = project({value, value_bias}, xi, head, channels, length);
                const float scale = scales[line + first + i];
                staged[i] = make_float4(k.x, k.y, tops[line + first + i], v.x * scale);
                second[i] = make_float2(v.y * scale, means[line + first + i] * scale);
            }
            __syncthreads();
            float2 part = make_float2(0.f, 0.f);
#pragma unroll 4
            for (u32 i = 0; i < count; i++) {
                const float4 s = staged[i];
                const float2 t = second[i];
                const float p = ex2_approx(s.x * q.x + (s.y * q.y - s.z));
                const float ds = p * (s.w * d.x + (t.x * d.y - t.y));
                part.x += ds * s.x;
                part.y += ds * s.y;
            }
            dq.x += part.x;
            dq.y += part.y;
        }
        if (at.inside) {
            lines[((u64)head * 6 + 2) * length] = dq.x * SCALED_KEY_GRADIENT;
            lines[((u64)head * 6 + 3) * length] = dq.y * SCALED_KEY_GRADIENT;
        }
    }
    if (!dx || !at.inside) return;
    dx += at.row * channels * length + at.at;
    for (u32 c = 0; c < channels; c++) {
        float sum = 0.f;
        for (u32 n = 0; n < 2 * heads; n++) {
            const float* of_head = lines + ((u64)(n / 2) * 6 + n % 2) * length;
            const u64 weight = (u64)n * channels + c;
            sum += key[weight] * of_head[0] + query[weight] * of_head[2 * (u64)length] +
                   value[weight] * of_head[4 * (u64)length];
        }
        dx[(u64)c * length] += sum;
    }
}

// Each row's part of the parameters' gradients, a warp for each number: sums over positions of a product of two lines,
// or of one. In this order: key, query, value (H, 2, C), unify (H, C, 2), key bias, value bias (H, 2), unify bias (C).
extern "C" __global__ void __launch_bounds__(256)
self_attention_backward_sums(const float* __restrict__ x, const float* __restrict__ dy, const float* __restrict__ o,
                             const float* __restrict__ lines, float* __restrict__ sums, u32 channels, u32 heads,
                             u32 length, u32 numbers) {
    const u32 blocks = (numbers + 7) / 8, lane = threadIdx.x % 32;
    const u64 row = blockIdx.x / blocks;
    u32 n = blockIdx.x % blocks * 8 + threadIdx.x / 32;
    if (n >= numbers) return;
    sums += row * numbers + n;
    x += row * channels * length;
    dy += row * channels * length;
    o += row * heads * 2 * length;
    lines += row * heads * 6 * length;
    const u32 each = 2 * heads * channels;
    const float* a;
    const float* b = nullptr;
    if (n < 3 * each) {
        const u32 which = n / each, at = n % each / channels;
        a = lines + ((u64)(at / 2) * 6 + which * 2 + at % 2) * length;
        b = x + (u64)(n % channels) * length;
    } else if (n < 4 * each) {
        n -= 3 * each;
        a = o + ((u64)(n / (2 * channels)) * 2 + n % 2) * length;
        b = dy + (u64)(n / 2 % channels) * length;
    } else if (n < 4 * each + 4 * heads) {
        n -= 4 * each;
        const u32 of_value = n / (2 * heads), at = n % (2 * heads);
        a = lines + ((u64)(at / 2) * 6 + of_value * 4 + at % 2) * length;
    } else {
        a = dy + (u64)(n - 4 * each - 4 * heads) * length;
    }
    float sum = 0.f;
#pragma unroll 4
    for (u32 l = lane; l < length; l += 32) sum += b ? a[l] * b[l] : a[l];
    sum = warp_sum(sum);
    if (lane == 0) *sums = sum;
}

// Adds the rows' parts, in a fixed order: 32 numbers a block, eight threads a number. Null: nobody asks.
extern "C" __global__ void __launch_bounds__(256)
self_attention_backward_finish(const float* __restrict__ sums, float* __restrict__ key, float* __restrict__ query,
                               float* __restrict__ value, float* __restrict__ unify, float* __restrict__ key_bias,
                               float* __restrict__ value_bias, float* __restrict__ unify_bias, u32 channels, u32 heads,
                               u32 rows, u32 numbers) {
    __shared__ float parts[8][32];
    const u32 lane = threadIdx.x % 32, strip = threadIdx.x / 32, each = 2 * heads * channels;
    u32 n = blockIdx.x * 32 + lane;
    float sum = 0.f;
    if (n < numbers) {
#pragma unroll 4
        for (u32 row = strip; row < rows; row += 8) sum += sums[(u64)row * numbers + n];
    }
    parts[strip][lane] = sum;
    __syncthreads();
    if (strip || n >= numbers) return;
    float all = 0.f;
#pragma unroll
    for (u32 s = 0; s < 8; s++) all += parts[s][lane];
    float* to;
    if (n < 4 * each) {
        const u32 which = n / each;
        to = which == 0 ? key : which == 1 ? query : which == 2 ? value : unify;
        n %= each;
    } else if (n < 4 * each + 4 * heads) {
        n -= 4 * each;
        to = n < 2 * heads ? key_bias : value_bias;
        n %= 2 * heads;
    } else {
        to = unify_bias;
        n -= 4 * each + 4 * heads;
    }
    if (to) to[n] += all;
}

// ---- any sizes ------------------------------------------------------------------------------------------------------

// (H, C, T) to (C, H T), so that all heads are one product.
extern "C" __global__ void __launch_bounds__(256)
self_attention_pack_unify(const float* __restrict__ unify, float* __restrict__ packed, u32 channels, u32 heads,
                          u32 inner) {
    const u32 to = blockIdx.x * 256 + threadIdx.x, width = heads * inner, c = to / width;
    if (c >= channels) return;
    packed[to] = unify[(to % width / inner * channels + c) * inner + to % inner];
}

// ds = w (ds - sum_j ds w) scale in place, a group of lanes for each (row, head, i).
extern "C" __global__ void __launch_bounds__(256)
self_attention_backward_softmax(const float* __restrict__ w, float* __restrict__ ds, u32 lines, u32 length, float scale,
                                u32 lanes) {
    const LineLane at = line_lane(lanes);
    const u32 end = at.line < lines ? length : 0;
    w += (u64)at.line * length;
    ds += (u64)at.line * length;
    float mean = 0.f;
#pragma unroll 4
    for (u32 j = at.lane; j < end; j += lanes) mean += ds[j] * w[j];
    mean = lanes_sum(mean, lanes);
#pragma unroll 4
    for (u32 j = at.lane; j < end; j += lanes) ds[j] = w[j] * (ds[j] - mean) * scale;
}

// sums[row, n] = sum over positions of line n of a row, n < count; rows are `step` numbers apart.
extern "C" __global__ void __launch_bounds__(256)
self_attention_line_sums(const float* __restrict__ x, float* __restrict__ sums, u32 rows, u32 count, u32 length,
                         u32 step, u32 lanes) {
    const LineLane at = line_lane(lanes);
    const u64 row = at.line / count;
    const u32 end = row < rows ? length : 0;
    x += row * step + at.line % count * length;
    float sum = 0.f;
#pragma unroll 4
    for (u32 l = at.lane; l < end; l += lanes) sum += x[l];
    sum = lanes_sum(sum, lanes);
    if (end && at.lane == 0) sums[at.line] = sum;
}

// A matrix whose columns k are the positions of several rows of the batch, one row after the other.
struct RowsMatrix {
    const float* data;
    u32 along, row;
    Divisor length;
};
DEV float gemm_element(const RowsMatrix& x, u32 along, u32 deep) {
    u32 at;
    const u64 row = divide(x.length, deep, at);
    return x.data[row * x.row + (along * x.along + at)];
}

// A weight's gradient (M, N) = sum over rows and positions of a (rows, M, L) times b (rows, N, L): a part of it for
// every `rows_each` rows, to c (parts, N / group, M, group), or added there.
extern "C" __global__ void __launch_bounds__(128)
self_attention_backward_weight(const float* __restrict__ a, const float* __restrict__ b, float* __restrict__ c, u32 m,
                               u32 n, u32 length, u32 a_row, u32 b_row, u32 rows, u32 rows_each, u32 group, u32 add,
                               u32 bf16) {
    __shared__ GemmShared s;
    const ProductTile tile = product_tile(m, n);
    const u32 first = tile.product * rows_each, depth = min(rows_each, rows - first) * length;
    const Divisor by = divisor(length);
    const RowsMatrix left = {a + (u64)first * a_row, length, a_row, by};
    const RowsMatrix right = {b + (u64)first * b_row, length, b_row, by};
    c += (u64)tile.product * m * n;
    const auto at = [&](u32 i, u32 j) { return c + ((u64)(j / group) * m + i) * group + j % group; };
    const auto to = into(at, nullptr, 1.f, add);
    if (bf16) gemm_tile<true, true, true>(s, left, right, m, n, depth, tile.m0, tile.n0, to);
    else gemm_tile<false, true, true>(s, left, right, m, n, depth, tile.m0, tile.n0, to);
}
