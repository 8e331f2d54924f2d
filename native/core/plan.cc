#include "plan.h"

#include <algorithm>
#include <cmath>

#include "error.h"
#include "memory_limit.h"

namespace nabla {

namespace {

size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

// Rows of 1 KB multiples would fall on the same cache sets: shift them by a line.
size_t row_stride(size_t padded, size_t element) { return padded * element % 1024 == 0 ? padded + 64 / element : padded; }

// Standard deviations below this count as this: a constant feature becomes 0.
constexpr double least_deviation = 1e-7;

Rescaling rescaling(const LayerSpec& layer, size_t features) {
  if (layer.kind == LayerKind::rescaling) return {layer.scale, layer.offset, {}, {}};
  if (layer.mean.size() != features || layer.variance.size() != features)
    throw Error("ERR_SHAPE",
                "[sequential] a normalization has a mean and a variance a feature. Expected " + std::to_string(features) + ".");
  Rescaling result{1, 0, layer.mean, {}};
  for (const double variance : layer.variance) result.scales.push_back(1.0 / std::max(std::sqrt(variance), least_deviation));
  return result;
}

// gamma and beta, or alpha, of a pass over `units`.
void add_vectors(Plan& plan, Pass& pass, size_t units, size_t ld, double rate_factor, bool gamma, bool beta) {
  if (!gamma && !beta) return;
  Stage s{};
  s.inputs = s.input_panels = 1;
  s.units = units;
  s.panels = (units + plan.width - 1) / plan.width;
  s.ld = ld;
  s.use_bias = gamma && beta;
  s.rate_factor = rate_factor;
  s.vectors = true;
  s.weight_at = plan.flat_size;
  s.bias_at = s.weight_at + s.panels * plan.width;
  plan.flat_size = s.bias_at + s.panels * plan.width;
  s.transposed_at = no_offset;
  if (gamma) pass.gamma_at = s.weight_at;
  if (beta) pass.beta_at = gamma ? s.bias_at : s.weight_at;
  plan.parameters += units * (s.use_bias ? 2 : 1);
  plan.stages.push_back(s);
}

Pass pass_of(const LayerSpec& layer, size_t index) {
  const auto purpose = [&](uint32_t number) { return static_cast<uint32_t>(256 * index + number); };
  Pass pass{};
  pass.activation = layer.activation;
  pass.z = layer.z;
  pass.rate = layer.rate;
  pass.deviation = layer.deviation;
  pass.epsilon = layer.epsilon;
  pass.momentum = layer.momentum;
  pass.moves = layer.kind == LayerKind::batch_normalization && layer.rate_factor != 0;
  switch (layer.kind) {
    case LayerKind::dropout:
      pass.kind = PassKind::dropout;
      pass.purpose = purpose(1);
      break;
    case LayerKind::gaussian_noise:
      pass.kind = PassKind::gaussian_noise;
      pass.purpose = purpose(7);
      break;
    case LayerKind::prelu:
      pass.kind = PassKind::prelu;
      break;
    case LayerKind::layer_normalization:
      pass.kind = PassKind::layer_normalization;
      break;
    case LayerKind::batch_normalization:
      pass.kind = PassKind::batch_normalization;
      break;
    default:
      pass.kind = PassKind::activation;
  }
  return pass;
}

}  // namespace

bool is_layered(const NetworkSpec& spec) {
  return std::any_of(spec.layers.begin(), spec.layers.end(), [](const LayerSpec& layer) { return layer.kind >= LayerKind::activation; });
}

Plan make_plan(const NetworkSpec& spec, bool unpacked) {
  Plan plan;
  plan.unpacked = unpacked;
  const size_t element = spec.float64 ? 8 : 4;
  plan.width = 64 / element;
  plan.input_size = spec.input_size;
  plan.input_ld = row_stride(round_up(spec.input_size, plan.width), element);
  double wanted = 0;
  bool first = true;
  double inputs_d = static_cast<double>(spec.input_size);
  for (const LayerSpec& layer : spec.layers) {
    if (layer.kind != LayerKind::dense) continue;
    // Parameters, the published copy and optimizer state, then the transposed copy; whole panels: one unit takes the room of a panel.
    const double width = static_cast<double>(plan.width), panels = std::ceil(static_cast<double>(layer.units) / width);
    wanted += (inputs_d + 1) * panels * 64 * (2.0 + static_cast<double>(spec.optimizer.slots()));
    if (!first) wanted += std::ceil(inputs_d / width) * panels * 64 * width;
    first = false;
    inputs_d = static_cast<double>(layer.units);
  }
  check_memory("sequential", wanted);

  const bool layered = is_layered(spec);
  if (layered) plan.segments.push_back({no_offset, spec.input_size, plan.input_ld, {}});
  size_t inputs = spec.input_size;
  for (size_t index = 0; index < spec.layers.size(); ++index) {
    const LayerSpec& layer = spec.layers[index];
    switch (layer.kind) {
      case LayerKind::flatten:
        break;
      case LayerKind::rescaling:
      case LayerKind::normalization:
        if (!plan.stages.empty() || !plan.dropouts.empty() || (layered && !plan.segments[0].passes.empty()))
          throw Error("ERR_OPTION", "[sequential] rescaling and normalization come before every other layer. Expected them first.");
        plan.rescalings.push_back(rescaling(layer, spec.input_size));
        break;
      case LayerKind::dropout:
        if (layered)
          plan.segments.back().passes.push_back(pass_of(layer, index));
        else
          plan.dropouts.push_back({plan.stages.size(), layer.rate, static_cast<uint32_t>(256 * index + 1)});
        break;
      case LayerKind::activation:
      case LayerKind::gaussian_noise:
      case LayerKind::prelu:
      case LayerKind::layer_normalization:
      case LayerKind::batch_normalization: {
        Segment& segment = plan.segments.back();
        Pass pass = pass_of(layer, index);
        if (pass.kind == PassKind::prelu) add_vectors(plan, pass, segment.units, segment.ld, layer.rate_factor, true, false);
        if (pass.kind == PassKind::layer_normalization || pass.kind == PassKind::batch_normalization)
          add_vectors(plan, pass, segment.units, segment.ld, layer.rate_factor, layer.scaled, layer.center);
        segment.passes.push_back(pass);
        break;
      }
      case LayerKind::dense: {
        Stage s{};
        s.inputs = inputs;
        s.units = layer.units;
        s.panels = (s.units + plan.width - 1) / plan.width;
        s.input_panels = (s.inputs + plan.width - 1) / plan.width;
        s.ld = row_stride(s.panels * plan.width, element);
        s.activation = layer.activation;
        s.z = layer.z;
        s.use_bias = layer.use_bias;
        s.l2 = layer.l2;
        s.l1 = layer.l1;
        s.kernel_constraint = layer.kernel_constraint;
        s.bias_constraint = layer.bias_constraint;
        s.max_norm = layer.max_norm;
        s.rate_factor = layer.rate_factor;
        s.weight_at = plan.flat_size;
        plan.flat_size += plan.weight_room(s);
        s.bias_at = plan.flat_size;
        plan.flat_size += s.panels * plan.width;
        plan.parameters += s.units * s.inputs + (s.use_bias ? s.units : 0);
        s.transposed_at = no_offset;
        if ((layered || !plan.stages.empty()) && !unpacked) {
          s.transposed_at = plan.transposed_size;
          plan.transposed_size += s.input_panels * s.panels * plan.width * plan.width;
        }
        plan.flops_per_row += static_cast<double>(s.units) * static_cast<double>(s.inputs) * (plan.stages.empty() ? 4.0 : 6.0);
        inputs = s.units;
        if (layered) {
          plan.segments.push_back({plan.stages.size(), s.units, s.ld, {}});
          if (s.activation != Activation::linear) plan.segments.back().passes.push_back(pass_of(layer, index));
          s.activation = Activation::linear;
        }
        plan.stages.push_back(s);
        break;
      }
    }
  }
  for (Segment& segment : plan.segments) {
    const size_t size = (segment.units + plan.width - 1) / plan.width * plan.width;
    for (Pass& pass : segment.passes) {
      if (pass.kind != PassKind::batch_normalization) continue;
      pass.mean_at = plan.flat_size;
      pass.variance_at = plan.flat_size + size;
      plan.flat_size += 2 * size;
    }
  }
  if (std::all_of(plan.stages.begin(), plan.stages.end(), [](const Stage& s) { return s.vectors; }))
    throw Error("ERR_OPTION", "[sequential] a network has at least one dense layer. Received none.");
  return plan;
}

size_t gradient_blocks(size_t rows, size_t parameters) { return rows >= 1024 && parameters <= 32768 ? 16 : 1; }

std::vector<std::vector<WeightRun>> split_weights(const Plan& plan, size_t threads, size_t first_stage) {
  std::vector<std::vector<WeightRun>> result(threads);
  double total = 0;
  for (size_t i = first_stage; i < plan.stages.size(); ++i)
    total += static_cast<double>(plan.stages[i].inputs) * static_cast<double>(plan.stages[i].panels);
  double done = 0;
  size_t thread = 0;
  for (size_t index = first_stage; index < plan.stages.size(); ++index) {
    const Stage& s = plan.stages[index];
    const size_t group = plan.unpacked ? s.panels : 2;  // panels that a tile may take together
    for (size_t q = 0; q < s.input_panels; ++q) {
      const size_t i0 = q * plan.width, i1 = std::min(s.inputs, i0 + plan.width);
      for (size_t p0 = 0; p0 < s.panels; p0 += group) {
        const size_t p1 = std::min(s.panels, p0 + group);
        const double cost = static_cast<double>((i1 - i0) * (p1 - p0));
        while (thread + 1 < threads && done + cost / 2 > total * static_cast<double>(thread + 1) / static_cast<double>(threads)) ++thread;
        done += cost;
        std::vector<WeightRun>& runs = result[thread];
        // Cells of one row of panels join, then whole rows of panels join: large rectangles make full tiles.
        if (!runs.empty() && runs.back().stage == index && runs.back().i0 == i0 && runs.back().i1 == i1 && runs.back().p1 == p0)
          runs.back().p1 = p1;
        else
          runs.push_back({index, i0, i1, p0, p1});
        if (runs.size() >= 2) {
          const WeightRun& run = runs.back();
          WeightRun& before = runs[runs.size() - 2];
          if (before.stage == run.stage && before.i1 == run.i0 && before.p0 == 0 && before.p1 == s.panels && run.p0 == 0 &&
              run.p1 == s.panels) {
            before.i1 = run.i1;
            runs.pop_back();
          }
        }
      }
    }
  }
  return result;
}

}  // namespace nabla
