// Random orders: src/random/permutation.ts, word for word.
#pragma once
#include <cstddef>
#include <cstdint>

namespace nabla {

// 0 to count - 1 in random order (Fisher and Yates from the end, Lemire's bounded integers), fixed by seed, purpose and index.
void permute(uint32_t* order, size_t count, uint64_t seed, uint32_t purpose, uint64_t index);

}  // namespace nabla
