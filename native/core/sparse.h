// Zero skipping in the first layer: samples as lists of the inputs that are not 0. fma(0, w, acc) is acc for every finite w, so the
// bytes stay those of the dense chains; the rule when it is used is in docs/kernels.md.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "aligned.h"
#include "data.h"
#include "plan.h"

namespace nabla {

// All samples of a data set, a list a row: input numbers, and values in the samples' own type. A third of the memory of pictures in bytes,
// and nothing is lost but the sign of zeros.
struct SparseSamples {
  std::vector<size_t> starts;  // rows + 1
  AlignedArray<uint16_t> index;
  AlignedArray<uint8_t> values;
  size_t longest = 0;
  // How many rows use an input: what splits the weights' rows evenly.
  std::vector<size_t> column_counts;

  // Null where more than the share of docs/kernels.md is not 0, or an input number needs more than 16 bits.
  static std::unique_ptr<const SparseSamples> make(InputType type, const void* x, size_t rows, size_t features, unsigned threads);
  size_t bytes() const;
};

// A block of gathered rows.
template <class T>
struct SparseRows {
  size_t capacity = 0, ld = 0;  // rows; longest list, rounded up
  AlignedArray<T> values;       // (rows, ld): rescaled
  std::vector<const uint16_t*> index;
  std::vector<uint32_t> counts;

  void reserve(size_t count, size_t longest);
};

// One thread's rows, those of like length together, so that little is filled up with zeros.
struct SparseOrder {
  std::vector<uint32_t> order, buckets;

  void reserve(size_t most_rows);

  template <class T>
  SparseLists<T> build(SparseRows<T>& samples, size_t lo, size_t hi);
};

// The rows by input, for a range of inputs.
template <class T>
struct SparseColumnLists {
  std::vector<uint32_t> starts, rows, cursor;
  AlignedArray<T> values;

  // Room for the most entries that build may meet: no step allocates.
  void reserve(size_t most_rows, size_t columns, size_t entries);
  SparseColumns<T> build(const SparseRows<T>& samples, size_t count, size_t first, size_t last);
};

// The same for few rows, a bit each.
struct SparseColumnBits {
  std::vector<uint64_t> bits;
  std::vector<uint32_t> begin, next;

  void reserve(size_t columns);
  // For inputs [first, last) of `columns`.
  template <class T>
  SparseBits<T> build(const SparseRows<T>& samples, size_t count, size_t first, size_t last, size_t columns);
};

}  // namespace nabla
