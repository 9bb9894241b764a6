// Which elements dropout keeps: element i of a site's whole batch stays where its 32 random bits are at least `threshold`.
#pragma once
#include "lib/philox.cuh"
#include "lib/step_state.cuh"

DEV bool stays(const StepState* state, u64 stream, u64 i, u64 threshold) {
    const u64 counter = (i >> 6) * 16 + (i & 15);
    return philox_word(state->seed, stream + (state->step & 0xffffffffu), counter, (u32)(i >> 4) & 3) >= threshold;
}

// The words of i's block of 64 elements that share a counter with it: word v is that of element 16 v + i % 16.
DEV void stay_words(u32 (&words)[4], const StepState* state, u64 stream, u64 i) {
    const u64 counter = (i >> 6) * 16 + (i & 15);
    philox_words(words, state->seed, stream + (state->step & 0xffffffffu), counter);
}

// The first of the four elements whose words a counter has, counters numbered through all blocks; the others are 16, 32 and 48 on.
DEV u64 stays_first(u64 counter) { return (counter >> 4) * 64 + (counter & 15); }
