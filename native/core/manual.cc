// The machinery taken apart: forward, backward and update one by one, and the parameters' way in and out.
#include <algorithm>
#include <atomic>

#include "engine.h"
#include "train_team.h"

namespace nabla {

// Calls body(lo, hi) for parts of the rows that stay in L2, spread over the team.
template <class T>
template <class Body>
void Engine<T>::over_rows(size_t rows, const Body& body) const {
  const size_t parts = (rows + block_rows - 1) / block_rows;
  std::atomic<size_t> next{0};
  Pool::instance().run_if_free(threads_for(rows), [&](unsigned) {
    const FlushToZero flush;
    for (size_t part = next.fetch_add(1, std::memory_order_relaxed); part < parts; part = next.fetch_add(1, std::memory_order_relaxed))
      body(part * block_rows, std::min(rows, (part + 1) * block_rows));
  });
}

// Packed gradients of the scratch's rows, in canonical arrays; dx where wanted.
template <class T>
void Engine<T>::write_gradients(Scratch<T>& s, size_t rows, bool with_l2, const std::vector<void*>& gradients, void* dx) {
  AlignedArray<T> flat(plan_.flat_size);
  const size_t count = gradient_blocks(rows, plan_.parameters);
  AlignedArray<T> partial(count > 1 ? count * plan_.flat_size : 0);
  const unsigned threads = threads_for(rows);
  const std::vector<std::vector<WeightRun>> whole = split_weights(plan_, 1), shares = split_weights(plan_, threads);
  // Rows [from, to) in parts that stay in L2; a part continues the chains of the one before.
  const auto gradients_of = [&](const std::vector<WeightRun>& runs, size_t from, size_t to, size_t share, size_t parts, T* out) {
    for (size_t at = from; at < to; at += block_rows) {
      const size_t m = std::min(block_rows, to - at);
      for (const WeightRun& run : runs) {
        const Stage& stage = plan_.stages[run.stage];
        const size_t ld = stage_input_ld(run.stage);
        const GradientSink<T> sink{out + stage.weight_at, at > from, nullptr};
        k_.weight_gradient(stage_input(s, run.stage, true) + at * ld, ld, s.gradients[run.stage].data() + at * stage.ld, stage.ld, m,
                           stage.inputs, run.i0, run.i1, run.p0, run.p1, &sink);
      }
      for (size_t i = 0; i < plan_.stages.size(); ++i) {
        const Stage& stage = plan_.stages[i];
        if (!stage.use_bias) continue;
        const GradientSink<T> sink{out + stage.bias_at, at > from, nullptr};
        k_.bias_gradient(s.gradients[i].data() + at * stage.ld, stage.ld, m, stage.panels * share / parts,
                         stage.panels * (share + 1) / parts, &sink);
      }
    }
  };
  Pool::instance().run(threads, [&](unsigned thread) {
    const FlushToZero flush;
    if (count == 1) return gradients_of(shares[thread], 0, rows, thread, threads, flat.data());
    for (size_t block = count * thread / threads; block < count * (thread + 1) / threads; ++block)
      gradients_of(whole[0], rows * block / count, rows * (block + 1) / count, 0, 1, partial.data() + block * plan_.flat_size);
  });
  if (count > 1) k_.sum_blocks(partial.data(), count, plan_.flat_size, 0, plan_.flat_size, flat.data());
  if (with_l2) add_penalties(flat.data());
  unpack(flat.data(), gradients);
  if (dx == nullptr) return;
  const Stage& first = plan_.stages[0];
  AlignedArray<T> transposed(plan_.unpacked ? 0 : first.input_panels * first.panels * plan_.width * plan_.width);
  if (!plan_.unpacked)
    k_.transpose_weight(flat_.data(), first.inputs, first.panels, 0, first.input_panels, 0, first.panels, transposed.data());
  AlignedArray<T> full(rows * plan_.input_ld);
  over_rows(rows, [&](size_t lo, size_t hi) {
    k_.dense_backward_input(s.gradients[0].data() + lo * first.ld, first.ld, hi - lo, first.units,
                            plan_.unpacked ? flat_.data() : transposed.data(), first.input_panels, full.data() + lo * plan_.input_ld,
                            plan_.input_ld, nullptr, Activation::linear);
  });
  for (size_t d = plan_.dropouts.size(); d-- > 0;)
    if (plan_.dropouts[d].after_stage == 0)
      k_.dropout_backward(full.data(), s.masks[d].data(), rows, plan_.input_ld, static_cast<T>(1.0 / (1.0 - plan_.dropouts[d].rate)));
  for (size_t f = affines_.size(); f-- > 0;)
    for (size_t i = 0; i < full.size(); ++i) {
      const size_t feature = i % plan_.input_ld;
      full[i] *= affines_[f].means == nullptr ? affines_[f].scale : feature < plan_.input_size ? affines_[f].scales[feature] : T(0);
    }
  copy_rows(full.data(), plan_.input_ld, rows, plan_.input_size, static_cast<T*>(dx));
}

template <class T>
void Engine<T>::forward_train(const Data& data, const Rows& rows, void* outputs, void* logits, const std::vector<void*>& activations) {
  const std::unique_lock<std::shared_mutex> lock(weights_mutex_);
  const Batch batch{&data, rows, rows.to};
  const size_t n = batch.size();
  manual_rows_ = 0;
  if (manual_.rows != n) manual_ = Scratch<T>(plan_, n, true);
  const Stage& last = plan_.last();
  over_rows(n, [&](size_t lo, size_t hi) {
    gather(manual_, batch, 0, lo, hi, false);
    forward(manual_, flat_.data(), lo, hi, true, 0);
    for (size_t i = 0; i < plan_.stages.size(); ++i) {
      const Stage& stage = plan_.stages[i];
      copy_rows(stage_input(manual_, i + 1, true) + lo * stage.ld, stage.ld, hi - lo, stage.units,
                static_cast<T*>(activations[i]) + lo * stage.units);
    }
    const T* const z = stage_input(manual_, plan_.stages.size(), true) + lo * last.ld;
    T* const out = manual_.outputs.data() + lo * last.ld;
    copy_rows(z, last.ld, hi - lo, last.units, static_cast<T*>(logits) + lo * last.units);
    std::memcpy(out, z, (hi - lo) * last.ld * sizeof(T));
    head(out, hi - lo);
    copy_rows(out, last.ld, hi - lo, last.units, static_cast<T*>(outputs) + lo * last.units);
  });
  manual_rows_ = n;
}

template <class T>
void Engine<T>::backward(const void* dlogits, const std::vector<void*>& gradients, void* dx) {
  const std::unique_lock<std::shared_mutex> lock(weights_mutex_);
  const Stage& last = plan_.last();
  T* const dz = manual_.gradients.back().data();
  std::fill(dz, dz + manual_rows_ * last.ld, T(0));
  for (size_t r = 0; r < manual_rows_; ++r)
    std::memcpy(dz + r * last.ld, static_cast<const T*>(dlogits) + r * last.units, last.units * sizeof(T));
  over_rows(manual_rows_, [&](size_t lo, size_t hi) { backward_rows(manual_, lo, hi); });
  write_gradients(manual_, manual_rows_, false, gradients, dx);
}

template <class T>
void Engine<T>::apply_gradients(const std::vector<const void*>& gradients, const double* scalars) {
  const std::unique_lock<std::shared_mutex> lock(weights_mutex_);
  AlignedArray<T> flat(plan_.flat_size);
  pack(gradients, flat.data());
  let_readers_keep();
  first_finite_.store(Finite::unknown, std::memory_order_relaxed);
  const FlushToZero flush;
  prepare_updates(scalars);
  if (spec_.optimizer.clips_norms()) {
    gradient_norms(flat.data(), 0, 1);
    scale_updates();
  }
  update_range(flat.data(), 0, 1);
  if (row_constraints_) constrain_rows(0, 1);
  refresh_transposed(0, 1);
  step_ += 1;
  manual_rows_ = 0;
}

template <class T>
EvaluateOutcome Engine<T>::loss_and_gradients(const Data& data, const Rows& rows, const std::vector<void*>& gradients, void* dx,
                                              void* outputs) {
  const std::unique_lock<std::shared_mutex> lock(weights_mutex_);
  const Batch batch{&data, rows, rows.to};
  const size_t n = batch.size();
  manual_rows_ = 0;
  Scratch<T> s(plan_, n, true);
  std::vector<double> row_loss(n);
  const FlushToZero flush;
  EvaluateOutcome outcome;
  outcome.denominator = denominator(batch);
  gather(s, batch, 0, 0, n, true);
  forward(s, flat_.data(), 0, n, true, 0);
  outcome.correct = loss(s, batch, 0, 0, n, outcome.denominator, true, true, row_loss.data());
  copy_rows(s.outputs.data(), plan_.last().ld, n, plan_.last().units, static_cast<T*>(outputs));
  outcome.loss_sum = weighted_sum(row_loss.data(), batch);
  outcome.penalty = penalty(flat_.data());
  backward_rows(s, 0, n);
  write_gradients(s, n, true, gradients, dx);
  return outcome;
}

// Packed panels -> canonical (out, in) arrays.
template <class T>
void Engine<T>::unpack(const T* flat, const std::vector<void*>& arrays) const {
  size_t index = 0;
  for (const Stage& s : plan_.stages) {
    T* const weight = static_cast<T*>(arrays[index++]);
    for (size_t o = 0; o < s.units; ++o)
      for (size_t i = 0; i < s.inputs; ++i) weight[o * s.inputs + i] = flat[s.weight_at + plan_.weight_index(s, o, i)];
    if (s.use_bias) std::memcpy(arrays[index++], flat + s.bias_at, s.units * sizeof(T));
  }
}

// Canonical arrays -> packed panels. Padding becomes 0 again: parameters that blew up leave NaN there.
template <class T>
void Engine<T>::pack(const std::vector<const void*>& arrays, T* flat) const {
  std::fill(flat, flat + plan_.flat_size, T(0));
  size_t index = 0;
  for (const Stage& s : plan_.stages) {
    const T* const weight = static_cast<const T*>(arrays[index++]);
    for (size_t o = 0; o < s.units; ++o)
      for (size_t i = 0; i < s.inputs; ++i) flat[s.weight_at + plan_.weight_index(s, o, i)] = weight[o * s.inputs + i];
    if (s.use_bias) std::memcpy(flat + s.bias_at, arrays[index++], s.units * sizeof(T));
  }
}

template <class T>
void Engine<T>::publish() {
  const std::shared_lock<std::shared_mutex> lock(weights_mutex_);
  auto copy = copy_of_weights();
  const std::lock_guard<std::mutex> swap(published_mutex_);
  published_ = std::move(copy);
}

template <class T>
double Engine<T>::get_state(const Arrays& arrays) const {
  const std::shared_lock<std::shared_mutex> lock(weights_mutex_);
  unpack(flat_.data(), arrays.parameters);
  if (!arrays.slots.empty()) unpack(slot0_.data(), arrays.slots[0]);
  if (arrays.slots.size() > 1) unpack(slot1_.data(), arrays.slots[1]);
  if (arrays.slots.size() > 2) unpack(slot2_.data(), arrays.slots[2]);
  return step_;
}

template <class T>
void Engine<T>::set_state(const ConstArrays& arrays, double step) {
  const std::unique_lock<std::shared_mutex> lock(weights_mutex_);
  let_readers_keep();
  first_finite_.store(Finite::unknown, std::memory_order_relaxed);
  pack(arrays.parameters, flat_.data());
  if (!arrays.slots.empty()) pack(arrays.slots[0], slot0_.data());
  if (arrays.slots.size() > 1) pack(arrays.slots[1], slot1_.data());
  if (arrays.slots.size() > 2) pack(arrays.slots[2], slot2_.data());
  refresh_transposed(0, 1);
  step_ = step;
  manual_rows_ = 0;
}

#define NABLA_FOR(T)                                                                                                         \
  template void Engine<T>::forward_train(const Data&, const Rows&, void*, void*, const std::vector<void*>&);                 \
  template void Engine<T>::backward(const void*, const std::vector<void*>&, void*);                                          \
  template void Engine<T>::apply_gradients(const std::vector<const void*>&, const double*);                                  \
  template EvaluateOutcome Engine<T>::loss_and_gradients(const Data&, const Rows&, const std::vector<void*>&, void*, void*); \
  template void Engine<T>::publish();                                                                                        \
  template void Engine<T>::unpack(const T*, const std::vector<void*>&) const;                                                \
  template void Engine<T>::pack(const std::vector<const void*>&, T*) const;                                                  \
  template double Engine<T>::get_state(const Arrays&) const;                                                                 \
  template void Engine<T>::set_state(const ConstArrays&, double);
NABLA_FOR(float)
NABLA_FOR(double)
#undef NABLA_FOR

}  // namespace nabla
