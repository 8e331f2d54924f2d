// A block of rows on its way through all layers, and the lists of its samples where their zeros are left out.
#pragma once
#include "scratch.h"
#include "sparse.h"

namespace nabla {

template <class T>
struct InferenceBlock {
  InferenceBlock(const Plan& plan, size_t rows) : scratch(plan, rows, false) {}
  // Allocates what leaving out zeros needs: work itself must not.
  void reserve_lists(const Data& data, size_t features) {
    lists.reserve(scratch.rows, data.lists ? data.lists->longest : features + list_slack);
    order.reserve(scratch.rows);
    if (data.lists) return;
    index.reserve(scratch.rows * lists.ld);
    values.reserve(lists.ld * bytes_of(data.x.type));
  }

  Scratch<T> scratch;
  SparseRows<T> lists;
  SparseOrder order;
  AlignedArray<uint16_t> index;  // (rows, lists.ld): of lists that are made here
  AlignedArray<uint8_t> values;  // one list's, as they came
};

}  // namespace nabla
