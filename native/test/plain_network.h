// A whole network in plain loops, from docs/numerics.md: what Engine must equal byte for byte.
#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include "core/network.h"
#include "plain.h"

namespace plain {

using nabla::Activation;
using nabla::LayerKind;

// One row of samples or values as T, whatever its type.
template <class T>
T element(nabla::InputType type, const void* data, size_t at) {
  if (type == nabla::InputType::uint8) return static_cast<T>(static_cast<const uint8_t*>(data)[at]);
  if (type == nabla::InputType::float32) return static_cast<T>(static_cast<const float*>(data)[at]);
  return static_cast<T>(static_cast<const double*>(data)[at]);
}

template <class T, bool fused>
class Network {
 public:
  using M = Math<T, fused>;
  using Matrix = std::vector<std::vector<T>>;  // rows
  struct Layer {
    nabla::LayerSpec spec;
    size_t inputs;
    std::vector<T> weight, bias;  // (units, inputs), (units)
    std::vector<T> slot[3][2];    // slot, weight or bias
    std::vector<T> dweight, dbias;
  };
  struct Step {
    double loss;
    unsigned correct;
    bool finite;
    Matrix outputs;
  };

  explicit Network(const nabla::NetworkSpec& spec) : spec_(spec) {
    size_t inputs = spec.input_size;
    for (const nabla::LayerSpec& l : spec.layers) {
      if (l.kind != LayerKind::dense) continue;
      Layer layer{l, inputs, {}, {}, {}, {}, {}};
      layer.weight.resize(l.units * inputs);
      layer.bias.resize(l.use_bias ? l.units : 0);
      for (auto& slot : layer.slot) {
        slot[0].resize(layer.weight.size());
        slot[1].resize(layer.bias.size());
      }
      layers.push_back(layer);
      parameters_ += layer.weight.size() + layer.bias.size();
      inputs = l.units;
    }
    for (const double weight : spec.loss.weights) weights_.push_back(static_cast<T>(weight));
  }

