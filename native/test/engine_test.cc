// Whole networks against plain loops, byte for byte: every instruction set, plan and number of threads; slices, predictions, states.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>
#include <thread>

#include "check.h"
#include "core/engine.h"
#include "core/error.h"
#include "networks.h"
#include "plain_network.h"

// Every allocation of the process is counted.
static std::atomic<long> allocations{0};
static void* counted(size_t size, size_t alignment) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return alignment <= alignof(std::max_align_t) ? std::malloc(size)
                                                : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}
void* operator new(size_t size) {
  void* const p = counted(size == 0 ? 1 : size, 1);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}
void* operator new(size_t size, std::align_val_t alignment) {
  void* const p = counted(size == 0 ? 1 : size, static_cast<size_t>(alignment));
  if (p == nullptr) throw std::bad_alloc();
  return p;
}
void* operator new(size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return counted(size == 0 ? 1 : size, static_cast<size_t>(alignment));
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t, const std::nothrow_t&) noexcept { std::free(p); }

// The packed parameters, which no public function shows: an explicit instantiation may name private members.
namespace {
template <class Tag, typename Tag::Type Member>
struct Show {
  friend typename Tag::Type member_of(Tag) { return Member; }
};
#define NABLA_SHOW(name, T, member)                          \
  struct name {                                              \
    using Type = nabla::AlignedArray<T> nabla::Engine<T>::*; \
    friend Type member_of(name);                             \
  };                                                         \
  template struct Show<name, &nabla::Engine<T>::member>;
NABLA_SHOW(Flat32, float, flat_)
NABLA_SHOW(Slot32, float, slot0_)
NABLA_SHOW(Transposed32, float, transposed_)
NABLA_SHOW(Flat64, double, flat_)
NABLA_SHOW(Slot64, double, slot0_)
NABLA_SHOW(Transposed64, double, transposed_)
#undef NABLA_SHOW

using nabla::KernelSet;
using nabla::Stopped;
using nabla::TrainOutcome;
using nabla::TrainRequest;
using test::Job;
using test::make;
using test::State;

template <class T>
const nabla::AlignedArray<T>* const* packed_arrays(const nabla::Network& network) {
  static const nabla::AlignedArray<T>* arrays[3];
  const auto& engine = dynamic_cast<const nabla::Engine<T>&>(network);
  if constexpr (sizeof(T) == 4) {
    arrays[0] = &(engine.*member_of(Flat32()));
    arrays[1] = &(engine.*member_of(Slot32()));
    arrays[2] = &(engine.*member_of(Transposed32()));
  } else {
    arrays[0] = &(engine.*member_of(Flat64()));
    arrays[1] = &(engine.*member_of(Slot64()));
    arrays[2] = &(engine.*member_of(Transposed64()));
  }
  return arrays;
}

// Everything in the packed arrays that is no parameter is +0.
template <class T>
bool padding_is_zero(const nabla::Network& network) {
  const nabla::Plan plan = nabla::make_plan(network.spec());
  const auto arrays = packed_arrays<T>(network);
  const size_t w = plan.width;
  const auto zero = [](T value) {
    const T none = 0;
    return std::memcmp(&value, &none, sizeof(T)) == 0;
  };
  bool right = true;
  for (const nabla::Stage& s : plan.stages) {
    for (size_t o = 0; o < s.panels * w; ++o) {
      for (int array = 0; array < 2; ++array) {
        if (arrays[array]->size() == 0) continue;
        const T* const flat = arrays[array]->data();
        if (o >= s.units)
          for (size_t i = 0; i < s.inputs; ++i) right = right && zero(flat[s.weight_at + (o / w * s.inputs + i) * w + o % w]);
        if (o >= s.units || !s.use_bias) right = right && zero(flat[s.bias_at + o]);
      }
      if (s.transposed_at == nabla::no_offset) continue;
      for (size_t i = 0; i < s.input_panels * w; ++i) {
        const T copy = arrays[2]->data()[s.transposed_at + (i / w * s.panels * w + o) * w + i % w];
        const bool inside = o < s.units && i < s.inputs;
        const T wanted = inside ? arrays[0]->data()[s.weight_at + (o / w * s.inputs + i) * w + o % w] : T(0);
        right = right && std::memcmp(&copy, &wanted, sizeof(T)) == 0;
      }
    }
  }
  return right;
}

template <class T>
struct Result {
  State<T> state;
  TrainOutcome outcome;
};

std::string label(const Job& job, const KernelSet& set, unsigned threads, bool materialised) {
  return job.name + (job.spec.float64 ? " float64 " : " float32 ") + set.name + " threads " + std::to_string(threads) +
         (materialised ? " materialised" : " auto");
}

template <class T, bool fused>
struct Expected {
  State<T> state;
  std::vector<double> losses;
  std::vector<uint32_t> correct;
  std::vector<T> outputs;
};

template <class T, bool fused>
Expected<T, fused> plainly(const Job& job, const State<T>& start) {
  const nabla::FlushToZero flush;
  plain::Network<T, fused> network(job.spec);
  size_t at = 0;
  for (auto& layer : network.layers) {
    layer.weight = start.parameters[at++];
    if (!layer.bias.empty()) layer.bias = start.parameters[at++];
  }
  Expected<T, fused> expected{start, {}, {}, {}};
  const std::vector<double> scalars = job.scalars();
  for (size_t step = 0; step < job.steps(); ++step) {
    const auto result = network.train(*job.data, job.batch_rows(step), scalars.data() + job.spec.optimizer.scalars() * step);
    expected.losses.push_back(result.loss);
    expected.correct.push_back(result.correct);
    if (step < job.steps() / job.repeat)
      for (const auto& row : result.outputs) expected.outputs.insert(expected.outputs.end(), row.begin(), row.end());
    if (!result.finite) break;
  }
  at = 0;
  for (auto& layer : network.layers)
    for (int bias = 0; bias < 2; ++bias) {
      if (bias == 1 && layer.bias.empty()) continue;
      expected.state.parameters[at] = bias == 0 ? layer.weight : layer.bias;
      for (size_t s = 0; s < expected.state.slots.size(); ++s) expected.state.slots[s][at] = layer.slot[s][bias];
      ++at;
    }
  expected.state.step = static_cast<double>(network.steps);
  return expected;
}

template <class T, bool fused>
void training(const Job& job, const KernelSet& set, const Expected<T, fused>& expected, const State<T>& start) {
  const std::vector<double> scalars = job.scalars();
  const bool squares = job.spec.loss.name == nabla::LossName::elementwise;
  for (const unsigned threads : {1u, 2u, 3u, 5u, 16u}) {
    if (test::sanitized && threads != 1 && threads != 3) continue;
    for (const bool materialised : {false, true}) {
      const std::string what = label(job, set, threads, materialised);
      const auto network = make(job.spec, set, threads, materialised);
      start.write(*network);
      TrainRequest request = job.request(scalars);
      State<T> state(*network);
      // In one call, or in slices of one step with the outputs.
      const bool sliced = (threads == 2) != materialised;
      std::vector<double> losses;
      std::vector<uint32_t> correct;
      std::vector<T> outputs;
      Stopped stopped = Stopped::slice;
      for (int calls = 0; stopped == Stopped::slice && calls < 1000; ++calls) {
        if (sliced) request.max_milliseconds = 0;
        request.outputs = sliced && request.first_step < job.steps() / job.repeat;
        const TrainOutcome outcome = network->train(*job.data, request);
        losses.insert(losses.end(), outcome.losses.begin(), outcome.losses.end());
        correct.insert(correct.end(), outcome.correct.begin(), outcome.correct.end());
        if (request.outputs) {
          const T* const rows = reinterpret_cast<const T*>(outcome.outputs.data());
          outputs.insert(outputs.end(), rows, rows + outcome.output_rows * network->outputs());
        }
        request.first_step += outcome.steps;
        stopped = outcome.stopped;
        // The smallest networks take many steps at once, unless gradients or outputs are looked at.
        if (sliced && (job.batch < job.rows || materialised || request.outputs))
          CHECK_THAT(outcome.steps == 1, what + ": a slice of no time is one step");
      }
      state.read(*network);
      CHECK_THAT(stopped == Stopped::done, what + ": done");
      if (CHECK_THAT(losses.size() == expected.losses.size(), what + ": number of losses"))
        CHECK_SAME(losses.data(), expected.losses.data(), losses.size(), what + ": losses");
      CHECK_THAT(squares || correct == expected.correct, what + ": correct");
      if (sliced && CHECK_THAT(outputs.size() == expected.outputs.size(), what + ": number of outputs"))
        CHECK_SAME(outputs.data(), expected.outputs.data(), outputs.size(), what + ": outputs");
      for (size_t i = 0; i < state.parameters.size(); ++i)
        CHECK_SAME(state.parameters[i].data(), expected.state.parameters[i].data(), state.parameters[i].size(),
                   what + ": parameter " + std::to_string(i));
      CHECK_THAT(state == expected.state, what + ": state");
      CHECK_THAT(padding_is_zero<T>(*network), what + ": padding stays 0, the transposed copy follows");
    }
  }
}

// Gradients of one batch, predictions of every row: alone, in a batch, with any team.
template <class T, bool fused>
void gradients_and_predictions(const Job& job, const KernelSet& set, const State<T>& start) {
  const std::string what = label(job, set, 3, false);
  const auto network = make(job.spec, set, 3, false);
  start.write(*network);
  plain::Network<T, fused> plainly(job.spec);
  size_t at = 0;
  for (auto& layer : plainly.layers) {
    layer.weight = start.parameters[at++];
    if (!layer.bias.empty()) layer.bias = start.parameters[at++];
  }
  const std::vector<double> scalars = job.scalars();
  const std::vector<size_t> rows = job.batch_rows(0);
  const size_t outputs = network->outputs(), n = rows.size();
  std::vector<T> dx(n * job.spec.input_size), out(n * outputs);
  State<T> gradients(*network);
  std::vector<void*> pointers;
  for (auto& g : gradients.parameters) pointers.push_back(g.data());
  const nabla::Rows range{job.order.empty() ? nullptr : job.order.data(), 0, n};
  const nabla::EvaluateOutcome outcome = network->loss_and_gradients(*job.data, range, pointers, dx.data(), out.data());
  typename plain::Network<T, fused>::Step step{};
  {
    const nabla::FlushToZero flush;
    step = plainly.train(*job.data, rows, scalars.data(), false);
  }
  const double loss = outcome.loss_sum / outcome.denominator + outcome.penalty;
  CHECK_SAME(&loss, &step.loss, 1, what + ": loss");
  at = 0;
  for (auto& layer : plainly.layers) {
    const T l2 = static_cast<T>(layer.spec.l2), l1 = static_cast<T>(layer.spec.l1);
    std::vector<T>& dweight = layer.dweight;
    for (size_t i = 0; i < dweight.size(); ++i) dweight[i] = plain::Math<T, fused>::with_penalties(l2, l1, layer.weight[i], dweight[i]);
    CHECK_SAME(gradients.parameters[at].data(), dweight.data(), dweight.size(), what + ": dweight");
    ++at;
    if (layer.bias.empty()) continue;
    CHECK_SAME(gradients.parameters[at].data(), layer.dbias.data(), layer.dbias.size(), what + ": dbias");
    ++at;
  }
  for (size_t r = 0; r < n; ++r) {
    CHECK_SAME(dx.data() + r * job.spec.input_size, plainly.dx[r].data(), job.spec.input_size, what + ": dx");
    CHECK_SAME(out.data() + r * outputs, step.outputs[r].data(), outputs, what + ": outputs");
  }

  // Logits of all rows, then of single rows at other positions.
  const size_t all = job.data->rows;
  std::vector<T> logits(all * outputs), alone(outputs), probabilities(all * outputs);
  network->predict(*job.data, {nullptr, 0, all}, nabla::OutputKind::logits, nabla::WeightsChoice::current, logits.data());
  network->predict(*job.data, {nullptr, 0, all}, nabla::OutputKind::outputs, nabla::WeightsChoice::current, probabilities.data());
  for (size_t row = 0; row < all; row += 1 + all / 7) {
    std::vector<std::vector<T>> want;
    {
      const nabla::FlushToZero flush;
      want = plainly.predict(*job.data, {row});
    }
    CHECK_SAME(logits.data() + row * outputs, want[0].data(), outputs, what + ": logits");
    const uint32_t order[] = {static_cast<uint32_t>(row)};
    network->predict(*job.data, {order, 0, 1}, nabla::OutputKind::logits, nabla::WeightsChoice::current, alone.data());
    CHECK_SAME(alone.data(), want[0].data(), outputs, what + ": logits of one row");
    network->predict(*job.data, {order, 0, 1}, nabla::OutputKind::outputs, nabla::WeightsChoice::current, alone.data());
    CHECK_SAME(alone.data(), probabilities.data() + row * outputs, outputs, what + ": outputs of one row");
    const size_t bytes = nabla::bytes_of(job.data->x.type);
    network->predict_array(job.data->x.type, static_cast<const char*>(job.data->x.data) + row * job.spec.input_size * bytes, 1,
                           nabla::OutputKind::logits, nabla::WeightsChoice::current, alone.data());
    CHECK_SAME(alone.data(), want[0].data(), outputs, what + ": logits of an array");
  }
  // Evaluation sees the same outputs, and any team the same sums.
  std::vector<T> evaluated(all * outputs);
  const auto first = network->evaluate(*job.data, {nullptr, 0, all}, nabla::WeightsChoice::current, evaluated.data());
  CHECK_SAME(evaluated.data(), probabilities.data(), all * outputs, what + ": outputs of evaluate");
  for (const unsigned threads : {1u, 2u, 16u}) {
    const auto other = make(job.spec, set, threads, true);
    start.write(*other);
    const auto second = other->evaluate(*job.data, {nullptr, 0, all}, nabla::WeightsChoice::current, nullptr);
    CHECK_SAME(&second.loss_sum, &first.loss_sum, 1, what + ": evaluate");
    CHECK_THAT(second.correct == first.correct && second.denominator == first.denominator && second.penalty == first.penalty,
               what + ": evaluate");
    std::vector<T> again(all * outputs);
    other->predict(*job.data, {nullptr, 0, all}, nabla::OutputKind::logits, nabla::WeightsChoice::current, again.data());
    CHECK_SAME(again.data(), logits.data(), all * outputs, what + ": predict with another team");
  }
}

// Where plain loops take a second.
bool heavy(const Job& job) { return job.rows * job.spec.layers[0].units > 500000; }

template <class T, bool fused>
void everything(const KernelSet& set, const std::vector<Job>& jobs, const std::vector<Expected<T, fused>>& expected,
                const std::vector<State<T>>& starts) {
  for (size_t i = 0; i < jobs.size(); ++i) {
    training<T, fused>(jobs[i], set, expected[i], starts[i]);
    if (heavy(jobs[i]) && &set != nabla::best_kernels()) continue;
    gradients_and_predictions<T, fused>(jobs[i], set, starts[i]);
  }
  std::printf("%s float%zu done\n", set.name, 8 * sizeof(T));
  std::fflush(stdout);
}

template <class T>
void all_sets() {
  const std::vector<Job> jobs = test::jobs(sizeof(T) == 8);
  std::vector<State<T>> starts;
  std::vector<Expected<T, false>> unfused;
  std::vector<Expected<T, true>> fused;
  for (const Job& job : jobs) {
    starts.push_back(test::start<T>(*make(job.spec, *nabla::best_kernels(), 1, false), job.name.size()));
    // The best set is a fused one, or there is none.
    if (!test::sanitized || !test::fused(*nabla::best_kernels())) unfused.push_back(plainly<T, false>(job, starts.back()));
    fused.push_back(plainly<T, true>(job, starts.back()));
  }
  for (const KernelSet* set : test::kernel_sets()) {
    if (test::sanitized && set != nabla::best_kernels()) continue;
    if (test::fused(*set))
      everything<T, true>(*set, jobs, fused, starts);
    else
      everything<T, false>(*set, jobs, unfused, starts);
  }
}

// Samples that keep their zeros in memory, more and fewer of them: predictions leave them out where they may.
template <class T, bool fused>
void zeros_in_predictions(const KernelSet& set) {
  test::Random random(5);
  const bool float64 = sizeof(T) == 8;
  const auto job_of = [&](nabla::InputType type, double zeros) {
    const bool bytes = type == nabla::InputType::uint8;
    nabla::NetworkSpec spec = test::network(100,
                                            {test::rescaling(bytes ? 1.0 / 255 : 0.75, 0), test::dense(40, nabla::Activation::tanh),
                                             test::dense(10, nabla::Activation::linear)},
                                            nabla::LossName::softmax_cross_entropy, float64);
    Job job{"zeros", spec, test::samples(spec, 61, type, zeros, nabla::TargetKind::labels, true, random), {}, 61, 16, 1};
    job.data->lists.reset();
    return job;
  };
  for (const auto type : {nabla::InputType::uint8, nabla::InputType::float32, nabla::InputType::float64})
    for (const double zeros : {0.0, 0.6, 0.75, 0.97, 1.0}) {
      const Job job = job_of(type, zeros);
      gradients_and_predictions<T, fused>(job, set, test::start<T>(*make(job.spec, set, 1, false), 9));
    }

  // A weight that is not finite makes NaN of a zero: then none is left out, and again once all are finite.
  const Job job = job_of(nabla::InputType::float32, 1.0);
  const auto network = make(job.spec, set, 1, false);
  State<T> state = test::start<T>(*network, 9);
  const auto first_logit = [&](nabla::WeightsChoice choice) {
    T logits[10];
    network->predict_array(job.data->x.type, job.data->x.data, 1, nabla::OutputKind::logits, choice, logits);
    return logits[0];
  };
  const auto with = [&](T weight) {
    state.parameters[0][7] = weight;
    state.write(*network);
  };
  using Choice = nabla::WeightsChoice;
  with(1);
  network->publish();
  CHECK(std::isfinite(first_logit(Choice::current)) && std::isfinite(first_logit(Choice::published)));
  with(std::numeric_limits<T>::infinity());
  CHECK_THAT(std::isnan(first_logit(Choice::current)), std::string(set.name) + ": an infinite weight meets a zero");
  CHECK_THAT(std::isfinite(first_logit(Choice::published)), "published weights are others");
  network->publish();
  CHECK(std::isnan(first_logit(Choice::published)));
  with(1);
  CHECK_THAT(std::isfinite(first_logit(Choice::current)), "all weights are finite again");
  const std::vector<T> zeros(40 * 100), biases(40), last(10 * 40), last_bias(10);
  std::vector<T> infinite = zeros;
  infinite[7] = std::numeric_limits<T>::infinity();
  network->apply_gradients({infinite.data(), biases.data(), last.data(), last_bias.data()}, job.scalars().data());
  CHECK_THAT(std::isnan(first_logit(Choice::current)), "a gradient made a weight infinite");
}
template <class T>
void all_zeros_in_predictions() {
  for (const KernelSet* set : test::kernel_sets()) {
    if (test::sanitized && set != nabla::best_kernels()) continue;
    if (test::fused(*set))
      zeros_in_predictions<T, true>(*set);
    else
      zeros_in_predictions<T, false>(*set);
  }
}

// Another thread asks a running job to stop; what is left goes on to the same bytes.
void abort_and_go_on() {
  const std::vector<Job> jobs = test::jobs(false);
  Job job = jobs[0];
  job.repeat = 4000;
  const std::vector<double> scalars = job.scalars();
  const auto network = make(job.spec, *nabla::best_kernels(), 2, false), straight = make(job.spec, *nabla::best_kernels(), 1, false);
  const State<float> start = test::start<float>(*network, 9);
  start.write(*network);
  start.write(*straight);
  straight->train(*job.data, job.request(scalars));
  TrainRequest request = job.request(scalars);
  bool aborted = false;
  while (request.first_step < job.steps()) {
    network->clear_abort();
    std::thread stopper;
    if (!aborted)
      stopper = std::thread([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        network->abort();
      });
    const TrainOutcome outcome = network->train(*job.data, request);
    if (stopper.joinable()) stopper.join();
    if (outcome.stopped == Stopped::aborted) {
      aborted = true;
      CHECK(outcome.steps > 0 && request.first_step + outcome.steps < job.steps() && outcome.losses.size() == outcome.steps);
    }
    request.first_step += outcome.steps;
  }
  CHECK_THAT(aborted, "the job was stopped in between");
  State<float> a(*network), b(*straight);
  a.read(*network);
  b.read(*straight);
  CHECK_THAT(a == b, "a job that was stopped goes on to the same bytes");
}

// A loss that is not finite ends the job before its update.
template <class T>
void non_finite(const std::function<void(Job&)>& spoil, size_t good_steps, const char* what) {
  Job job = test::jobs(sizeof(T) == 8)[0];
  spoil(job);
  for (const KernelSet* set : test::kernel_sets()) {
    for (const unsigned threads : {1u, 3u}) {
      for (const bool materialised : {false, true}) {
        const std::vector<double> scalars = job.scalars();
        const auto network = make(job.spec, *set, threads, materialised);
        const State<T> start = test::start<T>(*network, 4);
        start.write(*network);
        TrainRequest request = job.request(scalars);
        const TrainOutcome outcome = network->train(*job.data, request);
        const std::string where = std::string(what) + " " + label(job, *set, threads, materialised);
        CHECK_THAT(outcome.stopped == Stopped::non_finite && outcome.steps == good_steps && outcome.losses.size() == good_steps + 1, where);
        CHECK_THAT(!outcome.losses.empty() && !std::isfinite(outcome.losses.back()), where + ": the loss is told");
        State<T> after(*network);
        after.read(*network);
        if (good_steps == 0) CHECK_THAT(after == start, where + ": nothing was changed");
        // The network goes on from a good state.
        start.write(*network);
        CHECK_THAT(padding_is_zero<T>(*network), where + ": padding after setState");
      }
    }
  }
}
void all_non_finite() {
  const auto samples = [](double value) {
    return [value](Job& job) {
      std::vector<double> x(job.rows * job.spec.input_size, 0.5);
      x[job.order[3] * job.spec.input_size + 2] = value;
      job.data->set_samples(nabla::InputType::float64, x.data(), false);
    };
  };
  non_finite<float>(samples(std::numeric_limits<double>::infinity()), 0, "an infinite sample");
  non_finite<double>(samples(std::numeric_limits<double>::quiet_NaN()), 0, "a sample that is no number");
  // Each row's loss is finite, their weighted sum is not.
  const auto weights = [](Job& job) { job.data->weights.assign(job.data->rows, 1e308); };
  non_finite<float>(weights, 0, "weights whose sum overflows");
  non_finite<double>(weights, 0, "weights whose sum overflows");
  // Parameters blow up: padding must not keep what they became.
  const auto blow_up = [](Job& job) { job.spec.optimizer.weight_decay = 1e300; };
  non_finite<double>(blow_up, 1, "parameters that blow up");
}

// A step makes a weight infinite whose input the next batch has not: 0 times infinity is NaN, also where zeros are left out.
template <class T>
void infinite_beside_zeros() {
  const T most = std::numeric_limits<T>::max() / 8 * 7;
  for (const KernelSet* set : test::kernel_sets())
    for (const size_t batch : {size_t{1}, size_t{70}})
      for (int rule = 0; rule < 3; ++rule) {
        nabla::NetworkSpec spec =
            test::network(100, {test::dense(2, nabla::Activation::linear)}, nabla::LossName::softmax_cross_entropy, sizeof(T) == 8);
        if (rule == 1) spec.optimizer.momentum = 0.5;
        if (rule == 2) spec.optimizer.rule = nabla::Rule::adam;
        spec.optimizer.epsilon = 1e-7;
        nabla::Data data;
        data.rows = 2 * batch;
        data.features = 100;
        std::vector<uint8_t> x(data.rows * 100);
        for (size_t r = 0; r < data.rows; ++r) {
          if (r < batch) x[100 * r + 7] = x[100 * r + 8] = 1;
          x[100 * r + 9] = 1;
        }
        data.set_samples(nabla::InputType::uint8, x.data(), false);
        CHECK(data.lists != nullptr);
        data.kind = nabla::TargetKind::labels;
        data.labels.assign(data.rows, 0);
        const auto network = make(spec, *set, 2, false);
        State<T> state(*network);
        // The two cancel: logits of 0, and a gradient that moves both down.
        state.parameters[0][100 + 7] = -most;
        state.parameters[0][100 + 8] = most;
        state.write(*network);
        const double rate = static_cast<double>(most) * (rule == 2 ? 0.5 : 1);
        const std::vector<double> scalars = {rate, 1, 0, 1};
        TrainRequest request;
        request.rows = {nullptr, 0, data.rows};
        request.batch_size = batch;
        request.scalars = scalars.data();
        request.max_milliseconds = std::numeric_limits<double>::infinity();
        const TrainOutcome outcome = network->train(data, request);
        CHECK_THAT(outcome.steps == 1 && outcome.stopped == Stopped::non_finite,
                   std::string(set->name) + " rule " + std::to_string(rule) + " batch " + std::to_string(batch) +
                       ": an infinite weight meets zeros, " + std::to_string(outcome.steps) + " steps");
      }
}

void allocations_in_steps() {
  for (const bool float64 : {false, true}) {
    for (Job job : test::jobs(float64)) {
      const KernelSet& set = *nabla::best_kernels();
      for (const bool materialised : {false, true}) {
        const auto network = make(job.spec, set, 2, materialised);
        if (float64)
          test::start<double>(*network, 3).write(*network);
        else
          test::start<float>(*network, 3).write(*network);
        const auto count = [&](size_t repeat) {
          Job longer = job;
          longer.repeat = repeat;
          const std::vector<double> scalars = longer.scalars();
          const TrainRequest request = longer.request(scalars);
          const long before = allocations.load();
          const TrainOutcome outcome = network->train(*job.data, request);
          const long after = allocations.load();
          CHECK(outcome.stopped == Stopped::done && outcome.steps == longer.steps());
          return after - before;
        };
        count(1);
        const long few = count(1), many = count(heavy(job) ? 3 : 10);
        CHECK_THAT(few == many, label(job, set, 2, materialised) + ": allocations of a call " + std::to_string(few) +
                                    ", of ten times the steps " + std::to_string(many));
      }
    }
  }
}

// Predictions of published weights, states and sizes while another thread trains.
void readers_while_training() {
  Job job = test::jobs(false)[0];
  job.repeat = 300;
  const std::vector<double> scalars = job.scalars();
  const auto network = make(job.spec, *nabla::best_kernels(), 2, false);
  const State<float> start = test::start<float>(*network, 9);
  start.write(*network);
  const size_t outputs = network->outputs();
  std::vector<float> before(job.rows * outputs);
  std::string code;
  try {
    network->predict(*job.data, {nullptr, 0, job.rows}, nabla::OutputKind::outputs, nabla::WeightsChoice::published, before.data());
  } catch (const nabla::Error& error) {
    code = error.code();
  }
  CHECK_THAT(code == "ERR_STATE", "published weights before publish()");
  network->publish();
  network->predict(*job.data, {nullptr, 0, job.rows}, nabla::OutputKind::outputs, nabla::WeightsChoice::published, before.data());
  std::atomic<bool> done{false};
  std::thread trainer([&] {
    TrainRequest request = job.request(scalars);
    request.max_milliseconds = 1;
    while (request.first_step < job.steps()) request.first_step += network->train(*job.data, request).steps;
    done.store(true);
  });
  int reads = 0;
  bool same = true;
  while (!done.load() || reads < 3) {
    std::vector<float> now(job.rows * outputs);
    network->predict(*job.data, {nullptr, 0, job.rows}, nabla::OutputKind::outputs, nabla::WeightsChoice::published, now.data());
    same = same && std::memcmp(now.data(), before.data(), now.size() * sizeof(float)) == 0;
    State<float> state(*network);
    state.read(*network);
    network->predict(*job.data, {nullptr, 0, 5}, nabla::OutputKind::logits, nabla::WeightsChoice::current, now.data());
    CHECK(network->bytes() > 0);
    ++reads;
  }
  trainer.join();
  CHECK_THAT(same, "published predictions do not move while a job trains");
  network->publish();
  network->predict(*job.data, {nullptr, 0, job.rows}, nabla::OutputKind::outputs, nabla::WeightsChoice::published, before.data());
  std::vector<float> current(before.size());
  network->predict(*job.data, {nullptr, 0, job.rows}, nabla::OutputKind::outputs, nabla::WeightsChoice::current, current.data());
  CHECK_SAME(current.data(), before.data(), current.size(), "published after publish()");
}

// Lists, copies and scans that several threads make are those of one, also while another team is at work.
template <class X>
void shared_loads(nabla::InputType type) {
  test::Random random(17);
  for (const size_t zeros : {5u, 95u}) {
    const size_t rows = 9001, features = 1003;
    std::vector<X> x(rows * features);
    for (X& v : x) v = random.below(100) < zeros ? X(0) : static_cast<X>(1 + random.below(200));
    nabla::Data alone, team;
    for (nabla::Data* const data : {&alone, &team}) {
      data->rows = rows;
      data->features = features;
    }
    alone.set_samples(type, x.data(), false, 1);
    team.set_samples(type, x.data(), false, 3);
    const std::string what = std::to_string(zeros) + " % zeros of type " + std::to_string(static_cast<int>(type));
    CHECK_THAT((alone.lists != nullptr) == (zeros > 50) && (team.lists != nullptr) == (zeros > 50), what);
    if (alone.lists && team.lists) {
      CHECK_THAT(alone.lists->starts == team.lists->starts && alone.lists->longest == team.lists->longest &&
                     alone.lists->column_counts == team.lists->column_counts,
                 what + ": starts");
      const size_t entries = alone.lists->starts.back();
      size_t n = 0;
      for (size_t r = 0; r < rows; ++r)
        for (size_t i = 0; i < features; ++i) {
          if (x[r * features + i] == X(0)) continue;
          const X* const values = reinterpret_cast<const X*>(team.lists->values.data());
          CHECK_THAT(n < entries && team.lists->index[n] == i && values[n] == x[r * features + i], what + ": an entry");
          ++n;
        }
      CHECK_THAT(n == entries, what + ": entries");
      CHECK_THAT(alone.bytes() < x.size() * sizeof(X), what + ": smaller than the samples");
    } else {
      CHECK_SAME(static_cast<const X*>(team.x.data), x.data(), x.size(), what + ": copies");
    }
    if (sizeof(X) == 1) continue;
    const size_t count = x.size();
    CHECK(nabla::first_unusable(type, x.data(), count, true, 3) == count);
    for (const size_t at : {count - 1, count / 2, size_t{0}}) {
      x[at] = static_cast<X>(std::numeric_limits<float>::infinity());
      CHECK(nabla::first_unusable(type, x.data(), count, false, 3) == at);
    }
  }
}
void beyond_float() {
  std::vector<double> x(size_t{3} << 20, 1e38);
  x[2000001] = 1e39;
  CHECK(nabla::first_unusable(nabla::InputType::float64, x.data(), x.size(), true, 2) == 2000001);
  CHECK(nabla::first_unusable(nabla::InputType::float64, x.data(), x.size(), false, 2) == x.size());
}

}  // namespace

int main() {
  shared_loads<uint8_t>(nabla::InputType::uint8);
  shared_loads<float>(nabla::InputType::float32);
  shared_loads<double>(nabla::InputType::float64);
  beyond_float();
  all_sets<float>();
  all_sets<double>();
  all_zeros_in_predictions<float>();
  all_zeros_in_predictions<double>();
  abort_and_go_on();
  all_non_finite();
  infinite_beside_zeros<float>();
  infinite_beside_zeros<double>();
  allocations_in_steps();
  readers_while_training();
  return test::finish("engine_test");
}
