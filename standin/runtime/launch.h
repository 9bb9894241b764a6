// Kernels by name, and running a grid of blocks over several OS threads.
#pragma once
#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "../cuda_on_host.h"

namespace cuda_on_host {

struct Kernel {
  const char* name;
  const void* function;
  Thunk thunk;
  std::vector<Parameter> parameters;
  unsigned max_threads;  // of a block, by its __launch_bounds__
  // What its launches did.
  unsigned long long launches = 0, blocks = 0, barriers = 0, warp_operations = 0;
  unsigned long long matrix_loads = 0, matrix_conflicts = 0;
};

// All kernels that were compiled in.
std::map<std::string, Kernel>& kernels();

struct Launch {
  Kernel* kernel;
  dim3 grid, block;
  size_t dynamic_bytes;
  void* const* arguments;  // one address for each parameter
};

// Runs a kernel to its end. The text is empty if all went well, otherwise it says what the kernel did wrong. The
// caller has checked the limits.
std::string run(const Launch& launch);

}  // namespace cuda_on_host
