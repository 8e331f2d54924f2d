// One batch of a layered network: forward and back through its passes and products.
#include <cmath>

#include "layered_engine.h"

namespace nabla {

namespace {

// Rows of a part: what weight gradients read twice stays in L2.
constexpr size_t part_rows = 128;

}  // namespace

// --- forward

template <class T>
NormRows<T> Layered<T>::norm_rows(Work& w, const T* flat, size_t segment, size_t p, size_t lo, size_t hi) const {
  const Segment& s = plan_.segments[segment];
  const Pass& pass = s.passes[p];
  PassMemory<T>& m = w.memory[segment][p];
  const bool by_row = pass.kind == PassKind::layer_normalization;
  const size_t at = by_row ? lo : 0;
  return {hi - lo,
          s.units,
          s.ld,
          w.value(segment, p) + lo * s.ld,
          m.means.data() + at,
          m.factors.data() + at,
          by_row,
          pass.gamma_at == no_offset ? nullptr : flat + pass.gamma_at,
          pass.beta_at == no_offset ? nullptr : flat + pass.beta_at};
}

// This thread's units: mean, squared differences, and what a row is normalized with.
template <class T>
void Layered<T>::statistics_of_batch(Work& w, const T* flat, size_t segment, size_t p, size_t rows, const Crew& crew) const {
  const Segment& s = plan_.segments[segment];
  PassMemory<T>& m = w.memory[segment][p];
  const size_t panels = (s.units + plan_.width - 1) / plan_.width;
  for (size_t panel = crew.lo(panels); panel < crew.hi(panels); ++panel) {
    const size_t u0 = panel * plan_.width, u1 = std::min(s.units, u0 + plan_.width);
    if (!s.passes[p].moves) {
      moving_statistics(s.passes[p], m, flat, u0, u1);
      continue;
    }
    k_.batch_statistics(w.value(segment, p), rows, s.ld, u0, u1, m.mean.data(), m.squares.data());
    for (size_t u = u0; u < u1; ++u) {
      m.means[u] = static_cast<T>(m.mean[u]);
      m.factors[u] = static_cast<T>(1.0 / std::sqrt(m.squares[u] / static_cast<double>(rows) + s.passes[p].epsilon));
    }
  }
}

template <class T>
void Layered<T>::moving_statistics(Work& w, const T* flat) const {
  each_batch_normalization(
      [&](const Segment& s, size_t segment, size_t p) { moving_statistics(s.passes[p], w.memory[segment][p], flat, 0, s.units); });
}

template <class T>
void Layered<T>::moving_statistics(const Pass& pass, PassMemory<T>& m, const T* flat, size_t u0, size_t u1) const {
  for (size_t u = u0; u < u1; ++u) {
    m.means[u] = flat[pass.mean_at + u];
    m.factors[u] = static_cast<T>(1.0 / std::sqrt(static_cast<double>(flat[pass.variance_at + u]) + pass.epsilon));
  }
}

template <class T>
void Layered<T>::pass_forward(Work& w, const T* flat, size_t segment, size_t p, size_t lo, size_t hi, bool training) const {
  const Segment& s = plan_.segments[segment];
  const Pass& pass = s.passes[p];
  PassMemory<T>& m = w.memory[segment][p];
  const size_t rows = hi - lo, at = lo * s.ld;
  const T* const x = w.value(segment, p) + at;
  T* const y = w.value(segment, p + 1) + at;
  // Published predictions may not look at the step: a training job moves it.
  const auto step = [this] { return static_cast<uint32_t>(std::fmod(step_, 4294967296.0)); };
  switch (pass.kind) {
    case PassKind::activation:
      if (pass.activation == Activation::of_z) {
        const ZActivation<T> f{pass.z.function, static_cast<T>(pass.z.first), static_cast<T>(pass.z.second)};
        k_.z_forward(&f, x, y, rows * s.ld);
      } else if (pass.activation == Activation::softmax) {
        std::memcpy(y, x, rows * s.ld * sizeof(T));
        k_.softmax_rows(y, rows, s.units, s.ld);
      } else {
        k_.activation_forward(pass.activation, x, y, rows * s.ld);
      }
      return;
    case PassKind::dropout:
      if (training)
        k_.dropout_forward(x, y, m.mask.data() + at, rows, lo, s.units, s.ld, step(), pass.purpose, Base::key_,
                           static_cast<uint64_t>(std::llround(pass.rate * 4294967296.0)), static_cast<T>(1.0 / (1.0 - pass.rate)));
      else
        std::memcpy(y, x, rows * s.ld * sizeof(T));
      return;
    case PassKind::gaussian_noise:
      if (training)
        k_.noise_forward(x, y, rows, lo, s.units, s.ld, step(), pass.purpose, Base::key_, pass.deviation);
      else
        std::memcpy(y, x, rows * s.ld * sizeof(T));
      return;
    case PassKind::prelu:
      k_.prelu_forward(flat + pass.gamma_at, x, y, rows, s.units, s.ld);
      return;
    case PassKind::layer_normalization:
      k_.layer_statistics(x, rows, s.units, s.ld, pass.epsilon, m.means.data() + lo, m.factors.data() + lo);
      break;
    case PassKind::batch_normalization:
      break;
  }
  const NormRows<T> n = norm_rows(w, flat, segment, p, lo, hi);
  k_.normalize(&n, y);
}

template <class T>
void Layered<T>::forward(Work& w, const T* flat, size_t rows, bool training, const Crew& crew) const {
  const size_t lo = crew.lo(rows), hi = crew.hi(rows);
  for (size_t segment = 0; segment < plan_.segments.size(); ++segment) {
    const Segment& s = plan_.segments[segment];
    if (segment > 0 && lo < hi) {
      const Stage& stage = plan_.stages[s.stage];
      const size_t ld = plan_.segments[segment - 1].ld;
      k_.dense_forward(w.last_value(segment - 1) + lo * ld, ld, hi - lo, stage.inputs, flat + stage.weight_at,
                       stage.use_bias ? flat + stage.bias_at : nullptr, stage.panels, w.value(segment, 0) + lo * s.ld, s.ld,
                       Activation::linear);
    }
    for (size_t p = 0; p < s.passes.size(); ++p) {
      if (training && s.passes[p].kind == PassKind::batch_normalization) {
        crew.meet();
        statistics_of_batch(w, flat, segment, p, rows, crew);
        crew.meet();
      }
      if (lo < hi) pass_forward(w, flat, segment, p, lo, hi, training);
    }
  }
}

// --- backward

// Sums over all rows for this thread's units: gradients of gamma, beta or alpha, and batch normalization's means.
template <class T>
void Layered<T>::vector_gradients(Work& w, size_t segment, size_t p, size_t rows, T* gradients, const Crew& crew) const {
  const Segment& s = plan_.segments[segment];
  const Pass& pass = s.passes[p];
  PassMemory<T>& m = w.memory[segment][p];
  const NormRows<T> n = norm_rows(w, flat_.data(), segment, p, 0, rows);
  const size_t panels = (s.units + plan_.width - 1) / plan_.width;
  for (size_t panel = crew.lo(panels); panel < crew.hi(panels); ++panel) {
    const size_t u0 = panel * plan_.width, u1 = std::min(s.units, u0 + plan_.width);
    if (pass.kind == PassKind::prelu)
      k_.prelu_sums(w.value(segment, p), w.gradient(segment), rows, s.ld, u0, u1, m.sums.data());
    else
      k_.norm_sums(&n, w.gradient(segment), u0, u1, m.sums.data(), m.other_sums.data());
    for (size_t u = u0; u < u1; ++u) {
      if (pass.gamma_at != no_offset) gradients[pass.gamma_at + u] = static_cast<T>(m.sums[u]);
      if (pass.beta_at != no_offset) gradients[pass.beta_at + u] = static_cast<T>(m.other_sums[u]);
      if (pass.kind != PassKind::batch_normalization) continue;
      m.mean_d[u] = pass.moves ? static_cast<T>(m.other_sums[u] / static_cast<double>(rows)) : T(0);  // constants hand nothing back
      m.mean_d_normal[u] = pass.moves ? static_cast<T>(m.sums[u] / static_cast<double>(rows)) : T(0);
      m.scaled[u] = n.gamma == nullptr ? m.factors[u] : n.gamma[u] * m.factors[u];
    }
  }
}

template <class T>
void Layered<T>::pass_backward(Work& w, size_t segment, size_t p, size_t lo, size_t hi) const {
  const Segment& s = plan_.segments[segment];
  const Pass& pass = s.passes[p];
  PassMemory<T>& m = w.memory[segment][p];
  const size_t rows = hi - lo, at = lo * s.ld;
  const T *const x = w.value(segment, p) + at, *const y = w.value(segment, p + 1) + at;
  T* const d = w.gradient(segment) + at;
  switch (pass.kind) {
    case PassKind::activation:
      if (pass.activation == Activation::of_z) {
        const ZActivation<T> f{pass.z.function, static_cast<T>(pass.z.first), static_cast<T>(pass.z.second)};
        k_.z_backward(&f, x, y, d, rows * s.ld);
      } else if (pass.activation == Activation::softmax) {
        k_.softmax_backward(y, d, rows, s.units, s.ld);
      } else if (pass.activation != Activation::linear) {
        k_.activation_backward(pass.activation, y, d, rows, s.ld);
      }
      return;
    case PassKind::dropout:
      k_.dropout_backward(d, m.mask.data() + at, rows, s.ld, static_cast<T>(1.0 / (1.0 - pass.rate)));
      return;
    case PassKind::gaussian_noise:
      return;
    case PassKind::prelu:
      k_.prelu_backward(flat_.data() + pass.gamma_at, x, d, rows, s.units, s.ld);
      return;
    case PassKind::layer_normalization: {
      const NormRows<T> n = norm_rows(w, flat_.data(), segment, p, lo, hi);
      k_.layer_backward(&n, d);
      return;
    }
    case PassKind::batch_normalization: {
      const NormRows<T> n = norm_rows(w, flat_.data(), segment, p, lo, hi);
      k_.batch_backward(&n, m.mean_d.data(), m.mean_d_normal.data(), m.scaled.data(), d);
      return;
    }
  }
}

template <class T>
void Layered<T>::backward(Work& w, size_t rows, T* gradients, T* partials, bool want_dx, const Crew& crew) const {
  const size_t lo = crew.lo(rows), hi = crew.hi(rows);
  for (size_t segment = plan_.segments.size(); segment-- > 0;) {
    const Segment& s = plan_.segments[segment];
    for (size_t p = s.passes.size(); p-- > 0;) {
      const PassKind kind = s.passes[p].kind;
      if (kind == PassKind::prelu || kind == PassKind::layer_normalization || kind == PassKind::batch_normalization) {
        crew.meet();
        vector_gradients(w, segment, p, rows, gradients, crew);
        crew.meet();
      }
      if (lo < hi) pass_backward(w, segment, p, lo, hi);
    }
    if (segment == 0) break;
    const Segment& before = plan_.segments[segment - 1];
    if (lo == hi || (segment == 1 && before.passes.empty() && !want_dx)) continue;
    const Stage& stage = plan_.stages[s.stage];
    k_.dense_backward_input(w.gradient(segment) + lo * s.ld, s.ld, hi - lo, stage.units, Base::way_back(stage), stage.input_panels,
                            w.gradient(segment - 1) + lo * before.ld, before.ld, nullptr, Activation::linear);
  }
  crew.meet();
  product_gradients(w, rows, gradients, partials, crew);
}

template <class T>
void Layered<T>::product_gradients(Work& w, size_t rows, T* gradients, T* partials, const Crew& crew) const {
  // Inputs [i0, i1) and panels [p0, p1) of a product over rows [from, to), in parts that continue one another's chains.
  const auto weights = [&](size_t segment, size_t i0, size_t i1, size_t from, size_t to, T* out) {
    const Segment& s = plan_.segments[segment];
    const Stage& stage = plan_.stages[s.stage];
    const size_t ld = plan_.segments[segment - 1].ld;
    for (size_t at = from; at < to; at += part_rows) {
      const GradientSink<T> sink{out + stage.weight_at, at > from, nullptr};
      k_.weight_gradient(w.last_value(segment - 1) + at * ld, ld, w.gradient(segment) + at * s.ld, s.ld, std::min(part_rows, to - at),
                         stage.inputs, i0, i1, 0, stage.panels, &sink);
    }
  };
  const auto biases = [&](size_t segment, size_t p0, size_t p1, size_t from, size_t to, T* out) {
    const Segment& s = plan_.segments[segment];
    const Stage& stage = plan_.stages[s.stage];
    if (!stage.use_bias || p0 == p1) return;
    const GradientSink<T> sink{out + stage.bias_at, false, nullptr};
    k_.bias_gradient(w.gradient(segment) + from * s.ld, s.ld, to - from, p0, p1, &sink);
  };
  const size_t blocks = gradient_blocks(rows, plan_.parameters);
  if (blocks == 1) {
    for (size_t segment = 1; segment < plan_.segments.size(); ++segment) {
      const Stage& stage = plan_.stages[plan_.segments[segment].stage];
      const size_t i0 = std::min(stage.inputs, crew.lo(stage.input_panels) * plan_.width);
      const size_t i1 = std::min(stage.inputs, crew.hi(stage.input_panels) * plan_.width);
      if (i0 < i1) weights(segment, i0, i1, 0, rows, gradients);
      biases(segment, crew.lo(stage.panels), crew.hi(stage.panels), 0, rows, gradients);
    }
    return;
  }
  for (size_t block = crew.lo(blocks); block < crew.hi(blocks); ++block) {
    T* const out = partials + block * plan_.flat_size;
    for (size_t segment = 1; segment < plan_.segments.size(); ++segment) {
      const Stage& stage = plan_.stages[plan_.segments[segment].stage];
      weights(segment, 0, stage.inputs, part(rows, block, blocks), part(rows, block + 1, blocks), out);
      biases(segment, 0, stage.panels, part(rows, block, blocks), part(rows, block + 1, blocks), out);
    }
  }
  crew.meet();
  for (const Stage& stage : plan_.stages) {
    if (stage.vectors) continue;
    const size_t lines = (stage.bias_at - stage.weight_at) / plan_.width + (stage.use_bias ? stage.panels : 0);
    k_.sum_blocks(partials, blocks, plan_.flat_size, stage.weight_at + crew.lo(lines) * plan_.width,
                  stage.weight_at + crew.hi(lines) * plan_.width, gradients);
  }
}

// --- moving statistics

template <class T>
void Layered<T>::move_statistics(const Pass& pass, size_t units, size_t rows, const double* mean, const double* squares) {
  if (!pass.moves) return;
  const double keep = pass.momentum, take = 1 - pass.momentum;
  for (size_t u = 0; u < units; ++u) {
    T &old_mean = flat_[pass.mean_at + u], &old_variance = flat_[pass.variance_at + u];
    old_mean = static_cast<T>(keep * static_cast<double>(old_mean) + take * mean[u]);
    old_variance = static_cast<T>(keep * static_cast<double>(old_variance) + take * (squares[u] / static_cast<double>(rows - 1)));
  }
}

template <class T>
void Layered<T>::keep_statistics(const Work& w, size_t rows) {
  waiting_ = std::make_unique<Moved>();
  waiting_->rows = rows;
  each_batch_normalization([&](const Segment& s, size_t segment, size_t p) {
    const PassMemory<T>& m = w.memory[segment][p];
    waiting_->mean.emplace_back(m.mean.data(), m.mean.data() + s.units);
    waiting_->squares.emplace_back(m.squares.data(), m.squares.data() + s.units);
  });
}

template class Layered<float>;
template class Layered<double>;

}  // namespace nabla
