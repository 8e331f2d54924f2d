// Inference and evaluation: threads take rows, and blocks of rows go through all layers while they are in L1 and L2.
#include <algorithm>
#include <atomic>
#include <cmath>

#include "engine.h"
#include "train_team.h"

namespace nabla {

namespace {

// Two tiles of 14 rows; products by others want more at once.
constexpr size_t own_rows = 28, unpacked_rows = 512;
size_t inference_rows(const Plan& plan) { return plan.unpacked ? unpacked_rows : own_rows; }
constexpr double flops_worth_a_team = 2e6;

}  // namespace

// Takes a scratch from the engine's shelf for as long as it lives.
template <class T>
struct Engine<T>::ScratchLease {
  explicit ScratchLease(const Engine& engine) : engine_(engine) {
    const std::lock_guard<std::mutex> lock(engine_.scratch_mutex_);
    if (engine_.scratch_.empty()) {
      scratch = std::make_unique<Scratch<T>>(engine_.plan_, inference_rows(engine_.plan_), false);
    } else {
      scratch = std::move(engine_.scratch_.back());
      engine_.scratch_.pop_back();
    }
  }
  ~ScratchLease() {
    const std::lock_guard<std::mutex> lock(engine_.scratch_mutex_);
    engine_.scratch_.push_back(std::move(scratch));
  }
  ScratchLease(const ScratchLease&) = delete;
  ScratchLease& operator=(const ScratchLease&) = delete;

  const Engine& engine_;
  std::unique_ptr<Scratch<T>> scratch;
};

template <class T>
typename Engine<T>::Parameters Engine<T>::weights_for(WeightsChoice choice) const {
  // The engine's own parameters are held by the caller's lock, not by the pointer.
  if (choice == WeightsChoice::current) return Parameters(Parameters(), &flat_);
  const std::lock_guard<std::mutex> lock(published_mutex_);
  if (!published_) throw Error("ERR_STATE", "[predict] published weights exist after publish(). Expected it to have been called.");
  return published_;
}

// Calls row(scratch, lo, hi, thread) for blocks of positions [lo, hi), spread over the team.
template <class T>
template <class Row>
void Engine<T>::each_block(size_t rows, const Row& row) const {
  const size_t step = inference_rows(plan_), most = (rows + step - 1) / step;
  const unsigned threads =
      static_cast<double>(rows) * plan_.flops_per_row < flops_worth_a_team ? 1 : static_cast<unsigned>(std::min<size_t>(threads_, most));
  // Allocation may throw, and work must not: every thread's scratch is taken here.
  std::vector<std::unique_ptr<ScratchLease>> leases;
  for (unsigned t = 0; t < threads; ++t) leases.push_back(std::make_unique<ScratchLease>(*this));
  std::atomic<size_t> next{0};
  Pool::instance().run(threads, [&](unsigned thread) {
    const FlushToZero flush;
    const size_t begin = rows * thread / threads, end = rows * (thread + 1) / threads;
    for (size_t lo = begin; lo < end; lo += step) row(*leases[thread]->scratch, lo, std::min(end, lo + step), thread);
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
  each_block(batch.size(), [&](Scratch<T>& s, size_t lo, size_t hi, unsigned thread) {
    gather(s, batch, lo, 0, hi - lo, true);
    forward(s, parameters->data(), 0, hi - lo, false, lo);
    correct[thread] += loss(s, batch, lo, 0, hi - lo, denom, false, outputs != nullptr, row_loss.data() + lo);
    if (outputs != nullptr) copy_rows(s.outputs.data(), last.ld, hi - lo, last.units, static_cast<T*>(outputs) + lo * last.units);
  });
  EvaluateOutcome outcome;
  outcome.loss_sum = weighted_sum(row_loss.data(), batch);
  outcome.denominator = denom;
  outcome.penalty = penalty(parameters->data());
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
  each_block(batch.size(), [&](Scratch<T>& s, size_t lo, size_t hi, unsigned) {
    gather(s, batch, lo, 0, hi - lo, false);
    forward(s, parameters->data(), 0, hi - lo, false, lo);
    T* const z = s.activations.back().data();
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
