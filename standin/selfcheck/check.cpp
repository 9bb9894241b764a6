// Runs the kernels of good.cu and buggy.cu through the stand-in's driver, as a program would.
//
//   check good    every kernel of good.cu against loops
//   check NAME    the mistake of that name
//   check list    names of the mistakes
//   check time    how long some launches take
//
// What it ends with: 0 all is right, 2 a wrong result, 3 the driver returned an error. A sanitizer ends the program
// in its own way.
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

typedef unsigned long long DevicePointer;
extern "C" {
int cuInit(unsigned);
int cuDevicePrimaryCtxRetain(void**, int);
int cuCtxSetCurrent(void*);
int cuStreamCreate(void**, unsigned);
int cuStreamSynchronize(void*);
int cuMemAlloc_v2(DevicePointer*, size_t);
int cuMemFree_v2(DevicePointer);
int cuMemcpyHtoDAsync_v2(DevicePointer, const void*, size_t, void*);
int cuMemcpyDtoHAsync_v2(void*, DevicePointer, size_t, void*);
int cuModuleLoadData(void**, const void*);
int cuModuleGetFunction(void**, void*, const char*);
int cuFuncSetAttribute(void*, int, int);
int cuLaunchKernel(void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void*, void**, void**);
int cuGetErrorName(int, const char**);
}

namespace {

void* stream;
bool failed = false;

const char* name_of(int error) {
  const char* name = nullptr;
  cuGetErrorName(error, &name);
  return name ? name : "unknown error";
}

void expect(int result, const char* what) {
  if (!result) return;
  printf("%s: %s\n", what, name_of(result));
  exit(3);
}

// Device memory of some values.
template <class T>
class Buffer {
 public:
  explicit Buffer(size_t n) : n_(n) { expect(cuMemAlloc_v2(&pointer, n * sizeof(T)), "allocation"); }
  explicit Buffer(const std::vector<T>& values) : Buffer(values.size()) {
    expect(cuMemcpyHtoDAsync_v2(pointer, values.data(), n_ * sizeof(T), stream), "copy to the device");
  }
  Buffer(const Buffer&) = delete;
  ~Buffer() { cuMemFree_v2(pointer); }
  std::vector<T> values() const {
    std::vector<T> values(n_);
    expect(cuMemcpyDtoHAsync_v2(values.data(), pointer, n_ * sizeof(T), stream), "copy to the host");
    return values;
  }
  DevicePointer pointer = 0;

