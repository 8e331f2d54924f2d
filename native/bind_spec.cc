#include "bind_spec.h"

#include <algorithm>

namespace nabla_addon {

namespace {

using nabla::Error;

Napi::Value need(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (value.IsUndefined()) throw Error("ERR_TYPE", std::string("[native] the network's description is incomplete. Expected ") + name + ".");
  return value;
}
double number(const Napi::Object& object, const char* name) {
  const Napi::Value value = need(object, name);
  if (!value.IsNumber()) throw Error("ERR_TYPE", std::string("[native] ") + name + " must be a number.");
  return value.As<Napi::Number>().DoubleValue();
}
size_t size(const Napi::Object& object, const char* name) {
  const double value = number(object, name);
  // 2^40 units are a well-formed wish; the memory check refuses them with a better message.
  if (!(value >= 1) || value > 9007199254740992.0 || value != std::floor(value))
    throw Error("ERR_RANGE", std::string("[native] ") + name + " must be a positive whole number.");
  return static_cast<size_t>(value);
}
bool flag(const Napi::Object& object, const char* name) {
  const Napi::Value value = need(object, name);
  if (!value.IsBoolean()) throw Error("ERR_TYPE", std::string("[native] ") + name + " must be a boolean.");
  return value.As<Napi::Boolean>().Value();
}
std::string text(const Napi::Object& object, const char* name) {
  const Napi::Value value = need(object, name);
  if (!value.IsString()) throw Error("ERR_TYPE", std::string("[native] ") + name + " must be a string.");
  return value.As<Napi::String>().Utf8Value();
}
Napi::Object child(const Napi::Object& object, const char* name) {
  const Napi::Value value = need(object, name);
  if (!value.IsObject()) throw Error("ERR_TYPE", std::string("[native] ") + name + " must be an object.");
  return value.As<Napi::Object>();
}
std::vector<double> numbers(const Napi::Object& object, const char* name) {
  const Napi::Value value = need(object, name);
  std::vector<double> result;
  if (value.IsNull()) return result;
  if (!value.IsArray()) throw Error("ERR_TYPE", std::string("[native] ") + name + " must be an array or null.");
  const Napi::Array array = value.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Value item = array.Get(i);
    if (!item.IsNumber()) throw Error("ERR_TYPE", std::string("[native] ") + name + " must hold numbers.");
    result.push_back(item.As<Napi::Number>().DoubleValue());
  }
  return result;
}
// Left out, or a number above 0.
double limit(const Napi::Object& object, const char* name) {
  if (object.Get(name).IsUndefined()) return 0;
  const double value = number(object, name);
  if (!(value > 0)) throw Error("ERR_RANGE", std::string("[native] ") + name + " must be above 0.");
  return value;
}
[[noreturn]] void unknown(const char* what, const std::string& name) {
  throw Error("ERR_OPTION", std::string("[native] unknown ") + what + " '" + name + "'.");
}

// An operation by its place in a table, with its settings in the table's order.
struct Operation {
  int place;
  std::vector<double> settings;
};

template <size_t count>
Operation operation(const Napi::Object& object, const nabla::Op (&table)[count]) {
  const double place = number(object, "op");
  if (!(place >= 0 && place < static_cast<double>(count)) || place != std::floor(place))
    throw Error("ERR_OPTION", "[native] op must be a place in its table.");
  Operation result{static_cast<int>(place), {}};
  const Napi::Value value = need(object, "settings");
  const size_t wanted = static_cast<size_t>(table[result.place].count);
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_float64_array ||
      value.As<Napi::TypedArray>().ElementLength() != wanted)
    throw Error("ERR_TYPE", "[native] settings must be a Float64Array of " + std::to_string(wanted) + ".");
  const Napi::Float64Array array = value.As<Napi::Float64Array>();
  for (size_t i = 0; i < wanted; ++i) result.settings.push_back(array[i]);
  return result;
}

nabla::Constraint constraint(const Napi::Object& object, const char* name, double& max_norm) {
  using nabla::Constraint;
  if (object.Get(name).IsUndefined()) return Constraint::none;
  const Napi::Object chosen = child(object, name);
  const std::string kind = text(chosen, "name");
  if (kind == "nonNegative") return Constraint::non_negative;
  if (kind == "unitNorm") return Constraint::unit_norm;
  if (kind != "maxNorm") unknown("constraint", kind);
  max_norm = number(chosen, "maxValue");
  if (!(max_norm > 0)) throw Error("ERR_RANGE", "[native] maxValue must be above 0.");
  return Constraint::max_norm;
}

