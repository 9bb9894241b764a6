// The largest number of a window of positions and its first place there, where channels lie side by side.
#pragma once
#include "lib/dev.cuh"

struct WindowMaximum {
  float largest;
  u32 place;
};

// `at` is the window's first number; its next is `step` further.
DEV WindowMaximum window_maximum(const float* at, u32 window, u32 step) {
  WindowMaximum found = {*at, 0};
#pragma unroll 1
  for (u32 p = 1; p < window; p++) {
    const float v = at[(u64)p * step];
    if (v > found.largest) found = {v, p};
  }
  return found;
}
