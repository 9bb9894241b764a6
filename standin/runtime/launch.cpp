#include "launch.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <thread>

#include "block.h"
#include "settings.h"

namespace cuda_on_host {
namespace {

// OS threads that help the one that launches. They are kept: starting one costs more than a small kernel. None is
// ever ended; the process may be gone at any time.
class Workers {
 public:
  // Calls `work` with 0 to count - 1, 0 on this thread, and returns when all calls have.
  void run(unsigned count, const std::function<void(unsigned)>& work) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      while (started_ + 1 < count) std::thread([this, i = ++started_] { loop(i); }).detach();
      work_ = &work;
      count_ = count;
      running_ = count - 1;
      round_++;
    }
    if (count > 1) wake_.notify_all();
    work(0);
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, [&] { return running_ == 0; });
    work_ = nullptr;
  }

 private:
  void loop(unsigned index) {
    unsigned long long seen = 0;
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      wake_.wait(lock, [&] { return round_ != seen && work_; });
      seen = round_;
      if (index >= count_) continue;
      const auto& work = *work_;
      lock.unlock();
      work(index);
      lock.lock();
      if (--running_ == 0) done_.notify_one();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_, done_;
  const std::function<void(unsigned)>* work_ = nullptr;
  unsigned started_ = 0, count_ = 0, running_ = 0;
  unsigned long long round_ = 0;
};

// How many OS threads a grid is spread over.
unsigned workers_for(unsigned long long blocks) {
#if defined(__SANITIZE_ADDRESS__)
  return 1;  // one copy of the shared variables
#elif defined(__SANITIZE_THREAD__)
  return (unsigned)std::min(blocks, 2ull);  // two, with a fixed split: races between blocks show in every run
#else
  return (unsigned)std::min<unsigned long long>(blocks, settings().workers);
#endif
}

}  // namespace

std::map<std::string, Kernel>& kernels() {
  static auto* all = new std::map<std::string, Kernel>;
  return *all;
}

void add_kernel(const char* name, const void* function, Thunk thunk, const Parameter* parameters, size_t count,
                unsigned max_threads) {
  Kernel kernel = {};
  kernel.name = name;
  kernel.function = function;
  kernel.thunk = thunk;
  kernel.parameters.assign(parameters, parameters + count);
  kernel.max_threads = max_threads;
  kernels()[name] = kernel;
}

std::string run(const Launch& launch) {
  static auto* one_at_a_time = new std::mutex;
  static auto* workers = new Workers;
  static auto* runners = new std::vector<std::unique_ptr<Runner>>;
  std::lock_guard<std::mutex> lock(*one_at_a_time);

  const dim3 grid = launch.grid;
  const unsigned long long blocks = (unsigned long long)grid.x * grid.y * grid.z;
  const unsigned count = workers_for(blocks);
  while (runners->size() < count) runners->push_back(std::make_unique<Runner>());

  // By a seed, blocks in random order too. A grid too large for that is at least large.
  std::vector<unsigned> order;
  if (settings().seed && blocks < (1u << 22)) {
    order.resize(blocks);
    for (unsigned i = 0; i < blocks; i++) order[i] = i;
    Random{settings().seed}.shuffle(order);
  }

  Faults faults;
  std::atomic<unsigned long long> next{0};
  workers->run(count, [&](unsigned worker) {
    Runner& runner = *(*runners)[worker];
    runner.begin(launch, faults, worker);
    for (unsigned long long turn = worker;; turn += count) {
#if defined(__SANITIZE_THREAD__)
      unsigned long long i = turn;
#else
      unsigned long long i = next.fetch_add(1, std::memory_order_relaxed);
#endif
      if (i >= blocks || faults.any.load(std::memory_order_relaxed)) break;
      if (!order.empty()) i = order[i];
      runner.run_block({(unsigned)(i % grid.x), (unsigned)(i / grid.x % grid.y), (unsigned)(i / grid.x / grid.y)});
    }
  });

  Kernel& kernel = *launch.kernel;
  kernel.launches++;
  kernel.blocks += blocks;
  for (unsigned i = 0; i < count; i++) {
    const Counts& counts = (*runners)[i]->counts;
    kernel.barriers += counts.barriers;
    kernel.warp_operations += counts.warp_operations;
    kernel.matrix_loads += counts.matrix_loads;
    kernel.matrix_conflicts += counts.matrix_conflicts;
  }
  return faults.text;
}

}  // namespace cuda_on_host
