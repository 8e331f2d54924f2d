// Training steps. A phase says how it splits; threads meet at barriers between phases; every element has one owner.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>

#include "engine.h"
#include "memory_limit.h"
#include "train_team.h"

namespace nabla {

namespace {

// Below this much work a step ends before a second thread has started.
constexpr double flops_worth_a_team = 200e3;

// A layer this narrow adds its gradient in memory, a row at a time; a wider one goes through columns.
constexpr size_t scatter_panels = 2;

// A team that waited for this share of its time, in at least this long, is left for one thread; tried again after a while that doubles
// up to the longest, and is short again after a team that did well for long enough. Timing decides who computes, never what.
constexpr double stalled_share = 0.4;
constexpr auto stalled_after = std::chrono::milliseconds(8), well_after = std::chrono::milliseconds(50);
constexpr auto solo_longest = std::chrono::milliseconds(800);

size_t part(size_t count, size_t index, size_t parts) { return count * index / parts; }

}  // namespace

template <class T>
unsigned Engine<T>::threads_for(size_t rows) const {
  return static_cast<double>(rows) * plan_.flops_per_row < flops_worth_a_team ? 1 : Pool::instance().available(threads_);
}

template <class T>
bool Engine<T>::prepare_team(Team& team, size_t rows, unsigned threads) {
  const bool blocked = gradient_blocks(rows, plan_.parameters) > 1;
  if (team.full.threads != threads) {
    for (typename Team::Split* const split : {&team.full, &team.solo}) {
      split->threads = split == &team.solo ? 1 : threads;
      split->barrier = std::make_unique<Barrier>(split->threads, Pool::instance().crowded(split->threads));
      split->runs = split_weights(plan_, split->threads);
      split->later_runs = split_weights(plan_, split->threads, 1);
    }
    team.correct.assign(threads, 0);
    team.losses.assign(threads, 0);
    team.blocks.clear();
  }
  // A blocked batch may end in a partial one that is not: both need the shared scratch.
  const size_t chunk = std::min(rows, blocked ? size_t{1023} : chunk_rows);
  if (team.chunk.rows < chunk) team.chunk = Scratch<T>(plan_, chunk, true);
  if (blocked && team.blocks.empty()) {
    for (unsigned t = 0; t < threads; ++t) team.blocks.emplace_back(plan_, block_rows, true);
    team.partials.reserve(16 * plan_.flat_size);
  }
  if (blocked || materialised_ || rows > chunk_rows) team.gradients.reserve(plan_.flat_size);
  if (team.row_loss.size() < rows) team.row_loss.resize(rows);
  team.weights_finite.store(true);
  if (team.sparse != nullptr) {
    team.sparse_rows.resize(blocked ? threads + 1 : 1);
    for (size_t i = 0; i < team.sparse_rows.size(); ++i) team.sparse_rows[i].reserve(i == 0 ? chunk : block_rows, team.sparse->longest);
    team.sparse_order.resize(threads);
    team.sparse_columns.resize(threads);
    team.sparse_bits.resize(threads);
    // Inputs split so that every thread has as many entries; an input costs a little even when no row has it.
    const std::vector<size_t>& counts = team.sparse->column_counts;
    size_t all = 0;
    for (const size_t c : counts) all += c + 1;
    for (typename Team::Split* const split : {&team.full, &team.solo}) {
      std::vector<size_t>& columns = split->column_split;
      columns.assign(1, 0);
      size_t sum = 0;
      for (size_t i = 0; i < counts.size(); ++i) {
        while (columns.size() < split->threads && sum * split->threads >= all * columns.size()) columns.push_back(i);
        sum += counts[i] + 1;
      }
      while (columns.size() < split->threads + 1) columns.push_back(counts.size());
    }
    const size_t most_rows = std::max(chunk, blocked ? block_rows : 0);
    for (unsigned t = 0; t < threads; ++t) {
      // Thread 0 may work alone; in blocks every thread takes all inputs.
      const size_t own = t == 0 ? counts.size() : team.full.column_split[t + 1] - team.full.column_split[t];
      const size_t entries = chunk * std::min(own, team.sparse->longest), in_blocks = blocked ? block_rows * team.sparse->longest : 0;
      team.sparse_order[t].reserve(most_rows);
      team.sparse_bits[t].reserve(blocked ? counts.size() : own);
      team.sparse_columns[t].reserve(most_rows, blocked ? counts.size() : own, std::max(entries, in_blocks));
    }
  }
  return blocked;
}

template <class T>
const SparseSamples* Engine<T>::sparse_samples(const Data& data) const {
  if (!data.lists || !zeros_stay() || plan_.dropout_after(0) || !first_weights_finite(flat_.data(), 0, plan_.input_size)) return nullptr;
  return data.lists.get();
}

template <class T>
bool Engine<T>::zeros_stay() const {
  if (plan_.unpacked) return false;
  return std::all_of(affines_.begin(), affines_.end(), [](const Affine<T>& a) { return a.offset == 0 && a.means == nullptr; });
}

template <class T>
bool Engine<T>::first_weights_finite(const T* flat, size_t i0, size_t i1) const {
  const Stage& s = plan_.stages[0];
  for (size_t p = 0; p < s.panels; ++p)
    if (!k_.all_finite(flat + s.weight_at + (p * s.inputs + i0) * plan_.width, (i1 - i0) * plan_.width)) return false;
  return true;
}

template <class T>
void Engine<T>::prepare_updates(const double* scalars) {
  const OptimizerSpec& o = spec_.optimizer;
  StepNumbers step;
  std::memcpy(&step, scalars, sizeof step);
  for (size_t i = 0; i < plan_.stages.size(); ++i) {
    const Stage& s = plan_.stages[i];
    for (size_t bias = 0; bias < 2; ++bias) {
      const size_t at = bias == 1 ? s.bias_at : s.weight_at;
      Update<T>& u = updates_[2 * i + bias];
      u.rule = o.rule;
      u.parameters = flat_.data() + at;
      u.slot0 = slot0_.size() > 0 ? slot0_.data() + at : nullptr;
      u.slot1 = slot1_.size() > 0 ? slot1_.data() + at : nullptr;
      u.slot2 = slot2_.size() > 0 ? slot2_.data() + at : nullptr;
      u.rate = static_cast<T>(step.rate * s.rate_factor);
      u.dampening = static_cast<T>(step.dampening);
      u.correction = static_cast<T>(step.correction);
      u.momentum_rate = static_cast<T>(step.momentum_rate * s.rate_factor);
      u.decay = static_cast<T>(step.decay * s.rate_factor);
      // Where norms are taken the penalties' parts are in the gradients already.
      const bool joined = bias == 1 || o.clips_norms();
      u.l2 = joined ? T(0) : static_cast<T>(s.l2);
      u.l1 = joined ? T(0) : static_cast<T>(s.l1);
      u.clips = o.clip == Clip::value;
      u.clip = static_cast<T>(o.clip_limit);
      u.scaled = false;
      u.non_negative = (bias == 1 ? s.bias_constraint : s.kernel_constraint) == Constraint::non_negative;
      u.weight_decay = static_cast<T>(o.weight_decay);
      u.momentum = static_cast<T>(o.momentum);
      u.nesterov = o.nesterov;
      u.amsgrad = o.amsgrad;
      u.centered = o.centered;
      u.beta1 = static_cast<T>(o.beta1);
      u.beta2 = static_cast<T>(o.beta2);
      u.one_minus_beta1 = static_cast<T>(1.0 - o.beta1);
      u.one_minus_beta2 = static_cast<T>(1.0 - o.beta2);
      u.epsilon = static_cast<T>(o.epsilon);
    }
  }
}

// Gradients of the weights in `runs` and of this thread's biases over the scratch's rows: stored, accumulated, or used at once.
template <class T>
void Engine<T>::weight_phase(Scratch<T>& s, size_t rows, const std::vector<WeightRun>& runs, unsigned thread, unsigned threads,
                             T* gradients, bool accumulate, bool update) {
  for (const WeightRun& run : runs) {
    const Stage& stage = plan_.stages[run.stage];
    const GradientSink<T> sink{gradients != nullptr ? gradients + stage.weight_at : nullptr, accumulate,
                               update ? &updates_[2 * run.stage] : nullptr};
    k_.weight_gradient(stage_input(s, run.stage, true), stage_input_ld(run.stage), s.gradients[run.stage].data(), stage.ld, rows,
                       stage.inputs, run.i0, run.i1, run.p0, run.p1, &sink);
    // Constraints come before the copy.
    if (update && !row_constraints_ && stage.transposed_at != no_offset)
      k_.transpose_weight(flat_.data() + stage.weight_at, stage.inputs, stage.panels, run.i0 / plan_.width,
                          (run.i1 + plan_.width - 1) / plan_.width, run.p0, run.p1, transposed_.data() + stage.transposed_at);
  }
  for (size_t i = 0; i < plan_.stages.size(); ++i) {
    const Stage& stage = plan_.stages[i];
    if (!stage.use_bias) continue;
    const GradientSink<T> sink{gradients != nullptr ? gradients + stage.bias_at : nullptr, accumulate,
                               update ? &updates_[2 * i + 1] : nullptr};
    k_.bias_gradient(s.gradients[i].data(), stage.ld, rows, part(stage.panels, thread, threads), part(stage.panels, thread + 1, threads),
                     &sink);
  }
}

// The update of this thread's share of all parameters, with gradients in memory.
template <class T>
void Engine<T>::update_range(const T* gradients, unsigned thread, unsigned threads) {
  const size_t begin = part(plan_.flat_size / plan_.width, thread, threads) * plan_.width;
  const size_t end = part(plan_.flat_size / plan_.width, thread + 1, threads) * plan_.width;
  for (size_t i = 0; i < plan_.stages.size(); ++i) {
    const Stage& s = plan_.stages[i];
    const size_t stage_end = s.bias_at + s.panels * plan_.width;
    const auto apply = [&](size_t from, size_t to, const Update<T>& u) {
      const size_t lo = std::max(from, begin), hi = std::min(to, end);
      if (lo < hi) k_.update(&u, gradients + from, lo - from, hi - from);
    };
    apply(s.weight_at, s.bias_at, updates_[2 * i]);
    if (s.use_bias) apply(s.bias_at, stage_end, updates_[2 * i + 1]);
  }
}

template <class T>
void Engine<T>::refresh_transposed(unsigned thread, unsigned threads) {
  for (const Stage& s : plan_.stages) {
    if (s.transposed_at == no_offset) continue;
    k_.transpose_weight(flat_.data() + s.weight_at, s.inputs, s.panels, part(s.input_panels, thread, threads),
                        part(s.input_panels, thread + 1, threads), 0, s.panels, transposed_.data() + s.transposed_at);
  }
}

// Parameter-split plan: samples split for forward, loss and dz; rows of the weights split for dweight and update.
template <class T>
void Engine<T>::chunk_step(Team& team, const Batch& batch, unsigned thread) {
  const size_t n = batch.size();
  const double denom = denominator(batch);
  const bool single = n <= chunk_rows;
  const bool fused = !materialised_;
  const bool sparse = team.sparse != nullptr && team.weights_finite.load(std::memory_order_relaxed);
  for (size_t at = 0; at < n; at += chunk_rows) {
    const size_t m = std::min(chunk_rows, n - at);
    const size_t lo = part(m, thread, team.split->threads), hi = part(m, thread + 1, team.split->threads);
    // No weight has changed yet.
    if (thread == 0 && !single && abort_.load(std::memory_order_relaxed)) team.given_up.store(true, std::memory_order_relaxed);
    if (lo < hi) {
      if (sparse) {
        gather_sparse(team.sparse_rows[0], batch, at, lo, hi, n);
        gather_targets(team.chunk, batch, at, lo, hi);
        const SparseLists<T> lists = team.sparse_order[thread].build(team.sparse_rows[0], lo, hi);
        forward(team.chunk, flat_.data(), lo, hi, true, at, &lists);
      } else {
        gather(team.chunk, batch, at, lo, hi, true);
        forward(team.chunk, flat_.data(), lo, hi, true, at);
      }
      team.correct[thread] += loss(team.chunk, batch, at, lo, hi, denom, true, team.outputs, team.row_loss.data() + at + lo);
      if (team.outputs)
        copy_rows(team.chunk.outputs.data() + lo * plan_.last().ld, plan_.last().ld, hi - lo, plan_.last().units,
                  reinterpret_cast<T*>(team.outcome->outputs.data()) + (team.output_row + at + lo) * plan_.last().units);
      backward_rows(team.chunk, lo, hi);
    }
    team.meet(thread);
    if (!single && team.given_up.load(std::memory_order_relaxed)) return;
    const bool last = at + m == n;
    if (last) {
      team.losses[thread] = weighted_sum(team.row_loss.data(), batch) / denom + team.penalty;
      if (!std::isfinite(team.losses[thread])) return;
    }
    T* const gradients = single && fused ? nullptr : team.gradients.data();
    if (sparse) {
      const Stage& first = plan_.stages[0];
      const size_t i0 = team.split->column_split[thread], i1 = team.split->column_split[thread + 1];
      const GradientSink<T> sink{gradients != nullptr ? gradients + first.weight_at : nullptr, at > 0,
                                 last && fused ? &updates_[0] : nullptr};
      if (!sparse_gradient(team.sparse_rows[0], team.sparse_columns[thread], team.sparse_bits[thread], m, i0, i1,
                           team.chunk.gradients[0].data(), sink))
        team.weights_finite.store(false, std::memory_order_relaxed);
    }
    weight_phase(team.chunk, m, sparse ? team.split->later_runs[thread] : team.split->runs[thread], thread, team.split->threads, gradients,
                 at > 0, last && fused);
    if (!last) team.meet(thread);
  }
  if (fused && !row_constraints_) return;
  team.meet(thread);
  if (!fused) {
    if (spec_.optimizer.clips_norms()) clip_norms(team, thread);
    update_range(team.gradients.data(), thread, team.split->threads);
    team.meet(thread);
  }
  if (row_constraints_) {
    constrain_rows(thread, team.split->threads);
    team.meet(thread);
  }
  refresh_transposed(thread, team.split->threads);
  if (sparse && !first_weights_finite(flat_.data(), team.split->column_split[thread], team.split->column_split[thread + 1]))
    team.weights_finite.store(false, std::memory_order_relaxed);
}

// The first layer's gradient of inputs [i0, i1) over m rows; false where its update made a weight that is not finite.
template <class T>
bool Engine<T>::sparse_gradient(const SparseRows<T>& rows, SparseColumnLists<T>& lists, SparseColumnBits& bits, size_t m, size_t i0,
                                size_t i1, const T* dz, const GradientSink<T>& sink) const {
  const Stage& first = plan_.stages[0];
  if (m <= most_bit_rows) {
    const SparseBits<T> columns = bits.build(rows, m, i0, i1, first.inputs);
    return k_.sparse_bit_gradient(&columns, dz, first.ld, first.inputs, first.panels, &sink);
  }
  const SparseColumns<T> columns = lists.build(rows, m, i0, i1);
  return k_.sparse_weight_gradient(&columns, dz, first.ld, first.inputs, first.panels, &sink);
}

// The same over a sub-block, all inputs.
template <class T>
void Engine<T>::sparse_block_gradient(const SparseRows<T>& rows, SparseColumnLists<T>& lists, SparseColumnBits& bits, size_t m, const T* dz,
                                      const GradientSink<T>& sink) const {
  const Stage& first = plan_.stages[0];
  if (first.panels > scatter_panels) {
    sparse_gradient(rows, lists, bits, m, 0, first.inputs, dz, sink);
    return;
  }
  if (!sink.accumulate) std::fill(sink.gradients, sink.gradients + first.panels * first.inputs * plan_.width, T(0));
  for (size_t r = 0; r < m; ++r)
    k_.sparse_scatter(rows.index[r], rows.values.data() + r * rows.ld, rows.counts[r], dz + r * first.ld, first.inputs, first.panels,
                      sink.gradients);
}

// Sample-split plan: few parameters and many rows. Each gradient block is summed apart, then the blocks are added in order.
template <class T>
void Engine<T>::block_step(Team& team, const Batch& batch, unsigned thread) {
  const size_t n = batch.size(), count = gradient_blocks(n, plan_.parameters);
  const double denom = denominator(batch);
  Scratch<T>& s = team.blocks[thread];
  const bool sparse = team.sparse != nullptr && team.weights_finite.load(std::memory_order_relaxed);
  for (size_t block = part(count, thread, team.split->threads); block < part(count, thread + 1, team.split->threads); ++block) {
    const size_t from = part(n, block, count), to = part(n, block + 1, count);
    T* const gradients = team.partials.data() + block * plan_.flat_size;
    for (size_t at = from; at < to; at += block_rows) {
      // Each looks for itself, and all see it at the barrier.
      if (n > chunk_rows && abort_.load(std::memory_order_relaxed)) team.given_up.store(true, std::memory_order_relaxed);
      if (team.given_up.load(std::memory_order_relaxed)) break;
      const size_t m = std::min(block_rows, to - at);
      if (sparse) {
        gather_sparse(team.sparse_rows[thread + 1], batch, at, 0, m, block_rows);
        gather_targets(s, batch, at, 0, m);
        const SparseLists<T> lists = team.sparse_order[thread].build(team.sparse_rows[thread + 1], 0, m);
        forward(s, flat_.data(), 0, m, true, at, &lists);
      } else {
        gather(s, batch, at, 0, m, true);
        forward(s, flat_.data(), 0, m, true, at);
      }
      team.correct[thread] += loss(s, batch, at, 0, m, denom, true, team.outputs, team.row_loss.data() + at);
      if (team.outputs)
        copy_rows(s.outputs.data(), plan_.last().ld, m, plan_.last().units,
                  reinterpret_cast<T*>(team.outcome->outputs.data()) + (team.output_row + at) * plan_.last().units);
      backward_rows(s, 0, m);
      for (size_t i = 0; i < plan_.stages.size(); ++i) {
        const Stage& stage = plan_.stages[i];
        const GradientSink<T> weight{gradients + stage.weight_at, at > from, nullptr};
        if (i == 0 && sparse)
          sparse_block_gradient(team.sparse_rows[thread + 1], team.sparse_columns[thread], team.sparse_bits[thread], m,
                                s.gradients[0].data(), weight);
        else
          k_.weight_gradient(stage_input(s, i, true), stage_input_ld(i), s.gradients[i].data(), stage.ld, m, stage.inputs, 0, stage.inputs,
                             0, stage.panels, &weight);
        if (!stage.use_bias) continue;
        const GradientSink<T> bias{gradients + stage.bias_at, at > from, nullptr};
        k_.bias_gradient(s.gradients[i].data(), stage.ld, m, 0, stage.panels, &bias);
      }
    }
  }
  team.meet(thread);
  if (team.given_up.load(std::memory_order_relaxed)) return;
  team.losses[thread] = weighted_sum(team.row_loss.data(), batch) / denom + team.penalty;
  if (!std::isfinite(team.losses[thread])) return;
  const size_t begin = part(plan_.flat_size / plan_.width, thread, team.split->threads) * plan_.width;
  const size_t end = part(plan_.flat_size / plan_.width, thread + 1, team.split->threads) * plan_.width;
  k_.sum_blocks(team.partials.data(), count, plan_.flat_size, begin, end, team.gradients.data());
  if (spec_.optimizer.clips_norms()) {
    team.meet(thread);
    clip_norms(team, thread);
  }
  update_range(team.gradients.data(), thread, team.split->threads);
  team.meet(thread);
  if (row_constraints_) {
    constrain_rows(thread, team.split->threads);
    team.meet(thread);
  }
  refresh_transposed(thread, team.split->threads);
  if (sparse && !first_weights_finite(flat_.data(), team.split->column_split[thread], team.split->column_split[thread + 1]))
    team.weights_finite.store(false, std::memory_order_relaxed);
}

// Whether the threads at work should part: a team that mostly waits, or one thread whose time alone is over.
template <class T>
bool Engine<T>::change_team(Team& team, std::chrono::steady_clock::duration together, std::chrono::steady_clock::time_point now) {
  if (team.split == &team.solo) return now >= solo_until_;
  if (together < stalled_after) return false;
  const auto stalled = std::chrono::nanoseconds(team.stalled.load(std::memory_order_relaxed));
  if (std::chrono::duration<double>(stalled) < stalled_share * std::chrono::duration<double>(together)) {
    // Well for long enough: the next time alone is short again, and the account starts anew.
    if (together > well_after) solo_ = solo_shortest;
    return together > well_after;
  }
  solo_until_ = now + solo_;
  solo_ = std::min<std::chrono::steady_clock::duration>(solo_ * 2, solo_longest);
  return true;
}

template <class T>
TrainOutcome Engine<T>::train(const Data& data, const TrainRequest& request) {
  using Clock = std::chrono::steady_clock;
  const std::unique_lock<std::shared_mutex> lock(weights_mutex_);
  let_readers_keep();
  manual_rows_ = 0;
  first_finite_.store(Finite::unknown, std::memory_order_relaxed);
  const size_t span = request.rows.to - request.rows.from;
  const size_t batch_rows = std::min(request.batch_size, span);
  const size_t steps_a_pass = (span + batch_rows - 1) / batch_rows;
  const size_t total = steps_a_pass * request.repeat;
  if (tiny(data, batch_rows, steps_a_pass, request)) {
    TrainOutcome outcome;
    tiny_train(data, request, total, outcome);
    return outcome;
  }
  const unsigned threads = threads_for(batch_rows);
  if (!team_) team_ = std::make_unique<Team>();
  Team& team = *team_;
  team.sparse = sparse_samples(data);
  const bool blocked = prepare_team(team, batch_rows, threads);
  TrainOutcome outcome;
  const size_t left = total - request.first_step;
  outcome.losses.reserve(std::min(left, size_t{1} << 16));
  outcome.correct.reserve(outcome.losses.capacity());
  team.outcome = &outcome;
  team.outputs = request.outputs;
  team.output_row = 0;
  team.stop = false;
  team.given_up.store(false, std::memory_order_relaxed);
  size_t next = request.first_step;
  if (request.outputs) {
    // One pass at most: with outputs a slice ends where a pass does, so that memory stays bounded.
    const size_t rows = std::min(left * batch_rows, span);
    outcome.outputs = AlignedArray<uint8_t>(rows * plan_.last().units * sizeof(T));
  }
  const bool has_penalty = std::any_of(plan_.stages.begin(), plan_.stages.end(), [](const Stage& s) { return s.l2 != 0 || s.l1 != 0; });
  const Clock::time_point start = Clock::now();
  const bool timed = std::isfinite(request.max_milliseconds);

  Clock::time_point met = start;
  const auto work = [&](unsigned thread) {
    const FlushToZero flush;
    for (size_t step = next; step < total; ++step) {
      const size_t in_pass = step % steps_a_pass;
      Batch batch{&data, request.rows, request.rows.to};
      batch.rows.from = request.rows.from + in_pass * batch_rows;
      batch.rows.to = std::min(request.rows.to, batch.rows.from + batch_rows);
      team.correct[thread] = 0;
      if (thread == 0) {
        prepare_updates(request.scalars + step * request.stride);
        team.penalty = has_penalty ? penalty(flat_.data()) : 0;
      }
      if (blocked && gradient_blocks(batch.size(), plan_.parameters) > 1)
        block_step(team, batch, thread);
      else
        chunk_step(team, batch, thread);
      if (team.given_up.load(std::memory_order_relaxed)) {
        if (thread == 0) outcome.stopped = Stopped::aborted;
        return;
      }
      const bool failed = !std::isfinite(team.losses[thread]);
      if (thread == 0) {
        outcome.losses.push_back(team.losses[0]);
        team.output_row += batch.size();
        // Counted before the phase barrier by every thread, set to 0 again only after the barrier below.
        uint32_t correct = 0;
        for (unsigned t = 0; t < team.split->threads; ++t) correct += team.correct[t];
        outcome.correct.push_back(correct);
        if (failed) {
          outcome.stopped = Stopped::non_finite;
        } else {
          ++outcome.steps;
          step_ += 1;
          if (step + 1 < total) {
            const Clock::time_point now = Clock::now();
            if (abort_.load(std::memory_order_relaxed)) {
              outcome.stopped = Stopped::aborted;
              team.stop = true;
            } else if ((timed && std::chrono::duration<double, std::milli>(now - start).count() >= request.max_milliseconds) ||
                       (request.outputs && in_pass + 1 == steps_a_pass)) {
              outcome.stopped = Stopped::slice;
              team.stop = true;
            } else if (threads > 1) {
              team.leave = change_team(team, now - met, now);
            }
          }
        }
      }
      if (failed) return;
      team.meet(thread);
      if (team.stop || team.leave) return;
    }
  };
  do {
    team.split = threads == 1 || Clock::now() < solo_until_ ? &team.solo : &team.full;
    team.leave = false;
    team.stalled.store(0, std::memory_order_relaxed);
    met = Clock::now();
    // By reference: a copy would be allocated at every change of the team.
    Pool::instance().run(team.split->threads, std::ref(work));
    next = request.first_step + outcome.steps;
  } while (team.leave);
  outcome.output_rows = request.outputs ? team.output_row : 0;
  team.outcome = nullptr;
  return outcome;
}

template TrainOutcome Engine<float>::train(const Data&, const TrainRequest&);
template TrainOutcome Engine<double>::train(const Data&, const TrainRequest&);
template bool Engine<float>::zeros_stay() const;
template bool Engine<double>::zeros_stay() const;
template bool Engine<float>::first_weights_finite(const float*, size_t, size_t) const;
template bool Engine<double>::first_weights_finite(const double*, size_t, size_t) const;
template unsigned Engine<float>::threads_for(size_t) const;
template unsigned Engine<double>::threads_for(size_t) const;
template void Engine<float>::prepare_updates(const double*);
template void Engine<double>::prepare_updates(const double*);
template void Engine<float>::update_range(const float*, unsigned, unsigned);
template void Engine<double>::update_range(const double*, unsigned, unsigned);
template void Engine<float>::refresh_transposed(unsigned, unsigned);
template void Engine<double>::refresh_transposed(unsigned, unsigned);

}  // namespace nabla
