// Training steps of W2's network on one thread, for instruction counts: steps avx2|baseline STEPS IMAGES(idx3) LABELS(idx1).
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "../../native/core/network.h"
#include "../../native/kernels/dispatch.h"

namespace {

std::vector<uint8_t> bytes_of_file(const char* path, size_t header) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "steps: no file %s\n", path);
    std::exit(2);
  }
  std::vector<uint8_t> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(header));
  return bytes;
}

nabla::LayerSpec dense(size_t units, nabla::Activation activation) {
  nabla::LayerSpec layer;
  layer.kind = nabla::LayerKind::dense;
  layer.units = units;
  layer.activation = activation;
  return layer;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  constexpr size_t features = 784, rows = 4096, batch = 64;
  const size_t steps = std::strtoul(argv[2], nullptr, 10);
  nabla::NetworkSpec spec;
  spec.input_size = features;
  nabla::LayerSpec scale;
  scale.kind = nabla::LayerKind::rescaling;
  scale.scale = 1.0 / 255;
  spec.layers = {scale, dense(100, nabla::Activation::relu), dense(200, nabla::Activation::relu), dense(10, nabla::Activation::linear)};
  spec.head = nabla::Head::softmax;
  spec.loss.name = nabla::LossName::softmax_cross_entropy;
  spec.optimizer.present = true;

  const std::vector<uint8_t> images = bytes_of_file(argv[3], 16), labels = bytes_of_file(argv[4], 8);
  nabla::Data data;
  data.rows = rows;
  data.features = features;
  data.set_samples(nabla::InputType::uint8, images.data(), false);
  data.labels.assign(labels.begin(), labels.begin() + rows);
  data.kind = nabla::TargetKind::labels;

  const nabla::KernelSet* const set = std::string(argv[1]) == "avx2" ? nabla::avx2_kernels() : nabla::baseline_kernels();
  const auto network = nabla::make_network(spec, set, 1, nabla::PlanKind::fused);
  std::vector<std::vector<float>> parameters;
  uint32_t state = 1;
  for (const size_t size : network->parameter_sizes()) {
    std::vector<float> values(size);
    for (float& v : values) {
      state = state * 1664525u + 1013904223u;
      v = (static_cast<float>(state >> 8) / 8388608.0f - 1.0f) * 0.08f;
    }
    parameters.push_back(std::move(values));
  }
  nabla::ConstArrays arrays;
  for (const std::vector<float>& values : parameters) arrays.parameters.push_back(values.data());
  network->set_state(arrays, 0);

  std::vector<double> scalars;
  for (size_t i = 0; i < steps; ++i) scalars.insert(scalars.end(), {0.1, 1.0});
  nabla::TrainRequest request;
  request.rows = {nullptr, 0, rows};
  request.batch_size = batch;
  request.repeat = (steps * batch + rows - 1) / rows;
  scalars.resize(rows / batch * request.repeat * 2, 1.0);
  request.scalars = scalars.data();
  request.max_milliseconds = std::numeric_limits<double>::infinity();
  const nabla::TrainOutcome outcome = network->train(data, request);
  std::printf("%zu steps, last loss %.6f\n", outcome.steps, outcome.losses.back());
  return 0;
}
