// Google Benchmark over the kernel table: every instruction set of this processor, both dtypes, the shapes of the workloads.
// Names: kernel/isa/dtype/shape. GFLOP/s and GB/s are counters; one thread, operands warm in the caches they fit.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "../../native/kernels/dispatch.h"
#include "../../native/kernels/kernels.h"

namespace {

using nabla::Activation;
using nabla::Affine;
using nabla::GradientSink;
using nabla::InputType;
using nabla::KernelTable;
using nabla::LossRows;
using nabla::Rule;
using nabla::TargetKind;
using nabla::Update;

// Aligned to cache lines, filled with small numbers of both signs.
template <class T>
class Buffer {
 public:
  explicit Buffer(size_t size, T scale = T(0.01)) : data_(static_cast<T*>(::operator new (size * sizeof(T), std::align_val_t{64}))) {
    uint32_t state = 12345;
    for (size_t i = 0; i < size; i++) {
      state = state * 1664525u + 1013904223u;
      data_.get()[i] = scale * (static_cast<T>(state >> 8) / T(1 << 23) - 1);
    }
  }
  T* get() { return data_.get(); }

 private:
  struct Free {
    void operator()(T* p) const { ::operator delete (p, std::align_val_t{64}); }
  };
  std::unique_ptr<T, Free> data_;
};

template <class T>
constexpr size_t width = 64 / sizeof(T);
template <class T>
size_t padded(size_t n) {
  return (n + width<T> - 1) / width<T> * width<T>;
}
template <class T>
Update<T> sgd(T* parameters) {
  Update<T> u{};
  u.rule = Rule::sgd;
  u.parameters = parameters;
  u.rate = T(1e-6);
  u.scalar = 1;
  return u;
}
template <class T>
Update<T> adam(T* parameters, T* first, T* second) {
  Update<T> u{};
  u.rule = Rule::adam;
  u.parameters = parameters, u.slot0 = first, u.slot1 = second;
  u.rate = T(1e-6), u.scalar = 1;
  u.beta1 = T(0.9), u.beta2 = T(0.999), u.one_minus_beta1 = T(0.1), u.one_minus_beta2 = T(0.001), u.epsilon = T(1e-8);
  return u;
}

// Runs body until the time is up; `flop` and `bytes` are those of one call.
void measure(const std::string& name, double flop, double bytes, std::function<void()> body) {
  benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
    for (auto _ : state) {
      body();
      benchmark::ClobberMemory();
    }
    using benchmark::Counter;
    if (flop > 0) state.counters["GFLOP/s"] = Counter(flop / 1e9, Counter::kIsIterationInvariantRate);
    if (bytes > 0) state.counters["GB/s"] = Counter(bytes / 1e9, Counter::kIsIterationInvariantRate);
  });
}

struct Shape {
  const char* what;
  size_t rows, inputs, units;
};
// The layers of W1, W2, W5, W8, and one picture.
const Shape shapes[] = {{"narrow", 128, 784, 10},  {"first", 64, 784, 100},  {"second", 64, 100, 200}, {"last", 64, 200, 10},
                        {"wide", 256, 1024, 1024}, {"tabular", 256, 64, 32}, {"one", 1, 784, 100}};

