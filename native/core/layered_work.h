// Working memory of a layered network: every value between two products, their gradients, and what passes keep for the way back.
#pragma once
#include <vector>

#include "scratch.h"

namespace nabla {

// What one pass keeps.
template <class T>
struct PassMemory {
  AlignedArray<T> means, factors;                 // of normalizations: a row, or a unit
  AlignedArray<double> mean, squares;             // batch normalization: the batch's, a unit
  AlignedArray<double> sums, other_sums;          // gradients of gamma (or alpha) and beta before rounding, a unit
  AlignedArray<T> mean_d, mean_d_normal, scaled;  // batch normalization, a unit
  AlignedArray<uint8_t> mask;                     // dropout
};

template <class T>
struct LayeredWork {
  size_t rows = 0;
  // Samples, targets, logits and their gradient, for what Engine does with them; nothing else of it is used.
  Scratch<T> base;
  std::vector<std::vector<AlignedArray<T>>> values;  // a segment: before its first pass, and behind each
  std::vector<AlignedArray<T>> gradients;            // a segment; empty without training
  std::vector<std::vector<PassMemory<T>>> memory;

  LayeredWork() = default;
  LayeredWork(const Plan& plan, size_t count, bool training) : rows(count) {
    double row = static_cast<double>(plan.input_ld + 3 * plan.last().ld) * sizeof(T);
    for (const Segment& s : plan.segments)
      row += static_cast<double>(s.ld) * sizeof(T) * static_cast<double>(s.passes.size() + (training ? 2 : 1));
    if (row * static_cast<double>(count) > 64e6) check_memory("memory", row * static_cast<double>(count));
    base.rows = count;
    base.input = AlignedArray<T>(count * plan.input_ld);
    base.values = AlignedArray<T>(count * plan.last().ld);
    base.row_scale = AlignedArray<T>(count);
    base.outputs = AlignedArray<T>(count * plan.last().ld);
    base.labels.resize(count);
    base.activations.resize(plan.stages.size());
    base.activations.back() = AlignedArray<T>(count * plan.last().ld);
    if (training) {
      base.gradients.resize(plan.stages.size());
      base.gradients.back() = AlignedArray<T>(count * plan.last().ld);
    }
    for (size_t s = 0; s < plan.segments.size(); ++s) {
      const Segment& segment = plan.segments[s];
      const bool last = s + 1 == plan.segments.size();
      values.emplace_back(segment.passes.size() + 1);
      // The first value of all is base.input, the last one base.activations.back().
      for (size_t p = s == 0 ? 1 : 0; p < values[s].size() - (last ? 1 : 0); ++p) values[s][p] = AlignedArray<T>(count * segment.ld);
      gradients.emplace_back(training && !last ? count * segment.ld : 0);
      memory.emplace_back(segment.passes.size());
      const size_t units = (segment.units + plan.width - 1) / plan.width * plan.width;
      for (size_t p = 0; p < segment.passes.size(); ++p) {
        PassMemory<T>& m = memory[s][p];
        const PassKind kind = segment.passes[p].kind;
        if (kind == PassKind::dropout && training) m.mask = AlignedArray<uint8_t>(count * segment.ld);
        if (kind == PassKind::layer_normalization) m.means = AlignedArray<T>(count), m.factors = AlignedArray<T>(count);
        if (kind == PassKind::batch_normalization) m.means = AlignedArray<T>(units), m.factors = AlignedArray<T>(units);
        if (!training) continue;
        m.sums = AlignedArray<double>(units);
        m.other_sums = AlignedArray<double>(units);
        if (kind != PassKind::batch_normalization) continue;
        m.mean = AlignedArray<double>(units);
        m.squares = AlignedArray<double>(units);
        m.mean_d = AlignedArray<T>(units);
        m.mean_d_normal = AlignedArray<T>(units);
        m.scaled = AlignedArray<T>(units);
      }
    }
  }

  T* value(size_t segment, size_t position) {
    if (segment == 0 && position == 0) return base.input.data();
    if (segment + 1 == values.size() && position + 1 == values[segment].size()) return base.activations.back().data();
    return values[segment][position].data();
  }
  // What the next product takes.
  T* last_value(size_t segment) { return value(segment, values[segment].size() - 1); }
  T* gradient(size_t segment) { return segment + 1 == gradients.size() ? base.gradients.back().data() : gradients[segment].data(); }
};

}  // namespace nabla
