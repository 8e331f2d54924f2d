// Rows on their way through a network, as far as they have come: what evaluations and predictions keep between two slices.
#pragma once
#include <algorithm>
#include <atomic>
#include <functional>
#include <vector>

#include "engine.h"

namespace nabla {

template <class T>
struct Engine<T>::Pass {
  Batch batch;
  bool evaluates;
  OutputKind kind;
  void* out;  // null where nobody wants the outputs
  size_t done = 0;
  // Of an evaluation: losses of all rows, right predictions by thread.
  double denominator = 1;
  std::vector<double> row_loss = {};
  std::vector<uint32_t> correct = {};

  // Calls row(thread, lo, hi) for blocks of `step` rows, spread over the team or on this thread alone; each thread makes one at least.
  template <class Row>
  void spread(size_t step, unsigned threads, Clock::time_point until, const Row& row) {
    const size_t rows = batch.size();
    std::atomic<size_t> next{done};
    const auto work = [&](unsigned thread) {
      const FlushToZero flush;
      // Each takes the next block: one that is held up leaves more to the others.
      for (size_t lo = next.fetch_add(step); lo < rows; lo = next.fetch_add(step)) {
        row(thread, lo, std::min(rows, lo + step));
        if (lo + step < rows && until != Clock::time_point::max() && Clock::now() >= until) return;
      }
    };
    Pool::instance().run_if_free(threads, std::ref(work));
    done = std::min(rows, next.load());
  }
};

}  // namespace nabla