template <class T>
void add_dense(const KernelTable<T>* table, const std::string& tail, const Shape& shape) {
  const size_t m = shape.rows, k = shape.inputs, panels = padded<T>(shape.units) / width<T>, o = panels * width<T>, ldx = padded<T>(k);
  auto x = std::make_shared<Buffer<T>>(m * ldx, T(1)), dz = std::make_shared<Buffer<T>>(m * o), dx = std::make_shared<Buffer<T>>(m * ldx);
  auto out = std::make_shared<Buffer<T>>(m * o), weight = std::make_shared<Buffer<T>>(ldx * o), bias = std::make_shared<Buffer<T>>(o);
  auto transposed = std::make_shared<Buffer<T>>(ldx * o), gradients = std::make_shared<Buffer<T>>(ldx * o);
  const double flop = 2.0 * static_cast<double>(m * k * shape.units);
  const double bytes = static_cast<double>(k * o * sizeof(T));
  const std::string end = tail + shape.what + "_" + std::to_string(m) + "x" + std::to_string(k) + "x" + std::to_string(shape.units);
  measure("dense_forward" + end, flop, 0,
          [=] { table->dense_forward(x->get(), ldx, m, k, weight->get(), bias->get(), panels, out->get(), o, Activation::relu); });
  measure("dense_backward_input" + end, flop, 0, [=] {
    table->dense_backward_input(dz->get(), o, m, o, transposed->get(), ldx / width<T>, dx->get(), ldx, x->get(), Activation::relu);
  });
  measure("weight_gradient_update" + end, flop, 0, [=] {
    const Update<T> update = sgd(weight->get());
    const GradientSink<T> sink{nullptr, false, &update};
    table->weight_gradient(x->get(), ldx, dz->get(), o, m, k, 0, k, 0, panels, &sink);
  });
  measure("weight_gradient_store" + end, flop, 0, [=] {
    const GradientSink<T> sink{gradients->get(), false, nullptr};
    table->weight_gradient(x->get(), ldx, dz->get(), o, m, k, 0, k, 0, panels, &sink);
  });
  measure("transpose_weight" + end, 0, 2 * bytes,
          [=] { table->transpose_weight(weight->get(), k, panels, 0, ldx / width<T>, 0, panels, transposed->get()); });
}

template <class T>
void add_rows(const KernelTable<T>* table, const std::string& tail) {
  const size_t rows = 64, features = 784, ld = padded<T>(features);
  auto pixels = std::make_shared<std::vector<uint8_t>>(1000 * features, uint8_t{7});
  auto order = std::make_shared<std::vector<uint32_t>>();
  for (uint32_t i = 0; i < rows; i++) order->push_back(i * 15);
  auto loaded = std::make_shared<Buffer<T>>(rows * ld);
  measure("load_rows_uint8" + tail + "64x784", 0, static_cast<double>(rows * features) * (1 + sizeof(T)), [=] {
    const Affine<T> scale{T(1) / 255, 0};
    table->load_rows(InputType::uint8, pixels->data(), features, order->data(), 0, rows, &scale, 1, loaded->get(), ld);
  });

  const size_t count = 100352;
  auto value = std::make_shared<Buffer<T>>(count), gradient = std::make_shared<Buffer<T>>(count),
       first = std::make_shared<Buffer<T>>(count), second = std::make_shared<Buffer<T>>(count, T(0));
  measure("update_sgd" + tail + "100352", 0, 3.0 * count * sizeof(T), [=] {
    const Update<T> update = sgd(value->get());
    table->update(&update, gradient->get(), 0, count);
  });
  measure("update_adam" + tail + "100352", 0, 7.0 * count * sizeof(T), [=] {
    const Update<T> update = adam(value->get(), first->get(), second->get());
    table->update(&update, gradient->get(), 0, count);
  });

  const size_t outputs = 10, ldo = padded<T>(outputs);
  auto logits = std::make_shared<Buffer<T>>(rows * ldo, T(1)), dlogits = std::make_shared<Buffer<T>>(rows * ldo);
  auto labels = std::make_shared<std::vector<int32_t>>(rows, 3);
  auto scale = std::make_shared<std::vector<T>>(rows, T(1) / rows);
  auto losses = std::make_shared<std::vector<double>>(rows);
  measure("softmax_cross_entropy" + tail + "64x10", 0, 0, [=] {
    LossRows<T> loss{};
    loss.rows = rows, loss.outputs = outputs, loss.logits = logits->get(), loss.ld = ldo, loss.kind = TargetKind::labels;
    loss.labels = labels->data(), loss.row_scale = scale->data(), loss.row_loss = losses->data(), loss.dlogits = dlogits->get();
    table->softmax_cross_entropy(&loss);
  });
  auto mask = std::make_shared<std::vector<uint8_t>>(32 * 128);
  auto hidden = std::make_shared<Buffer<T>>(32 * 128), dropped = std::make_shared<Buffer<T>>(32 * 128);
  measure("dropout_forward" + tail + "32x128", 0, 0, [=] {
    const uint32_t key[2] = {1, 2};
    table->dropout_forward(hidden->get(), dropped->get(), mask->data(), 32, 0, 128, 128, 5, 3, key, uint64_t{858993459}, T(1.25));
  });
}

