// NetworkSpec as src/backend/contract/spec.ts defines it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../kernels/kernels.h"

namespace nabla {

// What a parameter is brought back to after an update.
enum class Constraint { none, non_negative, max_norm, unit_norm };
// What is done to gradients before the rule sees them.
enum class Clip { none, value, norm, global_norm };

enum class LayerKind {
  dense,
  rescaling,
  normalization,
  flatten,
  dropout,
  // The others make a network layered (layered.h).
  activation,
  gaussian_noise,
  prelu,
  layer_normalization,
  batch_normalization
};
struct LayerSpec {
  LayerKind kind;
  // dense
  size_t units = 0;
  bool use_bias = true;
  Activation activation = Activation::linear;
  ZActivation<double> z{};  // where activation is of_z
  double l2 = 0, l1 = 0;
  Constraint kernel_constraint = Constraint::none, bias_constraint = Constraint::none;  // of biases: non_negative alone
  double max_norm = 0;
  double rate_factor = 1;  // of dense layers; 0 or 1 of passes with parameters
  // rescaling
  double scale = 1, offset = 0;
  // normalization, a feature
  std::vector<double> mean{}, variance{};
  // dropout
  double rate = 0;
  // gaussian_noise
  double deviation = 0;
  // normalizations
  double epsilon = 0, momentum = 0;
  bool center = true, scaled = true;
};

enum class Head { none, softmax, sigmoid };
enum class LossName { none, softmax_cross_entropy, sigmoid_cross_entropy, elementwise, rowwise };
struct LossSpec {
  LossName name = LossName::none;
  ElementLoss element = ElementLoss::mean_squared_error;  // where the name is elementwise
  RowLoss row = RowLoss::kullback_leibler_divergence;     // where it is rowwise
  double delta = 1;                                       // huber
  bool mean = true;
  double label_smoothing = 0;
  std::vector<double> weights;  // class weights or positive weights; empty = none
  // Whether a prediction can be right: with the cross-entropies.
  bool counts_right() const { return name == LossName::softmax_cross_entropy || name == LossName::sigmoid_cross_entropy; }
};

// What varies by step: stepNumbers of src/backend/contract/spec.ts, in this order.
struct StepNumbers {
  double rate, dampening, correction, momentum_rate, decay;
};
constexpr size_t step_numbers = 5;
static_assert(sizeof(StepNumbers) == step_numbers * sizeof(double));

struct OptimizerSpec {
  bool present = false;
  Rule rule = Rule::sgd;
  double momentum = 0, weight_decay = 0;
  bool nesterov = false, amsgrad = false, centered = false;
  double beta1 = 0, beta2 = 0, epsilon = 0;
  Clip clip = Clip::none;
  double clip_limit = 0;
  Norm norm = Norm::squares;
  // The settings that a step in C++ works with; TypeScript keeps the others.
  void set(Setting setting, double value) {
    switch (setting) {
      case Setting::momentum:
        momentum = value;
        return;
      case Setting::nesterov:
        nesterov = value != 0;
        return;
      case Setting::weight_decay:
        weight_decay = value;
        return;
      case Setting::beta1:
        beta1 = value;
        return;
      case Setting::beta2:
      case Setting::rho:
        beta2 = value;
        return;
      case Setting::epsilon:
        epsilon = value;
        return;
      case Setting::amsgrad:
        amsgrad = value != 0;
        return;
      case Setting::centered:
        centered = value != 0;
        return;
      default:
        return;
    }
  }
  bool clips_norms() const { return clip == Clip::norm || clip == Clip::global_norm; }
  // Whether there is what a state array is for.
  bool holds(Setting condition) const {
    return condition == Setting::none || (condition == Setting::momentum && momentum != 0) || (condition == Setting::amsgrad && amsgrad) ||
           (condition == Setting::centered && centered);
  }
  size_t slots() const {
    if (!present) return 0;
    const Slots& of_rule = optimizer_slots[static_cast<int>(rule)];
    size_t count = 0;
    for (int i = 0; i < of_rule.count; ++i) count += holds(of_rule.conditions[i]) ? 1 : 0;
    return count;
  }
};

struct NetworkSpec {
  size_t input_size = 0;
  std::vector<LayerSpec> layers;
  Head head = Head::none;
  LossSpec loss;
  OptimizerSpec optimizer;
  bool float64 = false;
  double seed = 0;
};

}  // namespace nabla
