// 32-bit words side by side in plain loops, for instruction sets without a way of their own: what dropout's generator computes with.
#pragma once

namespace nabla {
namespace NABLA_KERNELS {

struct PortableWords {
  static constexpr size_t counters = 8;
  struct Words {
    uint32_t v[counters];
  };
  static NABLA_INLINE Words all(uint32_t x) {
    Words r;
    for (size_t j = 0; j < counters; ++j) r.v[j] = x;
    return r;
  }
  static NABLA_INLINE Words count_from(uint32_t x) {
    Words r;
    for (size_t j = 0; j < counters; ++j) r.v[j] = x + static_cast<uint32_t>(j);
    return r;
  }
  static NABLA_INLINE Words exclusive(const Words& a, const Words& b) {
    Words r;
    for (size_t j = 0; j < counters; ++j) r.v[j] = a.v[j] ^ b.v[j];
    return r;
  }
  // The 64 bits of a product, in two halves.
  static NABLA_INLINE void multiply(const Words& a, uint32_t b, Words& high, Words& low) {
    for (size_t j = 0; j < counters; ++j) {
      const uint64_t product = uint64_t{a.v[j]} * b;
      high.v[j] = static_cast<uint32_t>(product >> 32);
      low.v[j] = static_cast<uint32_t>(product);
    }
  }
  // Four words of the first counter, four of the second, …
  static NABLA_INLINE void store_by_counter(const Words& a, const Words& b, const Words& c, const Words& d, uint32_t* to) {
    for (size_t j = 0; j < counters; ++j) {
      to[4 * j] = a.v[j];
      to[4 * j + 1] = b.v[j];
      to[4 * j + 2] = c.v[j];
      to[4 * j + 3] = d.v[j];
    }
  }
};

}  // namespace NABLA_KERNELS
}  // namespace nabla
