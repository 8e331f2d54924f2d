#include "layered.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "engine.h"
#include "layered_work.h"
#include "memory_limit.h"
#include "train_team.h"

namespace nabla {

namespace {

// Rows of a part: what weight gradients read twice, and predictions, stay in L2.
constexpr size_t part_rows = 128, inference_rows = 32;
constexpr double flops_worth_a_team = 2e6;

size_t part(size_t count, size_t index, size_t parts) { return count * index / parts; }

// Phases of threads that work on one batch; one thread needs no barrier.
struct Crew {
  unsigned thread = 0, threads = 1;
  Barrier* barrier = nullptr;
  void meet() const {
    if (barrier != nullptr) barrier->wait(thread);
  }
  size_t lo(size_t count) const { return part(count, thread, threads); }
  size_t hi(size_t count) const { return part(count, thread + 1, threads); }
};

}  // namespace

template <class T>
class Layered final : public Engine<T> {
  using Base = Engine<T>;
  using Work = LayeredWork<T>;
  using typename Base::Batch;
  using typename Base::Parameters;

 public:
  Layered(NetworkSpec spec, const KernelSet* kernels, unsigned threads, PlanKind kind) : Base(std::move(spec), kernels, threads, kind) {}

  TrainOutcome train(const Data& data, const TrainRequest& request) override;
  EvaluateOutcome evaluate(const Data& data, const Rows& rows, WeightsChoice weights, void* outputs) override;
  void predict(const Data& data, const Rows& rows, OutputKind kind, WeightsChoice weights, void* out) override;
  void forward_train(const Data& data, const Rows& rows, void* outputs, void* logits, const std::vector<void*>& activations) override;
  void backward(const void* dlogits, const std::vector<void*>& gradients, void* dx) override;
  void apply_gradients(const std::vector<const void*>& gradients, const double* scalars) override;
  EvaluateOutcome loss_and_gradients(const Data& data, const Rows& rows, const std::vector<void*>& gradients, void* dx,
                                     void* outputs) override;
  double get_state(const Arrays& arrays) const override;
  void set_state(const ConstArrays& arrays, double step) override;
  std::vector<size_t> stage_units() const override;
  std::vector<size_t> statistic_sizes() const override;

 private:
  using Base::flat_;
  using Base::k_;
  using Base::manual_rows_;
  using Base::plan_;
  using Base::spec_;
  using Base::step_;
  using Base::threads_;
  using Base::weights_mutex_;

  // The statistics of one batch, for the moving ones.
  struct Moved {
    size_t rows;
    std::vector<std::vector<double>> mean, squares;  // a batch normalization each
  };

  NormRows<T> norm_rows(Work& w, const T* flat, size_t segment, size_t p, size_t lo, size_t hi) const;
  void statistics_of_batch(Work& w, size_t segment, size_t p, size_t rows, const Crew& crew) const;
  void moving_statistics(Work& w, const T* flat) const;
  void pass_forward(Work& w, const T* flat, size_t segment, size_t p, size_t lo, size_t hi, bool training) const;
  void forward(Work& w, const T* flat, size_t rows, bool training, const Crew& crew) const;
  void vector_gradients(Work& w, size_t segment, size_t p, size_t rows, T* gradients, const Crew& crew) const;
  void pass_backward(Work& w, size_t segment, size_t p, size_t lo, size_t hi) const;
  // From the logits' gradient to all gradients (flat), and to those of the samples as loaded where wanted.
  void backward(Work& w, size_t rows, T* gradients, T* partials, bool want_dx, const Crew& crew) const;
  void product_gradients(Work& w, size_t rows, T* gradients, T* partials, const Crew& crew) const;
  void write_dx(Work& w, size_t rows, void* dx) const;
  void move_statistics(const Pass& pass, size_t units, size_t rows, const double* mean, const double* squares);
  template <class Body>
  void each_batch_normalization(const Body& body) const;
  void keep_statistics(const Work& w, size_t rows);
  template <class Body>
  void run_crew(size_t rows, const Body& body) const;
  template <class Row>
  void each_block(size_t rows, const T* flat, const Row& row) const;
  void check_rows(const char* op, size_t rows) const;
  size_t partials_size(size_t rows) const {
    const size_t count = gradient_blocks(rows, plan_.parameters);
    return count > 1 ? count * plan_.flat_size : 0;
  }

