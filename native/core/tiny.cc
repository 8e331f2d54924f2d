// The smallest networks: a step of theirs costs less than one call into each phase, so many steps run in one kernel call.
#include <algorithm>
#include <chrono>
#include <cmath>

#include "engine.h"
#include "train_team.h"

namespace nabla {

namespace {

// Products of one sample and layer, summed: beyond this the lanes of the usual plan should win (docs/kernels.md: a choice, not yet a
// sweep).
constexpr size_t most_products = 64;
constexpr size_t steps_a_call = 256;

}  // namespace

template <class T>
bool Engine<T>::tiny(const Data& data, size_t batch_rows, size_t steps_a_pass, const TrainRequest& request) const {
  if (steps_a_pass != 1 || batch_rows > plan_.width || request.outputs || materialised_) return false;
  if (plan_.stages.size() > tiny_layers || !plan_.dropouts.empty() || plan_.input_size > plan_.width || data.kind != TargetKind::values)
    return false;
  if (spec_.optimizer.rule == Rule::nadam) return false;  // two rates a step
  if (spec_.loss.name == LossName::softmax_cross_entropy || spec_.loss.name == LossName::rowwise || !class_weights_.empty()) return false;
  if (spec_.loss.label_smoothing != 0) return false;
  if (spec_.loss.name == LossName::elementwise && spec_.loss.element != ElementLoss::mean_squared_error) return false;
  size_t products = 0;
  for (const Stage& s : plan_.stages) {
    if (s.units > plan_.width || s.activation == Activation::softmax || s.activation == Activation::of_z || s.l2 != 0 || s.l1 != 0)
      return false;
    if (s.row_constraint()) return false;
    products += s.units * s.inputs;
  }
  return products <= most_products;
}

template <class T>
void Engine<T>::tiny_train(const Data& data, const TrainRequest& request, size_t total, TrainOutcome& outcome) {
  using Clock = std::chrono::steady_clock;
  const FlushToZero flush;
  const Clock::time_point start = Clock::now();
  const size_t w = plan_.width, outputs = plan_.last().units;
  const Batch batch{&data, request.rows, request.rows.to};
  Scratch<T> s(plan_, batch.size(), false);
  gather(s, batch, 0, 0, batch.size(), true);
  // Samples into lanes.
  AlignedArray<T> x(plan_.input_size * w), y(outputs * w), scale(w);
  std::vector<double> weights(w);
  TinySteps<T> t{};
  t.denominator = denominator(batch);
  for (size_t r = 0; r < batch.size(); ++r) {
    const size_t position = batch.rows.from + r;
    weights[r] = data.weights.empty() ? 1 : data.weights[batch.rows.order != nullptr ? batch.rows.order[position] : position];
    scale[r] = static_cast<T>(weights[r] / t.denominator);
    for (size_t i = 0; i < plan_.input_size; ++i) x[i * w + r] = s.input[r * plan_.input_ld + i];
    for (size_t o = 0; o < outputs; ++o) y[o * w + r] = s.values[r * plan_.last().ld + o];
  }
  t.layer_count = plan_.stages.size();
  t.rows = batch.size();
  t.sigmoid_loss = spec_.loss.name == LossName::sigmoid_cross_entropy;
  t.x = x.data();
  t.y = y.data();
  t.row_scale = scale.data();
  t.row_weight = weights.data();
  prepare_updates(request.scalars);
  for (size_t i = 0; i < plan_.stages.size(); ++i) {
    const Stage& stage = plan_.stages[i];
    t.layers[i] = {stage.inputs, stage.units, stage.activation, stage.use_bias, stage.rate_factor, updates_[2 * i], updates_[2 * i + 1]};
  }
  const size_t left = total - request.first_step;
  outcome.losses.resize(left);
  outcome.correct.resize(left);
  size_t done = 0;
  while (done < left) {
    t.steps = std::min(steps_a_call, left - done);
    t.stride = request.stride;
    t.scalars = request.scalars + (request.first_step + done) * t.stride;
    t.losses = outcome.losses.data() + done;
    t.correct = outcome.correct.data() + done;
    const size_t steps = k_.tiny_steps(&t);
    done += steps;
    if (steps < t.steps) {
      outcome.stopped = Stopped::non_finite;
      break;
    }
    if (done == left) break;
    if (abort_.load(std::memory_order_relaxed)) {
      outcome.stopped = Stopped::aborted;
      break;
    }
    if (std::chrono::duration<double, std::milli>(Clock::now() - start).count() >= request.max_milliseconds) {
      outcome.stopped = Stopped::slice;
      break;
    }
  }
  outcome.steps = done;
  step_ += static_cast<double>(done);
  const size_t seen = done + (outcome.stopped == Stopped::non_finite ? 1 : 0);
  outcome.losses.resize(seen);
  outcome.correct.resize(seen);
  refresh_transposed(0, 1);
}

#define NABLA_FOR(T)                                                                     \
  template bool Engine<T>::tiny(const Data&, size_t, size_t, const TrainRequest&) const; \
  template void Engine<T>::tiny_train(const Data&, const TrainRequest&, size_t, TrainOutcome&);
NABLA_FOR(float)
NABLA_FOR(double)
#undef NABLA_FOR

}  // namespace nabla
