// Gradients clipped by their norms, and rows of weights brought back to theirs after an update. A panel of rows has one owner.
#include <algorithm>
#include <cmath>

#include "engine.h"
#include "train_team.h"

namespace nabla {

namespace {

// Added to a norm before it divides: PyTorch's clip_grad_norm_, Keras' constraints.
constexpr double clip_guard = 1e-6, constraint_guard = 1e-7;

// Two parts of a norm's sum. A NaN stays.
double join(double sum, double part, Norm norm) {
  if (norm != Norm::largest) return sum + part;
  return part > sum || std::isnan(part) ? part : sum;
}

// The rows' sums in 8 lanes.
double join_rows(const double* rows, size_t count, Norm norm) {
  double lanes[8] = {};
  for (size_t o = 0; o < count; ++o) lanes[o % 8] = join(lanes[o % 8], rows[o], norm);
  for (size_t h = 4; h > 0; h /= 2)
    for (size_t j = 0; j < h; ++j) lanes[j] = join(lanes[j], lanes[j + h], norm);
  return lanes[0];
}

double fold(double* lanes) {
  for (size_t h = 4; h > 0; h /= 2)
    for (size_t j = 0; j < h; ++j) lanes[j] += lanes[j + h];
  return lanes[0];
}

}  // namespace

template <class T>
template <class Part>
void Engine<T>::panel_parts(const Stage& s, size_t p, const Part& part) const {
  if (!plan_.unpacked) return part(s.weight_at + p * s.inputs * plan_.width, s.inputs);
  for (size_t i = 0; i < s.inputs; ++i) part(s.weight_at + (i * s.panels + p) * plan_.width, size_t{1});
}

template <class T>
void Engine<T>::panel_norms(const T* flat, const Stage& s, size_t p, Norm norm, double* rows) const {
  double sums[16];
  std::fill(rows, rows + plan_.width, 0.0);
  panel_parts(s, p, [&](size_t at, size_t inputs) {
    k_.row_norms(flat + at, inputs, 1, norm, sums);
    for (size_t j = 0; j < plan_.width; ++j) rows[j] = join(rows[j], sums[j], norm);
  });
}

// Between two barriers: every gradient is stored, no parameter changes.
template <class T>
void Engine<T>::clip_norms(Team& team, unsigned thread) {
  gradient_norms(team.gradients.data(), thread, team.split->threads);
  team.meet(thread);
  if (thread == 0) scale_updates();
  team.meet(thread);
}

// Adds the penalties' parts to this thread's share of the gradients, and takes its rows' sums.
template <class T>
void Engine<T>::gradient_norms(T* gradients, unsigned thread, unsigned threads) {
  const size_t w = plan_.width;
  const Norm norm = spec_.optimizer.norm;
  double* rows = norms_.data();
  size_t turn = 0;
  for (const Stage& s : plan_.stages) {
    for (size_t p = 0; p < s.panels; ++p) {
      if (turn++ % threads != thread) continue;
      if (s.l2 != 0 || s.l1 != 0)
        panel_parts(s, p, [&](size_t at, size_t inputs) {
          k_.penalty_gradient(flat_.data() + at, static_cast<T>(s.l2), static_cast<T>(s.l1), inputs * w, gradients + at);
        });
      panel_norms(gradients, s, p, norm, rows + p * w);
      if (s.use_bias) k_.row_norms(gradients + s.bias_at + p * w, 1, 1, norm, rows + (s.panels + p) * w);
    }
    rows += 2 * s.panels * w;
  }
}

template <class T>
void Engine<T>::add_penalties(T* gradients) const {
  for (const Stage& s : plan_.stages) {
    if (s.l2 == 0 && s.l1 == 0) continue;
    k_.penalty_gradient(flat_.data() + s.weight_at, static_cast<T>(s.l2), static_cast<T>(s.l1), plan_.weight_room(s),
                        gradients + s.weight_at);
  }
}

template <class T>
void Engine<T>::scale_updates() {
  const OptimizerSpec& o = spec_.optimizer;
  const auto scale = [&](Update<T>& u, double sum) {
    const double factor = o.clip_limit / ((o.norm == Norm::squares ? std::sqrt(sum) : sum) + clip_guard);
    u.scaled = true;
    u.scale = static_cast<T>(factor > 1 ? 1.0 : factor);
  };
  const double* rows = norms_.data();
  double total = 0;
  for (size_t i = 0; i < plan_.stages.size(); ++i) {
    const Stage& s = plan_.stages[i];
    for (size_t bias = 0; bias < (s.use_bias ? 2 : 1); ++bias) {
      const double sum = join_rows(rows + bias * s.panels * plan_.width, s.units, o.norm);
      if (o.clip == Clip::norm) scale(updates_[2 * i + bias], sum);
      if (s.rate_factor != 0) total = join(total, sum, o.norm);
    }
    rows += 2 * s.panels * plan_.width;
  }
  if (o.clip == Clip::global_norm)
    for (Update<T>& u : updates_) scale(u, total);
}

template <class T>
void Engine<T>::constrain_rows(unsigned thread, unsigned threads) {
  const size_t w = plan_.width;
  double sums[16];
  T factors[16];
  size_t turn = 0;
  for (const Stage& s : plan_.stages) {
    if (!s.row_constraint()) continue;
    for (size_t p = 0; p < s.panels; ++p) {
      if (turn++ % threads != thread) continue;
      panel_norms(flat_.data(), s, p, Norm::squares, sums);
      for (size_t j = 0; j < w; ++j) {
        const double norm = std::sqrt(sums[j]);
        const double wanted = s.kernel_constraint == Constraint::unit_norm ? 1.0 : norm > s.max_norm ? s.max_norm : norm;
        factors[j] = static_cast<T>(wanted / (constraint_guard + norm));
      }
      panel_parts(s, p, [&](size_t at, size_t inputs) { k_.scale_rows(flat_.data() + at, inputs, 1, factors); });
    }
  }
}

// Half of l2 times the sum of the weights' squares, chains in T.
template <class T>
double Engine<T>::square_penalty(const Stage& stage, const T* flat) const {
  double lanes[8] = {};
  T rows[16];
  for (size_t p = 0; p < stage.panels; ++p) {
    const size_t from = p * plan_.width, to = std::min(stage.units, from + plan_.width);
    panel_parts(stage, p, [&](size_t at, size_t inputs) {
      k_.square_rows(flat + at, inputs, 1, rows);
      for (size_t o = from; o < to; ++o) lanes[o % 8] += static_cast<double>(rows[o - from]);
    });
  }
  return fold(lanes) * (stage.l2 / 2);
}

// l1 times the sum of the weights' magnitudes.
template <class T>
double Engine<T>::absolute_penalty(const Stage& stage, const T* flat) const {
  double rows[16], lanes[8] = {};
  for (size_t p = 0; p < stage.panels; ++p) {
    panel_norms(flat, stage, p, Norm::magnitudes, rows);
    const size_t from = p * plan_.width, to = std::min(stage.units, from + plan_.width);
    for (size_t o = from; o < to; ++o) lanes[o % 8] += rows[o - from];
  }
  return stage.l1 * fold(lanes);
}

#define NABLA_FOR(T)                                                       \
  template void Engine<T>::clip_norms(Team&, unsigned);                    \
  template void Engine<T>::gradient_norms(T*, unsigned, unsigned);         \
  template void Engine<T>::scale_updates();                                \
  template void Engine<T>::add_penalties(T*) const;                        \
  template void Engine<T>::constrain_rows(unsigned, unsigned);             \
  template double Engine<T>::square_penalty(const Stage&, const T*) const; \
  template double Engine<T>::absolute_penalty(const Stage&, const T*) const;
NABLA_FOR(float)
NABLA_FOR(double)
#undef NABLA_FOR

}  // namespace nabla
