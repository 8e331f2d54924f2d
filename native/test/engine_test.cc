// Whole networks against plain loops, byte for byte: every instruction set, plan and number of threads; slices, predictions, states.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>
#include <thread>

#include "against_plain.h"
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
using test::gradients_and_predictions;
using test::Job;
using test::label;
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
    const auto result = network.train(*job.data, job.batch_rows(step), scalars.data() + nabla::step_numbers * step);
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

// A step of many rows is given up in its middle: nothing of it is left, and the same steps later give the same bytes.
void abort_within_a_step() {
  test::Random random(31);
  for (const size_t units : {8, 300})
    for (const unsigned threads : {1u, 2u, 3u}) {
      Job job;
      job.name = std::to_string(units) + " units, " + std::to_string(threads) + " threads";
      job.spec = test::network(64, {test::dense(units, nabla::Activation::relu), test::dense(10, nabla::Activation::linear)},
                               nabla::LossName::softmax_cross_entropy, false);
      job.data = test::samples(job.spec, 5000, nabla::InputType::float32, 0, nabla::TargetKind::labels, false, random);
      job.rows = job.batch = 5000;
      job.repeat = 2;
      const std::vector<double> scalars = job.scalars();
      const auto network = make(job.spec, *nabla::best_kernels(), threads, false),
                 straight = make(job.spec, *nabla::best_kernels(), 1, false);
      const State<float> start = test::start<float>(*network, 9);
      start.write(*network);
      start.write(*straight);
      straight->train(*job.data, job.request(scalars));
      TrainRequest request = job.request(scalars);
      network->abort();
      const TrainOutcome none = network->train(*job.data, request);
      CHECK(none.stopped == Stopped::aborted && none.steps == 0 && none.losses.empty() && none.correct.empty());
      State<float> a(*network), b(*straight);
      a.read(*network);
      CHECK_THAT(a == start, job.name + ": an aborted step leaves nothing");
      network->clear_abort();
      const TrainOutcome all = network->train(*job.data, request);
      CHECK(all.stopped == Stopped::done && all.steps == 2);
      a.read(*network);
      b.read(*straight);
      CHECK_THAT(a == b, job.name + ": the same steps after an aborted one");
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

// Slices give the bytes of one call, and all of them read the weights of their beginning, whoever changes them meanwhile.
void slices_of_inference() {
  for (const bool float64 : {false, true}) {
    Job job = test::jobs(float64)[0];
    const std::vector<double> scalars = job.scalars();
    for (const unsigned threads : {1u, 2u}) {
      const auto network = make(job.spec, *nabla::best_kernels(), threads, false);
      const auto start_at = [&](uint64_t seed) {
        if (float64)
          test::start<double>(*network, seed).write(*network);
        else
          test::start<float>(*network, seed).write(*network);
      };
      start_at(9);
      // More rows than a block, by an order that repeats them.
      std::vector<uint32_t> order(1000);
      for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<uint32_t>(i * 7 % job.rows);
      const nabla::Rows rows{order.data(), 0, order.size()};
      const size_t bytes = order.size() * network->outputs() * (float64 ? 8 : 4);
      std::vector<char> expected(bytes), outputs(bytes), sliced(bytes), evaluated(bytes);
      const auto current = nabla::WeightsChoice::current, published = nabla::WeightsChoice::published;
      network->predict(*job.data, rows, nabla::OutputKind::outputs, current, expected.data());
      const nabla::EvaluateOutcome whole = network->evaluate(*job.data, rows, current, outputs.data());
      for (const auto choice : {current, published}) {
        start_at(9);
        network->publish();
        const auto prediction = network->begin_predict(*job.data, rows, nabla::OutputKind::outputs, network->read(choice), sliced.data());
        const auto evaluation = network->begin_evaluate(*job.data, rows, network->read(choice), evaluated.data());
        // Begun, and nothing done yet: what comes in between does not count.
        start_at(10);
        network->publish();
        size_t slices = 0;
        for (bool done = false; !done; ++slices) {
          done = prediction->go_on(0);
          if (slices == 3) network->train(*job.data, job.request(scalars));
        }
        CHECK_THAT(slices > 4, "a prediction in slices: " + std::to_string(slices));
        while (!evaluation->go_on(0)) start_at(++slices);
        CHECK_SAME(sliced.data(), expected.data(), bytes, "a prediction in slices");
        CHECK_SAME(evaluated.data(), outputs.data(), bytes, "outputs of an evaluation in slices");
        const nabla::EvaluateOutcome& outcome = evaluation->outcome();
        CHECK(outcome.loss_sum == whole.loss_sum && outcome.denominator == whole.denominator && outcome.penalty == whole.penalty &&
              outcome.correct == whole.correct);
      }
    }
  }
}

}  // namespace

int main() {
  all_sets<float>();
  all_sets<double>();
  abort_and_go_on();
  abort_within_a_step();
  all_non_finite();
  allocations_in_steps();
  readers_while_training();
  slices_of_inference();
  return test::finish("engine_test");
}