// Bytes with runs of zeros, as in pictures: so many percent are not 0.
std::shared_ptr<std::vector<uint8_t>> pictures(size_t size, uint32_t percent) {
  auto pixels = std::make_shared<std::vector<uint8_t>>();
  uint32_t state = 12345 + percent;
  const auto next = [&state](uint32_t bound) {
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % bound;
  };
  while (pixels->size() < size) {
    const bool zero = next(100) >= percent;
    for (uint32_t run = 1 + next(16); run > 0 && pixels->size() < size; run--)
      pixels->push_back(static_cast<uint8_t>(zero ? 0 : 1 + next(255)));
  }
  return pixels;
}

// The first layer of a prediction, from bytes on: whole rows, or lists of what is not 0.
template <class T>
void add_first_layer(const KernelTable<T>* table, const std::string& tail, size_t rows, size_t units) {
  constexpr size_t features = 784, blocks = 40;
  const size_t panels = padded<T>(units) / width<T>, o = panels * width<T>, ld = padded<T>(features) + nabla::list_slack;
  auto weight = std::make_shared<Buffer<T>>(features * o), bias = std::make_shared<Buffer<T>>(o),
       x = std::make_shared<Buffer<T>>(rows * ld);
  auto out = std::make_shared<Buffer<T>>(rows * o);
  const std::string end = tail + std::to_string(rows) + "x784x" + std::to_string(units);
  const auto add = [&](const char* name, uint32_t percent, auto body) {
    auto pixels = pictures(blocks * rows * features, percent);
    auto block = std::make_shared<size_t>(0);
    measure(name + end + "/" + std::to_string(percent) + "%", 0, 0, [=] {
      body(pixels->data() + *block * rows * features);
      *block = (*block + 1) % blocks;
    });
  };
  const Affine<T> scale{T(1) / 255, 0};
  add("first_layer_whole", 20, [=](const uint8_t* from) {
    table->load_rows(InputType::uint8, from, features, nullptr, 0, rows, &scale, 1, x->get(), ld);
    table->dense_forward(x->get(), ld, rows, features, weight->get(), bias->get(), panels, out->get(), o, Activation::relu);
  });
  auto index = std::make_shared<std::vector<uint16_t>>(rows * ld);
  auto values = std::make_shared<std::vector<uint8_t>>(ld);
  auto order = std::make_shared<std::vector<uint32_t>>(rows), counts = std::make_shared<std::vector<uint32_t>>(rows);
  auto lists = std::make_shared<std::vector<const uint16_t*>>(rows);
  for (size_t r = 0; r < rows; r++) (*order)[r] = static_cast<uint32_t>(r), (*lists)[r] = index->data() + r * ld;
  for (const uint32_t percent : {10u, 20u, 30u, 35u, 40u, 50u})
    add("first_layer_lists", percent, [=](const uint8_t* from) {
      for (size_t r = 0; r < rows; r++) {
        const size_t n = table->list_row(InputType::uint8, from + r * features, features, index->data() + r * ld, values->data());
        table->load_values(InputType::uint8, values->data(), n, &scale, 1, x->get() + r * ld);
        (*counts)[r] = static_cast<uint32_t>(n);
      }
      const nabla::SparseLists<T> samples{rows, order->data(), counts->data(), lists->data(), x->get(), ld};
      table->sparse_forward(&samples, features, weight->get(), bias->get(), panels, out->get(), o, Activation::relu);
    });
}

template <class T>
void add_all(const KernelTable<T>* table, const std::string& tail) {
  if (table == nullptr) return;
  for (const Shape& shape : shapes) add_dense(table, tail, shape);
  add_rows(table, tail);
  for (const size_t units : {size_t{10}, size_t{100}, size_t{512}}) add_first_layer(table, tail, 28, units);
  add_first_layer(table, tail, 1, 100);
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  for (int i = nabla::isa_count - 1; i >= 0; i--) {
    const nabla::KernelSet* set = nabla::kernels_for(static_cast<nabla::Isa>(i));
    if (set == nullptr) continue;
    add_all(set->f32, std::string("/") + set->name + "/float32/");
    add_all(set->f64, std::string("/") + set->name + "/float64/");
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