 private:
  size_t n_;
};

struct Shape {
  unsigned x, threads, dynamic = 0, y = 1;
};

// The PTX text only says which kernels there are.
void* kernel_named(const char* name) {
  std::string image = std::string(".version 8.0\n.target sm_80\n.visible .entry ") + name + "()\n";
  void *module, *function;
  expect(cuModuleLoadData(&module, image.c_str()), "module");
  expect(cuModuleGetFunction(&function, module, name), name);
  return function;
}

template <class... A>
void launch(const char* name, Shape s, A... arguments) {
  void* function = kernel_named(name);
  void* addresses[] = {&arguments..., nullptr};
  if (s.dynamic > 48 * 1024) expect(cuFuncSetAttribute(function, 8, (int)s.dynamic), "dynamic shared memory");
  expect(cuLaunchKernel(function, s.x, s.y, 1, s.threads, 1, 1, s.dynamic, stream, addresses, nullptr), name);
  expect(cuStreamSynchronize(stream), name);
}

std::mt19937 generator(3);
std::vector<float> uniform(size_t n) {
  std::vector<float> values(n);
  for (float& v : values) v = (float)(generator() % 1000) / 1000.f;
  return values;
}

float round_bf16(float x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000u;
  memcpy(&x, &bits, 4);
  return x;
}
uint16_t bf16(float x) {
  uint32_t bits;
  x = round_bf16(x);
  memcpy(&bits, &x, 4);
  return (uint16_t)(bits >> 16);
}
std::vector<uint16_t> bf16(const std::vector<float>& x) {
  std::vector<uint16_t> y;
  for (float v : x) y.push_back(bf16(v));
  return y;
}

void compare(const std::string& what, const std::vector<float>& got, const std::vector<float>& expected,
             double tolerance) {
  double worst = 0;
  bool nan = false;
  for (size_t i = 0; i < expected.size(); i++) {
    worst = std::max(worst, (double)std::fabs(got[i] - expected[i]));
    nan |= std::isnan(got[i]);
  }
  const bool right = !nan && worst <= tolerance;
  printf("%s %-28s largest difference %.2e%s\n", right ? "ok   " : "WRONG", what.c_str(), worst, nan ? ", NaN" : "");
  failed |= !right;
}

// C (m x n) = A (m x k) B^T (n x k)
std::vector<float> product(const std::vector<float>& a, const std::vector<float>& b, int m, int n, int k) {
  std::vector<float> c((size_t)m * n);
  for (int i = 0; i < m; i++)
    for (int j = 0; j < n; j++) {
      double sum = 0;
      for (int l = 0; l < k; l++) sum += (double)a[i * k + l] * b[j * k + l];
      c[(size_t)i * n + j] = (float)sum;
    }
  return c;
}

std::vector<float> softmax(std::vector<float> x, int rows, int n) {
  for (int r = 0; r < rows; r++) {
    float* p = &x[(size_t)r * n];
    double largest = -INFINITY, sum = 0;
    for (int i = 0; i < n; i++) largest = std::max(largest, (double)p[i]);
    for (int i = 0; i < n; i++) sum += exp(p[i] - largest);
    for (int i = 0; i < n; i++) p[i] = (float)(exp(p[i] - largest) / sum);
  }
  return x;
}

// ---- kernels that are right -----------------------------------------------------------------------------------

void good() {
  for (unsigned threads : {32u, 256u}) {  // larger blocks after smaller ones
    const unsigned n = 1000;
    std::vector<float> x = uniform(n), y = uniform(n), expected(n);
    for (unsigned i = 0; i < n; i++) expected[i] = 2.5f * x[i] + y[i];
    Buffer<float> dx(x), dy(y);
    launch("good_axpy", {(n + threads - 1) / threads, threads}, 2.5f, dx.pointer, dy.pointer, n);
    compare("axpy", dy.values(), expected, 1e-6);
  }
  for (auto [m, n, k] : {std::array{64, 64, 32}, {64, 64, 64}, {70, 50, 72}, {1, 1, 8}}) {
    std::vector<float> a = uniform((size_t)m * k), b = uniform((size_t)n * k);
    Buffer<float> da(a), db(b), dc((size_t)m * n);
    Buffer<uint16_t> ha(a.size()), hb(b.size());
    launch("good_to_bf16", {((unsigned)a.size() + 255) / 256, 256}, da.pointer, ha.pointer, (unsigned)a.size());
    launch("good_to_bf16", {((unsigned)b.size() + 255) / 256, 256}, db.pointer, hb.pointer, (unsigned)b.size());
    for (float& v : a) v = round_bf16(v);
    for (float& v : b) v = round_bf16(v);
    Shape shape = {(unsigned)(n + 63) / 64, 128, 0, (unsigned)(m + 63) / 64};
    launch("good_gemm_bf16", shape, ha.pointer, hb.pointer, dc.pointer, m, n, k);
    char name[64];
    snprintf(name, sizeof name, "bf16 gemm %dx%dx%d", m, n, k);
    compare(name, dc.values(), product(a, b, m, n, k), 1e-4);
  }
  {
    std::vector<uint16_t> x(256), y;
    for (int i = 0; i < 256; i++) x[i] = (uint16_t)(i * 7);
    Buffer<uint16_t> dx(x), dy(256);
    launch("good_transpose", {1, 32}, dx.pointer, dy.pointer);
    y = dy.values();
    std::vector<float> got(256), expected(256);
    for (int i = 0; i < 256; i++) got[i] = y[i], expected[i] = x[i % 16 * 16 + i / 16];
    compare("ldmatrix transposed", got, expected, 0);
  }
  {
    std::vector<float> a = uniform(128), b = uniform(64), transposed(64);
    for (int i = 0; i < 64; i++) transposed[i] = b[i % 8 * 8 + i / 8];
    Buffer<float> da(a), db(b), dc(128);
    launch("good_mma_tf32", {1, 32}, da.pointer, db.pointer, dc.pointer);
    compare("tf32 mma", dc.values(), product(a, transposed, 16, 8, 8), 5e-3);
  }
  for (unsigned n : {1u, 31u, 300u, 20000u}) {
    const unsigned rows = 3;
    std::vector<float> x = uniform((size_t)rows * n);
    for (float& v : x) v = v * 6 - 3;
    Buffer<float> dx(x);
    launch("good_softmax", {rows, 128, n * 4}, dx.pointer, n);
    compare("softmax of " + std::to_string(n), dx.values(), softmax(x, rows, n), 1e-5);
  }
  {
    const unsigned n = 3000, segments = 77;
    std::vector<float> x = uniform(n), expected(segments, 0.f);
    std::vector<unsigned> segment(n);
    for (unsigned i = 0; i < n; i++) {
      segment[i] = (unsigned)((unsigned long long)i * i / n * segments / n);
      expected[segment[i]] += x[i];
    }
    Buffer<float> dx(x), dout(std::vector<float>(segments, 0.f));
    Buffer<unsigned> dsegment(segment);
    launch("good_segment_sum", {(n + 255) / 256, 256}, dx.pointer, dsegment.pointer, dout.pointer, n);
    compare("segment sum", dout.values(), expected, 1e-3);
  }
  {
    Buffer<float> dx(1000);
    launch("good_fill_one", {2, 128}, dx.pointer, 1000u);
    launch("good_fill_two", {2, 128}, dx.pointer, 500u);
    std::vector<float> expected(1000, 1.f);
    std::fill_n(expected.begin(), 500, 2.f);
    compare("kernels of a macro", dx.values(), expected, 0);
  }
}

void time_of(const char* what, const std::function<void()>& run) {
  run();
  const std::clock_t start = std::clock();  // of all threads, whatever else the machine does
  run();
  const double milliseconds = 1e3 * (double)(std::clock() - start) / CLOCKS_PER_SEC;
  printf("%-28s %8.2f ms of processor time\n", what, milliseconds);
}

void time_launches() {
  const unsigned n = 512;
  Buffer<uint16_t> a(bf16(uniform(n * n))), b(bf16(uniform(n * n)));
  Buffer<float> c(n * n), x(uniform(1 << 20)), y(uniform(1 << 20));
  time_of("bf16 gemm 512x512x512",
          [&] { launch("good_gemm_bf16", {8, 128, 0, 8}, a.pointer, b.pointer, c.pointer, n, n, n); });
  time_of("axpy of 2^20", [&] { launch("good_axpy", {4096, 256}, 1.f, x.pointer, y.pointer, 1u << 20); });
  time_of("softmax of 1024 x 1024", [&] { launch("good_softmax", {1024, 256, 4096}, x.pointer, 1024u); });
  time_of("1000 empty launches", [&] {
    for (int i = 0; i < 1000; i++) launch("good_axpy", {1, 32}, 1.f, x.pointer, y.pointer, 0u);
  });
}

// ---- kernels with mistakes ------------------------------------------------------------------------------------

const std::map<std::string, std::function<void()>> MISTAKES = {
    {"missing_barrier",
     [] {
       std::vector<float> x = uniform(512), expected = x;
       for (int i = 0; i < 512; i++) expected[i] = x[i / 256 * 256 + 255 - i % 256];
       Buffer<float> dx(x);
       launch("bug_missing_barrier", {2, 256}, dx.pointer);
       compare("result", dx.values(), expected, 0);
     }},
    {"missing_second_barrier",
     [] {
       std::vector<float> x = uniform(512);
       Buffer<float> dx(x);
       launch("bug_missing_second_barrier", {2, 256}, dx.pointer, 256u);
       compare("result", dx.values(), softmax(x, 2, 256), 1e-4);
     }},
    {"missing_syncwarp",
     [] {
       std::vector<float> x = uniform(32);
       float sum = 0;
       for (float v : x) sum += v;
       Buffer<float> dx(x);
       launch("bug_missing_syncwarp", {1, 32}, dx.pointer);
       compare("result", {dx.values()[0]}, {sum}, 1e-4);
     }},
    {"static_out_of_bounds",
     [] {
       Buffer<float> dy(64);
       launch("bug_static_out_of_bounds", {1, 64}, dy.pointer, 8u);
     }},
    {"row_out_of_bounds",
     [] {
       Buffer<float> dy(256);
       launch("bug_row_out_of_bounds", {1, 224}, dy.pointer, 4u);
     }},
    {"dynamic_out_of_bounds",
     [] {
       Buffer<float> dy(64);
       launch("bug_dynamic_out_of_bounds", {1, 64, 256}, dy.pointer, 4u);
     }},
    {"global_out_of_bounds",
     [] {
       Buffer<float> dy(1024);
       launch("bug_global_out_of_bounds", {5, 256}, dy.pointer, 1024u);
     }},
    {"misaligned",
     [] {
       Buffer<float> dx(uniform(256)), dy(32);
       launch("bug_misaligned", {1, 32}, dx.pointer, dy.pointer);
     }},
    {"divergent_barrier",
     [] {
       Buffer<float> dy(64);
       launch("bug_divergent_barrier", {1, 64}, dy.pointer);
     }},
    {"divergent_shuffle",
     [] {
       Buffer<float> dx(uniform(32));
       launch("bug_divergent_shuffle", {1, 32}, dx.pointer);
     }},
    {"no_wait",
     [] {
       std::vector<float> x = uniform(128), expected(32);
       for (int i = 0; i < 32; i++) expected[i] = x[i * 4];
       Buffer<float> dx(x), dy(32);
       launch("bug_no_wait", {1, 32}, dx.pointer, dy.pointer);
       compare("result", dy.values(), expected, 0);
     }},
    {"wait_without_barrier",
     [] {
       std::vector<float> x = uniform(128), expected(32);
       for (int i = 0; i < 32; i++) expected[i] = x[(i + 1) % 32 * 4];
       Buffer<float> dx(x), dy(32);
       launch("bug_wait_without_barrier", {1, 32}, dx.pointer, dy.pointer);
       compare("result", dy.values(), expected, 0);
     }},
    {"uninitialised",
     [] {
       Buffer<float> dy(64);
       launch("bug_uninitialised", {1, 64}, dy.pointer);
       compare("result", dy.values(), std::vector<float>(64, 0.f), 0);
     }},
    {"uninitialised_dynamic",
     [] {
       Buffer<float> dy(64);
       launch("bug_uninitialised_dynamic", {1, 64, 256}, dy.pointer);
       compare("result", dy.values(), std::vector<float>(64, 0.f), 0);
     }},
    {"uninitialised_global",
     [] {
       Buffer<float> dx(64), dy(64);
       launch("bug_uninitialised_global", {1, 64}, dx.pointer, dy.pointer);
       compare("result", dy.values(), std::vector<float>(64, 0.f), 0);
     }},
    {"race_of_blocks",
     [] {
       Buffer<float> dy(std::vector<float>(1, 0.f));
       launch("bug_race_of_blocks", {64, 32}, dy.pointer);
       compare("result", dy.values(), {64.f}, 0);
     }},
    {"fragment",
     [] {
       std::vector<float> a = uniform(256), b = uniform(128);
       for (float& v : a) v = round_bf16(v);
       for (float& v : b) v = round_bf16(v);
       Buffer<uint16_t> da(bf16(a)), db(bf16(b));
       Buffer<float> dc(128);
       launch("bug_fragment", {1, 32}, da.pointer, db.pointer, dc.pointer);
       compare("result", dc.values(), product(a, b, 16, 8, 16), 1e-4);
     }},
    {"half_a_warp",
     [] {
       Buffer<float> dc(32);
       launch("bug_half_a_warp", {1, 32}, dc.pointer);
     }},
    {"too_many_threads",
     [] {
       Buffer<float> dy(128);
       launch("bug_too_many_threads", {1, 128}, dy.pointer);
     }},
    {"grid_too_large",
     [] {
       Buffer<float> dy(1);
       launch("bug_race_of_blocks", {1, 32, 0, 70000}, dy.pointer);
     }},
    {"too_much_shared",
     [] {
       Buffer<float> dy(64);
       launch("bug_dynamic_out_of_bounds", {1, 64, 240 * 1024}, dy.pointer, 0u);
     }},
    {"freed_memory",
     [] {
       DevicePointer freed;
       {
         Buffer<float> dy(128);
         freed = dy.pointer;
       }
       launch("bug_too_many_threads", {1, 64}, freed);
     }},
    {"pointer_is_shifted",  // the list of arguments is one short
     [] {
       Buffer<float> dy(128);
       launch("good_axpy", {1, 64}, dy.pointer, dy.pointer, 128u, 0u);
     }},
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 1;
  expect(cuInit(0), "cuInit");
  void* context;
  expect(cuDevicePrimaryCtxRetain(&context, 0), "context");
  expect(cuCtxSetCurrent(context), "context");
  expect(cuStreamCreate(&stream, 1), "stream");
  const std::string what = argv[1];
  if (what == "list") {
    for (auto& [name, run] : MISTAKES) puts(name.c_str());
  } else if (what == "good") {
    good();
  } else if (what == "time") {
    time_launches();
  } else {
    MISTAKES.at(what)();
    if (!failed) puts("nothing noticed");
  }
  return failed ? 2 : 0;
}
