// Inference and evaluation: threads take rows, and blocks of rows go through all layers while they are in L1 and L2.
#include <algorithm>
#include <atomic>
#include <cmath>

#include "engine.h"
#include "prefetch.h"
#include "train_team.h"

namespace nabla {

namespace {

// Two tiles of 14 rows; products by others want more at once.
constexpr size_t own_rows = 28, unpacked_rows = 512;
size_t inference_rows(const Plan& plan) { return plan.unpacked ? unpacked_rows : own_rows; }
constexpr double flops_worth_a_team = 2e6;
// Zeros are left out of samples as wide as this, where at most this share of a block is not 0: `npm run bench:kernels --
// --benchmark_filter=first_layer` finds lists and whole rows equal at 0.2 to 0.4.
constexpr size_t features_worth_lists = 64;
constexpr double most_density = 0.25;
// Rows that are asked for before they are listed.
constexpr size_t list_ahead = 4;

}  // namespace

// Takes a block from the engine's shelf for as long as it lives.
template <class T>
struct Engine<T>::BlockLease {
  explicit BlockLease(const Engine& engine) : engine_(engine) {
    const std::lock_guard<std::mutex> lock(engine_.blocks_mutex_);
    if (engine_.blocks_.empty()) {
      block = std::make_unique<InferenceBlock<T>>(engine_.plan_, inference_rows(engine_.plan_));
    } else {
      block = std::move(engine_.blocks_.back());
      engine_.blocks_.pop_back();
    }
  }
  ~BlockLease() {
    const std::lock_guard<std::mutex> lock(engine_.blocks_mutex_);
    engine_.blocks_.push_back(std::move(block));
  }
  BlockLease(const BlockLease&) = delete;
  BlockLease& operator=(const BlockLease&) = delete;

