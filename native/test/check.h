// What the core's tests share: checks that count themselves, a deterministic generator, the kernel sets of this machine.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "kernels/dispatch.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define NABLA_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define NABLA_SANITIZED 1
#endif
#endif

namespace test {

struct Tally {
  long checks = 0, failures = 0;
};
inline Tally& tally() {
  static Tally instance;
  return instance;
}

inline bool check(bool right, const char* file, int line, const std::string& what) {
  ++tally().checks;
  if (!right && ++tally().failures <= 20) std::printf("%s:%d: failed: %s\n", file, line, what.c_str());
  return right;
}
#define CHECK(condition) ::test::check((condition), __FILE__, __LINE__, #condition)
#define CHECK_THAT(condition, what) ::test::check((condition), __FILE__, __LINE__, (what))
#define CHECK_SAME(actual, expected, count, what) ::test::check_same(actual, expected, count, __FILE__, __LINE__, what)

// Bit for bit: signs of zeros count.
template <class T>
bool check_same(const T* actual, const T* expected, size_t count, const char* file, int line, const std::string& what) {
  for (size_t i = 0; i < count; ++i) {
    if (std::memcmp(actual + i, expected + i, sizeof(T)) == 0) continue;
    char text[160];
    std::snprintf(text, sizeof text, ": element %zu of %zu: expected %.17g, received %.17g", i, count, static_cast<double>(expected[i]),
                  static_cast<double>(actual[i]));
    return check(false, file, line, what + text);
  }
  return check(true, file, line, what);
}

// A program without checks has failed.
inline int finish(const char* program) {
  std::printf("%s: %ld checks, %ld failures\n", program, tally().checks, tally().failures);
  return tally().failures == 0 && tally().checks > 0 ? 0 : 1;
}

// xorshift64*: exact on every machine.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ull + 1) {}
  uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545F4914F6CDD1Dull;
  }
  size_t below(size_t n) { return static_cast<size_t>((next() >> 32) * n >> 32); }
  // In [-1, 1), with as many bits as T holds.
  template <class T>
  T number() {
    if (sizeof(T) == 4) return static_cast<T>(static_cast<double>(next() >> 40) / 8388608.0 - 1.0);
    return static_cast<T>(static_cast<double>(next() >> 11) / 4503599627370496.0 - 1.0);
  }
  template <class T>
  void fill(T* to, size_t count, T scale = 1) {
    for (size_t i = 0; i < count; ++i) to[i] = number<T>() * scale;
  }

 private:
  uint64_t state_;
};

// Under a sanitizer whole networks take the best set alone: what differs between sets is the kernels' own tests' business.
#if defined(NABLA_SANITIZED)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

inline std::vector<const nabla::KernelSet*> kernel_sets() {
  std::vector<const nabla::KernelSet*> sets;
  for (int i = 0; i < nabla::isa_count; ++i)
    if (const nabla::KernelSet* set = nabla::kernels_for(static_cast<nabla::Isa>(i))) sets.push_back(set);
  return sets;
}
inline bool fused(const nabla::KernelSet& set) { return set.isa != nabla::Isa::baseline; }

template <class T>
const nabla::KernelTable<T>& table(const nabla::KernelSet& set);
template <>
inline const nabla::KernelTable<float>& table<float>(const nabla::KernelSet& set) {
  return *set.f32;
}
template <>
inline const nabla::KernelTable<double>& table<double>(const nabla::KernelSet& set) {
  return *set.f64;
}

template <class T>
constexpr size_t width = 64 / sizeof(T);

inline size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

// weight (units, inputs) -> packed panels, padding +0.
template <class T>
std::vector<T> packed(const std::vector<T>& weight, size_t units, size_t inputs) {
  const size_t w = width<T>;
  std::vector<T> result(round_up(units, w) * inputs);
  for (size_t o = 0; o < units; ++o)
    for (size_t i = 0; i < inputs; ++i) result[(o / w * inputs + i) * w + o % w] = weight[o * inputs + i];
  return result;
}

}  // namespace test
