// What the environment asks of the stand-in. Read once, when first needed; every name begins with CUDA_STANDIN_.
#pragma once
#include <cstddef>
#include <string>

namespace cuda_on_host {

// When an asynchronous copy takes effect: as late as the waits allow, at once, or either by chance.
enum class Copies { Late, Early, Random };

struct Settings {
  // ---- how kernels run
  unsigned workers;         // WORKERS: OS threads that run blocks (default: one for each core)
  unsigned long long seed;  // SEED: not 0: warps, lanes and blocks run in a random order of this seed
  Copies copies;            // ASYNC=late|early|random (default: late, with a seed random)
  unsigned char fill;       // POISON: byte in hex that fresh memory is filled with (default ff, a NaN)
  bool cut_sums;            // TENSOR_CORES=cut: they cut terms and sums off (default: exact: f32 rounded to nearest)
  // ---- what the devices are
  int devices;         // DEVICES (default 1)
  size_t memory;       // MEMORY: bytes of each, also as 512K, 64M, 8G (default 8G)
  int major, minor;    // CAPABILITY=major.minor (default 9.0)
  int driver_version;  // DRIVER_VERSION as CUDA counts: 12040 is 12.4 (default 13000)
  bool late_streams;   // STREAMS=late: work in streams is done when something waits for it (default: at once)
  // ---- faults; n counts kernel launches from 1, in the whole process or with n@d on device d only
  struct Fault {
    unsigned long long launch = 0;
    int device = -1;
  };
  Fault fail_launch;   // FAIL_LAUNCH=n: that launch fails and the context is lost
  Fault lost;          // LOST=n: after that launch the device is gone for good
  Fault interrupt;     // INTERRUPT=n: that launch sends the process SIGINT, as Ctrl-C does, and runs
  std::string report;  // REPORT: file that counts are written to at exit
};

const Settings& settings();

}  // namespace cuda_on_host
