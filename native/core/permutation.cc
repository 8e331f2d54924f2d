#include "permutation.h"

#include <utility>

namespace nabla {

namespace {

// The words of a stream (src/random/stream.ts): Philox4x32-10 under the seed, some counters at a time.
class Words {
 public:
  Words(uint64_t seed, uint32_t purpose, uint64_t index) : seed_(seed), index_(index), purpose_(purpose) {}

  uint32_t next() {
    if (position_ == count) refill();
    return words_[position_++];
  }

 private:
  static constexpr size_t counters = 16, count = 4 * counters;

  void refill() {
    for (size_t c = 0; c < counters; ++c) {
      uint32_t x0 = block_++, x1 = low(index_), x2 = low(index_ >> 32), x3 = purpose_, k0 = low(seed_), k1 = low(seed_ >> 32);
      for (int round = 0; round < 10; ++round) {
        const uint64_t a = uint64_t{0xD2511F53u} * x0, b = uint64_t{0xCD9E8D57u} * x2;
        x0 = low(b >> 32) ^ x1 ^ k0;
        x2 = low(a >> 32) ^ x3 ^ k1;
        x1 = low(b);
        x3 = low(a);
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
      }
      uint32_t* const to = words_ + 4 * c;
      to[0] = x0;
      to[1] = x1;
      to[2] = x2;
      to[3] = x3;
    }
    position_ = 0;
  }
  static uint32_t low(uint64_t x) { return static_cast<uint32_t>(x); }

  uint64_t seed_, index_;
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
