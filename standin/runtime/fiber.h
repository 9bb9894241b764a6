// A CUDA thread as a fiber: a stack of its own, and switching to and from it. With the words that AddressSanitizer
// and ThreadSanitizer want to hear about it.
#pragma once
#include <cstddef>
#include <vector>

#include "../cuda_on_host.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
extern "C" void __tsan_read_range(void*, unsigned long);
extern "C" void __tsan_write_range(void*, unsigned long);
#endif

namespace cuda_on_host {

struct AsyncCopy {
  unsigned char* shared;
  const unsigned char* global;
  int bytes;  // of 16; the rest is zeroed
};

enum class State { Ready, AtBarrier, InWarp, Done };

struct Fiber {
  State state = State::Done;
  Site site = {"", 0};  // where it waits
  int predicate = 0;    // what it gave to the barrier
  unsigned index = 0;   // in the block
  uint3 thread = {};
  std::vector<AsyncCopy> uncommitted;
  std::vector<std::vector<AsyncCopy>> groups;  // committed, oldest first

  void* stack_pointer = nullptr;
  char* stack = nullptr;       // lowest address; null before it has run and after it has ended
  void* asan_stack = nullptr;  // what AddressSanitizer keeps for it while it does not run
  void* tsan_fiber = nullptr;
};

// Sanitized code needs far more stack.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr size_t STACK_BYTES = 512 * 1024;
#else
constexpr size_t STACK_BYTES = 64 * 1024;
#endif

// Stacks for the fibers of a block, each with an inaccessible page below it. They only grow in number.
//
// A fiber gets one when it first runs, and the one that was given back last, which is still in the cache: a kernel
// that waits for nothing runs all its threads on one stack. ThreadSanitizer would take that for a race; there every
// fiber has its own.
class Stacks {
 public:
  ~Stacks();
  // Makes all stacks free, at least `count` of them.
  void reset(size_t count);
  // `clean`: the fiber that had it last has ended.
  char* take(bool& clean);
  void give_back(char* stack);

 private:
  char* memory_ = nullptr;
  size_t count_ = 0;
  std::vector<char*> free_;
  std::vector<bool> clean_;  // by place in memory
};

// Lets a fiber that has a stack run `entry` when it is next switched to. `entry` must not return. `clean` as of
// Stacks::take.
void prepare(Fiber& fiber, bool clean, void (*entry)());

// The side that runs fibers: an OS thread outside of any of them.
struct Host {
  void* stack_pointer = nullptr;
  void* asan_stack = nullptr;
  const void* stack = nullptr;  // lowest address and size, as AddressSanitizer told
  size_t stack_size = 0;
  void* tsan_fiber = nullptr;
};

void switch_to_fiber(Host& host, Fiber& fiber);
// First thing that a fiber does.
void fiber_started(Host& host);
// `last`: the fiber has ended and will not be switched to again.
void switch_to_host(Host& host, Fiber& fiber, bool last = false);

// Orderings between fibers, for ThreadSanitizer: what happened before order_release(p) happened before what follows a
// later order_acquire(p).
NO_TSAN inline void order_release([[maybe_unused]] void* p) {
#if defined(__SANITIZE_THREAD__)
  __tsan_release(p);
#endif
}
NO_TSAN inline void order_acquire([[maybe_unused]] void* p) {
#if defined(__SANITIZE_THREAD__)
  __tsan_acquire(p);
#endif
}

}  // namespace cuda_on_host
