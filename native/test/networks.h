// Networks and data that the engine's tests train: every layer, loss and rule, on shapes that fill no panel.
#pragma once
#include <functional>
#include <memory>

#include "check.h"
#include "core/network.h"

namespace test {

using nabla::Activation;
using nabla::Data;
using nabla::InputType;
using nabla::LayerKind;
using nabla::LayerSpec;
using nabla::LossName;
using nabla::NetworkSpec;
using nabla::TargetKind;

inline LayerSpec dense(size_t units, Activation activation, bool use_bias = true, double l2 = 0, double rate_factor = 1) {
  LayerSpec layer{LayerKind::dense};
  layer.units = units;
  layer.activation = activation;
  layer.use_bias = use_bias;
  layer.l2 = l2;
  layer.rate_factor = rate_factor;
  return layer;
}
inline LayerSpec rescaling(double scale, double offset) {
  LayerSpec layer{LayerKind::rescaling};
  layer.scale = scale;
  layer.offset = offset;
  return layer;
}
inline LayerSpec dropout(double rate) {
  LayerSpec layer{LayerKind::dropout};
  layer.rate = rate;
  return layer;
}

// A network, its data, and how it is trained. The seed of all numbers is the name's length and the sizes: the same on every machine.
struct Job {
  std::string name;
  NetworkSpec spec;
  std::shared_ptr<Data> data;
  std::vector<uint32_t> order;  // empty: none
  size_t rows, batch, repeat;

