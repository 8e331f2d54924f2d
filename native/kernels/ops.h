// Made by `node scripts/generate-ops.mjs --write` from src/backend/contract/ops.ts. Plain data only, as kernels.h says.
// clang-format off
#pragma once

namespace nabla {

// of_z: the backward pass needs z, and a ZActivation says which function it is.
enum class Activation : int {
  linear,
  relu,
  sigmoid,
  tanh,
  softmax,
  of_z
};
enum class ZFunction : int {
  relu6,
  leaky_relu,
  elu,
  selu,
  gelu,
  gelu_tanh,
  hard_sigmoid,
  softplus,
  softsign,
  silu,
  mish,
  exponential,
  thresholded_relu
};
enum class ElementLoss : int {
  mean_squared_error,
  mean_absolute_error,
  huber,
  log_cosh,
  hinge,
  squared_hinge,
  mean_absolute_percentage_error,
  mean_squared_logarithmic_error,
  poisson
};
enum class RowLoss : int {
  kullback_leibler_divergence,
  categorical_hinge,
  cosine_similarity
};
enum class Rule : int {
  sgd,
  adam,
  rmsprop,
  adagrad,
  adadelta,
  adamax,
  lion,
  nadam
};

constexpr int z_functions = 13;
constexpr int element_losses = 9;
constexpr int row_losses = 3;

// Places in the tables below.
constexpr int first_of_z = 5;
constexpr int first_element_loss = 2;
constexpr int first_row_loss = 11;

// What operations are set with.
enum class Setting : int {
  negative_slope,
  alpha,
  beta,
  threshold,
  theta,
  label_smoothing,
  delta,
  momentum,
  nesterov,
  weight_decay,
  beta1,
  beta2,
  epsilon,
  amsgrad,
  rho,
  centered,
  initial_accumulator_value,
  momentum_decay,
  none
};
// An operation: its name, how many settings it takes, and which, in their order.
struct Op {
  const char* name;
  int count;
  Setting settings[5];
};
constexpr Op activation_ops[] = {
  {"linear", 0, {}},
  {"relu", 0, {}},
  {"sigmoid", 0, {}},
  {"tanh", 0, {}},
  {"softmax", 0, {}},
  {"relu6", 0, {}},
  {"leakyRelu", 1, {Setting::negative_slope}},
  {"elu", 1, {Setting::alpha}},
  {"selu", 0, {}},
  {"gelu", 0, {}},
  {"geluTanh", 0, {}},
  {"hardSigmoid", 0, {}},
  {"softplus", 2, {Setting::beta, Setting::threshold}},
  {"softsign", 0, {}},
  {"silu", 0, {}},
  {"mish", 0, {}},
  {"exponential", 0, {}},
  {"thresholdedRelu", 1, {Setting::theta}}
};
constexpr Op loss_ops[] = {
  {"softmaxCrossEntropy", 1, {Setting::label_smoothing}},
  {"sigmoidCrossEntropy", 1, {Setting::label_smoothing}},
  {"meanSquaredError", 0, {}},
  {"meanAbsoluteError", 0, {}},
  {"huber", 1, {Setting::delta}},
  {"logCosh", 0, {}},
  {"hinge", 0, {}},
  {"squaredHinge", 0, {}},
  {"meanAbsolutePercentageError", 0, {}},
  {"meanSquaredLogarithmicError", 0, {}},
  {"poisson", 0, {}},
  {"kullbackLeiblerDivergence", 0, {}},
  {"categoricalHinge", 0, {}},
  {"cosineSimilarity", 0, {}}
};
constexpr Op optimizer_ops[] = {
  {"sgd", 3, {Setting::momentum, Setting::nesterov, Setting::weight_decay}},
  {"adam", 5, {Setting::beta1, Setting::beta2, Setting::epsilon, Setting::amsgrad, Setting::weight_decay}},
  {"rmsprop", 4, {Setting::rho, Setting::momentum, Setting::epsilon, Setting::centered}},
  {"adagrad", 2, {Setting::epsilon, Setting::initial_accumulator_value}},
  {"adadelta", 2, {Setting::rho, Setting::epsilon}},
  {"adamax", 3, {Setting::beta1, Setting::beta2, Setting::epsilon}},
  {"lion", 3, {Setting::beta1, Setting::beta2, Setting::weight_decay}},
  {"nadam", 5, {Setting::beta1, Setting::beta2, Setting::epsilon, Setting::momentum_decay, Setting::weight_decay}}
};

// State arrays of each update rule, in its order: Setting::none, or what there must be for the array to be there.
struct Slots {
  int count;
  Setting conditions[3];
};
constexpr Slots optimizer_slots[] = {
  {1, {Setting::momentum}},
  {3, {Setting::none, Setting::none, Setting::amsgrad}},
  {3, {Setting::none, Setting::centered, Setting::momentum}},
  {1, {Setting::none}},
  {2, {Setting::none, Setting::none}},
  {2, {Setting::none, Setting::none}},
  {1, {Setting::none}},
  {2, {Setting::none, Setting::none}}
};

}  // namespace nabla
