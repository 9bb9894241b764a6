// What a kernel sees when it is compiled for the host: the words, types, variables and functions that CUDA C++ has
// built in. The runtime behind it (runtime/) runs every CUDA thread as a fiber, so that barriers and warp operations
// really have to be reached by all the threads that take part.
//
// Kernels are compiled by build.sh, once plain, and on request with AddressSanitizer and UndefinedBehaviorSanitizer
// or with ThreadSanitizer; the same kernel text then tells of different kinds of faults.
#pragma once
#ifndef CUDA_ON_HOST
#define CUDA_ON_HOST 1
#endif
#include <math.h>
#include <stddef.h>
#include <stdio.h>  // printf is built in
#include <string.h>

#include <type_traits>
#include <utility>

#if defined(__SANITIZE_THREAD__)
#define NO_TSAN __attribute__((no_sanitize("thread"), noinline))
#else
#define NO_TSAN
#endif

// ---- words of the language ------------------------------------------------------------------------------------

#define __global__
#define __device__
#define __host__
#define __constant__ static
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
#define __grid_constant__

// Shared memory: one copy for each OS thread, and an OS thread runs one block at a time. AddressSanitizer puts no red
// zones around thread-local variables; with it there is one copy, in a section that is filled before each block, and
// blocks run one after the other.
#if defined(__SANITIZE_ADDRESS__)
#define __shared__ static __attribute__((section("cuda_shared")))
#else
#define __shared__ static thread_local
#endif

// ---- vector types ---------------------------------------------------------------------------------------------

#define VECTOR_TYPES(T, NAME, ALIGN2, ALIGN4)                        \
  struct alignas(ALIGN2) NAME##2 { T x, y; };                        \
  struct NAME##3 { T x, y, z; };                                     \
  struct alignas(ALIGN4) NAME##4 { T x, y, z, w; };                  \
  inline NAME##2 make_##NAME##2(T x, T y) { return {x, y}; }         \
  inline NAME##3 make_##NAME##3(T x, T y, T z) { return {x, y, z}; } \
  inline NAME##4 make_##NAME##4(T x, T y, T z, T w) { return {x, y, z, w}; }
VECTOR_TYPES(float, float, 8, 16)
VECTOR_TYPES(double, double, 16, 16)
VECTOR_TYPES(int, int, 8, 16)
VECTOR_TYPES(unsigned, uint, 8, 16)
VECTOR_TYPES(short, short, 4, 8)
VECTOR_TYPES(unsigned short, ushort, 4, 8)
VECTOR_TYPES(signed char, char, 2, 4)
VECTOR_TYPES(unsigned char, uchar, 2, 4)
VECTOR_TYPES(long long, longlong, 16, 16)
VECTOR_TYPES(unsigned long long, ulonglong, 16, 16)
#undef VECTOR_TYPES

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

// ---- the runtime ----------------------------------------------------------------------------------------------

namespace cuda_on_host {

// Built-in variables of the running CUDA thread. One structure, so that a function finds its address once.
struct Variables {
  uint3 thread, block, block_size, grid_size;
};
extern __thread Variables variables;

// A place in the kernel, for messages and to tell one barrier from another.
struct Site {
  const char* file;
  int line;
};
#define CUDA_SITE ::cuda_on_host::Site at = {__builtin_FILE(), __builtin_LINE()}

// What all threads of a block learn at a barrier.
struct BarrierResult {
  int any, all, count;
};
BarrierResult block_barrier(int predicate, Site at);

// Operations of several lanes of a warp. When the last of them has come, `perform` sees the arguments of all that
// take part (a bit of `lanes` each) and every lane goes on.
enum class Operation { SyncWarp, Shuffle, Vote, LdMatrix, MmaBf16, MmaTf32 };
using Perform = void (*)(void* const* arguments, unsigned lanes);
void warp_operation(Operation operation, unsigned mask, void* argument, Perform perform, Site at);
unsigned long long shuffle(unsigned mask, unsigned long long bits, int source, Site at);

struct VoteResult {
  unsigned yes, lanes;
};
VoteResult vote(unsigned mask, int predicate, Site at);

int lane_index();
unsigned char* dynamic_shared();

// Tells of a fault in the kernel and stops the thread for good; the launch fails.
[[noreturn, gnu::format(printf, 1, 2)]] void fault(const char* format, ...);

// ---- registration: build.sh writes one REGISTER_KERNEL for each __global__ function ----------------------------

struct Parameter {
  unsigned size;
  bool is_pointer;
};
using Thunk = void (*)(const void* function, void* const* arguments);
void add_kernel(const char* name, const void* function, Thunk thunk, const Parameter* parameters, size_t count,
                unsigned max_threads);

template <class... P>
struct Call {
  template <size_t... I>
  static void unpack(void (*function)(P...), void* const* arguments, std::index_sequence<I...>) {
    function(*static_cast<std::decay_t<P>*>(arguments[I])...);
  }
  static void go(const void* function, void* const* arguments) {
    unpack(reinterpret_cast<void (*)(P...)>(const_cast<void*>(function)), arguments, std::index_sequence_for<P...>{});
  }
};

struct Registration {
  template <class... P>
  Registration(const char* name, void (*function)(P...), unsigned max_threads) {
    static const Parameter parameters[sizeof...(P) + 1] = {{sizeof(P), std::is_pointer<P>::value}..., {0, false}};
    add_kernel(name, reinterpret_cast<const void*>(function), Call<P...>::go, parameters, sizeof...(P), max_threads);
  }
};

// The first argument of __launch_bounds__, or the limit of the hardware.
constexpr unsigned launch_bound(unsigned threads = 1024, unsigned = 0, unsigned = 0) { return threads; }
#define REGISTER_KERNEL(name, ...) \
  static ::cuda_on_host::Registration registration_of_##name(#name, name, ::cuda_on_host::launch_bound(__VA_ARGS__));

template <class T>
T shuffle_value(unsigned mask, T value, int source, Site at) {
  static_assert(sizeof(T) <= 8, "a shuffle moves at most 8 bytes");
  unsigned long long bits = 0;
  memcpy(&bits, &value, sizeof value);
  bits = shuffle(mask, bits, source, at);
  memcpy(&value, &bits, sizeof value);
  return value;
}

// First lane of this lane's part of the warp, for shuffles narrower than it.
inline int part_start(int width) { return lane_index() & ~(width - 1); }

}  // namespace cuda_on_host

