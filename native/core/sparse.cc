#include "sparse.h"

#include <algorithm>
#include <cstring>

namespace nabla {

namespace {

template <class X>
size_t count_row(const X* x, size_t features) {
  size_t n = 0;
  for (size_t i = 0; i < features; ++i) n += x[i] != 0;
  return n;
}

template <class X>
size_t list_row(const X* x, size_t features, uint16_t* index, X* values) {
  size_t n = 0;
  size_t i = 0;
  if (sizeof(X) == 1) {
    // Pictures have long runs of zeros: eight bytes at a time.
    for (; i + 8 <= features; i += 8) {
      uint64_t word;
      std::memcpy(&word, x + i, 8);
      if (word == 0) continue;
      for (size_t j = i; j < i + 8; ++j) {
        index[n] = static_cast<uint16_t>(j);
        values[n] = x[j];
        n += x[j] != 0;
      }
    }
  }
  for (; i < features; ++i) {
    index[n] = static_cast<uint16_t>(i);
    values[n] = x[i];
    n += x[i] != 0;
  }
  return n;
}

template <class X>
std::unique_ptr<SparseSamples> make_of(const Data& data, double most_density) {
  const X* const x = static_cast<const X*>(data.x.data);
  const size_t features = data.features;
  // A sample of the rows settles most data sets without a pass over all.
  size_t seen = 0;
  const size_t stride = std::max<size_t>(1, data.rows / 256);
  size_t looked = 0;
  for (size_t r = 0; r < data.rows; r += stride, ++looked) seen += count_row(x + r * features, features);
  const double cells = static_cast<double>(looked) * static_cast<double>(features);
  if (static_cast<double>(seen) > most_density * cells) return nullptr;
  auto result = std::make_unique<SparseSamples>();
  SparseSamples& s = *result;
  s.starts.resize(data.rows + 1);
  for (size_t r = 0; r < data.rows; ++r) {
    const size_t n = count_row(x + r * features, features);
    s.starts[r + 1] = s.starts[r] + n;
    s.longest = std::max(s.longest, n);
  }
  if (static_cast<double>(s.starts.back()) > most_density * static_cast<double>(data.rows) * static_cast<double>(features)) return nullptr;
  // list_row writes one entry past the last one it keeps; the forward kernel reads on over a list's end up to the longest one's length.
  s.index = AlignedArray<uint16_t>(s.starts.back() + s.longest + 16);
  s.values = AlignedArray<uint8_t>((s.starts.back() + 16) * sizeof(X), Fill::nothing);
  s.column_counts.assign(features, 0);
  for (size_t r = 0; r < data.rows; ++r) {
    uint16_t* const index = s.index.data() + s.starts[r];
    const size_t n = list_row(x + r * features, features, index, reinterpret_cast<X*>(s.values.data()) + s.starts[r]);
    if (r % stride == 0)
      for (size_t i = 0; i < n; ++i) ++s.column_counts[index[i]];
  }
  return result;
}

}  // namespace

std::unique_ptr<SparseSamples> SparseSamples::make(const Data& data, double most_density) {
  if (data.features > 65535) return nullptr;
  switch (data.x.type) {
    case InputType::uint8:
      return make_of<uint8_t>(data, most_density);
    case InputType::float32:
      return make_of<float>(data, most_density);
    case InputType::float64:
      return make_of<double>(data, most_density);
  }
  return nullptr;
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

template struct SparseRows<float>;
template struct SparseRows<double>;
template SparseLists<float> SparseOrder::build(SparseRows<float>&, size_t, size_t);
template SparseLists<double> SparseOrder::build(SparseRows<double>&, size_t, size_t);
template struct SparseColumnLists<float>;
template struct SparseColumnLists<double>;

}  // namespace nabla