  size_t steps() const { return (rows + batch - 1) / batch * repeat; }
  static void push(std::vector<double>& to, const nabla::StepNumbers& step) {
    for (const double number : {step.rate, step.dampening, step.correction, step.momentum_rate, step.decay}) to.push_back(number);
  }
  std::vector<double> scalars() const {
    std::vector<double> result;
    for (size_t t = 1; t <= steps(); ++t) {
      if (spec.optimizer.rule == nabla::Rule::adam) {
        // 1 - beta^t by products: pow differs between machines.
        double b1 = 1, b2 = 1;
        for (size_t i = 0; i < t; ++i) {
          b1 *= spec.optimizer.beta1;
          b2 *= spec.optimizer.beta2;
        }
        push(result, {0.01 / (1 - b1), 1, 1 / std::sqrt(1 - b2), 0, 0});
      } else if (spec.optimizer.rule == nabla::Rule::nadam) {
        // Some numbers of the right size: what they are is TypeScript's.
        push(result, {0.002 * static_cast<double>(t), 1, 1 + 1.0 / static_cast<double>(t), 0.01, 0.0005});
      } else {
        const double later = t == 1 ? 1.0 : 0.875;
        push(result, {0.1 / static_cast<double>(t), later, 1, 0, spec.optimizer.rule == nabla::Rule::lion ? later : 0});
      }
    }
    return result;
  }
  nabla::TrainRequest request(const std::vector<double>& scalars) const {
    nabla::TrainRequest r;
    r.rows = {order.empty() ? nullptr : order.data(), 0, rows};
    r.batch_size = batch;
    r.repeat = repeat;
    r.scalars = scalars.data();
    r.max_milliseconds = std::numeric_limits<double>::infinity();
    return r;
  }
  std::vector<size_t> batch_rows(size_t step) const {
    const size_t a_pass = (rows + batch - 1) / batch, from = step % a_pass * batch;
    std::vector<size_t> result;
    for (size_t i = from; i < std::min(rows, from + batch); ++i) result.push_back(order.empty() ? i : order[i]);
    return result;
  }
};

// x of a type, a share of zeros; labels or values.
inline std::shared_ptr<Data> samples(const NetworkSpec& spec, size_t rows, InputType type, double zeros, TargetKind kind, bool weighted,
                                     Random& random) {
  auto data = std::make_shared<Data>();
  data->rows = rows;
  data->features = spec.input_size;
  size_t outputs = 0;
  for (const LayerSpec& l : spec.layers)
    if (l.kind == LayerKind::dense) outputs = l.units;
  const size_t count = rows * spec.input_size;
  // The plain network reads the samples as they came, also where the engine lists them.
  const auto give = [&](const auto& x) {
    data->set_samples(type, x.data(), false);
    data->x.set(type, x.data(), count, false);
  };
  const auto is_zero = [&] { return (random.number<double>() + 1) / 2 < zeros; };
  if (type == InputType::uint8) {
    std::vector<uint8_t> x(count);
    for (uint8_t& v : x) v = is_zero() ? 0 : static_cast<uint8_t>(random.below(256));
    give(x);
  } else if (type == InputType::float32) {
    std::vector<float> x(count);
    for (float& v : x) v = is_zero() ? 0 : random.number<float>();
    give(x);
  } else {
    std::vector<double> x(count);
    for (double& v : x) v = is_zero() ? 0 : random.number<double>();
    give(x);
  }
  data->kind = kind;
  if (kind == TargetKind::labels)
    for (size_t i = 0; i < rows; ++i) data->labels.push_back(static_cast<int32_t>(random.below(outputs)));
  if (kind == TargetKind::values) {
    std::vector<float> y(rows * outputs);
    for (float& v : y) v = std::fabs(random.number<float>());
    data->values.set(InputType::float32, y.data(), y.size(), false);
  }
  if (weighted)
    for (size_t i = 0; i < rows; ++i) data->weights.push_back(static_cast<double>(1 + random.below(4)) / 2);
  return data;
}

inline std::vector<uint32_t> shuffled(size_t rows, Random& random) {
  std::vector<uint32_t> order(rows);
  for (size_t i = 0; i < rows; ++i) order[i] = static_cast<uint32_t>(i);
  for (size_t i = rows; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

inline NetworkSpec network(size_t inputs, std::vector<LayerSpec> layers, LossName loss, bool float64) {
  NetworkSpec spec;
  spec.input_size = inputs;
  spec.layers = std::move(layers);
  spec.loss.name = loss;
  spec.head = loss == LossName::softmax_cross_entropy   ? nabla::Head::softmax
              : loss == LossName::sigmoid_cross_entropy ? nabla::Head::sigmoid
                                                        : nabla::Head::none;
  spec.float64 = float64;
  spec.optimizer.present = true;
  spec.seed = 4294967296.0 * 77 + 123456789;
  return spec;
}

inline std::vector<Job> jobs(bool float64) {
  Random random(float64 ? 21 : 20);
  std::vector<Job> list;
  const auto add = [&](const char* name, NetworkSpec spec, size_t rows, size_t batch, size_t repeat, InputType type, double zeros,
                       TargetKind kind, bool weighted, bool ordered) {
    Job job{name, spec, samples(spec, rows, type, zeros, kind, weighted, random), {}, rows, batch, repeat};
    if (ordered) job.order = shuffled(rows, random);
    list.push_back(std::move(job));
  };
  const auto softmax = LossName::softmax_cross_entropy, sigmoid = LossName::sigmoid_cross_entropy, squares = LossName::elementwise;

  add("relu, labels, sgd",
      network(30, {rescaling(1.0 / 255, 0), dense(40, Activation::relu), dense(17, Activation::linear)}, softmax, float64), 150, 64, 2,
      InputType::uint8, 0, TargetKind::labels, false, true);

  NetworkSpec deep =
      network(33,
              {rescaling(1.5, 0.25), rescaling(0.5, -0.125), dense(21, Activation::tanh, false, 0.01),
               dense(18, Activation::sigmoid, true, 0, 0.5), dense(9, Activation::softmax, true, 0.001), dense(15, Activation::linear)},
              sigmoid, float64);
  deep.optimizer.momentum = 0.9;
  deep.optimizer.nesterov = true;
  deep.optimizer.weight_decay = 0.001;
  for (int i = 0; i < 15; ++i) deep.loss.weights.push_back(0.5 + 0.25 * i);
  add("every activation, positive weights, nesterov, l2", deep, 70, 32, 2, InputType::float64, 0.1, TargetKind::values, true, true);

  NetworkSpec masked = network(29,
                               {dropout(0.125), dense(50, Activation::relu), dropout(0.5), dropout(0.25), dense(31, Activation::tanh),
                                dense(7, Activation::linear), dropout(0.0625)},
                               softmax, float64);
  masked.optimizer.rule = nabla::Rule::adam;
  masked.optimizer.beta1 = 0.9;
  masked.optimizer.beta2 = 0.999;
  masked.optimizer.epsilon = 1e-7;
  masked.loss.label_smoothing = 0.1;
  for (int i = 0; i < 7; ++i) masked.loss.weights.push_back(1 + 0.5 * i);
  add("dropouts, adam, class weights, smoothing", masked, 60, 25, 2, InputType::float32, 0, TargetKind::labels, true, true);

  NetworkSpec regression = network(5, {dense(1, Activation::sigmoid), dense(3, Activation::linear)}, squares, float64);
  regression.optimizer.momentum = 0.5;
  regression.loss.mean = false;
  add("one unit, squares, sum, no order", regression, 9, 1, 1, InputType::float32, 0, TargetKind::values, false, false);

  add("value targets", network(12, {dense(16, Activation::relu), dense(16, Activation::linear)}, softmax, float64), 40, 40, 3,
      InputType::float64, 0, TargetKind::values, false, false);

  NetworkSpec blocks = network(9, {dense(12, Activation::relu, true, 0.01), dense(3, Activation::linear)}, softmax, float64);
  blocks.optimizer.momentum = 0.9;
  add("gradient blocks and a short batch", blocks, 1400, 1100, 1, InputType::float32, 0.3, TargetKind::labels, false, true);

  add("a batch of two chunks", network(17, {dense(1900, Activation::relu), dense(3, Activation::linear)}, squares, float64), 1030, 1030, 1,
      InputType::uint8, 0, TargetKind::values, false, true);

  add("mostly zeros", network(90, {rescaling(1.0 / 255, 0), dense(40, Activation::relu), dense(10, Activation::linear)}, softmax, float64),
      150, 64, 2, InputType::uint8, 0.85, TargetKind::labels, false, true);

  NetworkSpec sparse = network(40, {dense(20, Activation::tanh), dense(4, Activation::linear)}, softmax, float64);
  sparse.optimizer.rule = nabla::Rule::adam;
  sparse.optimizer.beta1 = 0.5;
  sparse.optimizer.beta2 = 0.75;
  sparse.optimizer.epsilon = 0.001;
  add("mostly zeros in blocks", sparse, 1200, 1100, 2, InputType::float32, 0.9, TargetKind::labels, true, true);

  // The smallest networks on one batch, as many steps: what a kernel call may do at once.
  add("xor", network(2, {dense(3, Activation::tanh), dense(1, Activation::linear)}, sigmoid, float64), 4, 4, 600, InputType::uint8, 0.5,
      TargetKind::values, false, false);
  NetworkSpec small = network(
      5, {rescaling(0.5, 0.25), dense(4, Activation::relu, false), dense(3, Activation::sigmoid, true, 0, 0.5), dense(2, Activation::tanh)},
      squares, float64);
  small.optimizer.momentum = 0.75;
  small.optimizer.nesterov = true;
  small.optimizer.weight_decay = 0.001;
  add("tiny, nesterov, weights", small, 7, 100, 300, InputType::float64, 0, TargetKind::values, true, true);
  NetworkSpec tiny = network(3, {dense(8, Activation::sigmoid), dense(2, Activation::tanh)}, sigmoid, float64);
  tiny.optimizer.rule = nabla::Rule::adam;
  tiny.optimizer.beta1 = 0.9;
  tiny.optimizer.beta2 = 0.999;
  tiny.optimizer.epsilon = 1e-7;
  tiny.loss.mean = false;
  add("tiny, adam, every lane", tiny, 8, 8, 40, InputType::float32, 0, TargetKind::values, false, true);

  // Clipping, constraints and l1, in every plan.
  using nabla::Clip;
  using nabla::Constraint;
  const auto limited = [](LayerSpec layer, double l1, Constraint kernel, Constraint bias = Constraint::none) {
    layer.l1 = l1;
    layer.kernel_constraint = kernel;
    layer.bias_constraint = bias;
    layer.max_norm = 0.75;
    return layer;
  };
  NetworkSpec clipped = network(33,
                                {limited(dense(21, Activation::tanh, true, 0.01), 0.002, Constraint::max_norm),
                                 limited(dense(18, Activation::relu, true, 0, 0.5), 0.001, Constraint::unit_norm, Constraint::non_negative),
                                 limited(dense(7, Activation::linear), 0, Constraint::non_negative)},
                                softmax, float64);
  clipped.optimizer.rule = nabla::Rule::nadam;
  clipped.optimizer.beta1 = 0.9;
  clipped.optimizer.beta2 = 0.99;
  clipped.optimizer.epsilon = 1e-3;
  clipped.optimizer.weight_decay = 0.05;
  clipped.optimizer.clip = Clip::norm;
  clipped.optimizer.clip_limit = 0.05;
  add("nadam, clipped norms, constraints, l1", clipped, 70, 32, 2, InputType::float32, 0.1, TargetKind::labels, true, true);
  clipped.optimizer = blocks.optimizer;
  clipped.optimizer.clip = Clip::global_norm;
  clipped.optimizer.clip_limit = 0.1;
  clipped.optimizer.norm = nabla::Norm::magnitudes;
  add("clipped sum of magnitudes in blocks", clipped, 1400, 1100, 1, InputType::float32, 0.85, TargetKind::labels, false, true);
  clipped.optimizer.clip = Clip::value;
  clipped.optimizer.clip_limit = 0.01;
  add("clipped values, constraints, mostly zeros", clipped, 150, 64, 2, InputType::uint8, 0.85, TargetKind::labels, false, true);
  NetworkSpec firm =
      network(3, {limited(dense(6, Activation::tanh), 0, Constraint::non_negative), dense(2, Activation::linear)}, squares, float64);
  firm.optimizer.clip = Clip::value;
  firm.optimizer.clip_limit = 0.02;
  add("tiny, clipped values, no negative weights", firm, 8, 8, 40, InputType::float32, 0, TargetKind::values, false, true);
  firm.optimizer.clip = Clip::global_norm;
  firm.optimizer.norm = nabla::Norm::largest;
  add("too tiny for a team, clipped by the largest", firm, 8, 8, 40, InputType::float32, 0, TargetKind::values, false, true);
  return list;
}

// Canonical arrays of a network's state.
template <class T>
struct State {
  std::vector<std::vector<T>> parameters;
  std::vector<std::vector<std::vector<T>>> slots;
  double step = 0;

  explicit State(const nabla::Network& network) {
    for (const size_t size : network.parameter_sizes()) parameters.emplace_back(size);
    slots.assign(network.spec().optimizer.slots(), parameters);
  }
  void read(const nabla::Network& network) {
    nabla::Arrays arrays;
    for (auto& p : parameters) arrays.parameters.push_back(p.data());
    for (auto& slot : slots) {
      arrays.slots.emplace_back();
      for (auto& p : slot) arrays.slots.back().push_back(p.data());
    }
    step = network.get_state(arrays);
  }
  void write(nabla::Network& network) const {
    nabla::ConstArrays arrays;
    for (const auto& p : parameters) arrays.parameters.push_back(p.data());
    for (const auto& slot : slots) {
      arrays.slots.emplace_back();
      for (const auto& p : slot) arrays.slots.back().push_back(p.data());
    }
    network.set_state(arrays, step);
  }
  bool operator==(const State& other) const {
    const auto same = [](const std::vector<T>& a, const std::vector<T>& b) {
      return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
    };
    bool equal = step == other.step && parameters.size() == other.parameters.size();
    for (size_t i = 0; equal && i < parameters.size(); ++i) equal = same(parameters[i], other.parameters[i]);
    for (size_t s = 0; equal && s < slots.size(); ++s)
      for (size_t i = 0; equal && i < parameters.size(); ++i) equal = same(slots[s][i], other.slots[s][i]);
    return equal;
  }
};

// Numbers to start from, about 1 / sqrt(inputs).
template <class T>
State<T> start(const nabla::Network& network, uint64_t seed) {
  State<T> state(network);
  Random random(seed);
  for (auto& p : state.parameters) {
    size_t scale = 1;
    while (scale * scale < p.size() / 8) scale *= 2;
    random.fill(p.data(), p.size(), T(1) / static_cast<T>(scale));
  }
  return state;
}

inline std::unique_ptr<nabla::Network> make(const NetworkSpec& spec, const nabla::KernelSet& set, unsigned threads, bool materialised) {
  return nabla::make_network(spec, &set, threads, materialised ? nabla::PlanKind::materialised : nabla::PlanKind::fused);
}

}  // namespace test
