#include "engine.h"

#include <algorithm>
#include <cmath>

#include "layered.h"
#include "memory_limit.h"
#include "openblas.h"
#include "prefetch.h"
#include "train_team.h"

namespace nabla {

template <>
const KernelTable<float>& kernel_table<float>(const KernelSet& set) {
  return *set.f32;
}
template <>
const KernelTable<double>& kernel_table<double>(const KernelSet& set) {
  return *set.f64;
}

template <class T>
Engine<T>::Engine(NetworkSpec spec, const KernelSet* kernels, unsigned threads, PlanKind kind)
    : Network(std::move(spec), kind == PlanKind::openblas ? openblas_kernels(*kernels) : kernels, threads),
      k_(kernel_table<T>(*kernels_)),
      plan_(make_plan(spec_, kind == PlanKind::openblas)),
      materialised_(kind != PlanKind::fused || spec_.optimizer.clips_norms()),
      row_constraints_(std::any_of(plan_.stages.begin(), plan_.stages.end(), [](const Stage& s) { return s.row_constraint(); })) {
  flat_ = AlignedArray<T>(plan_.flat_size);
  transposed_ = AlignedArray<T>(plan_.transposed_size);
  if (spec_.optimizer.slots() > 0) slot0_ = AlignedArray<T>(plan_.flat_size);
  if (spec_.optimizer.slots() > 1) slot1_ = AlignedArray<T>(plan_.flat_size);
  if (spec_.optimizer.slots() > 2) slot2_ = AlignedArray<T>(plan_.flat_size);
  updates_.resize(plan_.stages.size() * 2);
  if (spec_.optimizer.clips_norms()) {
    size_t rows = 0;
    for (const Stage& s : plan_.stages) rows += 2 * s.panels * plan_.width;
    norms_.resize(rows);
  }
  feature_numbers_.reserve(2 * plan_.rescalings.size());
  const auto stored = [&](const std::vector<double>& numbers) -> const T* {
    if (numbers.empty()) return nullptr;
    std::vector<T>& copy = feature_numbers_.emplace_back();
    for (const double number : numbers) copy.push_back(static_cast<T>(number));
    return copy.data();
  };
  for (const Rescaling& r : plan_.rescalings)
    affines_.push_back({static_cast<T>(r.scale), static_cast<T>(r.offset), stored(r.means), stored(r.scales)});
  if (!spec_.loss.weights.empty()) {
    class_weights_.resize(plan_.last().panels * plan_.width);
    for (size_t i = 0; i < spec_.loss.weights.size(); ++i) class_weights_[i] = static_cast<T>(spec_.loss.weights[i]);
  }
  const double high = std::floor(spec_.seed / 4294967296.0);
  key_[0] = static_cast<uint32_t>(spec_.seed - high * 4294967296.0);
  key_[1] = static_cast<uint32_t>(high);
}

template <class T>
const T* Engine<T>::stage_input(const Scratch<T>& s, size_t stage, bool training) const {
  const bool dropped = training && plan_.dropout_after(stage);
  if (stage == 0) return dropped ? s.dropped_input.data() : s.input.data();
  return dropped ? s.dropped[stage - 1].data() : s.activations[stage - 1].data();
}

template <class T>
void Engine<T>::gather(Scratch<T>& s, const Batch& batch, size_t at, size_t lo, size_t hi, bool targets) const {
  const Data& data = *batch.data;
  const size_t position = batch.rows.from + at + lo;
  const uint32_t* const order = batch.rows.order != nullptr ? batch.rows.order + position : nullptr;
  if (targets) gather_targets(s, batch, at, lo, hi);
  if (data.lists) {
    for (size_t r = lo; r < hi; ++r)
      gather_lists(*data.lists, data.x.type, order != nullptr ? order[r - lo] : position + r - lo, s.input.data() + r * plan_.input_ld);
    return;
  }
  k_.load_rows(data.x.type, data.x.data, data.features, order, position, hi - lo, affines_.data(), affines_.size(),
               s.input.data() + lo * plan_.input_ld, plan_.input_ld);
  if (order != nullptr) {
    const size_t bytes = data.features * bytes_of(data.x.type), ahead = batch.size();
    for (size_t r = 0; r < hi - lo && position + r + ahead < batch.limit; ++r)
      prefetch(static_cast<const char*>(data.x.data) + order[r + ahead] * bytes, bytes);
  }
}

namespace {

// As the kernels' load_rows: converted, scaled, and moved where there is an offset.
template <class T, class X>
T rescaled(X x, const std::vector<Affine<T>>& affines, size_t feature) {
  T value = static_cast<T>(x);
  for (const Affine<T>& a : affines) {
    if (a.means != nullptr) {
      value = (value - a.means[feature]) * a.scales[feature];
      continue;
    }
    value = value * a.scale;
    if (a.offset != 0) value = value + a.offset;
  }
  return value;
}

template <class X, class T>
void expand(const SparseSamples& lists, size_t row, const std::vector<Affine<T>>& affines, T* out) {
  const X* const values = reinterpret_cast<const X*>(lists.values.data());
  for (size_t n = lists.starts[row]; n < lists.starts[row + 1]; ++n) out[lists.index[n]] = rescaled(values[n], affines, lists.index[n]);
}

}  // namespace

// One row with its zeros.
template <class T>
void Engine<T>::gather_lists(const SparseSamples& lists, InputType type, size_t row, T* out) const {
  if (feature_numbers_.empty())
    std::fill(out, out + plan_.input_size, rescaled(T(0), affines_, 0));
  else
    for (size_t i = 0; i < plan_.input_size; ++i) out[i] = rescaled(T(0), affines_, i);
  if (type == InputType::uint8) expand<uint8_t>(lists, row, affines_, out);
  if (type == InputType::float32) expand<float>(lists, row, affines_, out);
  if (type == InputType::float64) expand<double>(lists, row, affines_, out);
}

template <class T>
void Engine<T>::gather_targets(Scratch<T>& s, const Batch& batch, size_t at, size_t lo, size_t hi) const {
  const Data& data = *batch.data;
  const size_t position = batch.rows.from + at + lo;
  const uint32_t* const order = batch.rows.order != nullptr ? batch.rows.order + position : nullptr;
  if (data.kind == TargetKind::labels)
    for (size_t r = lo; r < hi; ++r) s.labels[r] = data.labels[order != nullptr ? order[r - lo] : position + r - lo];
  if (data.kind == TargetKind::values)
    k_.load_rows(data.values.type, data.values.data, plan_.last().units, order, position, hi - lo, nullptr, 0,
                 s.values.data() + lo * plan_.last().ld, plan_.last().ld);
}

template <class T>
void Engine<T>::gather_sparse(SparseRows<T>& rows, const Batch& batch, size_t at, size_t lo, size_t hi, size_t ahead) const {
  const Data& data = *batch.data;
  const SparseSamples& sparse = *data.lists;
  const size_t bytes = bytes_of(data.x.type);
  for (size_t r = lo; r < hi; ++r) {
    const size_t position = batch.rows.from + at + r;
    const size_t row = batch.rows.order != nullptr ? batch.rows.order[position] : position;
    const size_t start = sparse.starts[row], count = sparse.starts[row + 1] - start;
    rows.index[r] = sparse.index.data() + start;
    rows.counts[r] = static_cast<uint32_t>(count);
    const size_t next = position + ahead;
    if (next < batch.limit) {
      const size_t following = batch.rows.order != nullptr ? batch.rows.order[next] : next;
      const size_t later = sparse.starts[following], length = sparse.starts[following + 1] - later;
      prefetch(sparse.index.data() + later, length * sizeof(uint16_t));
      prefetch(sparse.values.data() + later * bytes, length * bytes);
    }
    k_.load_values(data.x.type, sparse.values.data() + start * bytes, count, affines_.data(), affines_.size(),
                   rows.values.data() + r * rows.ld);
  }
}

namespace {

// Elementwise activations whose derivative follows from their result: their way back may be fused into the product that gives da.
bool own_result_is_enough(Activation a) { return a != Activation::softmax && a != Activation::of_z; }

}  // namespace

template <class T>
ZActivation<T> Engine<T>::z_activation(const Stage& stage) const {
  return {stage.z.function, static_cast<T>(stage.z.first), static_cast<T>(stage.z.second)};
}

template <class T>
void Engine<T>::forward(Scratch<T>& s, const T* flat, size_t lo, size_t hi, bool training, size_t at, const SparseLists<T>* first) const {
  const auto drop = [&](size_t stage, const T* from, T* to, size_t units, size_t ld) {
    for (size_t d = 0; d < plan_.dropouts.size(); ++d) {
      const Dropout& dropout = plan_.dropouts[d];
      if (dropout.after_stage != stage) continue;
      k_.dropout_forward(from + lo * ld, to + lo * ld, s.masks[d].data() + lo * ld, hi - lo, at + lo, units, ld,
                         static_cast<uint32_t>(std::fmod(step_, 4294967296.0)), dropout.purpose, key_,
                         static_cast<uint64_t>(std::llround(dropout.rate * 4294967296.0)), static_cast<T>(1.0 / (1.0 - dropout.rate)));
      from = to;
    }
  };
  if (training && plan_.dropout_after(0)) drop(0, s.input.data(), s.dropped_input.data(), plan_.input_size, plan_.input_ld);
  for (size_t i = 0; i < plan_.stages.size(); ++i) {
    const Stage& stage = plan_.stages[i];
    const size_t ld = stage_input_ld(i);
    const bool of_z = stage.activation == Activation::of_z;
    T* const a = s.activations[i].data() + lo * stage.ld;
    T* const out = of_z && training ? s.z[i].data() + lo * stage.ld : a;
    if (i == 0 && first != nullptr)
      k_.sparse_forward(first, stage.inputs, flat + stage.weight_at, stage.use_bias ? flat + stage.bias_at : nullptr, stage.panels, out,
                        stage.ld, stage.activation);
    else
      k_.dense_forward(stage_input(s, i, training) + lo * ld, ld, hi - lo, stage.inputs, flat + stage.weight_at,
                       stage.use_bias ? flat + stage.bias_at : nullptr, stage.panels, out, stage.ld, stage.activation);
    if (stage.activation == Activation::softmax) k_.softmax_rows(out, hi - lo, stage.units, stage.ld);
    if (of_z) {
      const ZActivation<T> f = z_activation(stage);
      k_.z_forward(&f, out, a, (hi - lo) * stage.ld);
    }
    if (training && plan_.dropout_after(i + 1)) drop(i + 1, s.activations[i].data(), s.dropped[i].data(), stage.units, stage.ld);
  }
}

template <class T>
double Engine<T>::denominator(const Batch& batch) const {
  const LossSpec& loss = spec_.loss;
  if (!loss.mean) return 1;
  const double rows = static_cast<double>(batch.size());
  if (loss.name == LossName::rowwise) return rows;
  if (loss.name != LossName::softmax_cross_entropy) return rows * static_cast<double>(plan_.last().units);
  if (class_weights_.empty() || batch.data->kind != TargetKind::labels) return rows;
  double sum = 0;
  for (size_t i = batch.rows.from; i < batch.rows.to; ++i)
    sum +=
        static_cast<double>(class_weights_[static_cast<size_t>(batch.data->labels[batch.rows.order != nullptr ? batch.rows.order[i] : i])]);
  return sum;
}

template <class T>
uint32_t Engine<T>::loss(Scratch<T>& s, const Batch& batch, size_t at, size_t lo, size_t hi, double denominator, bool gradients,
                         bool outputs, double* row_loss) const {
  const Stage& last = plan_.last();
  const size_t offset = lo * last.ld;
  if (gradients) {
    const Data& data = *batch.data;
    for (size_t r = lo; r < hi; ++r) {
      const size_t position = batch.rows.from + at + r;
      const double weight = data.weights.empty() ? 1.0 : data.weights[batch.rows.order != nullptr ? batch.rows.order[position] : position];
      s.row_scale[r] = static_cast<T>(weight / denominator);
    }
  }
  uint32_t correct = 0;
  const LossSpec& spec = spec_.loss;
  LossRows<T> l{};
  l.rows = hi - lo;
  l.outputs = last.units;
  l.logits = stage_input(s, plan_.stages.size(), gradients) + offset;
  l.ld = last.ld;
  l.kind = batch.data->kind;
  l.labels = s.labels.data() + lo;
  l.values = s.values.data() + offset;
  l.row_scale = gradients ? s.row_scale.data() + lo : nullptr;
  l.class_weights = class_weights_.empty() ? nullptr : class_weights_.data();
  l.smoothing = spec.label_smoothing != 0;
  const double sides = spec.name == LossName::sigmoid_cross_entropy ? 2.0 : static_cast<double>(last.units);
  const double off = spec.label_smoothing / sides;
  l.smoothing_off = static_cast<T>(off);
  l.smoothing_on = static_cast<T>(batch.data->kind == TargetKind::values ? 1.0 - spec.label_smoothing : 1.0 - spec.label_smoothing + off);
  l.row_loss = row_loss;
  l.dlogits = gradients ? s.gradients.back().data() + offset : nullptr;
  l.outputs_out = outputs || !gradients ? s.outputs.data() + offset : nullptr;
  l.correct = &correct;
  if (spec.name == LossName::softmax_cross_entropy) k_.softmax_cross_entropy(&l);
  if (spec.name == LossName::sigmoid_cross_entropy) k_.sigmoid_cross_entropy(&l);
  if (spec.name == LossName::elementwise) k_.element_loss(&l, spec.element, static_cast<T>(spec.delta));
  if (spec.name == LossName::rowwise) k_.row_loss(&l, spec.row);
  return correct;
}

template <class T>
const T* Engine<T>::way_back(const Stage& stage) const {
  return plan_.unpacked ? flat_.data() + stage.weight_at : transposed_.data() + stage.transposed_at;
}

template <class T>
void Engine<T>::backward_rows(Scratch<T>& s, size_t lo, size_t hi) const {
  const size_t rows = hi - lo;
  for (size_t i = plan_.stages.size(); i-- > 0;) {
    const Stage& stage = plan_.stages[i];
    T* const dz = s.gradients[i].data() + lo * stage.ld;
    const T* const a = s.activations[i].data() + lo * stage.ld;
    const bool fused = i + 1 < plan_.stages.size() && !plan_.dropout_after(i + 1) && own_result_is_enough(stage.activation);
    if (!fused) {
      for (size_t d = plan_.dropouts.size(); d-- > 0;) {
        if (plan_.dropouts[d].after_stage != i + 1) continue;
        k_.dropout_backward(dz, s.masks[d].data() + lo * stage.ld, rows, stage.ld, static_cast<T>(1.0 / (1.0 - plan_.dropouts[d].rate)));
      }
      if (stage.activation == Activation::softmax) {
        k_.softmax_backward(a, dz, rows, stage.units, stage.ld);
      } else if (stage.activation == Activation::of_z) {
        const ZActivation<T> f = z_activation(stage);
        k_.z_backward(&f, s.z[i].data() + lo * stage.ld, a, dz, rows * stage.ld);
      } else if (stage.activation != Activation::linear) {
        k_.activation_backward(stage.activation, a, dz, rows, stage.ld);
      }
    }
    if (i == 0) return;
    const Stage& before = plan_.stages[i - 1];
    const bool fuse = !plan_.dropout_after(i) && own_result_is_enough(before.activation);
    k_.dense_backward_input(dz, stage.ld, rows, stage.units, way_back(stage), stage.input_panels,
                            s.gradients[i - 1].data() + lo * before.ld, before.ld,
                            fuse ? s.activations[i - 1].data() + lo * before.ld : nullptr, before.activation);
  }
}

template <class T>
double Engine<T>::penalty(const T* flat) const {
  double total = 0;
  for (const Stage& stage : plan_.stages) {
    if (stage.l2 != 0) total += square_penalty(stage, flat);
    if (stage.l1 != 0) total += absolute_penalty(stage, flat);
  }
  return total;
}

template <class T>
double Engine<T>::weighted_sum(const double* row_loss, const Batch& batch) const {
  const std::vector<double>& weights = batch.data->weights;
  double lanes[8] = {};
  for (size_t i = 0; i < batch.size(); ++i) {
    const size_t position = batch.rows.from + i;
    const double weight = weights.empty() ? 1.0 : weights[batch.rows.order != nullptr ? batch.rows.order[position] : position];
    lanes[i % 8] += weight * row_loss[i];
  }
  for (size_t h = 4; h > 0; h /= 2)
    for (size_t j = 0; j < h; ++j) lanes[j] += lanes[j + h];
  return lanes[0];
}

template <class T>
void Engine<T>::copy_rows(const T* from, size_t ld, size_t rows, size_t units, T* to) const {
  for (size_t r = 0; r < rows; ++r) std::memcpy(to + r * units, from + r * ld, units * sizeof(T));
}

template <class T>
size_t Engine<T>::bytes() const {
  return (flat_.size() + transposed_.size() + slot0_.size() + slot1_.size() + slot2_.size()) * sizeof(T);
}

template <class T>
std::vector<size_t> Engine<T>::parameter_sizes() const {
  std::vector<size_t> sizes;
  for (const Stage& s : plan_.stages) {
    sizes.push_back(s.units * s.inputs);
    if (s.use_bias) sizes.push_back(s.units);
  }
  return sizes;
}

template <class T>
std::vector<size_t> Engine<T>::stage_units() const {
  std::vector<size_t> units;
  for (const Stage& s : plan_.stages) units.push_back(s.units);
  return units;
}

std::unique_ptr<Network> make_network(NetworkSpec spec, const KernelSet* kernels, unsigned threads, PlanKind kind) {
  if (is_layered(spec)) return make_layered(std::move(spec), kernels, threads, kind);
  if (spec.float64) return std::make_unique<Engine<double>>(std::move(spec), kernels, threads, kind);
  return std::make_unique<Engine<float>>(std::move(spec), kernels, threads, kind);
}

template class Engine<float>;
template class Engine<double>;

}  // namespace nabla
