// ldmatrix and mma: what a warp does together, on the fragments that its lanes hold.
#include <cmath>
#include <cstdint>

#include "block.h"
#include "lib/dev.cuh"
#include "settings.h"

namespace cuda_on_host {
namespace {

constexpr unsigned ALL = ~0u;

// ---- ldmatrix -------------------------------------------------------------------------------------------------

struct LoadArgument {
  const u16* row;
  u32* r;
  bool transposed;
};

// (Functions of their own: a lambda would be watched by ThreadSanitizer, the function around it is not.)
NO_TSAN const u16* row_of(void* const* arguments, int matrix, int i) {
  return static_cast<LoadArgument*>(arguments[matrix * 8 + i])->row;
}

// Rows of 16 bytes fall into 8 groups of banks; rows of one matrix that share a group, at different addresses, are
// read one after the other.
NO_TSAN void count_conflicts(void* const* arguments) {
  Counts& counts = Runner::current()->counts;
  for (int matrix = 0; matrix < 4; matrix++) {
    unsigned rows_in_group[8] = {}, worst = 1;
    const u16* rows[8];
    for (int i = 0; i < 8; i++) {
      rows[i] = row_of(arguments, matrix, i);
      bool seen = false;
      for (int j = 0; j < i; j++) seen |= rows[j] == rows[i];
      if (!seen) worst = max(worst, ++rows_in_group[(uintptr_t)rows[i] / 16 % 8]);
    }
    counts.matrix_loads++;
    counts.matrix_conflicts += worst - 1;
  }
}

NO_TSAN void perform_load(void* const* arguments, unsigned lanes) {
  if (lanes != ALL) fault("ldmatrix needs all 32 lanes");
  count_conflicts(arguments);
  for (int lane = 0; lane < 32; lane++) {
    auto* mine = static_cast<LoadArgument*>(arguments[lane]);
    const int major = lane / 4, minor = lane % 4 * 2;
    for (int matrix = 0; matrix < 4; matrix++) {
      u16 low, high;
      if (mine->transposed) {
        low = row_of(arguments, matrix, minor)[major];
        high = row_of(arguments, matrix, minor + 1)[major];
      } else {
        low = row_of(arguments, matrix, major)[minor];
        high = row_of(arguments, matrix, major)[minor + 1];
      }
      mine->r[matrix] = (u32)low | (u32)high << 16;
    }
  }
}

// ---- mma ------------------------------------------------------------------------------------------------------

struct MmaArgument {
  float* d;
  const u32 *a, *b;
};

// Sums of products take their time, and touch nothing but arrays of their own and the fragments, which each fiber has
// touched where the sanitizers see it: not watched here, and as fast as it gets in every kind of build.
#define MULTIPLIES NO_TSAN __attribute__((no_sanitize("address", "undefined"), optimize("O3")))

// c and K products as a tensor core may sum them: every term is cut off below 2^-23 of the largest one's power of two, and
// the sum toward zero. (Products of two TF32 or bf16 numbers, and such a sum, are exact in f64.)
template <int K> MULTIPLIES float cut_sum(float c, const float (&a)[K], const float (&b)[K][8], int column) {
  double terms[K + 1] = {c}, largest = fabs((double)c);
  for (int k = 0; k < K; k++) {
    terms[k + 1] = (double)a[k] * (double)b[k][column];
    largest = fmax(largest, fabs(terms[k + 1]));
  }
  // Nothing to align, or no number: as ever.
  if (!(largest > 0 && largest < INFINITY)) {
    float sum = c;
    for (int k = 0; k < K; k++) sum += a[k] * b[k][column];
    return sum;
  }
  const double unit = ldexp(1.0, ilogb(largest) - 23);
  double sum = 0;
  for (double term : terms) sum += trunc(term / unit) * unit;
  const float near = (float)sum;
  return fabs((double)near) > fabs(sum) ? nextafterf(near, 0.f) : near;
}

// d += A B for a 16 x K by K x 8 product, with each lane's part of d as the hardware spreads it.
template <int K>
MULTIPLIES void multiply(void* const* arguments, const float (&a)[16][K], const float (&b)[K][8]) {
  if (settings().cut_sums) {
    for (int lane = 0; lane < 32; lane++) {
      float* d = static_cast<MmaArgument*>(arguments[lane])->d;
      const int g = lane / 4, t = lane % 4;
      for (int i = 0; i < 4; i++) d[i] = cut_sum(d[i], a[g + i / 2 * 8], b, t * 2 + i % 2);
    }
    return;
  }
  float sum[16][8] = {};
  for (int row = 0; row < 16; row++)
    for (int k = 0; k < K; k++)
      for (int column = 0; column < 8; column++) sum[row][column] += a[row][k] * b[k][column];
  for (int lane = 0; lane < 32; lane++) {
    float* d = static_cast<MmaArgument*>(arguments[lane])->d;
    const int g = lane / 4, t = lane % 4;
    for (int i = 0; i < 4; i++) d[i] += sum[g + i / 2 * 8][t * 2 + i % 2];
  }
}

MULTIPLIES void perform_mma_bf16(void* const* arguments, unsigned lanes) {
  if (lanes != ALL) fault("mma needs all 32 lanes");
  float a[16][16], b[16][8];
  for (int lane = 0; lane < 32; lane++) {
    auto* mine = static_cast<MmaArgument*>(arguments[lane]);
    const int g = lane / 4, t = lane % 4;
    for (int i = 0; i < 4; i++) {
      const int row = g + i % 2 * 8, column = t * 2 + i / 2 * 8;
      a[row][column] = bf16_low(mine->a[i]);
      a[row][column + 1] = bf16_high(mine->a[i]);
    }
    for (int i = 0; i < 2; i++) {
      const int row = t * 2 + i * 8;
      b[row][g] = bf16_low(mine->b[i]);
      b[row + 1][g] = bf16_high(mine->b[i]);
    }
  }
  multiply<16>(arguments, a, b);
}

// The hardware does not look at the lower bits of the mantissa.
MULTIPLIES float tf32_value(u32 bits) { return __uint_as_float(bits & 0xffffe000u); }

MULTIPLIES void perform_mma_tf32(void* const* arguments, unsigned lanes) {
  if (lanes != ALL) fault("mma needs all 32 lanes");
  float a[16][8], b[8][8];
  for (int lane = 0; lane < 32; lane++) {
    auto* mine = static_cast<MmaArgument*>(arguments[lane]);
    const int g = lane / 4, t = lane % 4;
    for (int i = 0; i < 4; i++) a[g + i % 2 * 8][t + i / 2 * 4] = tf32_value(mine->a[i]);
    for (int i = 0; i < 2; i++) b[t + i * 4][g] = tf32_value(mine->b[i]);
  }
  multiply<8>(arguments, a, b);
}

}  // namespace

void load_matrix(u32* r, const void* row, bool transposed, Site at) {
  if ((size_t)row & 15) fault("%s:%d: address of an ldmatrix row is not a multiple of 16", at.file, at.line);
  // Touched here, in the fiber, where the sanitizers know whose access it is.
  const volatile u8* bytes = static_cast<const volatile u8*>(row);
  for (int i = 0; i < 16; i++) (void)bytes[i];
  LoadArgument argument = {static_cast<const u16*>(row), r, transposed};
  warp_operation(Operation::LdMatrix, ALL, &argument, perform_load, at);
}

// In the fiber, where the sanitizers know whose access it is.
static void touch(const volatile float* d, const volatile u32* a, const volatile u32* b) {
  for (int i = 0; i < 4; i++) (void)d[i], (void)a[i];
  for (int i = 0; i < 2; i++) (void)b[i];
}

void mma_bf16(float* d, const u32* a, const u32* b, Site at) {
  touch(d, a, b);
  MmaArgument argument = {d, a, b};
  warp_operation(Operation::MmaBf16, ALL, &argument, perform_mma_bf16, at);
}

void mma_tf32(float* d, const u32* a, const u32* b, Site at) {
  touch(d, a, b);
  MmaArgument argument = {d, a, b};
  warp_operation(Operation::MmaTf32, ALL, &argument, perform_mma_tf32, at);
}

u16 round_to_bf16(float x) {
  const u32 bits = __float_as_uint(x);
  if (x != x) return 0x7fff;
  return (u16)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

}  // namespace cuda_on_host
