// Inference and evaluation: threads take rows, and blocks of rows go through all layers while they are in L1 and L2. In slices, so that
// a long one leaves others their turn.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "inference_pass.h"
#include "prefetch.h"

namespace nabla {

namespace {

// Two tiles of 14 rows; products by others want more at once.
constexpr size_t own_rows = 28, unpacked_rows = 512;
size_t inference_rows(const Plan& plan) { return plan.unpacked ? unpacked_rows : own_rows; }
constexpr double flops_worth_a_team = 2e6;
// Of calls that go to the end at once: after this time they look again whether the team is free.
constexpr std::chrono::milliseconds own_slice{20};
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

template <class T>
unsigned Engine<T>::inference_threads(size_t rows, size_t step) const {
  if (static_cast<double>(rows) * plan_.flops_per_row < flops_worth_a_team) return 1;
  return static_cast<unsigned>(std::min<size_t>(threads_, (rows + step - 1) / step));
}

template <class T>
void Engine<T>::head(T* z, size_t rows) const {
  const Stage& last = plan_.last();
  if (spec_.head == Head::softmax) k_.softmax_rows(z, rows, last.units, last.ld);
  if (spec_.head == Head::sigmoid) k_.sigmoid_rows(z, rows, last.ld);
}

template <class T>
void Engine<T>::go_through(Pass& pass, const Parameters& parameters, Clock::time_point until) const {
  const Batch& batch = pass.batch;
  const Stage& last = plan_.last();
  const size_t step = inference_rows(plan_);
  const bool skip = skips_zeros(*batch.data, parameters);
  const unsigned threads = inference_threads(batch.size() - pass.done, step);
  // Allocation may throw, and work must not: every thread's block is taken here.
  std::vector<std::unique_ptr<BlockLease>> leases;
  for (unsigned t = 0; t < threads; ++t) {
    leases.push_back(std::make_unique<BlockLease>(*this));
    if (skip) leases.back()->block->reserve_lists(*batch.data, plan_.input_size);
  }
  pass.spread(step, threads, until, [&](unsigned thread, size_t lo, size_t hi) {
    InferenceBlock<T>& block = *leases[thread]->block;
    infer(block, batch, lo, hi - lo, pass.evaluates, parameters.flat, skip);
    T* from = block.scratch.outputs.data();
    if (pass.evaluates) {
      pass.correct[thread] +=
          loss(block.scratch, batch, lo, 0, hi - lo, pass.denominator, false, pass.out != nullptr, pass.row_loss.data() + lo);
    } else {
      from = block.scratch.activations.back().data();
      if (pass.kind == OutputKind::outputs) head(from, hi - lo);
    }
    if (pass.out != nullptr) copy_rows(from, last.ld, hi - lo, last.units, static_cast<T*>(pass.out) + lo * last.units);
  });
}

// True when all rows are done, and then the outcome is there.
template <class T>
bool Engine<T>::go_on(Pass& pass, const Parameters& parameters, Clock::time_point until, EvaluateOutcome& outcome) const {
  if (pass.evaluates && pass.done == 0) {
    pass.row_loss.resize(pass.batch.size());
    pass.correct.assign(threads_, 0);
    pass.denominator = denominator(pass.batch);
  }
  go_through(pass, parameters, until);
  if (pass.done < pass.batch.size()) return false;
  if (!pass.evaluates) return true;
  outcome.loss_sum = weighted_sum(pass.row_loss.data(), pass.batch);
  outcome.denominator = pass.denominator;
  outcome.penalty = penalty(parameters.flat);
  for (const uint32_t c : pass.correct) outcome.correct += c;
  return true;
}

// Nobody changes the weights meanwhile.
template <class T>
void Engine<T>::go_to_the_end(Pass& pass, WeightsChoice weights, EvaluateOutcome& outcome) const {
  std::shared_lock<std::shared_mutex> lock(weights_mutex_, std::defer_lock);
  if (weights == WeightsChoice::current) lock.lock();
  const Parameters parameters = weights_for(weights);
  // A clock is not free beside the smallest networks.
  const bool brief = static_cast<double>(pass.batch.size()) * plan_.flops_per_row < flops_worth_a_team;
  while (!go_on(pass, parameters, brief ? Clock::time_point::max() : Clock::now() + own_slice, outcome)) {
  }
}

template <class T>
EvaluateOutcome Engine<T>::evaluate(const Data& data, const Rows& rows, WeightsChoice weights, void* outputs) {
  Pass pass{{&data, rows, rows.to}, true, OutputKind::outputs, outputs};
  EvaluateOutcome outcome;
  go_to_the_end(pass, weights, outcome);
  return outcome;
}

template <class T>
void Engine<T>::predict(const Data& data, const Rows& rows, OutputKind kind, WeightsChoice weights, void* out) {
  Pass pass{{&data, rows, rows.to}, false, kind, out};
  EvaluateOutcome none;
  go_to_the_end(pass, weights, none);
}

template <class T>
std::shared_ptr<const Reading> Engine<T>::read(WeightsChoice weights) const {
  const auto reader = std::make_shared<Reader>();
  if (weights == WeightsChoice::published) {
    reader->kept = weights_for(weights).owner;
    return reader;
  }
  const std::lock_guard<std::mutex> lock(readers_mutex_);
  readers_.erase(std::remove_if(readers_.begin(), readers_.end(), [](const auto& each) { return each.expired(); }), readers_.end());
  readers_.push_back(reader);
  return reader;
}

template <class T>
class Engine<T>::Sliced final : public Inference {
 public:
  Sliced(const Engine& engine, Pass pass, std::shared_ptr<const Reading> reading)
      : engine_(engine), pass_(std::move(pass)), reader_(std::static_pointer_cast<const Reader>(std::move(reading))) {}

