// Working memory of a block of samples: inputs, activations and gradients of every stage.
#pragma once
#include <cstdint>
#include <vector>

#include "aligned.h"
#include "plan.h"

namespace nabla {

template <class T>
struct Scratch {
  size_t rows = 0;
  AlignedArray<T> input, dropped_input;
  std::vector<AlignedArray<T>> activations;  // a stage: (rows, ld), before dropout
  std::vector<AlignedArray<T>> z;            // before an activation of z, where training; empty elsewhere
  std::vector<AlignedArray<T>> dropped;      // after dropout; empty where there is none
  std::vector<AlignedArray<T>> gradients;    // dz; empty when not training
  std::vector<AlignedArray<uint8_t>> masks;  // a dropout
  AlignedArray<T> values, row_scale, outputs;
  std::vector<int32_t> labels;

  Scratch() = default;
  Scratch(const Plan& plan, size_t count, bool training) : rows(count) {
    double row = static_cast<double>(plan.input_ld + 2 * plan.last().ld) * sizeof(T);
    for (const Stage& s : plan.stages)
      row += static_cast<double>(s.ld) * sizeof(T) * (training ? s.activation == Activation::of_z ? 3 : 2 : 1);
    for (const Dropout& d : plan.dropouts)
      if (training) row += static_cast<double>(d.after_stage == 0 ? plan.input_ld : plan.stages[d.after_stage - 1].ld) * (sizeof(T) + 1);
    if (row * static_cast<double>(count) > 64e6) check_memory("memory", row * static_cast<double>(count));
    input = AlignedArray<T>(count * plan.input_ld);
    for (const Stage& s : plan.stages) activations.emplace_back(count * s.ld);
    values = AlignedArray<T>(count * plan.last().ld);
    row_scale = AlignedArray<T>(count);
    outputs = AlignedArray<T>(count * plan.last().ld);
    labels.resize(count);
    if (!training) return;
    for (const Stage& s : plan.stages) gradients.emplace_back(count * s.ld);
    dropped.resize(plan.stages.size());
    for (const Stage& s : plan.stages) z.emplace_back(s.activation == Activation::of_z ? count * s.ld : 0);
    for (const Dropout& d : plan.dropouts) {
      const size_t size = count * (d.after_stage == 0 ? plan.input_ld : plan.stages[d.after_stage - 1].ld);
      AlignedArray<T>& after = d.after_stage == 0 ? dropped_input : dropped[d.after_stage - 1];
      if (after.size() == 0) after = AlignedArray<T>(size);
      masks.emplace_back(size);
    }
  }
};

}  // namespace nabla