  // Rows of the batch; updates unless the loss is not finite or update is false.
  Step train(const nabla::Data& data, const std::vector<size_t>& rows, const double* scalars, bool update = true) {
    const size_t n = rows.size(), outputs = layers.back().spec.units;
    forward(data, rows, true);
    const double denominator = this->denominator(data, rows);
    const bool labels = data.kind == nabla::TargetKind::labels;
    Matrix d(n, std::vector<T>(outputs)), p = d;
    std::vector<T> values(outputs);
    double lanes[8] = {};
    Step step{0, 0, true, {}};
    for (size_t r = 0; r < n; ++r) {
      const std::vector<T>& z = x[layers.size()][r];
      const double weight = data.weights.empty() ? 1.0 : data.weights[rows[r]];
      const T g = static_cast<T>(weight / denominator);
      if (!labels)
        for (size_t i = 0; i < outputs; ++i) values[i] = element<T>(data.values.type, data.values.data, rows[r] * outputs + i);
      const double e = spec_.loss.label_smoothing,
                   off = e / (spec_.loss.name == nabla::LossName::sigmoid_cross_entropy ? 2.0 : static_cast<double>(outputs));
      const typename M::Targets y{labels ? nullptr : values.data(),
                                  labels ? data.labels[rows[r]] : 0,
                                  weights_.empty() ? nullptr : weights_.data(),
                                  e != 0,
                                  static_cast<T>(labels ? 1.0 - e + off : 1.0 - e),
                                  static_cast<T>(off)};
      T loss = 0;
      if (spec_.loss.name == nabla::LossName::softmax_cross_entropy)
        loss = M::softmax_cross_entropy(z.data(), outputs, y, g, d[r].data(), p[r].data(), step.correct);
      if (spec_.loss.name == nabla::LossName::sigmoid_cross_entropy)
        loss = M::sigmoid_cross_entropy(z.data(), outputs, y, g, d[r].data(), p[r].data(), step.correct);
      if (spec_.loss.name == nabla::LossName::elementwise) loss = M::mean_squared_error(z.data(), outputs, y, g, d[r].data(), p[r].data());
      lanes[r % 8] += weight * static_cast<double>(loss);
    }
    for (size_t h = 4; h > 0; h /= 2)
      for (size_t j = 0; j < h; ++j) lanes[j] += lanes[j + h];
    step.loss = lanes[0] / denominator + penalty();
    step.finite = std::isfinite(step.loss);
    step.outputs = p;
    backward(d);
    if (!step.finite || !update) return step;
    const nabla::OptimizerSpec& o = spec_.optimizer;
    // Where norms are taken the gradients are finished first, and each array has its factor.
    std::vector<T> factors(2 * layers.size(), T(1));
    if (o.clips_norms()) clip(factors);
    for (size_t n = 0; n < layers.size(); ++n) {
      Layer& l = layers[n];
      nabla::Update<T> u{};
      u.rule = o.rule;
      u.rate = static_cast<T>(scalars[0] * l.spec.rate_factor);
      u.dampening = static_cast<T>(scalars[1]);
      u.correction = static_cast<T>(scalars[2]);
      u.momentum_rate = static_cast<T>(scalars[3] * l.spec.rate_factor);
      u.decay = static_cast<T>(scalars[4] * l.spec.rate_factor);
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
      u.clips = o.clip == nabla::Clip::value;
      u.clip = static_cast<T>(o.clip_limit);
      u.scaled = o.clips_norms();
      u.scale = factors[2 * n + 1];
      u.non_negative = l.spec.bias_constraint == nabla::Constraint::non_negative;
      for (size_t i = 0; i < l.bias.size(); ++i) M::update(u, &l.bias[i], &l.slot[0][1][i], &l.slot[1][1][i], &l.slot[2][1][i], l.dbias[i]);
      u.scale = factors[2 * n];
      u.non_negative = l.spec.kernel_constraint == nabla::Constraint::non_negative;
      if (!o.clips_norms()) {
        u.l2 = static_cast<T>(l.spec.l2);
        u.l1 = static_cast<T>(l.spec.l1);
      }
      for (size_t i = 0; i < l.weight.size(); ++i)
        M::update(u, &l.weight[i], &l.slot[0][0][i], &l.slot[1][0][i], &l.slot[2][0][i], l.dweight[i]);
      constrain(l);
    }
    ++steps;
    return step;
  }

  // After the last layer, before the head.
  Matrix predict(const nabla::Data& data, const std::vector<size_t>& rows) {
    forward(data, rows, false);
    return x[layers.size()];
  }

  double penalty() const {
    double total = 0;
    for (const Layer& l : layers) {
      if (l.spec.l2 == 0 && l.spec.l1 == 0) continue;
      double lanes[8] = {}, sizes[8] = {};
      for (size_t o = 0; o < l.spec.units; ++o) {
        const T* const row = l.weight.data() + o * l.inputs;
        lanes[o % 8] += static_cast<double>(M::chain(row, 1, row, 1, l.inputs));
        sizes[o % 8] += M::norm_sum(row, l.inputs, 1, nabla::Norm::magnitudes);
      }
      for (size_t h = 4; h > 0; h /= 2)
        for (size_t j = 0; j < h; ++j) {
          lanes[j] += lanes[j + h];
          sizes[j] += sizes[j + h];
        }
      if (l.spec.l2 != 0) total += lanes[0] * (l.spec.l2 / 2);
      if (l.spec.l1 != 0) total += sizes[0] * l.spec.l1;
    }
    return total;
  }

  std::vector<Layer> layers;
  Matrix dx;
  uint64_t steps = 0;

