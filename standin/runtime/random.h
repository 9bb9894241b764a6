// Random numbers for the order of threads. Not those of the standard library: fibers draw from the same generator as
// the thread that runs them, which ThreadSanitizer must not look into.
#pragma once
#include <utility>
#include <vector>

#include "../cuda_on_host.h"

namespace cuda_on_host {

// SplitMix64.
struct Random {
  unsigned long long state = 0;

  NO_TSAN unsigned long long next() {
    state += 0x9e3779b97f4a7c15ull;
    unsigned long long z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }

  void shuffle(std::vector<unsigned>& values) {
    for (size_t i = values.size(); i > 1; i--) std::swap(values[i - 1], values[next() % i]);
  }
};

}  // namespace cuda_on_host
