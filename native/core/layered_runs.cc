// What callers ask of a layered network: training, predictions, a step taken apart, states.
#include <chrono>
#include <cmath>

#include "layered_engine.h"
#include "memory_limit.h"

namespace nabla {

namespace {

constexpr size_t inference_rows = 32;

}  // namespace

template <class T>
void Layered<T>::check_rows(const char* op, size_t rows) const {
  bool any = false;
  each_batch_normalization([&](const Segment& s, size_t, size_t p) { any = any || s.passes[p].moves; });
  if (any && rows < 2)
    throw Error("ERR_RANGE",
                std::string("[") + op +
                    "] batch normalization learns from the differences of a batch's rows. Expected at least 2 rows, received 1.");
}

// --- whole batches

// body(crew) on every thread of a team that threads_for allows.
template <class T>
template <class Body>
void Layered<T>::run_crew(unsigned threads, const Body& body) const {
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
  Base::let_readers_keep();
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
  bool stop = false, given_up = false;
  const Clock::time_point start = Clock::now();
  const bool timed = std::isfinite(request.max_milliseconds);
  run_crew(threads, [&](const Crew& crew) {
    for (size_t step = request.first_step; step < total; ++step) {
      const size_t in_pass = step % steps_a_pass;
      Batch batch{&data, request.rows, request.rows.to};
      batch.rows.from = request.rows.from + in_pass * batch_rows;
      batch.rows.to = std::min(request.rows.to, batch.rows.from + batch_rows);
      const size_t n = batch.size(), lo = crew.lo(n), hi = crew.hi(n);
      const double denominator = Base::denominator(batch);
      if (crew.thread == 0) {
        Base::prepare_updates(request.scalars + step * request.stride);
        penalty = Base::penalty(flat_.data());
      }
      correct[crew.thread] = 0;
      if (lo < hi) Base::gather(w.base, batch, 0, lo, hi, true);
      forward(w, flat_.data(), n, true, crew);
      if (lo < hi) correct[crew.thread] = Base::loss(w.base, batch, 0, lo, hi, denominator, true, request.outputs, row_loss.data() + lo);
      if (lo < hi && request.outputs)
        Base::copy_rows(w.base.outputs.data() + lo * last.ld, last.ld, hi - lo, last.units,
                        reinterpret_cast<T*>(outcome.outputs.data()) + (outcome.output_rows + lo) * last.units);
      // No weight has changed yet.
      if (crew.thread == 0 && n > chunk_rows) given_up = Base::abort_.load(std::memory_order_relaxed);
      crew.meet();
      if (given_up) {
        if (crew.thread == 0) outcome.stopped = Stopped::aborted;
        return;
      }
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

// Blocks of rows; moving statistics are in place.
template <class T>
void Layered<T>::go_through(typename Base::Pass& pass, const Parameters& parameters, typename Clock::time_point until) const {
  const Batch& batch = pass.batch;
  const Stage& last = plan_.last();
  const unsigned threads = Base::inference_threads(batch.size() - pass.done, inference_rows);
  // Allocation may throw, and work must not.
  std::vector<std::unique_ptr<Work>> works;
  for (unsigned t = 0; t < threads; ++t) {
    works.push_back(std::make_unique<Work>(plan_, std::min(batch.size(), inference_rows), false));
    moving_statistics(*works.back(), parameters.flat);
  }
  pass.spread(inference_rows, threads, until, [&](unsigned thread, size_t lo, size_t hi) {
    Work& w = *works[thread];
    Base::gather(w.base, batch, lo, 0, hi - lo, pass.evaluates);
    forward(w, parameters.flat, hi - lo, false, Crew{});
    T* from = w.base.outputs.data();
    if (pass.evaluates) {
      pass.correct[thread] +=
          Base::loss(w.base, batch, lo, 0, hi - lo, pass.denominator, false, pass.out != nullptr, pass.row_loss.data() + lo);
    } else {
      from = w.base.activations.back().data();
      if (pass.kind == OutputKind::outputs) Base::head(from, hi - lo);
    }
    if (pass.out != nullptr) Base::copy_rows(from, last.ld, hi - lo, last.units, static_cast<T*>(pass.out) + lo * last.units);
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
  run_crew(Base::threads_for(n), [&](const Crew& crew) {
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
  run_crew(Base::threads_for(manual_rows_),
           [&](const Crew& crew) { backward(w, manual_rows_, flat.data(), partials.data(), dx != nullptr, crew); });
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
  run_crew(Base::threads_for(n), [&](const Crew& crew) {
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
    Base::let_readers_keep();
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
