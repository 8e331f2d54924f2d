// Samples in native memory: copies, lists and scans by any number of threads, and networks that leave their zeros out.
#include <cmath>
#include <limits>

#include "against_plain.h"
#include "check.h"
#include "core/sparse.h"
#include "networks.h"

namespace {

using nabla::KernelSet;
using nabla::Stopped;
using nabla::TrainOutcome;
using nabla::TrainRequest;
using test::gradients_and_predictions;
using test::Job;
using test::make;
using test::State;

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
        const std::vector<double> scalars = {rate, 1, 1, 0, 0, 0, 1, 1, 0, 0};
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

}  // namespace

int main() {
  shared_loads<uint8_t>(nabla::InputType::uint8);
  shared_loads<float>(nabla::InputType::float32);
  shared_loads<double>(nabla::InputType::float64);
  beyond_float();
  all_zeros_in_predictions<float>();
  all_zeros_in_predictions<double>();
  infinite_beside_zeros<float>();
  infinite_beside_zeros<double>();
  return test::finish("samples_test");
}