// At most one way of clipping, with the kind of its norm.
void clipping(const Napi::Object& object, nabla::OptimizerSpec& spec) {
  using nabla::Clip;
  static const std::pair<const char*, Clip> ways[] = {
      {"clipvalue", Clip::value}, {"clipnorm", Clip::norm}, {"globalClipnorm", Clip::global_norm}};
  for (const auto& [name, clip] : ways) {
    const double most = limit(object, name);
    if (most == 0) continue;
    if (spec.clip != Clip::none) throw Error("ERR_OPTION", "[native] gradients are clipped in one way.");
    spec.clip = clip;
    spec.clip_limit = most;
  }
  const Napi::Value type = object.Get("normType");
  if (type.IsUndefined()) return;
  if (type.IsNumber() && type.As<Napi::Number>().DoubleValue() == 1)
    spec.norm = nabla::Norm::magnitudes;
  else if (type.IsString() && type.As<Napi::String>().Utf8Value() == "inf")
    spec.norm = nabla::Norm::largest;
  else if (!type.IsNumber() || type.As<Napi::Number>().DoubleValue() != 2)
    throw Error("ERR_OPTION", "[native] normType must be 1, 2 or 'inf'.");
}

void read_activation(const Napi::Object& chosen, nabla::LayerSpec& spec) {
  Operation read = operation(chosen, nabla::activation_ops);
  spec.activation = static_cast<nabla::Activation>(std::min(read.place, nabla::first_of_z));
  if (spec.activation != nabla::Activation::of_z) return;
  read.settings.resize(2);
  spec.z = {static_cast<nabla::ZFunction>(read.place - nabla::first_of_z), read.settings[0], read.settings[1]};
}

void read_trainable(const Napi::Object& object, nabla::LayerSpec& spec) {
  if (!object.Get("trainable").IsUndefined() && !flag(object, "trainable")) spec.rate_factor = 0;
}

nabla::LayerSpec layer(const Napi::Object& object) {
  nabla::LayerSpec spec{};
  const std::string kind = text(object, "kind");
  if (kind == "dense") {
    spec.kind = nabla::LayerKind::dense;
    spec.units = size(object, "units");
    spec.use_bias = flag(object, "useBias");
    read_activation(child(object, "activation"), spec);
    spec.l2 = number(object, "l2");
    if (!object.Get("l1").IsUndefined()) spec.l1 = number(object, "l1");
    spec.kernel_constraint = constraint(object, "kernelConstraint", spec.max_norm);
    double none = 0;
    spec.bias_constraint = constraint(object, "biasConstraint", none);
    if (spec.bias_constraint != nabla::Constraint::none && spec.bias_constraint != nabla::Constraint::non_negative)
      throw Error("ERR_OPTION", "[native] biases know the constraint nonNegative alone.");
    spec.rate_factor = number(object, "learningRateFactor");
  } else if (kind == "rescaling") {
    spec.kind = nabla::LayerKind::rescaling;
    spec.scale = number(object, "scale");
    spec.offset = number(object, "offset");
  } else if (kind == "normalization") {
    spec.kind = nabla::LayerKind::normalization;
    spec.mean = numbers(object, "mean");
    spec.variance = numbers(object, "variance");
  } else if (kind == "dropout") {
    spec.kind = nabla::LayerKind::dropout;
    spec.rate = number(object, "rate");
    if (!(spec.rate >= 0) || spec.rate >= 1) throw Error("ERR_RANGE", "[native] rate must be in [0, 1).");
  } else if (kind == "flatten") {
    spec.kind = nabla::LayerKind::flatten;
  } else if (kind == "activation") {
    spec.kind = nabla::LayerKind::activation;
    read_activation(child(object, "activation"), spec);
  } else if (kind == "gaussianNoise") {
    spec.kind = nabla::LayerKind::gaussian_noise;
    spec.deviation = number(object, "deviation");
  } else if (kind == "prelu") {
    spec.kind = nabla::LayerKind::prelu;
    read_trainable(object, spec);
  } else if (kind == "layerNormalization" || kind == "batchNormalization") {
    const bool batch = kind == "batchNormalization";
    spec.kind = batch ? nabla::LayerKind::batch_normalization : nabla::LayerKind::layer_normalization;
    spec.epsilon = number(object, "epsilon");
    spec.center = flag(object, "center");
    spec.scaled = flag(object, "scale");
    if (batch) spec.momentum = number(object, "momentum");
    read_trainable(object, spec);
  } else {
    unknown("layer", kind);
  }
  return spec;
}

