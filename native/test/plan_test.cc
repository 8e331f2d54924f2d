// How a network is laid out and how its work is split.
#include <functional>

#include "check.h"
#include "core/error.h"
#include "core/memory_limit.h"
#include "core/plan.h"
#include "core/scratch.h"

namespace {

using nabla::LayerKind;
using nabla::LayerSpec;
using nabla::make_plan;
using nabla::NetworkSpec;
using nabla::Plan;
using nabla::Stage;
using nabla::WeightRun;

LayerSpec dense(size_t units, bool use_bias = true) {
  LayerSpec layer{LayerKind::dense};
  layer.units = units;
  layer.use_bias = use_bias;
  return layer;
}
NetworkSpec network(size_t inputs, const std::vector<size_t>& units, bool float64 = false) {
  NetworkSpec spec;
  spec.input_size = inputs;
  for (const size_t n : units) spec.layers.push_back(dense(n, n % 3 != 0));
  spec.float64 = float64;
  return spec;
}
std::string code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const nabla::Error& error) {
    return error.code();
  }
  return "none";
}

void layout(const Plan& plan) {
  size_t at = 0, transposed = 0, inputs = plan.input_size;
  for (size_t i = 0; i < plan.stages.size(); ++i) {
    const Stage& s = plan.stages[i];
    CHECK(s.inputs == inputs && s.panels * plan.width >= s.units && (s.panels - 1) * plan.width < s.units);
    CHECK(s.input_panels * plan.width >= s.inputs && (s.input_panels - 1) * plan.width < s.inputs);
    CHECK(s.ld >= s.panels * plan.width && s.ld % plan.width == 0);
    CHECK_THAT(s.ld * (64 / plan.width) % 1024 != 0, "rows do not fall on the same cache sets");
    CHECK(s.weight_at == at && s.bias_at == at + s.panels * s.inputs * plan.width && s.weight_at % plan.width == 0);
    at = s.bias_at + s.panels * plan.width;
    CHECK(s.transposed_at == (i == 0 ? nabla::no_offset : transposed));
    if (i > 0) transposed += s.input_panels * s.panels * plan.width * plan.width;
    inputs = s.units;
  }
  CHECK(plan.flat_size == at && plan.transposed_size == transposed);
  CHECK(plan.input_ld >= plan.input_size && plan.input_ld % plan.width == 0);
}

void split(const Plan& plan, size_t threads) {
  const std::vector<std::vector<WeightRun>> split = split_weights(plan, threads);
  CHECK(split.size() == threads);
  std::vector<uint8_t> owners(plan.flat_size, 0);
  double total = 0, most = 0, largest_cell = 0;
  bool aligned = true;
  for (const std::vector<WeightRun>& runs : split) {
    double cost = 0;
    for (const WeightRun& run : runs) {
      const Stage& s = plan.stages[run.stage];
      aligned = aligned && run.i0 % plan.width == 0 && (run.i1 % plan.width == 0 || run.i1 == s.inputs) && run.i0 < run.i1 &&
                run.p0 < run.p1 && run.i1 <= s.inputs && run.p1 <= s.panels;
      for (size_t p = run.p0; p < run.p1; ++p)
        for (size_t i = run.i0; i < run.i1; ++i)
          for (size_t o = 0; o < plan.width; ++o) owners[s.weight_at + (p * s.inputs + i) * plan.width + o] += 1;
      cost += static_cast<double>((run.i1 - run.i0) * (run.p1 - run.p0));
      largest_cell = std::max(largest_cell, static_cast<double>(std::min(plan.width, s.inputs) * std::min<size_t>(2, s.panels)));
    }
    total += cost;
    most = std::max(most, cost);
  }
  CHECK(aligned);
  bool once = true;
  for (const Stage& s : plan.stages)
    for (size_t at = s.weight_at; at < s.bias_at; ++at) once = once && owners[at] == 1;
  CHECK_THAT(once, "every weight has one owner");
  CHECK_THAT(most <= total / static_cast<double>(threads) + largest_cell, "no thread has a cell more than its share");
}

void splits() {
  test::Random random(5);
  for (int turn = 0; turn < 40; ++turn) {
    std::vector<size_t> units;
    for (size_t i = 0; i <= random.below(4); ++i) units.push_back(1 + random.below(turn % 2 == 0 ? 40 : 300));
    const Plan plan = make_plan(network(1 + random.below(200), units, turn % 3 == 0));
    layout(plan);
    for (size_t threads = 1; threads <= 16; ++threads) split(plan, threads);
  }
  // Rows of 1024 bytes and of one element.
  layout(make_plan(network(256, {256, 512, 1})));
  layout(make_plan(network(1, {1}, true)));
}