#define threadIdx (::cuda_on_host::variables.thread)
#define blockIdx (::cuda_on_host::variables.block)
#define blockDim (::cuda_on_host::variables.block_size)
#define gridDim (::cuda_on_host::variables.grid_size)
constexpr int warpSize = 32;

// ---- barriers, votes and shuffles -----------------------------------------------------------------------------

inline void __syncthreads(CUDA_SITE) { cuda_on_host::block_barrier(0, at); }
inline int __syncthreads_or(int predicate, CUDA_SITE) { return cuda_on_host::block_barrier(predicate, at).any; }
inline int __syncthreads_and(int predicate, CUDA_SITE) { return cuda_on_host::block_barrier(predicate, at).all; }
inline int __syncthreads_count(int predicate, CUDA_SITE) { return cuda_on_host::block_barrier(predicate, at).count; }
inline void __syncwarp(unsigned mask = ~0u, CUDA_SITE) {
  cuda_on_host::warp_operation(cuda_on_host::Operation::SyncWarp, mask, nullptr, nullptr, at);
}

inline unsigned __ballot_sync(unsigned mask, int predicate, CUDA_SITE) {
  return cuda_on_host::vote(mask, predicate, at).yes;
}
inline int __any_sync(unsigned mask, int predicate, CUDA_SITE) {
  return cuda_on_host::vote(mask, predicate, at).yes != 0;
}
inline int __all_sync(unsigned mask, int predicate, CUDA_SITE) {
  cuda_on_host::VoteResult result = cuda_on_host::vote(mask, predicate, at);
  return result.yes == result.lanes;
}

// A source outside the part of the warp means: keep one's own value (-1 for the runtime).
template <class T>
inline T __shfl_sync(unsigned mask, T value, int lane, int width = 32, CUDA_SITE) {
  int source = cuda_on_host::part_start(width) | (lane & (width - 1));
  return cuda_on_host::shuffle_value(mask, value, source, at);
}
template <class T>
inline T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32, CUDA_SITE) {
  int source = cuda_on_host::lane_index() ^ bits;
  if (source >= cuda_on_host::part_start(width) + width) source = -1;
  return cuda_on_host::shuffle_value(mask, value, source, at);
}
template <class T>
inline T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, CUDA_SITE) {
  int source = cuda_on_host::lane_index() + (int)delta;
  if (source >= cuda_on_host::part_start(width) + width) source = -1;
  return cuda_on_host::shuffle_value(mask, value, source, at);
}
template <class T>
inline T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, CUDA_SITE) {
  int source = cuda_on_host::lane_index() - (int)delta;
  if (source < cuda_on_host::part_start(width)) source = -1;
  return cuda_on_host::shuffle_value(mask, value, source, at);
}

[[noreturn]] inline void __trap(CUDA_SITE) { cuda_on_host::fault("%s:%d: __trap", at.file, at.line); }
inline void __threadfence() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
inline void __threadfence_block() {}

// ---- atomics (relaxed, as on the device) ----------------------------------------------------------------------