  std::unique_ptr<Work> training_;
  AlignedArray<T> gradients_, partials_;
  Work manual_work_;
  std::unique_ptr<Moved> waiting_;  // of the last forward_train or loss_and_gradients
};

template <class T>
void Layered<T>::check_rows(const char* op, size_t rows) const {
  bool any = false;
  each_batch_normalization([&](const Segment&, size_t, size_t) { any = true; });
  if (any && rows < 2)
    throw Error("ERR_RANGE",
                std::string("[") + op +
                    "] batch normalization learns from the differences of a batch's rows. Expected at least 2 rows, received 1.");
}

template <class T>
template <class Body>
void Layered<T>::each_batch_normalization(const Body& body) const {
  for (size_t s = 0; s < plan_.segments.size(); ++s)
    for (size_t p = 0; p < plan_.segments[s].passes.size(); ++p)
      if (plan_.segments[s].passes[p].kind == PassKind::batch_normalization) body(plan_.segments[s], s, p);
}

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
void Layered<T>::statistics_of_batch(Work& w, size_t segment, size_t p, size_t rows, const Crew& crew) const {
  const Segment& s = plan_.segments[segment];
  PassMemory<T>& m = w.memory[segment][p];
  const size_t panels = (s.units + plan_.width - 1) / plan_.width;
  for (size_t panel = crew.lo(panels); panel < crew.hi(panels); ++panel) {
    const size_t u0 = panel * plan_.width, u1 = std::min(s.units, u0 + plan_.width);
    k_.batch_statistics(w.value(segment, p), rows, s.ld, u0, u1, m.mean.data(), m.squares.data());
    for (size_t u = u0; u < u1; ++u) {
      m.means[u] = static_cast<T>(m.mean[u]);
      m.factors[u] = static_cast<T>(1.0 / std::sqrt(m.squares[u] / static_cast<double>(rows) + s.passes[p].epsilon));
    }
  }
}

template <class T>
void Layered<T>::moving_statistics(Work& w, const T* flat) const {
  each_batch_normalization([&](const Segment& s, size_t segment, size_t p) {
    const Pass& pass = s.passes[p];
    PassMemory<T>& m = w.memory[segment][p];
    for (size_t u = 0; u < s.units; ++u) {
      m.means[u] = flat[pass.mean_at + u];
      m.factors[u] = static_cast<T>(1.0 / std::sqrt(static_cast<double>(flat[pass.variance_at + u]) + pass.epsilon));
    }
  });
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
        statistics_of_batch(w, segment, p, rows, crew);
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
      m.mean_d[u] = static_cast<T>(m.other_sums[u] / static_cast<double>(rows));
      m.mean_d_normal[u] = static_cast<T>(m.sums[u] / static_cast<double>(rows));
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

// --- whole batches

// body(crew) on every thread of a team for `rows` rows.
template <class T>
template <class Body>
void Layered<T>::run_crew(size_t rows, const Body& body) const {
  const unsigned threads = Base::threads_for(rows);
  Barrier barrier(threads, Pool::instance().crowded(threads));
  Pool::instance().run(threads, [&](unsigned thread) {
    const FlushToZero flush;
    body(Crew{thread, threads, threads > 1 ? &barrier : nullptr});
  });
}

template <class T>
TrainOutcome Layered<T>::train(const Data& data, const TrainRequest& request) {
  using Clock = std::chrono::steady_clock;
  const std::unique_lock<std::shared_mutex> lock(weights_mutex_);
  manual_rows_ = 0;
  waiting_.reset();
  const size_t span = request.rows.to - request.rows.from;
  const size_t batch_rows = std::min(request.batch_size, span);
  const size_t steps_a_pass = (span + batch_rows - 1) / batch_rows;
  const size_t total = steps_a_pass * request.repeat;
  check_rows("trainSteps", span % batch_rows == 0 ? batch_rows : span % batch_rows);
  if (!training_ || training_->rows < batch_rows) training_ = std::make_unique<Work>(plan_, batch_rows, true);
  Work& w = *training_;
  gradients_.reserve(plan_.flat_size);
  partials_.reserve(partials_size(batch_rows));
  TrainOutcome outcome;
  outcome.losses.reserve(std::min(total - request.first_step, size_t{1} << 16));
  outcome.correct.reserve(outcome.losses.capacity());
  if (request.outputs) {
    // One pass at most: with outputs a slice ends where a pass does.
    const size_t rows = std::min((total - request.first_step) * batch_rows, span);
    outcome.outputs = AlignedArray<uint8_t>(rows * Base::outputs() * sizeof(T));
  }
  const Stage& last = plan_.last();
  const unsigned threads = Base::threads_for(batch_rows);
  std::vector<double> row_loss(batch_rows), losses(threads);
  std::vector<uint32_t> correct(threads);
  double penalty = 0;
  bool stop = false;
  const Clock::time_point start = Clock::now();
  const bool timed = std::isfinite(request.max_milliseconds);
  run_crew(batch_rows, [&](const Crew& crew) {
    for (size_t step = request.first_step; step < total; ++step) {
      const size_t in_pass = step % steps_a_pass;
      Batch batch{&data, request.rows, request.rows.to};
      batch.rows.from = request.rows.from + in_pass * batch_rows;
      batch.rows.to = std::min(request.rows.to, batch.rows.from + batch_rows);
      const size_t n = batch.size(), lo = crew.lo(n), hi = crew.hi(n);
      const double denominator = Base::denominator(batch);
      if (crew.thread == 0) {
        Base::prepare_updates(request.scalars + step * spec_.optimizer.scalars());
        penalty = Base::penalty(flat_.data());
      }
      correct[crew.thread] = 0;
      if (lo < hi) Base::gather(w.base, batch, 0, lo, hi, true);
      forward(w, flat_.data(), n, true, crew);
      if (lo < hi) correct[crew.thread] = Base::loss(w.base, batch, 0, lo, hi, denominator, true, request.outputs, row_loss.data() + lo);
      if (lo < hi && request.outputs)
        Base::copy_rows(w.base.outputs.data() + lo * last.ld, last.ld, hi - lo, last.units,
                        reinterpret_cast<T*>(outcome.outputs.data()) + (outcome.output_rows + lo) * last.units);
      crew.meet();
      losses[crew.thread] = Base::weighted_sum(row_loss.data(), batch) / denominator + penalty;
      const bool failed = !std::isfinite(losses[crew.thread]);
      if (!failed) {
        backward(w, n, gradients_.data(), partials_.data(), false, crew);
        crew.meet();
        if (spec_.optimizer.clips_norms()) {
          Base::gradient_norms(gradients_.data(), crew.thread, crew.threads);
          crew.meet();
          if (crew.thread == 0) Base::scale_updates();
          crew.meet();
        }
        Base::update_range(gradients_.data(), crew.thread, crew.threads);
        crew.meet();
        if (Base::row_constraints_) {
          Base::constrain_rows(crew.thread, crew.threads);
          crew.meet();
        }
        Base::refresh_transposed(crew.thread, crew.threads);
      }
      if (crew.thread == 0) {
        outcome.losses.push_back(losses[0]);
        uint32_t sum = 0;
        for (const uint32_t c : correct) sum += c;
        outcome.correct.push_back(sum);
        outcome.output_rows += request.outputs ? n : 0;
        if (failed) {
          outcome.stopped = Stopped::non_finite;
        } else {
          each_batch_normalization([&](const Segment& s, size_t segment, size_t p) {
            const PassMemory<T>& m = w.memory[segment][p];
            move_statistics(s.passes[p], s.units, n, m.mean.data(), m.squares.data());
          });
          ++outcome.steps;
          step_ += 1;
          if (step + 1 < total) {
            const bool late = timed && std::chrono::duration<double, std::milli>(Clock::now() - start).count() >= request.max_milliseconds;
            if (Base::abort_.load(std::memory_order_relaxed)) {
              outcome.stopped = Stopped::aborted;
              stop = true;
            } else if (late || (request.outputs && in_pass + 1 == steps_a_pass)) {
              outcome.stopped = Stopped::slice;
              stop = true;
            }
          }
        }
      }
      if (failed) return;
      crew.meet();
      if (stop) return;
    }
  });
  return outcome;
}

// Calls row(work, lo, hi, thread) for blocks of positions, spread over a team; moving statistics are in place.
template <class T>
template <class Row>
void Layered<T>::each_block(size_t rows, const T* flat, const Row& row) const {
  const size_t most = (rows + inference_rows - 1) / inference_rows;
  const unsigned threads =
      static_cast<double>(rows) * plan_.flops_per_row < flops_worth_a_team ? 1 : static_cast<unsigned>(std::min<size_t>(threads_, most));
  // Allocation may throw, and work must not.
  std::vector<std::unique_ptr<Work>> works;
  for (unsigned t = 0; t < threads; ++t) {
    works.push_back(std::make_unique<Work>(plan_, std::min(rows, inference_rows), false));
    moving_statistics(*works.back(), flat);
  }
  Pool::instance().run(threads, [&](unsigned thread) {
    const FlushToZero flush;
    const size_t end = part(rows, thread + 1, threads);
    for (size_t lo = part(rows, thread, threads); lo < end; lo += inference_rows)
      row(*works[thread], lo, std::min(end, lo + inference_rows), thread);
  });
}

template <class T>
EvaluateOutcome Layered<T>::evaluate(const Data& data, const Rows& rows, WeightsChoice weights, void* outputs) {
  std::shared_lock<std::shared_mutex> lock(weights_mutex_, std::defer_lock);
  if (weights == WeightsChoice::current) lock.lock();
  const Parameters parameters = Base::weights_for(weights);
  const Batch batch{&data, rows, rows.to};
  const Stage& last = plan_.last();
  std::vector<double> row_loss(batch.size());
  std::vector<uint32_t> correct(threads_);
  EvaluateOutcome outcome;
  outcome.denominator = Base::denominator(batch);
  each_block(batch.size(), parameters->data(), [&](Work& w, size_t lo, size_t hi, unsigned thread) {
    Base::gather(w.base, batch, lo, 0, hi - lo, true);
    forward(w, parameters->data(), hi - lo, false, Crew{});
    correct[thread] += Base::loss(w.base, batch, lo, 0, hi - lo, outcome.denominator, false, outputs != nullptr, row_loss.data() + lo);
    if (outputs != nullptr)
      Base::copy_rows(w.base.outputs.data(), last.ld, hi - lo, last.units, static_cast<T*>(outputs) + lo * last.units);
  });
  outcome.loss_sum = Base::weighted_sum(row_loss.data(), batch);
  outcome.penalty = Base::penalty(parameters->data());
  for (const uint32_t c : correct) outcome.correct += c;
  return outcome;
}

template <class T>
void Layered<T>::predict(const Data& data, const Rows& rows, OutputKind kind, WeightsChoice weights, void* out) {
  std::shared_lock<std::shared_mutex> lock(weights_mutex_, std::defer_lock);
  if (weights == WeightsChoice::current) lock.lock();
  const Parameters parameters = Base::weights_for(weights);
  const Batch batch{&data, rows, rows.to};
  const Stage& last = plan_.last();
  each_block(batch.size(), parameters->data(), [&](Work& w, size_t lo, size_t hi, unsigned) {
    Base::gather(w.base, batch, lo, 0, hi - lo, false);
    forward(w, parameters->data(), hi - lo, false, Crew{});
    T* const z = w.base.activations.back().data();
    if (kind == OutputKind::outputs) Base::head(z, hi - lo);
    Base::copy_rows(z, last.ld, hi - lo, last.units, static_cast<T*>(out) + lo * last.units);
  });
}

// --- a step taken apart

template <class T>
void Layered<T>::forward_train(const Data& data, const Rows& rows, void* outputs, void* logits, const std::vector<void*>& activations) {
  const std::unique_lock<std::shared_mutex> lock(weights_mutex_);
  const Batch batch{&data, rows, rows.to};
  const size_t n = batch.size();
  manual_rows_ = 0;
  check_rows("forwardTrain", n);
  if (manual_work_.rows != n) manual_work_ = Work(plan_, n, true);
  Work& w = manual_work_;
  const Stage& last = plan_.last();
  run_crew(n, [&](const Crew& crew) {
    const size_t lo = crew.lo(n), hi = crew.hi(n);
    if (lo < hi) Base::gather(w.base, batch, 0, lo, hi, false);
    forward(w, flat_.data(), n, true, crew);
    for (size_t s = 1; s < plan_.segments.size(); ++s) {
      const Segment& segment = plan_.segments[s];
      Base::copy_rows(w.last_value(s) + lo * segment.ld, segment.ld, hi - lo, segment.units,
                      static_cast<T*>(activations[s - 1]) + lo * segment.units);
    }
    const T* const z = w.base.activations.back().data() + lo * last.ld;
    T* const out = w.base.outputs.data() + lo * last.ld;
    Base::copy_rows(z, last.ld, hi - lo, last.units, static_cast<T*>(logits) + lo * last.units);
    std::copy(z, z + (hi - lo) * last.ld, out);
    Base::head(out, hi - lo);
    Base::copy_rows(out, last.ld, hi - lo, last.units, static_cast<T*>(outputs) + lo * last.units);
  });
  keep_statistics(w, n);
  manual_rows_ = n;
}

template <class T>
void Layered<T>::write_dx(Work& w, size_t rows, void* dx) const {
  T* const full = w.gradient(0);
  for (size_t f = this->affines_.size(); f-- > 0;) {
    const Affine<T>& a = this->affines_[f];
    for (size_t r = 0; r < rows; ++r)
      for (size_t i = 0; i < plan_.input_size; ++i) full[r * plan_.input_ld + i] *= a.means == nullptr ? a.scale : a.scales[i];
  }
  Base::copy_rows(full, plan_.input_ld, rows, plan_.input_size, static_cast<T*>(dx));
}

template <class T>
void Layered<T>::backward(const void* dlogits, const std::vector<void*>& gradients, void* dx) {
  const std::unique_lock<std::shared_mutex> lock(weights_mutex_);
  Work& w = manual_work_;
  const Stage& last = plan_.last();
  T* const dz = w.base.gradients.back().data();
  std::fill(dz, dz + manual_rows_ * last.ld, T(0));
  for (size_t r = 0; r < manual_rows_; ++r) std::copy_n(static_cast<const T*>(dlogits) + r * last.units, last.units, dz + r * last.ld);
  AlignedArray<T> flat(plan_.flat_size), partials(partials_size(manual_rows_));
  run_crew(manual_rows_, [&](const Crew& crew) { backward(w, manual_rows_, flat.data(), partials.data(), dx != nullptr, crew); });
  Base::unpack(flat.data(), gradients);
  if (dx != nullptr) write_dx(w, manual_rows_, dx);
}

template <class T>
EvaluateOutcome Layered<T>::loss_and_gradients(const Data& data, const Rows& rows, const std::vector<void*>& gradients, void* dx,
                                               void* outputs) {
  const std::unique_lock<std::shared_mutex> lock(weights_mutex_);
  const Batch batch{&data, rows, rows.to};
  const size_t n = batch.size();
  manual_rows_ = 0;
  check_rows("lossAndGradients", n);
  Work w(plan_, n, true);
  const Stage& last = plan_.last();
  std::vector<double> row_loss(n);
  std::vector<uint32_t> correct(threads_);
  AlignedArray<T> flat(plan_.flat_size), partials(partials_size(n));
  EvaluateOutcome outcome;
  outcome.denominator = Base::denominator(batch);
  run_crew(n, [&](const Crew& crew) {
    const size_t lo = crew.lo(n), hi = crew.hi(n);
    if (lo < hi) Base::gather(w.base, batch, 0, lo, hi, true);
    forward(w, flat_.data(), n, true, crew);
    if (lo < hi) correct[crew.thread] = Base::loss(w.base, batch, 0, lo, hi, outcome.denominator, true, true, row_loss.data() + lo);
    backward(w, n, flat.data(), partials.data(), dx != nullptr, crew);
  });
  for (const uint32_t c : correct) outcome.correct += c;
  Base::copy_rows(w.base.outputs.data(), last.ld, n, last.units, static_cast<T*>(outputs));
  outcome.loss_sum = Base::weighted_sum(row_loss.data(), batch);
  outcome.penalty = Base::penalty(flat_.data());
  const FlushToZero flush;
  Base::add_penalties(flat.data());
  Base::unpack(flat.data(), gradients);
  if (dx != nullptr) write_dx(w, n, dx);
  keep_statistics(w, n);
  return outcome;
}

template <class T>
void Layered<T>::apply_gradients(const std::vector<const void*>& gradients, const double* scalars) {
  {
    const std::unique_lock<std::shared_mutex> lock(weights_mutex_);
    const FlushToZero flush;
    size_t index = 0;
    if (waiting_)
      each_batch_normalization([&](const Segment& s, size_t, size_t p) {
        move_statistics(s.passes[p], s.units, waiting_->rows, waiting_->mean[index].data(), waiting_->squares[index].data());
        ++index;
      });
    waiting_.reset();
  }
  Base::apply_gradients(gradients, scalars);
}

// --- states

template <class T>
double Layered<T>::get_state(const Arrays& arrays) const {
  const double step = Base::get_state(arrays);
  const std::shared_lock<std::shared_mutex> lock(weights_mutex_);
  size_t index = 0;
  each_batch_normalization([&](const Segment& s, size_t, size_t p) {
    for (const size_t at : {s.passes[p].mean_at, s.passes[p].variance_at})
      std::copy_n(flat_.data() + at, s.units, static_cast<T*>(arrays.statistics[index++]));
  });
  return step;
}

template <class T>
void Layered<T>::set_state(const ConstArrays& arrays, double step) {
  Base::set_state(arrays, step);
  const std::unique_lock<std::shared_mutex> lock(weights_mutex_);
  size_t index = 0;
  each_batch_normalization([&](const Segment& s, size_t, size_t p) {
    for (const size_t at : {s.passes[p].mean_at, s.passes[p].variance_at})
      std::copy_n(static_cast<const T*>(arrays.statistics[index++]), s.units, flat_.data() + at);
  });
  waiting_.reset();
}

template <class T>
std::vector<size_t> Layered<T>::stage_units() const {
  std::vector<size_t> units;
  for (size_t s = 1; s < plan_.segments.size(); ++s) units.push_back(plan_.segments[s].units);
  return units;
}

template <class T>
std::vector<size_t> Layered<T>::statistic_sizes() const {
  std::vector<size_t> sizes;
  each_batch_normalization([&](const Segment& s, size_t, size_t) { sizes.insert(sizes.end(), 2, s.units); });
  return sizes;
}

std::unique_ptr<Network> make_layered(NetworkSpec spec, const KernelSet* kernels, unsigned threads, PlanKind kind) {
  if (spec.float64) return std::make_unique<Layered<double>>(std::move(spec), kernels, threads, kind);
  return std::make_unique<Layered<float>>(std::move(spec), kernels, threads, kind);
}

}  // namespace nabla
