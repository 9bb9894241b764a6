#include "fiber.h"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>

// void switch_stack(void** save, void* to): keeps the callee-saved registers on the stack in use, remembers it in
// *save, and goes on where `to` was saved.
#if defined(__x86_64__)
asm(R"(
.text
.hidden cuda_on_host_switch_stack
.globl cuda_on_host_switch_stack
.type cuda_on_host_switch_stack, @function
cuda_on_host_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  popq %rcx
  jmpq *%rcx      # a ret would always be predicted wrongly
.size cuda_on_host_switch_stack, .-cuda_on_host_switch_stack
)");
#elif defined(__aarch64__)
asm(R"(
.text
.hidden cuda_on_host_switch_stack
.globl cuda_on_host_switch_stack
.type cuda_on_host_switch_stack, %function
cuda_on_host_switch_stack:
  stp x29, x30, [sp, #-160]!
  stp x19, x20, [sp, #16]
  stp x21, x22, [sp, #32]
  stp x23, x24, [sp, #48]
  stp x25, x26, [sp, #64]
  stp x27, x28, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #16]
  ldp x21, x22, [sp, #32]
  ldp x23, x24, [sp, #48]
  ldp x25, x26, [sp, #64]
  ldp x27, x28, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  ldp x29, x30, [sp], #160
  ret
.size cuda_on_host_switch_stack, .-cuda_on_host_switch_stack
)");
#else
#error "fibers are written for x86-64 and AArch64"
#endif
extern "C" void cuda_on_host_switch_stack(void** save, void* to);

namespace cuda_on_host {
namespace {

constexpr size_t GUARD_BYTES = 4096;
constexpr size_t SLOT_BYTES = STACK_BYTES + GUARD_BYTES;
constexpr size_t STAGGER_BYTES = 8192;
// More than the frames of a fiber that leaves.
[[maybe_unused]] constexpr size_t LEAVING_BYTES = 8192;

// Lays out what switch_stack expects to find below `top`.
void* first_frame(char* top, void (*entry)()) {
  top = reinterpret_cast<char*>(reinterpret_cast<size_t>(top) & ~(size_t)15);
#if defined(__x86_64__)
  void** frame = reinterpret_cast<void**>(top);
  *--frame = nullptr;  // a return address, so that the stack is aligned as after a call
  *--frame = reinterpret_cast<void*>(entry);
  for (int i = 0; i < 6; i++) *--frame = nullptr;
  return frame;
#else
  char* frame = top - 160;
  memset(frame, 0, 160);
  reinterpret_cast<void**>(frame)[1] = reinterpret_cast<void*>(entry);
  return frame;
#endif
}

}  // namespace

Stacks::~Stacks() {
  if (memory_) munmap(memory_, count_ * SLOT_BYTES);
}

void Stacks::reset(size_t count) {
  if (count_ < count) {
    if (memory_) munmap(memory_, count_ * SLOT_BYTES);
    void* memory =
        mmap(nullptr, count * SLOT_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
      perror("CUDA stand-in: no memory for the stacks of a block");
      abort();
    }
    memory_ = static_cast<char*>(memory);
    count_ = count;
    clean_.assign(count, false);
    for (size_t i = 0; i < count; i++) mprotect(memory_ + i * SLOT_BYTES, GUARD_BYTES, PROT_NONE);
  }
  free_.clear();
  for (size_t i = count_; i-- > 0;) free_.push_back(memory_ + i * SLOT_BYTES + GUARD_BYTES);
}

char* Stacks::take(bool& clean) {
  char* stack = free_.back();
  free_.pop_back();
  const size_t place = (stack - memory_) / SLOT_BYTES;
  clean = clean_[place];
  clean_[place] = false;
  return stack;
}

void Stacks::give_back([[maybe_unused]] char* stack) {
#if !defined(__SANITIZE_THREAD__)
  free_.push_back(stack);
  clean_[(stack - memory_) / SLOT_BYTES] = true;
#endif
}

void prepare(Fiber& fiber, [[maybe_unused]] bool clean, void (*entry)()) {
  fiber.asan_stack = nullptr;
#if defined(__SANITIZE_ADDRESS__)
  // A function that returns clears its frame. Where a fiber has ended, what is left are the frames of fiber_entry and
  // what it calls to leave; clearing all of the stack for every thread was half the time of a run.
  const size_t left = clean ? STAGGER_BYTES + LEAVING_BYTES : STACK_BYTES;
  ASAN_UNPOISON_MEMORY_REGION(fiber.stack + STACK_BYTES - left, left);
#endif
#if defined(__SANITIZE_THREAD__)
  if (!fiber.tsan_fiber) fiber.tsan_fiber = __tsan_create_fiber(0);
#endif
  // Not all at the same place of their stacks: the parts in use would share the same few sets of the cache.
  const size_t stagger = (size_t)fiber.stack / SLOT_BYTES * 320 % STAGGER_BYTES;
  fiber.stack_pointer = first_frame(fiber.stack + STACK_BYTES - 64 - stagger, entry);
}

NO_TSAN void switch_to_fiber(Host& host, Fiber& fiber) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&host.asan_stack, fiber.stack, STACK_BYTES);
#endif
#if defined(__SANITIZE_THREAD__)
  __tsan_switch_to_fiber(fiber.tsan_fiber, __tsan_switch_to_fiber_no_sync);
#endif
  cuda_on_host_switch_stack(&host.stack_pointer, fiber.stack_pointer);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(host.asan_stack, nullptr, nullptr);
#endif
}

NO_TSAN void fiber_started([[maybe_unused]] Host& host) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &host.stack, &host.stack_size);
#endif
}

NO_TSAN void switch_to_host(Host& host, Fiber& fiber, [[maybe_unused]] bool last) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(last ? nullptr : &fiber.asan_stack, host.stack, host.stack_size);
#endif
#if defined(__SANITIZE_THREAD__)
  __tsan_switch_to_fiber(host.tsan_fiber, __tsan_switch_to_fiber_no_sync);
#endif
  cuda_on_host_switch_stack(&fiber.stack_pointer, host.stack_pointer);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fiber.asan_stack, &host.stack, &host.stack_size);
#endif
}

}  // namespace cuda_on_host
