// NetworkSpec as src/backend/spec.ts defines it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../kernels/kernels.h"

namespace nabla {

enum class LayerKind { dense, rescaling, flatten, dropout };
struct LayerSpec {
  LayerKind kind;
  // dense
  size_t units = 0;
  bool use_bias = true;
  Activation activation = Activation::linear;
  double l2 = 0;
  double rate_factor = 1;
  // rescaling
  double scale = 1, offset = 0;
  // dropout
  double rate = 0;
};

enum class Head { none, softmax, sigmoid };
enum class LossName { none, softmax_cross_entropy, sigmoid_cross_entropy, mean_squared_error };
struct LossSpec {
  LossName name = LossName::none;
  bool mean = true;
  double label_smoothing = 0;
  std::vector<double> weights;  // class weights or positive weights; empty = none
};

struct OptimizerSpec {
  bool present = false;
  Rule rule = Rule::sgd;
  double momentum = 0, weight_decay = 0;
  bool nesterov = false;
  double beta1 = 0, beta2 = 0, epsilon = 0;
  size_t slots() const { return !present ? 0 : rule == Rule::adam ? 2 : momentum != 0 ? 1 : 0; }
};
constexpr size_t step_scalar_count = 2;

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
