// Inverse square root of a Gram matrix (src/ops/inverse_sqrt_gram): A A^T = V diag(l) V^T by Jacobi's rotations in
// f64, one block a row of the batch. F is small: the matrices stay in shared memory, or in the first cache.
#include "lib/lines.cuh"

static constexpr u32 THREADS = 256;

DEV double block_sum_f64(double x, double* scratch) {
    x = lanes_sum(x, 32);
    __syncthreads();
    if (threadIdx.x % 32 == 0) scratch[threadIdx.x / 32] = x;
    __syncthreads();
    double sum = 0.;
    for (u32 w = 0; w < THREADS / 32; w++) sum += scratch[w];
    return sum;
}

// An n x n matrix, or its transpose.
struct Square {
    const double* data;
    u32 down, across;
};
DEV Square plain(const double* data, u32 n) { return {data, n, 1}; }
DEV Square transposed(const double* data, u32 n) { return {data, 1, n}; }

// put(i, j, sum) for all elements of A B, then a barrier.
template <class Put> DEV void multiply(const Square& a, const Square& b, u32 n, Put put) {
    for (u32 at = threadIdx.x; at < n * n; at += THREADS) {
        const u32 i = at / n, j = at % n;
        double sum = 0.;
        for (u32 k = 0; k < n; k++) sum += a.data[i * a.down + k * a.across] * b.data[k * b.down + j * b.across];
        put(i, j, sum);
    }
    __syncthreads();
}

// A rotation of rows and columns p and q; p < q, or q >= n for who sits out.
struct Pair {
    u32 p, q;
};

// Pair i of a round of a tournament in which everyone meets everyone: the last player stays, the others walk around.
DEV Pair pair_of(u32 round, u32 i, u32 n) {
    const u32 others = (n + 1) / 2 * 2 - 1;
    const u32 a = (round + i) % others, b = i == 0 ? others : (round + others - i) % others;
    return {min(a, b), max(a, b)};
}

DEV void rotate(double& a, double& b, double c, double s) {
    const double old = a;
    a = c * a - s * b;
    b = s * old + c * b;
}

// Rotates away what is off the diagonal of the symmetric g, n / 2 rotations of different rows at a time; g's diagonal
// becomes the eigenvalues, the columns of v the eigenvectors. `turns` holds n + 1 numbers.
DEV void jacobi(double* g, double* v, double* turns, double* scratch, u32 n) {
    const u32 half = (n + 1) / 2, rounds = 2 * half - 1;
    double norm = 0.;
    for (u32 at = threadIdx.x; at < n * n; at += THREADS) {
        norm += g[at] * g[at];
        v[at] = at / n == at % n ? 1. : 0.;
    }
    norm = block_sum_f64(norm, scratch);
    for (u32 sweep = 0; sweep < 60; sweep++) {
        double off = 0.;
        for (u32 at = threadIdx.x; at < n * n; at += THREADS)
            if (at / n != at % n) off += g[at] * g[at];
        // The error that this leaves in an eigenvalue is of second order.
        if (block_sum_f64(off, scratch) <= 1e-32 * norm) break;
        for (u32 round = 0; round < rounds; round++) {
            for (u32 i = threadIdx.x; i < half; i += THREADS) {
                const Pair at = pair_of(round, i, n);
                double c = 1., s = 0.;
                if (at.q < n && g[at.p * n + at.q] != 0.) {
                    const double theta = (g[at.q * n + at.q] - g[at.p * n + at.p]) / (2. * g[at.p * n + at.q]);
                    const double t = (theta < 0. ? -1. : 1.) / (fabs(theta) + sqrt(theta * theta + 1.));
                    c = 1. / sqrt(t * t + 1.);
                    s = t * c;
                }
                turns[2 * i] = c;
                turns[2 * i + 1] = s;
            }
            __syncthreads();
            for (u32 at = threadIdx.x; at < 2 * n * half; at += THREADS) {
                const u32 i = at % half, row = at / half % n;
                const Pair columns = pair_of(round, i, n);
                double* m = (at < n * half ? g : v) + row * n;
                if (columns.q < n) rotate(m[columns.p], m[columns.q], turns[2 * i], turns[2 * i + 1]);
            }
            __syncthreads();
            for (u32 at = threadIdx.x; at < n * half; at += THREADS) {
                const u32 i = at / n, column = at % n;
                const Pair rows = pair_of(round, i, n);
                if (rows.q < n)
                    rotate(g[rows.p * n + column], g[rows.q * n + column], turns[2 * i], turns[2 * i + 1]);
            }
            __syncthreads();
        }
    }
}

