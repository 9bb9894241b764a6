// The device side of every kernel: short type names, and wrappers around the instructions that CUDA C++ has no
// built-in for. This is the only file with inline PTX, and no kernel includes a CUDA header, so that NVRTC needs no
// include path: bf16 travels as u16, or two to a u32 (the lower half comes first in memory).
//
// The same kernels are compiled for the host to be tested without a GPU (CUDA_ON_HOST). There, dev_host.cuh gives
// each wrapper a twin in C++; whoever adds a wrapper here adds its twin there.
//
// Least architecture: sm_80.
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int i32;
typedef long long i64;

#ifdef CUDA_ON_HOST
#include "dev_host.cuh"
#else

#define DEV static __device__ __forceinline__

// Dynamic shared memory of the launch, as bytes. On the device an array, on the host a pointer: no sizeof on it.
#define DYN_SMEM(name) extern __shared__ __align__(128) u8 name[]

// Address of shared memory as PTX instructions take it.
DEV u32 smem_address(const void* p) { return (u32)__cvta_generic_to_shared(p); }

// ---- asynchronous copies to shared memory ---------------------------------------------------------------------

// Copies `bytes` (0 to 16) from global to shared memory and zeroes what is left of the 16. Both addresses are
// multiples of 16; `global` must be a valid address even where `bytes` is 0.
DEV void cp_async16(void* shared, const void* global, i32 bytes = 16) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;\n"
               :
               : "r"(smem_address(shared)), "l"(global), "r"(bytes)
               : "memory");
}

// Closes the group of the copies that this thread started since the last commit.
DEV void cp_async_commit() { asm volatile("cp.async.commit_group;\n" ::: "memory"); }

// Waits until at most the newest `KEEP` groups of this thread are under way. Other threads see the copied data only
// after a barrier that follows.
template <int KEEP>
DEV void cp_async_wait() {
  asm volatile("cp.async.wait_group %0;\n" : : "n"(KEEP) : "memory");
}

// ---- tensor cores ---------------------------------------------------------------------------------------------
// With g = lane / 4 and t = lane % 4, a lane holds of
//   A 16x16 bf16: a0 = (g, 2t..) a1 = (g + 8, 2t..) a2 = (g, 2t + 8..) a3 = (g + 8, 2t + 8..), two neighbours each
//   B 16x8  bf16: b0 = (2t.., g) b1 = (2t + 8.., g), two rows each
//   A 16x8  tf32: a0 = (g, t) a1 = (g + 8, t) a2 = (g, t + 4) a3 = (g + 8, t + 4)
//   B 8x8   tf32: b0 = (t, g) b1 = (t + 4, g)
//   D 16x8  f32:  d0, d1 = (g, 2t..) d2, d3 = (g + 8, 2t..)
// All 32 lanes take part in every one of these.

// Four 8x8 matrices of 16-bit elements from shared memory. Lanes 8i to 8i + 7 give the addresses of the rows of
// matrix i (16 bytes each, aligned); r[i] becomes this lane's two elements of it: row lane / 4, columns
// 2 (lane % 4) and the next.
DEV void ldmatrix_x4(u32 (&r)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];\n"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(smem_address(row))
               : "memory");
}

// The same with every matrix transposed.
DEV void ldmatrix_x4_trans(u32 (&r)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];\n"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(smem_address(row))
               : "memory");
}

// d += A (16x16, bf16) B (16x8, bf16)
DEV void mma_bf16_16816(float (&d)[4], const u32 (&a)[4], const u32 (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};\n"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// d += A (16x8, tf32) B (8x8, tf32)
DEV void mma_tf32_1688(float (&d)[4], const u32 (&a)[4], const u32 (&b)[2]) {
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};\n"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// ---- conversions ----------------------------------------------------------------------------------------------

// To tf32 (10 bits of mantissa), to nearest, ties away from zero.
DEV u32 f32_to_tf32(float x) {
  u32 r;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(r) : "f"(x));
  return r;
}

// Two numbers to bf16, to nearest, ties to even; `low` is the first in memory.
DEV u32 pack_bf16(float low, float high) {
  u32 r;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
  return r;
}

// ---- fast functions -------------------------------------------------------------------------------------------

// About 2^-11 relative error.
DEV float tanh_approx(float x) {
  float r;
  asm("tanh.approx.f32 %0, %1;" : "=f"(r) : "f"(x));
  return r;
}

// 2^x to about 2 units in the last place; subnormal results are zero.
DEV float ex2_approx(float x) {
  float r;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(x));
  return r;
}

#endif  // CUDA_ON_HOST

// ---- the same text on both sides ------------------------------------------------------------------------------

DEV u16 f32_to_bf16(float x) { return (u16)pack_bf16(x, 0.f); }

DEV float bf16_to_f32(u16 x) { return __uint_as_float((u32)x << 16); }

// The two numbers of a packed pair.
DEV float bf16_low(u32 pair) { return __uint_as_float(pair << 16); }

DEV float bf16_high(u32 pair) { return __uint_as_float(pair & 0xffff0000u); }

// Sum over the warp, the same bits in every lane. All 32 lanes take part.
DEV float warp_sum(float x) {
#pragma unroll
  for (i32 step = 16; step; step >>= 1) x += __shfl_xor_sync(0xffffffffu, x, step);
  return x;
}

DEV float warp_max(float x) {
#pragma unroll
  for (i32 step = 16; step; step >>= 1) x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, step));
  return x;
}

// Sum over a one-dimensional block of whole warps, the same bits in every thread. The tree is fixed: equal numbers
// give equal bits in every run. `scratch` is 32 floats of shared memory; it may be used again for the next call.
DEV float block_sum(float x, float* scratch) {
  const u32 lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
  x = warp_sum(x);
  __syncthreads();  // the last call may still be reading
  if (lane == 0) scratch[warp] = x;
  __syncthreads();
  return warp_sum(lane < warps ? scratch[lane] : 0.f);
}

DEV float block_max(float x, float* scratch) {
  const u32 lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
  x = warp_max(x);
  __syncthreads();
  if (lane == 0) scratch[warp] = x;
  __syncthreads();
  return warp_max(lane < warps ? scratch[lane] : __uint_as_float(0xff800000u));
}