 private:
  // Adds the penalties' parts to the gradients and finds the factor of each array, weight and bias of a layer in turn.
  void clip(std::vector<T>& factors) {
    const nabla::OptimizerSpec& o = spec_.optimizer;
    const auto factor = [&](double sum) {
      const double norm = o.norm == nabla::Norm::squares ? std::sqrt(sum) : sum;
      const double share = o.clip_limit / (norm + 1e-6);
      return static_cast<T>(share > 1 ? 1.0 : share);
    };
    double total = 0;
    for (size_t n = 0; n < layers.size(); ++n) {
      Layer& l = layers[n];
      for (size_t i = 0; i < l.weight.size(); ++i)
        l.dweight[i] = M::with_penalties(static_cast<T>(l.spec.l2), static_cast<T>(l.spec.l1), l.weight[i], l.dweight[i]);
      for (size_t bias = 0; bias < (l.bias.empty() ? 1 : 2); ++bias) {
        const size_t inputs = bias == 1 ? 1 : l.inputs;
        const T* const gradient = bias == 1 ? l.dbias.data() : l.dweight.data();
        double lanes[8] = {};
        for (size_t u = 0; u < l.spec.units; ++u)
          lanes[u % 8] = M::norm_join(lanes[u % 8], M::norm_sum(gradient + u * inputs, inputs, 1, o.norm), o.norm);
        for (size_t h = 4; h > 0; h /= 2)
          for (size_t j = 0; j < h; ++j) lanes[j] = M::norm_join(lanes[j], lanes[j + h], o.norm);
        if (o.clip == nabla::Clip::norm) factors[2 * n + bias] = factor(lanes[0]);
        total = M::norm_join(total, lanes[0], o.norm);
      }
    }
    if (o.clip == nabla::Clip::global_norm) factors.assign(factors.size(), factor(total));
  }

  void constrain(Layer& l) const {
    const bool unit = l.spec.kernel_constraint == nabla::Constraint::unit_norm;
    if (!unit && l.spec.kernel_constraint != nabla::Constraint::max_norm) return;
    for (size_t o = 0; o < l.spec.units; ++o) {
      T* const row = l.weight.data() + o * l.inputs;
      const double norm = std::sqrt(M::norm_sum(row, l.inputs, 1, nabla::Norm::squares));
      const T factor = static_cast<T>((unit ? 1.0 : std::min(norm, l.spec.max_norm)) / (1e-7 + norm));
      for (size_t i = 0; i < l.inputs; ++i) row[i] = row[i] * factor;
    }
  }

  double denominator(const nabla::Data& data, const std::vector<size_t>& rows) const {
    if (!spec_.loss.mean) return 1;
    const double n = static_cast<double>(rows.size());
    if (spec_.loss.name != nabla::LossName::softmax_cross_entropy) return n * static_cast<double>(layers.back().spec.units);
    if (weights_.empty() || data.kind != nabla::TargetKind::labels) return n;
    double sum = 0;
    for (const size_t row : rows) sum += static_cast<double>(weights_[static_cast<size_t>(data.labels[row])]);
    return sum;
  }

  // Applies the dropouts that follow stage `stage` (0: the samples), in order or backwards.
  void drop(size_t stage, Matrix& values, bool backwards) const {
    std::vector<std::pair<size_t, double>> found;
    size_t dense = 0;
    for (size_t i = 0; i < spec_.layers.size(); ++i) {
      if (spec_.layers[i].kind == LayerKind::dense) ++dense;
      if (spec_.layers[i].kind == LayerKind::dropout && dense == stage) found.push_back({i, spec_.layers[i].rate});
    }
    for (size_t f = 0; f < found.size(); ++f) {
      const auto [index, rate] = found[backwards ? found.size() - 1 - f : f];
      const uint64_t threshold = static_cast<uint64_t>(std::llround(rate * 4294967296.0)), seed = static_cast<uint64_t>(spec_.seed);
      const T factor = static_cast<T>(1.0 / (1.0 - rate));
      for (size_t r = 0; r < values.size(); ++r)
        for (size_t u = 0; u < values[r].size(); ++u) {
          const bool keep = philox_word(static_cast<uint32_t>(u), static_cast<uint32_t>(r), static_cast<uint32_t>(steps),
                                        static_cast<uint32_t>(256 * index + 1), static_cast<uint32_t>(seed),
                                        static_cast<uint32_t>(seed >> 32)) >= threshold;
          values[r][u] = keep ? values[r][u] * factor : T(0);
        }
    }
  }