// y = V diag(l^-1/2) V^T; V and l of each row to saved (F (F + 1)), which is null where nothing runs backward. Each row
// works in 2 F F + F + 1 numbers of shared memory, or of `work`.
extern "C" __global__ void __launch_bounds__(256, 4)
inverse_sqrt_gram_forward(const float* __restrict__ a, float* __restrict__ y, double* __restrict__ saved, double* work,
                          u32 filters, u32 length, u32 in_shared) {
    __shared__ double scratch[THREADS / 32];
    DYN_SMEM(shared);
    const u32 n = filters;
    double* g = in_shared ? (double*)shared : work + (u64)blockIdx.x * (2 * n * n + n + 1);
    double* v = g + n * n;
    a += (u64)blockIdx.x * n * length;
    y += (u64)blockIdx.x * n * n;
    for (u32 at = threadIdx.x / 32; at < n * n; at += THREADS / 32) {
        const u32 i = at / n, j = at % n;
        if (j < i) continue;
        double sum = 0.;
        for (u32 l = threadIdx.x % 32; l < length; l += 32)
            sum += (double)a[(u64)i * length + l] * (double)a[(u64)j * length + l];
        sum = lanes_sum(sum, 32);
        if (threadIdx.x % 32 == 0) g[i * n + j] = g[j * n + i] = sum;
    }
    __syncthreads();
    jacobi(g, v, v + n * n, scratch, n);
    if (saved) {
        saved += (u64)blockIdx.x * n * (n + 1);
        for (u32 at = threadIdx.x; at < n * n; at += THREADS) saved[at] = v[at];
        for (u32 i = threadIdx.x; i < n; i += THREADS) saved[n * n + i] = g[i * n + i];
    }
    for (u32 at = threadIdx.x; at < n * n; at += THREADS) {
        const u32 i = at / n, j = at % n;
        double sum = 0.;
        for (u32 k = 0; k < n; k++) sum += v[i * n + k] * v[j * n + k] / sqrt(g[k * n + k]);
        y[at] = (float)sum;
    }
}

// dG + dG^T, dG = V ((V^T dY V) o P) V^T with P_ij = -1 / (s_i s_j (s_i + s_j)), s = sqrt(l), to the first F F of each
// row's 2 F F numbers in work.
extern "C" __global__ void __launch_bounds__(256)
inverse_sqrt_gram_backward(const float* __restrict__ dy, const double* __restrict__ saved, double* work, u32 filters) {
    const u32 n = filters;
    dy += (u64)blockIdx.x * n * n;
    saved += (u64)blockIdx.x * n * (n + 1);
    double* one = work + (u64)blockIdx.x * 2 * n * n;
    double* two = one + n * n;
    const Square v = plain(saved, n), vt = transposed(saved, n);
    for (u32 at = threadIdx.x; at < n * n; at += THREADS) two[at] = (double)dy[at];
    __syncthreads();
    multiply(vt, plain(two, n), n, [&](u32 i, u32 j, double sum) { one[i * n + j] = sum; });
    multiply(plain(one, n), v, n, [&](u32 i, u32 j, double sum) {
        const double a = sqrt(saved[n * n + i]), b = sqrt(saved[n * n + j]);
        two[i * n + j] = -sum / (a * b * (a + b));
    });
    multiply(v, plain(two, n), n, [&](u32 i, u32 j, double sum) { one[i * n + j] = sum; });
    multiply(plain(one, n), vt, n, [&](u32 i, u32 j, double sum) { two[i * n + j] = sum; });
    for (u32 at = threadIdx.x; at < n * n; at += THREADS) one[at] = two[at] + two[at % n * n + at / n];
}

// da += (dG + dG^T) a, a thread for each number.
extern "C" __global__ void __launch_bounds__(256)
inverse_sqrt_gram_backward_input(const float* __restrict__ a, const double* __restrict__ work, float* __restrict__ da,
                                 u32 rows, u32 filters, u32 length) {
    const u64 at = (u64)blockIdx.x * THREADS + threadIdx.x, line = at / length, row = line / filters;
    if (row >= rows) return;
    a += row * filters * length + at % length;
    work += row * 2 * filters * filters + line % filters * filters;
    double sum = 0.;
    for (u32 k = 0; k < filters; k++) sum += work[k] * (double)a[(u64)k * length];
    da[at] += (float)sum;
}
