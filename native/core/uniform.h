// Uniform random numbers: src/random/uniform.ts, word for word.
#pragma once
#include <cstddef>
#include <cstdint>

namespace nabla {

// Numbers of [low, high) from the beginning of the stream that seed, purpose and index fix; over a team where there are many.
template <class T>
void fill_uniform(T* out, size_t count, uint64_t seed, uint32_t purpose, uint64_t index, double low, double high);

}  // namespace nabla
