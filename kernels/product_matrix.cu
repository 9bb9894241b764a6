// Matrix products of a batch (src/ops/product_matrix), C = scale A B + bias, or C += scale A B with `add`, all
// row-major and without gaps: C (M, N), one bias for each of C's rows or none. `heads` products belong to a row of the
// batch; each matrix says how far its rows and its heads are apart. A block for each tile of each product.
#include "lib/products.cuh"

struct Product {
    const float* a;
    const float* b;
    const float* bias;
    float* c;
    u32 m, n, k, heads, a_row, a_head, b_row, b_head, c_row, c_head;
    float scale;
    u32 add, bf16;
};

// A_DEEP: A is (M, K), otherwise (K, M). B_DEEP: B is (N, K), otherwise (K, N).
template <bool A_DEEP, bool B_DEEP> DEV void multiply(const Product& p) {
    __shared__ GemmShared s;
    const ProductTile tile = product_tile(p.m, p.n);
    const auto start = [&](u32 of_row, u32 of_head) {
        return (u64)(tile.product / p.heads) * of_row + (u64)(tile.product % p.heads) * of_head;
    };
    const Matrix a = {p.a + start(p.a_row, p.a_head), A_DEEP ? p.k : 1, A_DEEP ? 1 : p.m};
    const Matrix b = {p.b + start(p.b_row, p.b_head), B_DEEP ? p.k : 1, B_DEEP ? 1 : p.n};
    const auto at = [&](u32 m, u32 n) { return p.c + start(p.c_row, p.c_head) + (u64)m * p.n + n; };
    const auto to = into(at, p.bias, p.scale, p.add);
    if (p.bf16) gemm_tile<true, A_DEEP, B_DEEP>(s, a, b, p.m, p.n, p.k, tile.m0, tile.n0, to);
    else gemm_tile<false, A_DEEP, B_DEEP>(s, a, b, p.m, p.n, p.k, tile.m0, tile.n0, to);
}

// C = A B with A (M, K), B (K, N)
extern "C" __global__ void __launch_bounds__(128)
product_matrix_nn(const float* __restrict__ a, const float* __restrict__ b, const float* __restrict__ bias,
                  float* __restrict__ c, u32 m, u32 n, u32 k, u32 heads, u32 a_row, u32 a_head, u32 b_row, u32 b_head,
                  u32 c_row, u32 c_head, float scale, u32 add, u32 bf16) {
    multiply<true, false>({a, b, bias, c, m, n, k, heads, a_row, a_head, b_row, b_head, c_row, c_head, scale, add,
                           bf16});
}

// C = A B^T with A (M, K), B (N, K)
extern "C" __global__ void __launch_bounds__(128)
product_matrix_nt(const float* __restrict__ a, const float* __restrict__ b, const float* __restrict__ bias,
                  float* __restrict__ c, u32 m, u32 n, u32 k, u32 heads, u32 a_row, u32 a_head, u32 b_row, u32 b_head,
                  u32 c_row, u32 c_head, float scale, u32 add, u32 bf16) {
    multiply<true, true>({a, b, bias, c, m, n, k, heads, a_row, a_head, b_row, b_head, c_row, c_head, scale, add,
                           bf16});
}

// C = A^T B with A (K, M), B (K, N)
extern "C" __global__ void __launch_bounds__(128, 2)
product_matrix_tn(const float* __restrict__ a, const float* __restrict__ b, const float* __restrict__ bias,
                  float* __restrict__ c, u32 m, u32 n, u32 k, u32 heads, u32 a_row, u32 a_head, u32 b_row, u32 b_head,
                  u32 c_row, u32 c_head, float scale, u32 add, u32 bf16) {
    multiply<false, false>({a, b, bias, c, m, n, k, heads, a_row, a_head, b_row, b_head, c_row, c_head, scale, add,
                           bf16});
}