nabla::LossSpec loss(const Napi::Object& object) {
  nabla::LossSpec spec;
  const Operation read = operation(object, nabla::loss_ops);
  if (read.place >= nabla::first_row_loss) {
    spec.name = nabla::LossName::rowwise;
    spec.row = static_cast<nabla::RowLoss>(read.place - nabla::first_row_loss);
  } else if (read.place >= nabla::first_element_loss) {
    spec.name = nabla::LossName::elementwise;
    spec.element = static_cast<nabla::ElementLoss>(read.place - nabla::first_element_loss);
  } else {
    spec.name = read.place == 0 ? nabla::LossName::softmax_cross_entropy : nabla::LossName::sigmoid_cross_entropy;
  }
  for (size_t i = 0; i < read.settings.size(); ++i) {
    if (nabla::loss_ops[read.place].settings[i] == nabla::Setting::label_smoothing) spec.label_smoothing = read.settings[i];
    if (nabla::loss_ops[read.place].settings[i] == nabla::Setting::delta) spec.delta = read.settings[i];
  }
  spec.mean = text(object, "reduction") == "mean";
  spec.weights = numbers(object, "weights");
  return spec;
}

nabla::OptimizerSpec optimizer(const Napi::Object& object) {
  nabla::OptimizerSpec spec;
  spec.present = true;
  const Operation read = operation(object, nabla::optimizer_ops);
  spec.rule = static_cast<nabla::Rule>(read.place);
  for (size_t i = 0; i < read.settings.size(); ++i) spec.set(nabla::optimizer_ops[read.place].settings[i], read.settings[i]);
  clipping(object, spec);
  return spec;
}

}  // namespace

nabla::NetworkSpec read_spec(const Napi::Object& object) {
  nabla::NetworkSpec spec;
  spec.input_size = size(object, "inputSize");
  const Napi::Value layers = need(object, "layers");
  if (!layers.IsArray()) throw Error("ERR_TYPE", "[native] layers must be an array.");
  const Napi::Array array = layers.As<Napi::Array>();
  size_t outputs = spec.input_size;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Value item = array.Get(i);
    if (!item.IsObject()) throw Error("ERR_TYPE", "[native] layers must hold objects.");
    spec.layers.push_back(layer(item.As<Napi::Object>()));
    if (spec.layers.back().kind == nabla::LayerKind::dense) outputs = spec.layers.back().units;
  }
  const std::string head = text(object, "head");
  if (head == "softmax")
    spec.head = nabla::Head::softmax;
  else if (head == "sigmoid")
    spec.head = nabla::Head::sigmoid;
  else if (head != "none")
    unknown("head", head);
  if (!need(object, "loss").IsNull()) spec.loss = loss(child(object, "loss"));
  if (!spec.loss.weights.empty() && spec.loss.weights.size() != outputs)
    throw Error("ERR_SHAPE", "[native] a loss has one weight an output. Expected " + std::to_string(outputs) + ", received " +
                                 std::to_string(spec.loss.weights.size()) + ".");
  if (!need(object, "optimizer").IsNull()) spec.optimizer = optimizer(child(object, "optimizer"));
  const std::string dtype = text(object, "dtype");
  if (dtype != "float32" && dtype != "float64") unknown("dtype", dtype);
  spec.float64 = dtype == "float64";
  spec.seed = number(object, "seed");
  if (!(spec.seed >= 0) || spec.seed > 9007199254740991.0 || spec.seed != std::floor(spec.seed))
    throw Error("ERR_RANGE", "[native] seed must be a whole number from 0 to 2^53 - 1.");
  return spec;
}

}  // namespace nabla_addon
