#include "permutation.h"

#include <utility>

#include "../kernels/dispatch.h"

namespace nabla {

namespace {

// The words of a stream (src/random/stream.ts).
class Words {
 public:
  Words(uint64_t seed, uint32_t purpose, uint64_t index) : key_{low(seed), low(seed >> 32)}, index_(index), purpose_(purpose) {}

  uint32_t next() {
    if (position_ == count) refill();
    return words_[position_++];
  }

 private:
  static constexpr size_t count = 4 * random_counters;

  void refill() {
    draw_(block_, low(index_), low(index_ >> 32), purpose_, key_, words_);
    block_ += static_cast<uint32_t>(random_counters);
    position_ = 0;
  }
  static uint32_t low(uint64_t x) { return static_cast<uint32_t>(x); }

  decltype(KernelTable<float>::random_words) draw_ = best_kernels()->f32->random_words;
  uint32_t key_[2];
  uint64_t index_;
  uint32_t purpose_, block_ = 0;
  uint32_t words_[count];
  size_t position_ = count;
};

}  // namespace

void permute(uint32_t* order, size_t count, uint64_t seed, uint32_t purpose, uint64_t index) {
  for (size_t i = 0; i < count; ++i) order[i] = static_cast<uint32_t>(i);
  if (count < 2) return;
  Words words(seed, purpose, index);
  // Partners do not depend on the swaps: they are drawn some ahead, and what lies there is asked for.
  constexpr size_t ahead = 32;
  uint32_t partners[ahead];
  for (size_t left = count - 1; left > 0;) {
    const size_t n = left < ahead ? left : ahead;
    for (size_t k = 0; k < n; ++k) {
      const uint32_t bound = static_cast<uint32_t>(left - k + 1);
      uint64_t product = uint64_t{words.next()} * bound;
      // Words that would favour some results are drawn again.
      while (static_cast<uint32_t>(product) < bound && static_cast<uint32_t>(product) < (0u - bound) % bound)
        product = uint64_t{words.next()} * bound;
      partners[k] = static_cast<uint32_t>(product >> 32);
      __builtin_prefetch(order + partners[k], 1, 3);
    }
    for (size_t k = 0; k < n; ++k) std::swap(order[left - k], order[partners[k]]);
    left -= n;
  }
}

}  // namespace nabla
