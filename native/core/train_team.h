// What the threads of a training job share, and what each owns.
#pragma once
#include <memory>
#include <vector>

#include "engine.h"

namespace nabla {

// Rows that one pass of samples takes at most: a longer batch goes through in chunks, its chains continued.
constexpr size_t chunk_rows = 1024;
// Rows of a sub-block in the sample-split plan: forward and backward while they are in L2.
constexpr size_t block_rows = 128;

template <class T>
struct Engine<T>::Team {
  // How a number of threads shares the work.
  struct Split {
    unsigned threads = 0;
    std::unique_ptr<Barrier> barrier;
    std::vector<std::vector<WeightRun>> runs;
    std::vector<std::vector<WeightRun>> later_runs;  // all layers but the first, where zeros are skipped
    std::vector<size_t> column_split;                // then a thread's inputs of the first layer: [t], [t + 1]
  };
  // All threads, or one while other processes hold the processors: waiting for a thread that is not running costs more than its help.
  Split full, solo;
  Split* split = nullptr;
  std::atomic<int64_t> stalled{0};  // nanoseconds that threads waited for one another since the team last met
  bool leave = false;               // written by thread 0 before a barrier

  // Parameter-split plan: one scratch of a chunk for all. Sample-split plan: one of a sub-block for each thread.
  Scratch<T> chunk;
  std::vector<Scratch<T>> blocks;
  AlignedArray<T> gradients;  // flat
  AlignedArray<T> partials;   // 16 flats
  std::vector<double> row_loss;
  std::vector<uint32_t> correct;  // a thread, of the current step
  std::vector<double> losses;     // the current step's loss, which every thread adds up for itself

  // Zero skipping: null where it is not used. Of the chunk, or of each thread's sub-block.
  const SparseSamples* sparse = nullptr;
  std::vector<SparseRows<T>> sparse_rows;  // one for the chunk, or one a thread
  std::vector<SparseOrder> sparse_order;   // a thread
  std::vector<SparseColumnLists<T>> sparse_columns;
  std::vector<SparseColumnBits> sparse_bits;
  std::atomic<bool> weights_finite{true};

  // Of the current step; written by thread 0 before a barrier.
  double penalty = 0;
  bool stop = false;
  std::atomic<bool> given_up{false};  // a long step that was aborted in the middle: read by all behind the same barrier
  TrainOutcome* outcome = nullptr;
  bool outputs = false;
  size_t output_row = 0;  // first output row of the current step

  void meet(unsigned thread) {
    const int64_t waited = split->barrier->wait(thread);
    if (waited > 0) stalled.fetch_add(waited, std::memory_order_relaxed);
  }
};

}  // namespace nabla