void blocks() {
  CHECK(nabla::gradient_blocks(1023, 10) == 1 && nabla::gradient_blocks(1024, 10) == 16);
  CHECK(nabla::gradient_blocks(1024, 32768) == 16 && nabla::gradient_blocks(1024, 32769) == 1);
  CHECK(nabla::gradient_blocks(1, 1) == 1 && nabla::gradient_blocks(1000000, 1) == 16);
}

void counts() {
  NetworkSpec spec = network(5, {4, 3});
  spec.layers.insert(spec.layers.begin(), LayerSpec{LayerKind::rescaling});
  LayerSpec drop{LayerKind::dropout};
  drop.rate = 0.5;
  spec.layers.insert(spec.layers.begin() + 2, drop);
  const Plan plan = make_plan(spec);
  CHECK(plan.parameters == 5 * 4 + 4 + 4 * 3);  // 3 units have no bias here
  CHECK(plan.rescalings.size() == 1 && plan.dropouts.size() == 1 && plan.dropouts[0].after_stage == 1 &&
        plan.dropouts[0].purpose == 2 * 256 + 1);
  CHECK(plan.dropout_after(1) && !plan.dropout_after(0) && !plan.dropout_after(2));
  spec.layers.push_back(LayerSpec{LayerKind::rescaling});
  CHECK(code_of([&] { make_plan(spec); }) == "ERR_OPTION");
  CHECK(code_of([&] { make_plan(network(3, {})); }) == "ERR_OPTION");
  NetworkSpec normalized = network(2, {3});
  LayerSpec normalization{LayerKind::normalization};
  normalization.mean = {5, 6};
  normalization.variance = {4, 0};
  normalized.layers.insert(normalized.layers.begin(), normalization);
  const nabla::Rescaling scaled = make_plan(normalized).rescalings.at(0);
  CHECK(scaled.means[1] == 6 && scaled.scales[0] == 0.5 && scaled.scales[1] == 1 / 1e-7);
  normalized.layers[0].mean.pop_back();
  CHECK(code_of([&] { make_plan(normalized); }) == "ERR_SHAPE");
}

void memory() {
  const double limit = nabla::memory_limit();
  CHECK(limit > 1e6 && limit < 1e18);
  CHECK(code_of([&] { nabla::check_memory("test", limit / 2); }) == "none");
  CHECK(code_of([&] { nabla::check_memory("test", limit * 2); }) == "ERR_MEMORY");
  CHECK(code_of([&] { nabla::check_memory("test", std::numeric_limits<double>::infinity()); }) == "ERR_MEMORY");
  CHECK(code_of([&] { nabla::check_memory("test", std::numeric_limits<double>::quiet_NaN()); }) == "ERR_MEMORY");
  CHECK(code_of([] { make_plan(network(1, {size_t{1} << 40})); }) == "ERR_MEMORY");
  CHECK(code_of([] { make_plan(network(size_t{1} << 40, {2})); }) == "ERR_MEMORY");
  CHECK(code_of([] { make_plan(network(size_t{1} << 53, {size_t{1} << 53, size_t{1} << 53})); }) == "ERR_MEMORY");
  // One unit takes a whole panel: what counts is the memory with its padding.
  const size_t inputs = static_cast<size_t>(limit / 4 / 3 / 4);
  CHECK_THAT(code_of([&] { make_plan(network(inputs, {1})); }) == "ERR_MEMORY", "padding counts");
  CHECK(code_of([&] { make_plan(network(inputs / 64, {1})); }) == "none");
  // Sizes in bytes that wrap around, and working memory whose parts fit one by one.
  CHECK(code_of([] { nabla::AlignedArray<double> array((size_t{1} << 61) + 2); }) == "ERR_MEMORY");
  CHECK(code_of([&] { nabla::AlignedArray<double> array(static_cast<size_t>(limit / 4)); }) == "ERR_MEMORY");
  const Plan plan = make_plan(network(1000, {1000, 1000}));
  CHECK(code_of([&] { nabla::Scratch<float> scratch(plan, static_cast<size_t>(limit / 4 / 1000 / 2), true); }) == "ERR_MEMORY");
  CHECK(code_of([&] { nabla::Scratch<float> scratch(plan, 100, true); }) == "none");
}

}  // namespace

int main() {
  splits();
  blocks();
  counts();
  memory();
  return test::finish("plan_test");
}
