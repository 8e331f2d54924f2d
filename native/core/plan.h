// A NetworkSpec compiled for a dtype: where every parameter lies and how the work of a step is split.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "spec.h"

namespace nabla {

constexpr size_t no_offset = ~size_t{0};

// One dense layer. Parameters of all layers share one flat array: weight (panels)(inputs)(width), then bias (panels)(width).
struct Stage {
  size_t inputs, units;
  size_t panels, input_panels;  // of outputs, of inputs
  size_t ld;                    // row stride of this stage's activations and gradients
  Activation activation;
  ZActivation<double> z;  // where activation is of_z
  bool use_bias;
  double l2, l1, rate_factor;
  Constraint kernel_constraint, bias_constraint;
  double max_norm;
  bool row_constraint() const { return kernel_constraint == Constraint::max_norm || kernel_constraint == Constraint::unit_norm; }
  size_t weight_at, bias_at;  // bias_at is valid with or without bias; without, the panel stays 0
  size_t transposed_at;       // in the transposed array; no_offset where there is none
  bool vectors;               // no product: gamma and beta, or alpha, of a pass as weight (of one input) and bias
};

struct Dropout {
  size_t after_stage;  // 0: on the input; s: after stage s - 1
  double rate;
  uint32_t purpose;  // 256 * layer index + 1
};

enum class PassKind { activation, dropout, gaussian_noise, prelu, layer_normalization, batch_normalization };
// What happens to the rows between two products, in layered networks (layered.h).
struct Pass {
  PassKind kind;
  Activation activation = Activation::linear;
  ZActivation<double> z{};
  double rate = 0, deviation = 0, epsilon = 0, momentum = 0;
  uint32_t purpose = 0;                                 // 256 * layer index + the purpose number
  size_t gamma_at = no_offset, beta_at = no_offset;     // in the parameters; gamma is prelu's alpha
  size_t mean_at = no_offset, variance_at = no_offset;  // moving statistics, behind all parameters
  bool moves = false;                                   // training takes the batch's statistics and moves these
};
// The rows behind a product, or the samples, and what happens to them.
struct Segment {
  size_t stage;  // no_offset: the samples
  size_t units, ld;
  std::vector<Pass> passes;
};

// Of a rescaling layer, or of a normalization: then a number a feature.
struct Rescaling {
  double scale = 1, offset = 0;
  std::vector<double> means, scales;
};

struct Plan {
  size_t width;  // panel width: 16 float32, 8 float64
  // Weights are plain matrices (input panels * width)(panels * width) instead, for products by others: openblas.h.
  bool unpacked = false;
  size_t input_size, input_ld;
  std::vector<Stage> stages;
  std::vector<Dropout> dropouts;
  std::vector<Segment> segments;      // of layered networks only: all passes, and then no stage has an activation and dropouts is empty
  std::vector<Rescaling> rescalings;  // in order
  size_t flat_size = 0;               // padded parameters
  size_t parameters = 0;              // trainable numbers
  size_t transposed_size = 0;
  double flops_per_row = 0;  // forward, backward and gradients

  const Stage& last() const { return stages.back(); }
  // Where weight (o, i) lies from the stage's weight_at on, and how much room a weight takes.
  size_t weight_index(const Stage& s, size_t o, size_t i) const {
    return unpacked ? i * s.panels * width + o : (o / width * s.inputs + i) * width + o % width;
  }
  size_t weight_room(const Stage& s) const { return s.panels * (unpacked ? s.input_panels * width : s.inputs) * width; }
  bool dropout_after(size_t stage) const {
    for (const Dropout& d : dropouts)
      if (d.after_stage == stage) return true;
    return false;
  }
};

// Whether a network has more between its products than activations and dropout.
bool is_layered(const NetworkSpec& spec);

// Throws ERR_MEMORY for sizes that cannot be held, ERR_OPTION for an order of layers the core does not know.
Plan make_plan(const NetworkSpec& spec, bool unpacked = false);

// docs/numerics.md, blocks.
size_t gradient_blocks(size_t rows, size_t parameters);

// A rectangle of one stage's weight: inputs [i0, i1), panels [p0, p1).
struct WeightRun {
  size_t stage, i0, i1, p0, p1;
};
// Every weight element of the stages from first_stage on exactly once, in rectangles, split by cost among the threads. Input ranges start
// at multiples of the width.
std::vector<std::vector<WeightRun>> split_weights(const Plan& plan, size_t threads, size_t first_stage = 0);

}  // namespace nabla
