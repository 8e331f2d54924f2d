#include "data.h"

#include <cmath>

#include "sparse.h"

namespace nabla {

Data::Data() = default;
Data::~Data() = default;

void Data::set_samples(InputType type, const void* source, bool borrow) {
  x.type = type;
  if (!borrow) lists = SparseSamples::make(type, source, rows, features);
  if (!lists) x.set(type, source, rows * features, borrow);
}

size_t Data::bytes() const {
  return x.copy.size() + (lists ? lists->bytes() : 0) + values.copy.size() + labels.size() * sizeof(int32_t) +
         weights.size() * sizeof(double);
}

namespace {

template <class X>
size_t scan(const X* data, size_t count) {
  // A block at a time: x - x is 0 for finite numbers and NaN otherwise, and the sum keeps it.
  constexpr size_t block = 4096;
  for (size_t from = 0; from < count; from += block) {
    const size_t to = from + block < count ? from + block : count;
    X sum = 0;
    for (size_t i = from; i < to; ++i) sum += data[i] - data[i];
    if (sum == 0) continue;
    for (size_t i = from; i < to; ++i)
      if (!std::isfinite(data[i])) return i;
  }
  return count;
}

}  // namespace

size_t first_non_finite(InputType type, const void* data, size_t count) {
  if (type == InputType::float32) return scan(static_cast<const float*>(data), count);
  if (type == InputType::float64) return scan(static_cast<const double*>(data), count);
  return count;
}

}  // namespace nabla
