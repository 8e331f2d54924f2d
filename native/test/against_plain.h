// A network against plain loops, byte for byte: gradients of a batch, predictions of every row.
#pragma once
#include <string>
#include <vector>

#include "check.h"
#include "core/network.h"
#include "core/pool.h"
#include "networks.h"
#include "plain_network.h"

namespace test {

inline std::string label(const Job& job, const nabla::KernelSet& set, unsigned threads, bool materialised) {
  return job.name + (job.spec.float64 ? " float64 " : " float32 ") + set.name + " threads " + std::to_string(threads) +
         (materialised ? " materialised" : " auto");
}

// Gradients of one batch, predictions of every row: alone, in a batch, with any team.
template <class T, bool fused>
void gradients_and_predictions(const Job& job, const nabla::KernelSet& set, const State<T>& start) {
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

}  // namespace test
