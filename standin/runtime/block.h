// Running one block: its fibers, its barriers, and the operations of its warps.
#pragma once
#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "fiber.h"
#include "launch.h"
#include "random.h"

namespace cuda_on_host {

// Lanes of a warp that have come to the same operation under the same mask.
struct Gathering {
  unsigned mask = 0;  // 0: none
  unsigned arrived = 0;
  Operation operation = Operation::SyncWarp;
  Perform perform = nullptr;
  Site site = {"", 0};
  char* ordering = nullptr;
  void* arguments[32] = {};
};

struct Warp {
  unsigned alive = 0;       // lanes that have not ended
  Gathering gatherings[4];  // different masks can be under way at the same time
  char orderings[8] = {};   // addresses that ThreadSanitizer knows the last few gatherings by
  unsigned next_ordering = 0;
};

// Counts that a block's runner keeps to itself until the launch ends.
struct Counts {
  unsigned long long barriers = 0, warp_operations = 0, matrix_loads = 0, matrix_conflicts = 0;
};

// The first fault of a launch; when there is one, every block of it stops.
struct Faults {
  std::atomic<bool> any{false};
  std::mutex mutex;
  std::string text;
};

// Runs blocks, one after the other, on the OS thread that it is used from. Kept from launch to launch.
class Runner {
 public:
  Runner();
  ~Runner();
  void begin(const Launch& launch, Faults& faults, unsigned worker);
  void run_block(uint3 block);

  // The runner of this OS thread, while it runs a block.
  static Runner* current();

  // ---- called from the fibers
  void wait_at_barrier(int predicate, Site at);
  void join_warp_operation(Operation operation, unsigned mask, void* argument, Perform perform, Site at);
  void add_fault(const char* text);
  [[noreturn]] void park();  // never to run again
  Fiber& fiber() { return *fiber_; }

  BarrierResult barrier_result = {};
  unsigned char* dynamic = nullptr;  // dynamic shared memory
  Random random;
  Counts counts;

 private:
  static void fiber_entry();
  void leave(Fiber& fiber, bool last = false);
  void fill_shared();
  void check_margin();
  bool run_warp(unsigned warp, bool shuffle);
  bool release_barrier();
  void tell_deadlock();
  void complete_if_all_arrived(Warp& warp, Gathering& gathering);

  const Launch* launch_ = nullptr;
  Faults* faults_ = nullptr;
  Stacks stacks_;
  size_t dynamic_poisoned_from_ = 0;  // AddressSanitizer lets nobody touch `dynamic` from here on
  Host host_;
  std::vector<Fiber> fibers_;
  std::vector<Warp> warps_;
  std::vector<unsigned> order_;
  Fiber* fiber_ = nullptr;  // the one that runs
  unsigned threads_ = 0, alive_ = 0;
  // Addresses that ThreadSanitizer knows the orderings of the block by. Barriers take turns between two.
  char at_start_ = 0, at_end_ = 0, at_barrier_[2] = {};
  unsigned barriers_passed_ = 0;
};

}  // namespace cuda_on_host