  void forward(const nabla::Data& data, const std::vector<size_t>& rows, bool training) {
    x.assign(layers.size() + 1, Matrix(rows.size()));
    a.assign(layers.size(), Matrix(rows.size()));
    for (size_t r = 0; r < rows.size(); ++r)
      for (size_t i = 0; i < spec_.input_size; ++i) {
        T value = element<T>(data.x.type, data.x.data, rows[r] * spec_.input_size + i);
        for (const nabla::LayerSpec& l : spec_.layers) {
          if (l.kind != LayerKind::rescaling) continue;
          value = value * static_cast<T>(l.scale);
          if (static_cast<T>(l.offset) != 0) value = value + static_cast<T>(l.offset);
        }
        x[0][r].push_back(value);
      }
    if (training) drop(0, x[0], false);
    for (size_t s = 0; s < layers.size(); ++s) {
      const Layer& l = layers[s];
      for (size_t r = 0; r < rows.size(); ++r) {
        for (size_t o = 0; o < l.spec.units; ++o) {
          const T z = M::chain(x[s][r].data(), 1, l.weight.data() + o * l.inputs, 1, l.inputs);
          a[s][r].push_back(l.bias.empty() ? z : z + l.bias[o]);
        }
        M::activation(l.spec.activation, a[s][r].data(), l.spec.units);
      }
      x[s + 1] = a[s];
      if (training) drop(s + 1, x[s + 1], false);
    }
  }

  void backward(Matrix d) {
    const size_t n = d.size(), blocks = n >= 1024 && parameters_ <= 32768 ? 16 : 1;
    for (size_t s = layers.size(); s-- > 0;) {
      Layer& l = layers[s];
      drop(s + 1, d, true);
      for (size_t r = 0; r < n; ++r) M::activation_backward(l.spec.activation, a[s][r].data(), d[r].data(), l.spec.units);
      l.dweight.assign(l.weight.size(), 0);
      l.dbias.assign(l.spec.units, 0);
      for (size_t block = 0; block < blocks; ++block) {
        const size_t from = n * block / blocks, to = n * (block + 1) / blocks;
        for (size_t o = 0; o < l.spec.units; ++o) {
          for (size_t i = 0; i < l.inputs; ++i) {
            T acc = 0;
            for (size_t r = from; r < to; ++r) acc = M::mad(d[r][o], x[s][r][i], acc);
            l.dweight[o * l.inputs + i] = block == 0 ? acc : l.dweight[o * l.inputs + i] + acc;
          }
          T acc = 0;
          for (size_t r = from; r < to; ++r) acc = acc + d[r][o];
          l.dbias[o] = block == 0 ? acc : l.dbias[o] + acc;
        }
      }
      Matrix before(n, std::vector<T>(l.inputs));
      for (size_t r = 0; r < n; ++r)
        for (size_t i = 0; i < l.inputs; ++i) before[r][i] = M::chain(d[r].data(), 1, l.weight.data() + i, l.inputs, l.spec.units);
      d = before;
    }
    drop(0, d, true);
    for (size_t i = spec_.layers.size(); i-- > 0;)
      if (spec_.layers[i].kind == LayerKind::rescaling)
        for (std::vector<T>& row : d)
          for (T& value : row) value = value * static_cast<T>(spec_.layers[i].scale);
    dx = d;
  }

  const nabla::NetworkSpec spec_;
  std::vector<T> weights_;
  size_t parameters_ = 0;
  std::vector<Matrix> x, a;
};

}  // namespace plain
