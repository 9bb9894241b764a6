#include "block.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "settings.h"

namespace cuda_on_host {

__thread Variables variables;

namespace {

__thread Runner* runner = nullptr;

// As much dynamic shared memory as any device has, and room that must not be touched behind it.
constexpr size_t DYNAMIC_BYTES = 227 * 1024, DYNAMIC_MARGIN = 4096;
// Without AddressSanitizer, so much behind it is looked at when the block has ended.
constexpr size_t CHECKED_MARGIN = 256;
constexpr unsigned char MARGIN_FILL = 0xa5;

bool same_place(Site a, Site b) { return a.line == b.line && (a.file == b.file || !strcmp(a.file, b.file)); }

// Fills also what the sanitizers watch over.
__attribute__((no_sanitize("address", "thread"), noinline)) void fill(volatile unsigned char* p, size_t bytes,
                                                                      unsigned char value) {
  size_t i = 0;
  for (; i < bytes && (reinterpret_cast<size_t>(p + i) & 7); i++) p[i] = value;
  for (; i + 8 <= bytes; i += 8) *reinterpret_cast<volatile unsigned long long*>(p + i) = value * 0x0101010101010101ull;
  for (; i < bytes; i++) p[i] = value;
}

}  // namespace

#if defined(__SANITIZE_ADDRESS__)
// Bounds of the section of the __shared__ variables, from the linker.
extern "C" {
extern char __start_cuda_shared[] __attribute__((weak, visibility("hidden")));
extern char __stop_cuda_shared[] __attribute__((weak, visibility("hidden")));
}
#endif

Runner::Runner() {
  dynamic = static_cast<unsigned char*>(aligned_alloc(128, DYNAMIC_BYTES + DYNAMIC_MARGIN));
  // Nothing is poisoned yet, of any launch.
  dynamic_poisoned_from_ = DYNAMIC_BYTES + DYNAMIC_MARGIN;
}
Runner::~Runner() { free(dynamic); }
Runner* Runner::current() { return runner; }

void Runner::begin(const Launch& launch, Faults& faults, unsigned worker) {
  launch_ = &launch;
  faults_ = &faults;
  threads_ = launch.block.x * launch.block.y * launch.block.z;
  random.state = settings().seed + 77 * worker + 1;
  counts = {};
  if (fibers_.size() < threads_) fibers_.resize(threads_);
  variables.block_size = {launch.block.x, launch.block.y, launch.block.z};
  variables.grid_size = {launch.grid.x, launch.grid.y, launch.grid.z};
}

void Runner::fill_shared() {
  const unsigned char value = settings().fill;
  const size_t bytes = launch_->dynamic_bytes;
#if defined(__SANITIZE_ADDRESS__)
  if (bytes != dynamic_poisoned_from_) {
    ASAN_UNPOISON_MEMORY_REGION(dynamic, bytes);
    ASAN_POISON_MEMORY_REGION(dynamic + bytes, DYNAMIC_BYTES + DYNAMIC_MARGIN - bytes);
    dynamic_poisoned_from_ = bytes;
  }
  if (__start_cuda_shared) {
    fill(reinterpret_cast<unsigned char*>(__start_cuda_shared), __stop_cuda_shared - __start_cuda_shared, value);
  }
#endif
  fill(dynamic, bytes, value);
#if !defined(__SANITIZE_ADDRESS__)
  fill(dynamic + bytes, CHECKED_MARGIN, MARGIN_FILL);
#endif
}

void Runner::check_margin() {
#if !defined(__SANITIZE_ADDRESS__)
  const unsigned char* margin = dynamic + launch_->dynamic_bytes;
  for (size_t i = 0; i < CHECKED_MARGIN; i++) {
    if (margin[i] == MARGIN_FILL) continue;
    add_fault("a thread wrote behind the dynamic shared memory of the launch");
    return;
  }
#endif
}

NO_TSAN void Runner::run_block(uint3 block) {
  runner = this;
  variables.block = block;
  fill_shared();
  alive_ = threads_;
  barriers_passed_ = 0;
  warps_.assign((threads_ + 31) / 32, Warp{});
  order_.resize(warps_.size());
  for (unsigned i = 0; i < order_.size(); i++) order_[i] = i;
#if defined(__SANITIZE_THREAD__)
  host_.tsan_fiber = __tsan_get_current_fiber();
#endif
  const dim3 size = launch_->block;
  uint3 thread = {0, 0, 0};
  stacks_.reset(threads_);
  for (unsigned i = 0; i < threads_; i++) {
    Fiber& fiber = fibers_[i];
    fiber.index = i;
    fiber.thread = thread;
    if (++thread.x == size.x) {
      thread.x = 0;
      if (++thread.y == size.y) thread.y = 0, thread.z++;
    }
    fiber.state = State::Ready;
    fiber.uncommitted.clear();
    fiber.groups.clear();
    fiber.stack = nullptr;
    warps_[i / 32].alive |= 1u << (i % 32);
  }
  order_release(&at_start_);

  // One warp runs as far as it gets, then the next. By a seed: warps and lanes in random order, and now and then a
  // warp is left half way.
  const bool shuffle = settings().seed != 0;
  while (alive_ && !faults_->any.load(std::memory_order_relaxed)) {
    bool progress = false;
    if (shuffle) random.shuffle(order_);
    for (unsigned warp : order_) progress |= run_warp(warp, shuffle);
    if (!progress && alive_ && !release_barrier()) tell_deadlock();
  }
  order_acquire(&at_end_);
  check_margin();
  runner = nullptr;
}

NO_TSAN bool Runner::run_warp(unsigned warp, bool shuffle) {
  const unsigned first = warp * 32, end = std::min(threads_, first + 32);
  const bool once = shuffle && random.next() % 4 == 0;
  bool progress = false;
  for (;;) {
    bool ran = false;
    const unsigned permute = shuffle ? (unsigned)random.next() & 31 : 0;
    for (unsigned lane = 0; lane < 32; lane++) {
      const unsigned i = first + (lane ^ permute);
      if (i >= end || fibers_[i].state != State::Ready) continue;
      ran = true;
      fiber_ = &fibers_[i];
      variables.thread = fiber_->thread;
      if (!fiber_->stack) {
        bool clean = false;
        fiber_->stack = stacks_.take(clean);
        prepare(*fiber_, clean, fiber_entry);
      }
      switch_to_fiber(host_, *fiber_);
      if (fiber_->state == State::Done) stacks_.give_back(fiber_->stack);
    }
    progress |= ran;
    if (!ran || once || faults_->any.load(std::memory_order_relaxed)) return progress;
  }
}

// When no thread can go on: lets them pass the barrier, if that is where all of them are.
NO_TSAN bool Runner::release_barrier() {
  const Fiber* first = nullptr;
  BarrierResult result = {0, 1, 0};
  for (unsigned i = 0; i < threads_; i++) {
    const Fiber& fiber = fibers_[i];
    if (fiber.state == State::Done) continue;
    if (fiber.state != State::AtBarrier) return false;
    if (!first) first = &fiber;
    if (!same_place(first->site, fiber.site)) return false;
    result.any |= fiber.predicate != 0;
    result.all &= fiber.predicate != 0;
    result.count += fiber.predicate != 0;
  }
  barrier_result = result;
  barriers_passed_++;
  counts.barriers++;
  for (unsigned i = 0; i < threads_; i++)
    if (fibers_[i].state == State::AtBarrier) fibers_[i].state = State::Ready;
  return true;
}

// Says where the threads are, one line for each run of threads at the same place.
NO_TSAN void Runner::tell_deadlock() {
  std::string places;
  const Fiber* last = nullptr;
  bool all_at_barriers = true;
  for (unsigned i = 0; i < threads_ && places.size() < 300; i++) {
    const Fiber& fiber = fibers_[i];
    if (fiber.state == State::Done) continue;
    all_at_barriers &= fiber.state == State::AtBarrier;
    if (last && same_place(last->site, fiber.site)) continue;
    last = &fiber;
    char place[200];
    snprintf(place, sizeof place, " from thread %u on at %s:%d (%s)", i, fiber.site.file, fiber.site.line,
             fiber.state == State::AtBarrier ? "__syncthreads" : "warp operation");
    places += place;
  }
  variables.thread = {0, 0, 0};
  add_fault(((all_at_barriers ? "threads wait at different __syncthreads:" : "deadlock:") + places).c_str());
}

NO_TSAN void Runner::add_fault(const char* text) {
  std::lock_guard<std::mutex> lock(faults_->mutex);
  if (faults_->any) return;
  char where[256];
  const uint3 b = variables.block, t = variables.thread;
  snprintf(where, sizeof where, "kernel %s, block (%u,%u,%u), thread (%u,%u,%u): ", launch_->kernel->name, b.x, b.y,
           b.z, t.x, t.y, t.z);
  faults_->text = std::string(where) + text;
  faults_->any = true;
}

NO_TSAN void Runner::park() {
  Fiber& fiber = *fiber_;
  fiber.state = State::InWarp;
  for (;;) leave(fiber);
}

// All that a fiber did before it leaves comes before what follows the block.
NO_TSAN void Runner::leave(Fiber& fiber, bool last) {
  order_release(&at_end_);
  switch_to_host(host_, fiber, last);
}

NO_TSAN void Runner::fiber_entry() {
  Runner& self = *runner;
  fiber_started(self.host_);
  order_acquire(&self.at_start_);
  self.launch_->kernel->thunk(self.launch_->kernel->function, self.launch_->arguments);

  Fiber& fiber = *self.fiber_;
  fiber.state = State::Done;
  self.alive_--;
  Warp& warp = self.warps_[fiber.index / 32];
  warp.alive &= ~(1u << (fiber.index % 32));
  for (Gathering& gathering : warp.gatherings)
    if (gathering.mask && gathering.arrived) self.complete_if_all_arrived(warp, gathering);
  self.leave(fiber, true);
  abort();
}

NO_TSAN void Runner::wait_at_barrier(int predicate, Site at) {
  Fiber& fiber = *fiber_;
  char* ordering = &at_barrier_[barriers_passed_ & 1];
  fiber.predicate = predicate;
  fiber.site = at;
  fiber.state = State::AtBarrier;
  order_release(ordering);
  leave(fiber);
  order_acquire(ordering);
}

// Every lane of the mask that has not ended is there.
NO_TSAN void Runner::complete_if_all_arrived(Warp& warp, Gathering& gathering) {
  const unsigned expected = gathering.mask & warp.alive;
  if ((gathering.arrived & expected) != expected) return;
  if (gathering.perform) gathering.perform(gathering.arguments, gathering.arrived);
  const unsigned first = (unsigned)(&warp - warps_.data()) * 32;
  for (unsigned lane = 0; lane < 32; lane++)
    if (gathering.arrived >> lane & 1) fibers_[first + lane].state = State::Ready;
  gathering.mask = gathering.arrived = 0;
}

NO_TSAN void Runner::join_warp_operation(Operation operation, unsigned mask, void* argument, Perform perform, Site at) {
  Fiber& fiber = *fiber_;
  Warp& warp = warps_[fiber.index / 32];
  const unsigned lane = fiber.index % 32;
  counts.warp_operations++;
  if (!(mask >> lane & 1))
    fault("%s:%d: lane %u takes part in a warp operation whose mask %08x leaves it out", at.file, at.line, lane, mask);

  Gathering* gathering = nullptr;
  for (Gathering& g : warp.gatherings)
    if (g.mask == mask) gathering = &g;
  if (!gathering) {
    for (Gathering& g : warp.gatherings)
      if (!g.mask && !gathering) gathering = &g;
    if (!gathering) fault("%s:%d: more than 4 different masks under way in a warp", at.file, at.line);
    gathering->mask = mask;
    gathering->operation = operation;
    gathering->perform = perform;
    gathering->site = at;
    gathering->ordering = &warp.orderings[warp.next_ordering++ % 8];
  }
  if (gathering->operation != operation || !same_place(gathering->site, at))
    fault("lanes of a warp meet at different operations: lane %u at %s:%d, others at %s:%d", lane, at.file, at.line,
          gathering->site.file, gathering->site.line);

  // Of these only __syncwarp orders memory between lanes.
  char* ordering = gathering->ordering;
  const bool orders = operation == Operation::SyncWarp;
  if (orders) order_release(ordering);
  gathering->arrived |= 1u << lane;
  gathering->arguments[lane] = argument;
  fiber.site = at;
  fiber.state = State::InWarp;
  complete_if_all_arrived(warp, *gathering);
  if (fiber.state != State::Ready) leave(fiber);
  if (orders) order_acquire(ordering);
}

// ---- what kernels call ----------------------------------------------------------------------------------------

NO_TSAN BarrierResult block_barrier(int predicate, Site at) {
  runner->wait_at_barrier(predicate, at);
  return runner->barrier_result;
}

NO_TSAN void warp_operation(Operation operation, unsigned mask, void* argument, Perform perform, Site at) {
  runner->join_warp_operation(operation, mask, argument, perform, at);
}

NO_TSAN int lane_index() { return (int)(runner->fiber().index % 32); }
NO_TSAN unsigned char* dynamic_shared() { return runner->dynamic; }

NO_TSAN void fault(const char* format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  runner->add_fault(text);
  runner->park();
}

namespace {

struct ShuffleArgument {
  unsigned long long in, out;
  int source;
};

// What a lane that is not there gives is not defined; all ones, a NaN, makes it show.
NO_TSAN void perform_shuffle(void* const* arguments, unsigned lanes) {
  for (int lane = 0; lane < 32; lane++) {
    if (!(lanes >> lane & 1)) continue;
    auto* mine = static_cast<ShuffleArgument*>(arguments[lane]);
    if (mine->source < 0) mine->out = mine->in;
    else if (lanes >> mine->source & 1) mine->out = static_cast<ShuffleArgument*>(arguments[mine->source])->in;
    else mine->out = ~0ull;
  }
}

struct VoteArgument {
  bool in;
  VoteResult out;
};

NO_TSAN void perform_vote(void* const* arguments, unsigned lanes) {
  VoteResult result = {0, lanes};
  for (int lane = 0; lane < 32; lane++)
    if ((lanes >> lane & 1) && static_cast<VoteArgument*>(arguments[lane])->in) result.yes |= 1u << lane;
  for (int lane = 0; lane < 32; lane++)
    if (lanes >> lane & 1) static_cast<VoteArgument*>(arguments[lane])->out = result;
}

}  // namespace

NO_TSAN unsigned long long shuffle(unsigned mask, unsigned long long bits, int source, Site at) {
  ShuffleArgument argument = {bits, 0, source};
  warp_operation(Operation::Shuffle, mask, &argument, perform_shuffle, at);
  return argument.out;
}

NO_TSAN VoteResult vote(unsigned mask, int predicate, Site at) {
  VoteArgument argument = {predicate != 0, {}};
  warp_operation(Operation::Vote, mask, &argument, perform_vote, at);
  return argument.out;
}

}  // namespace cuda_on_host