  const Engine& engine_;
  std::unique_ptr<InferenceBlock<T>> block;
};

template <class T>
typename Engine<T>::Parameters Engine<T>::weights_for(WeightsChoice choice) const {
  if (choice == WeightsChoice::current) return {flat_.data(), &first_finite_, nullptr};
  const std::lock_guard<std::mutex> lock(published_mutex_);
  if (!published_) throw Error("ERR_STATE", "[predict] published weights exist after publish(). Expected it to have been called.");
  return {published_->flat.data(), &published_->first_finite, published_};
}

template <class T>
bool Engine<T>::skips_zeros(const Data& data, const Parameters& parameters) const {
  if (!zeros_stay() || (!data.lists && (data.features < features_worth_lists || data.features > 65535))) return false;
  Finite finite = parameters.first_finite->load(std::memory_order_relaxed);
  if (finite == Finite::unknown) {
    finite = first_weights_finite(parameters.flat, 0, plan_.input_size) ? Finite::yes : Finite::no;
    parameters.first_finite->store(finite, std::memory_order_relaxed);
  }
  return finite == Finite::yes;
}

// Lists of the rows' inputs that are not 0; false where there are too many.
template <class T>
bool Engine<T>::list_block(InferenceBlock<T>& block, const Batch& batch, size_t at, size_t m) const {
  const Data& data = *batch.data;
  SparseRows<T>& rows = block.lists;
  const double most = most_density * static_cast<double>(data.features);
  const size_t bytes = data.features * bytes_of(data.x.type);
  const auto samples = [&](size_t position) {
    const size_t row = batch.rows.order != nullptr ? batch.rows.order[position] : position;
    return static_cast<const char*>(data.x.data) + row * bytes;
  };
  size_t entries = 0;
  for (size_t r = 0; r < m; ++r) {
    const size_t position = batch.rows.from + at + r;
    if (position + list_ahead < batch.limit) prefetch(samples(position + list_ahead), bytes);
    uint16_t* const index = block.index.data() + r * rows.ld;
    const size_t count = k_.list_row(data.x.type, samples(position), data.features, index, block.values.data());
    k_.load_values(data.x.type, block.values.data(), count, affines_.data(), affines_.size(), rows.values.data() + r * rows.ld);
    rows.index[r] = index;
    rows.counts[r] = static_cast<uint32_t>(count);
    entries += count;
    // The first rows of many may be fuller than most.
    if (static_cast<double>(entries) > most * static_cast<double>(r + 2)) return false;
  }
  return true;
}

template <class T>
void Engine<T>::infer(InferenceBlock<T>& block, const Batch& batch, size_t at, size_t m, bool targets, const T* flat, bool skip) const {
  Scratch<T>& s = block.scratch;
  if (skip && batch.data->lists) {
    gather_sparse(block.lists, batch, at, 0, m, m);
  } else if (!skip || !list_block(block, batch, at, m)) {
    gather(s, batch, at, 0, m, targets);
    forward(s, flat, 0, m, false, at);
    return;
  }
  if (targets) gather_targets(s, batch, at, 0, m);
  const SparseLists<T> lists = block.order.build(block.lists, 0, m);
  forward(s, flat, 0, m, false, at, &lists);
}

// Calls row(block, lo, hi, thread) for blocks of positions [lo, hi), spread over the team.
template <class T>
template <class Row>
void Engine<T>::each_block(const Data& data, size_t rows, bool skip, const Row& row) const {
  const size_t step = inference_rows(plan_), most = (rows + step - 1) / step;
  const unsigned threads =
      static_cast<double>(rows) * plan_.flops_per_row < flops_worth_a_team ? 1 : static_cast<unsigned>(std::min<size_t>(threads_, most));
  // Allocation may throw, and work must not: every thread's block is taken here.
  std::vector<std::unique_ptr<BlockLease>> leases;
  for (unsigned t = 0; t < threads; ++t) {
    leases.push_back(std::make_unique<BlockLease>(*this));
    if (skip) leases.back()->block->reserve_lists(data, plan_.input_size);
  }
  std::atomic<size_t> next{0};
  Pool::instance().run(threads, [&](unsigned thread) {
    const FlushToZero flush;
    // Each takes the next block: one that is held up leaves more to the others.
    for (size_t lo = next.fetch_add(step); lo < rows; lo = next.fetch_add(step))
      row(*leases[thread]->block, lo, std::min(rows, lo + step), thread);
  });
}

template <class T>
void Engine<T>::head(T* z, size_t rows) const {
  const Stage& last = plan_.last();
  if (spec_.head == Head::softmax) k_.softmax_rows(z, rows, last.units, last.ld);
  if (spec_.head == Head::sigmoid) k_.sigmoid_rows(z, rows, last.ld);
}

template <class T>
EvaluateOutcome Engine<T>::evaluate(const Data& data, const Rows& rows, WeightsChoice weights, void* outputs) {
  std::shared_lock<std::shared_mutex> lock(weights_mutex_, std::defer_lock);
  if (weights == WeightsChoice::current) lock.lock();
  const Parameters parameters = weights_for(weights);
  const Batch batch{&data, rows, rows.to};
  const Stage& last = plan_.last();
  std::vector<double> row_loss(batch.size());
  std::vector<uint32_t> correct(threads_, 0);
  const double denom = denominator(batch);
  const bool skip = skips_zeros(data, parameters);
  each_block(data, batch.size(), skip, [&](InferenceBlock<T>& block, size_t lo, size_t hi, unsigned thread) {
    Scratch<T>& s = block.scratch;
    infer(block, batch, lo, hi - lo, true, parameters.flat, skip);
    correct[thread] += loss(s, batch, lo, 0, hi - lo, denom, false, outputs != nullptr, row_loss.data() + lo);
    if (outputs != nullptr) copy_rows(s.outputs.data(), last.ld, hi - lo, last.units, static_cast<T*>(outputs) + lo * last.units);
  });
  EvaluateOutcome outcome;
  outcome.loss_sum = weighted_sum(row_loss.data(), batch);
  outcome.denominator = denom;
  outcome.penalty = penalty(parameters.flat);
  for (const uint32_t c : correct) outcome.correct += c;
  return outcome;
}

template <class T>
void Engine<T>::predict(const Data& data, const Rows& rows, OutputKind kind, WeightsChoice weights, void* out) {
  std::shared_lock<std::shared_mutex> lock(weights_mutex_, std::defer_lock);
  if (weights == WeightsChoice::current) lock.lock();
  const Parameters parameters = weights_for(weights);
  const Batch batch{&data, rows, rows.to};
  const Stage& last = plan_.last();
  const bool skip = skips_zeros(data, parameters);
  each_block(data, batch.size(), skip, [&](InferenceBlock<T>& block, size_t lo, size_t hi, unsigned) {
    infer(block, batch, lo, hi - lo, false, parameters.flat, skip);
    T* const z = block.scratch.activations.back().data();
    if (kind == OutputKind::outputs) head(z, hi - lo);
    copy_rows(z, last.ld, hi - lo, last.units, static_cast<T*>(out) + lo * last.units);
  });
}

template <class T>
void Engine<T>::predict_array(InputType type, const void* x, size_t rows, OutputKind kind, WeightsChoice weights, void* out) {
  Data data;
  data.rows = rows;
  data.features = plan_.input_size;
  data.x.type = type;
  data.x.data = x;
  predict(data, Rows{nullptr, 0, rows}, kind, weights, out);
}

#define NABLA_FOR(T)                                                                                        \
  template EvaluateOutcome Engine<T>::evaluate(const Data&, const Rows&, WeightsChoice, void*);             \
  template void Engine<T>::predict(const Data&, const Rows&, OutputKind, WeightsChoice, void*);             \
  template void Engine<T>::predict_array(InputType, const void*, size_t, OutputKind, WeightsChoice, void*); \
  template void Engine<T>::head(T*, size_t) const;                                                          \
  template typename Engine<T>::Parameters Engine<T>::weights_for(WeightsChoice) const;
NABLA_FOR(float)
NABLA_FOR(double)
#undef NABLA_FOR

}  // namespace nabla