  bool go_on(double milliseconds) override {
    const Clock::time_point until =
        Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double, std::milli>(milliseconds));
    // Who has a copy already does not wait for a slice of training.
    std::shared_ptr<const Published> kept = kept_weights();
    if (!kept) {
      const std::shared_lock<std::shared_mutex> lock(engine_.weights_mutex_);
      kept = kept_weights();
      if (!kept) return engine_.go_on(pass_, {engine_.flat_.data(), &engine_.first_finite_, nullptr}, until, outcome_);
    }
    return engine_.go_on(pass_, {kept->flat.data(), &kept->first_finite, kept}, until, outcome_);
  }

 private:
  std::shared_ptr<const Published> kept_weights() const {
    const std::lock_guard<std::mutex> lock(engine_.readers_mutex_);
    return reader_->kept;
  }

  const Engine& engine_;
  Pass pass_;
  std::shared_ptr<const Reader> reader_;
};

template <class T>
std::unique_ptr<Inference> Engine<T>::begin_evaluate(const Data& data, const Rows& rows, std::shared_ptr<const Reading> reading,
                                                     void* outputs) {
  return std::make_unique<Sliced>(*this, Pass{{&data, rows, rows.to}, true, OutputKind::outputs, outputs}, std::move(reading));
}

template <class T>
std::unique_ptr<Inference> Engine<T>::begin_predict(const Data& data, const Rows& rows, OutputKind kind,
                                                    std::shared_ptr<const Reading> reading, void* out) {
  return std::make_unique<Sliced>(*this, Pass{{&data, rows, rows.to}, false, kind, out}, std::move(reading));
}

template <class T>
std::shared_ptr<const typename Engine<T>::Published> Engine<T>::copy_of_weights() const {
  auto copy = std::make_shared<Published>();
  copy->flat = AlignedArray<T>(plan_.flat_size, Fill::nothing);
  std::memcpy(copy->flat.data(), flat_.data(), plan_.flat_size * sizeof(T));
  return copy;
}

template <class T>
void Engine<T>::let_readers_keep() {
  const std::lock_guard<std::mutex> lock(readers_mutex_);
  std::shared_ptr<const Published> copy;
  for (const std::weak_ptr<Reader>& each : readers_) {
    const std::shared_ptr<Reader> reader = each.lock();
    if (!reader || reader->kept) continue;
    if (!copy) copy = copy_of_weights();
    reader->kept = copy;
  }
  readers_.clear();
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

#define NABLA_FOR(T)                                                                                                                 \
  template EvaluateOutcome Engine<T>::evaluate(const Data&, const Rows&, WeightsChoice, void*);                                      \
  template void Engine<T>::predict(const Data&, const Rows&, OutputKind, WeightsChoice, void*);                                      \
  template void Engine<T>::predict_array(InputType, const void*, size_t, OutputKind, WeightsChoice, void*);                          \
  template std::shared_ptr<const Reading> Engine<T>::read(WeightsChoice) const;                                                      \
  template std::unique_ptr<Inference> Engine<T>::begin_evaluate(const Data&, const Rows&, std::shared_ptr<const Reading>, void*);    \
  template std::unique_ptr<Inference> Engine<T>::begin_predict(const Data&, const Rows&, OutputKind, std::shared_ptr<const Reading>, \
                                                               void*);                                                               \
  template void Engine<T>::go_through(Pass&, const Parameters&, Clock::time_point) const;                                            \
  template unsigned Engine<T>::inference_threads(size_t, size_t) const;                                                              \
  template std::shared_ptr<const typename Engine<T>::Published> Engine<T>::copy_of_weights() const;                                  \
  template void Engine<T>::let_readers_keep();                                                                                       \
  template void Engine<T>::head(T*, size_t) const;
NABLA_FOR(float)
NABLA_FOR(double)
#undef NABLA_FOR

}  // namespace nabla
