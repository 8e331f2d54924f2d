#include "data.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>

#include "pool.h"
#include "sparse.h"

namespace nabla {

Data::Data() = default;
Data::~Data() = default;

void Matrix::set(InputType t, const void* source, size_t count, bool borrow, unsigned threads) {
  type = t;
  if (borrow) {
    data = source;
    return;
  }
  const size_t bytes = count * bytes_of(t);
  copy = AlignedArray<uint8_t>(bytes, Fill::nothing);
  // The first touch of new memory costs more than the copy: it is shared, too.
  Pool::instance().share(bytes, size_t{4} << 20, threads, [&](unsigned, size_t from, size_t to) {
    std::memcpy(copy.data() + from, static_cast<const uint8_t*>(source) + from, to - from);
  });
  data = copy.data();
}

void Data::set_samples(InputType type, const void* source, bool borrow, unsigned threads) {
  x.type = type;
  if (!borrow) lists = SparseSamples::make(type, source, rows, features, threads);
  if (!lists) x.set(type, source, rows * features, borrow, threads);
}

size_t Data::bytes() const {
  return x.copy.size() + (lists ? lists->bytes() : 0) + values.copy.size() + labels.size() * sizeof(int32_t) +
         weights.size() * sizeof(double);
}

namespace {

// NaN and the infinities have an exponent of ones: one more in it carries into the sign's bit. A loop that compilers turn into vectors.
template <class X, class Bits>
size_t scan(const X* data, size_t count) {
  constexpr int mantissa = sizeof(X) == 4 ? 23 : 52;
  constexpr Bits sign = Bits{1} << (8 * sizeof(X) - 1), one = Bits{1} << mantissa;
  constexpr size_t block = 4096;
  for (size_t from = 0; from < count; from += block) {
    const size_t to = std::min(count, from + block);
    Bits seen = 0;
    for (size_t i = from; i < to; ++i) {
      Bits bits;
      std::memcpy(&bits, data + i, sizeof bits);
      seen |= (bits & ~sign) + one;
    }
    if ((seen & sign) == 0) continue;
    for (size_t i = from; i < to; ++i)
      if (!std::isfinite(data[i])) return i;
  }
  return count;
}

}  // namespace

size_t first_non_finite(InputType type, const void* data, size_t count) {
  if (type == InputType::float32) return scan<float, uint32_t>(static_cast<const float*>(data), count);
  if (type == InputType::float64) return scan<double, uint64_t>(static_cast<const double*>(data), count);
  return count;
}

namespace {

size_t first_beyond_float(const double* data, size_t count) {
  for (size_t i = 0; i < count; ++i)
    if (!std::isfinite(static_cast<float>(data[i]))) return i;
  return count;
}

}  // namespace

size_t first_unusable(InputType type, const void* data, size_t count, bool narrow, unsigned threads) {
  if (type == InputType::uint8) return count;
  std::atomic<size_t> first{count};
  Pool::instance().share(count, size_t{1} << 20, threads, [&](unsigned, size_t from, size_t to) {
    const uint8_t* const part = static_cast<const uint8_t*>(data) + from * bytes_of(type);
    const size_t n = to - from;
    const size_t at = type == InputType::float64 && narrow ? first_beyond_float(reinterpret_cast<const double*>(part), n)
                                                           : first_non_finite(type, part, n);
    if (at == n) return;
    size_t known = first.load(std::memory_order_relaxed);
    while (from + at < known && !first.compare_exchange_weak(known, from + at, std::memory_order_relaxed)) {
    }
  });
  return first.load(std::memory_order_relaxed);
}

}  // namespace nabla
