// Host twins of the wrappers around PTX in kernels/lib/dev.cuh, included from there.
//
// What they cannot check is the PTX text itself; what they do check is its contract: alignment, all lanes taking
// part, the layout of the fragments, and that asynchronous copies are waited for.
#pragma once
#include "cuda_on_host.h"

#define DEV static inline
#define DYN_SMEM(name) u8* name = ::cuda_on_host::dynamic_shared()

namespace cuda_on_host {
// The runtime does these (runtime/async_copy.cpp, runtime/tensor_core.cpp).
void async_copy16(void* shared, const void* global, int bytes);
void async_commit();
void async_wait(int keep);
void load_matrix(u32* r, const void* row, bool transposed, Site at);
void mma_bf16(float* d, const u32* a, const u32* b, Site at);
void mma_tf32(float* d, const u32* a, const u32* b, Site at);
u16 round_to_bf16(float x);
}  // namespace cuda_on_host

DEV void cp_async16(void* shared, const void* global, i32 bytes = 16) {
  cuda_on_host::async_copy16(shared, global, bytes);
}
DEV void cp_async_commit() { cuda_on_host::async_commit(); }
template <int KEEP>
DEV void cp_async_wait() {
  cuda_on_host::async_wait(KEEP);
}

DEV void ldmatrix_x4(u32 (&r)[4], const void* row, CUDA_SITE) { cuda_on_host::load_matrix(r, row, false, at); }
DEV void ldmatrix_x4_trans(u32 (&r)[4], const void* row, CUDA_SITE) { cuda_on_host::load_matrix(r, row, true, at); }
DEV void mma_bf16_16816(float (&d)[4], const u32 (&a)[4], const u32 (&b)[2], CUDA_SITE) {
  cuda_on_host::mma_bf16(d, a, b, at);
}
DEV void mma_tf32_1688(float (&d)[4], const u32 (&a)[4], const u32 (&b)[2], CUDA_SITE) {
  cuda_on_host::mma_tf32(d, a, b, at);
}

// To nearest, ties away from zero: half a unit is added and the rest cut off. NaN and infinity stay what they are.
DEV u32 f32_to_tf32(float x) {
  u32 bits = __float_as_uint(x);
  if ((bits & 0x7f800000u) == 0x7f800000u) return x != x ? 0x7fffe000u : bits;
  return (bits + 0x1000u) & 0xffffe000u;
}
DEV u32 pack_bf16(float low, float high) {
  return (u32)cuda_on_host::round_to_bf16(low) | (u32)cuda_on_host::round_to_bf16(high) << 16;
}

DEV float tanh_approx(float x) { return tanhf(x); }
DEV float ex2_approx(float x) { return exp2f(x); }
