#include "sparse.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "../kernels/dispatch.h"
#include "pool.h"

namespace nabla {

namespace {

// Zeros are skipped where at most this share of the inputs is not 0: at 0.2 `npm run bench:density` finds lists faster by 10 to 26 %.
constexpr double most_density = 0.22;

template <class X>
size_t count_row(const X* x, size_t features) {
  // Sums of the numbers' own width, of so many that none overflows: what compilers turn into vectors.
  using Small = std::conditional_t<sizeof(X) == 1, uint8_t, uint32_t>;
  constexpr size_t most = 240;
  size_t n = 0;
  for (size_t from = 0; from < features; from += most) {
    const size_t to = std::min(features, from + most);
    Small part = 0;
    for (size_t i = from; i < to; ++i) part = static_cast<Small>(part + (x[i] != 0));
    n += part;
  }
  return n;
}

template <class X>
std::unique_ptr<const SparseSamples> make_of(InputType type, const X* x, size_t rows, size_t features, unsigned threads) {
  // A sample of the rows settles most data sets without a pass over all.
  size_t seen = 0, looked = 0;
  const size_t stride = std::max<size_t>(1, rows / 256);
  for (size_t r = 0; r < rows; r += stride, ++looked) seen += count_row(x + r * features, features);
  const auto dense = [features](size_t entries, size_t of) {
    return static_cast<double>(entries) > most_density * static_cast<double>(of) * static_cast<double>(features);
  };
  if (dense(seen, looked)) return nullptr;
  auto result = std::make_unique<SparseSamples>();
  SparseSamples& s = *result;
  s.starts.resize(rows + 1);
  const size_t rows_worth = (size_t{4} << 20) / (features * sizeof(X)) + 1;
  Pool::instance().share(rows, rows_worth, threads, [&](unsigned, size_t from, size_t to) {
    for (size_t r = from; r < to; ++r) s.starts[r + 1] = count_row(x + r * features, features);
  });
  for (size_t r = 0; r < rows; ++r) {
    s.longest = std::max(s.longest, s.starts[r + 1]);
    s.starts[r + 1] += s.starts[r];
  }
  if (dense(s.starts.back(), rows)) return nullptr;
  // The forward kernel reads on over a list's end up to the longest one's length.
  s.index = AlignedArray<uint16_t>(s.starts.back() + s.longest + list_slack, Fill::nothing);
  std::memset(s.index.data() + s.starts.back(), 0, (s.longest + list_slack) * sizeof(uint16_t));
  s.values = AlignedArray<uint8_t>((s.starts.back() + list_slack) * sizeof(X), Fill::nothing);
  X* const values = reinterpret_cast<X*>(s.values.data());
  const auto list = best_kernels()->f32->list_row;
  // Kernels write over what follows a list. Behind a thread's last rows that is another thread's: these go through memory of their own.
  std::vector<std::vector<uint16_t>> last_index(threads, std::vector<uint16_t>(features + list_slack));
  std::vector<std::vector<X>> last_values(threads, std::vector<X>(features + list_slack));
  Pool::instance().share(rows, rows_worth, threads, [&](unsigned thread, size_t from, size_t to) {
    const size_t end = s.starts[to];
    for (size_t r = from; r < to; ++r) {
      const size_t at = s.starts[r], count = s.starts[r + 1] - at;
      const bool apart = end - at < features + list_slack;
      uint16_t* const index = apart ? last_index[thread].data() : s.index.data() + at;
      X* const listed = apart ? last_values[thread].data() : values + at;
      list(type, x + r * features, features, index, listed);
      if (!apart) continue;
      std::memcpy(s.index.data() + at, index, count * sizeof(uint16_t));
      std::memcpy(values + at, listed, count * sizeof(X));
    }
  });
  s.column_counts.assign(features, 0);
  for (size_t r = 0; r < rows; r += stride)
    for (size_t i = s.starts[r]; i < s.starts[r + 1]; ++i) ++s.column_counts[s.index[i]];
  return result;
}

}  // namespace

std::unique_ptr<const SparseSamples> SparseSamples::make(InputType type, const void* x, size_t rows, size_t features, unsigned threads) {
  if (features > 65535) return nullptr;
  switch (type) {
    case InputType::uint8:
      return make_of(type, static_cast<const uint8_t*>(x), rows, features, threads);
    case InputType::float32:
      return make_of(type, static_cast<const float*>(x), rows, features, threads);
    case InputType::float64:
      return make_of(type, static_cast<const double*>(x), rows, features, threads);
  }
  return nullptr;
}

size_t SparseSamples::bytes() const {
  return starts.size() * sizeof(size_t) + index.size() * sizeof(uint16_t) + values.size() + column_counts.size() * sizeof(size_t);
}

template <class T>
void SparseRows<T>::reserve(size_t count, size_t longest) {
  const size_t wanted = (longest + 16) / 16 * 16;
  if (count <= capacity && wanted <= ld) return;
  capacity = std::max(count, capacity);
  ld = std::max(wanted, ld);
  values = AlignedArray<T>(capacity * ld);
  index.resize(capacity);
  counts.resize(capacity);
}

template <class T>
SparseLists<T> SparseOrder::build(SparseRows<T>& samples, size_t lo, size_t hi) {
  // Sorted by length, nearly: by its 64th part of the longest there can be, and the longest of a group last.
  constexpr size_t parts = 64;
  const size_t count = hi - lo, step = samples.ld / parts + 1;
  buckets.assign(parts + 1, 0);
  order.resize(count);
  for (size_t r = lo; r < hi; ++r) ++buckets[samples.counts[r] / step + 1];
  for (size_t b = 0; b < parts; ++b) buckets[b + 1] += buckets[b];
  for (size_t r = lo; r < hi; ++r) order[buckets[samples.counts[r] / step]++] = static_cast<uint32_t>(r - lo);
  return {count, order.data(), samples.counts.data() + lo, samples.index.data() + lo, samples.values.data() + lo * samples.ld, samples.ld};
}

void SparseOrder::reserve(size_t most_rows) {
  order.reserve(most_rows);
  buckets.reserve(65);
}

template <class T>
void SparseColumnLists<T>::reserve(size_t most_rows, size_t columns, size_t entries) {
  starts.reserve(columns + 1);
  cursor.reserve(2 * most_rows);
  if (rows.size() < entries) rows.resize(entries);
  values.reserve(rows.size());
}

template <class T>
SparseColumns<T> SparseColumnLists<T>::build(const SparseRows<T>& samples, size_t count, size_t first, size_t last) {
  const size_t columns = last - first;
  starts.assign(columns + 1, 0);
  cursor.resize(count * 2);
  for (size_t r = 0; r < count; ++r) {
    const uint16_t* const begin = samples.index[r];
    const uint16_t* const end = begin + samples.counts[r];
    const uint16_t* const from = first == 0 ? begin : std::lower_bound(begin, end, first);
    const uint16_t* const to = last > 65535 ? end : std::lower_bound(from, end, last);
    cursor[2 * r] = static_cast<uint32_t>(from - begin);
    cursor[2 * r + 1] = static_cast<uint32_t>(to - begin);
    for (const uint16_t* i = from; i < to; ++i) ++starts[*i - first + 1];
  }
  for (size_t c = 0; c < columns; ++c) starts[c + 1] += starts[c];
  // Filling moves each start to the next one's place; shifting back is cheaper than a second array.
  for (size_t r = 0; r < count; ++r) {
    const uint16_t* const index = samples.index[r];
    const T* const row = samples.values.data() + r * samples.ld;
    for (uint32_t n = cursor[2 * r]; n < cursor[2 * r + 1]; ++n) {
      const uint32_t at = starts[index[n] - first]++;
      rows[at] = static_cast<uint32_t>(r);
      values[at] = row[n];
    }
  }
  for (size_t c = columns; c > 0; --c) starts[c] = starts[c - 1];
  starts[0] = 0;
  return {first, columns, starts.data(), rows.data(), values.data()};
}

void SparseColumnBits::reserve(size_t columns) {
  bits.reserve(columns);
  begin.reserve(most_bit_rows);
  next.reserve(most_bit_rows);
}

template <class T>
SparseBits<T> SparseColumnBits::build(const SparseRows<T>& samples, size_t count, size_t first, size_t last, size_t columns) {
  bits.assign(last - first, 0);
  begin.resize(count);
  next.resize(count);
  for (size_t r = 0; r < count; ++r) {
    const uint16_t* const index = samples.index[r];
    const uint32_t length = samples.counts[r];
    const uint64_t bit = uint64_t{1} << r;
    uint32_t n;
    if (last == columns && first > 0) {
      // From the end: cheaper than to look for the place where the range begins.
      for (n = length; n > 0 && index[n - 1] >= first; --n) bits[index[n - 1] - first] |= bit;
      begin[r] = static_cast<uint32_t>(r * samples.ld + n);
      continue;
    }
    n = first == 0 ? 0 : static_cast<uint32_t>(std::lower_bound(index, index + length, first) - index);
    begin[r] = static_cast<uint32_t>(r * samples.ld + n);
    for (; n < length && index[n] < last; ++n) bits[index[n] - first] |= bit;
  }
  return {first, last - first, count, bits.data(), begin.data(), next.data(), samples.values.data()};
}

template struct SparseRows<float>;
template struct SparseRows<double>;
template SparseLists<float> SparseOrder::build(SparseRows<float>&, size_t, size_t);
template SparseLists<double> SparseOrder::build(SparseRows<double>&, size_t, size_t);
template struct SparseColumnLists<float>;
template struct SparseColumnLists<double>;
template SparseBits<float> SparseColumnBits::build(const SparseRows<float>&, size_t, size_t, size_t, size_t);
template SparseBits<double> SparseColumnBits::build(const SparseRows<double>&, size_t, size_t, size_t, size_t);

}  // namespace nabla