namespace cuda_on_host {
template <class T, class F>
inline T atomic_update(T* address, F change) {
  using Word = std::conditional_t<sizeof(T) == 4, unsigned, unsigned long long>;
  Word* word = reinterpret_cast<Word*>(address);
  Word before = __atomic_load_n(word, __ATOMIC_RELAXED), after;
  T value;
  do {
    memcpy(&value, &before, sizeof value);
    T changed = change(value);
    memcpy(&after, &changed, sizeof after);
  } while (!__atomic_compare_exchange_n(word, &before, after, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
  return value;
}
// The second argument of an atomic takes the type of what the first points to.
template <class T>
using Same = std::common_type_t<T>;
}  // namespace cuda_on_host

template <class T>
inline T atomicAdd(T* p, cuda_on_host::Same<T> v) {
  return cuda_on_host::atomic_update(p, [=](T old) { return (T)(old + v); });
}
template <class T>
inline T atomicMax(T* p, cuda_on_host::Same<T> v) {
  return cuda_on_host::atomic_update(p, [=](T old) { return old > v ? old : v; });
}
template <class T>
inline T atomicMin(T* p, cuda_on_host::Same<T> v) {
  return cuda_on_host::atomic_update(p, [=](T old) { return old < v ? old : v; });
}
template <class T>
inline T atomicOr(T* p, cuda_on_host::Same<T> v) {
  return cuda_on_host::atomic_update(p, [=](T old) { return (T)(old | v); });
}
template <class T>
inline T atomicAnd(T* p, cuda_on_host::Same<T> v) {
  return cuda_on_host::atomic_update(p, [=](T old) { return (T)(old & v); });
}
template <class T>
inline T atomicExch(T* p, cuda_on_host::Same<T> v) {
  return cuda_on_host::atomic_update(p, [=](T) { return v; });
}
template <class T>
inline T atomicCAS(T* p, cuda_on_host::Same<T> expected, cuda_on_host::Same<T> v) {
  return cuda_on_host::atomic_update(p, [=](T old) { return old == expected ? v : old; });
}

// ---- loads, stores and bits -----------------------------------------------------------------------------------

template <class T>
inline T __ldg(const T* p) {
  return *p;
}
template <class T>
inline T __ldcs(const T* p) {
  return *p;
}
template <class T>
inline T __ldca(const T* p) {
  return *p;
}
template <class T>
inline T __ldcg(const T* p) {
  return *p;
}
template <class T>
inline void __stcs(T* p, T v) {
  *p = v;
}
template <class T>
inline void __stcg(T* p, T v) {
  *p = v;
}

namespace cuda_on_host {
template <class To, class From>
inline To same_bits(From from) {
  static_assert(sizeof(To) == sizeof(From), "a value of the same size");
  To to;
  memcpy(&to, &from, sizeof to);
  return to;
}
}  // namespace cuda_on_host

inline float __int_as_float(int x) { return cuda_on_host::same_bits<float>(x); }
inline float __uint_as_float(unsigned x) { return cuda_on_host::same_bits<float>(x); }
inline int __float_as_int(float x) { return cuda_on_host::same_bits<int>(x); }
inline unsigned __float_as_uint(float x) { return cuda_on_host::same_bits<unsigned>(x); }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __clz(int x) { return x ? __builtin_clz((unsigned)x) : 32; }
inline unsigned __brev(unsigned x) {
  unsigned r = 0;
  for (int i = 0; i < 32; i++) r |= (x >> i & 1) << (31 - i);
  return r;
}
inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)((unsigned long long)a * b >> 32); }
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  return (unsigned long long)((unsigned __int128)a * b >> 64);
}

// ---- arithmetic -----------------------------------------------------------------------------------------------

inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
inline float __expf(float x) { return expf(x); }
inline float __logf(float x) { return logf(x); }
inline float __log2f(float x) { return log2f(x); }
inline float __sinf(float x) { return sinf(x); }
inline float __cosf(float x) { return cosf(x); }
inline float __powf(float x, float y) { return powf(x, y); }
inline float __fdividef(float a, float b) { return a / b; }
inline float __frcp_rn(float a) { return 1.0f / a; }
inline float __fsqrt_rn(float a) { return sqrtf(a); }
inline float __frsqrt_rn(float a) { return 1.0f / sqrtf(a); }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
inline float __saturatef(float a) { return fminf(fmaxf(a, 0.f), 1.f); }
inline int __float2int_rn(float x) { return (int)rintf(x); }
inline int __float2int_rz(float x) { return (int)x; }
inline int __float2int_rd(float x) { return (int)floorf(x); }
template <class A, class B>
inline std::common_type_t<A, B> min(A a, B b) {
  using T = std::common_type_t<A, B>;
  return (T)b < (T)a ? (T)b : (T)a;
}
template <class A, class B>
inline std::common_type_t<A, B> max(A a, B b) {
  using T = std::common_type_t<A, B>;
  return (T)a < (T)b ? (T)b : (T)a;
}
