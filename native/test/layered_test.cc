// Passes of layered networks: their kernels against plain loops, and whole networks over threads, slices and instruction sets.
#include <algorithm>
#include <cmath>
#include <string>

#include "check.h"
#include "core/error.h"
#include "core/network.h"
#include "core/plan.h"
#include "plain.h"

namespace {

using nabla::Activation;
using nabla::KernelSet;
using nabla::LayerKind;
using nabla::LayerSpec;
using test::Random;
using test::round_up;

template <class T, bool fused>
struct Cases {
  using Math = plain::Math<T, fused>;
  static constexpr size_t w = test::width<T>;
  const KernelSet& set;
  const nabla::KernelTable<T>& k;
  Random random{5};

  explicit Cases(const KernelSet& s) : set(s), k(test::table<T>(s)) {}
  std::string label(const char* op, size_t n) const {
    return std::string(set.name) + " float" + std::to_string(8 * sizeof(T)) + " " + op + " n=" + std::to_string(n);
  }
  std::vector<T> filled(size_t rows, size_t n, size_t ld, T scale) {
    std::vector<T> values(rows * ld);
    for (size_t r = 0; r < rows; ++r) random.fill(values.data() + r * ld, n, scale);
    return values;
  }

  void activations(size_t n) {
    const size_t count = round_up(n, w);
    const std::vector<T> z = filled(1, n, count, T(4));
    for (const Activation act : {Activation::linear, Activation::relu, Activation::sigmoid, Activation::tanh}) {
      std::vector<T> a(count), expected = z;
      Math::activation(act, expected.data(), count);
      k.activation_forward(act, z.data(), a.data(), count);
      CHECK_SAME(a.data(), expected.data(), count, label("activation_forward", n));
    }
  }

  void prelu(size_t n) {
    const size_t rows = 5, ld = round_up(n, w) + w;
    const std::vector<T> x = filled(rows, n, ld, T(2)), alpha = filled(1, n, ld, T(1)), da = filled(rows, n, ld, T(1));
    std::vector<T> y(rows * ld), d = da, expected(rows * ld), expected_d = da;
    std::vector<double> sums(n, 9), expected_sums(n);
    for (size_t u = 0; u < n; ++u)
      for (size_t r = 0; r < rows; ++r) {
        const size_t i = r * ld + u;
        expected[i] = x[i] > 0 ? x[i] : alpha[u] * x[i];
        expected_d[i] = x[i] > 0 ? da[i] : da[i] * alpha[u];
        if (!(x[i] > 0)) expected_sums[u] += static_cast<double>(da[i]) * static_cast<double>(x[i]);
      }
    k.prelu_forward(alpha.data(), x.data(), y.data(), rows, n, ld);
    const size_t half = n / 2;
    k.prelu_sums(x.data(), d.data(), rows, ld, 0, half, sums.data());
    k.prelu_sums(x.data(), d.data(), rows, ld, half, n, sums.data());
    k.prelu_backward(alpha.data(), x.data(), d.data(), rows, n, ld);
    CHECK_SAME(y.data(), expected.data(), rows * ld, label("prelu_forward", n));
    CHECK_SAME(d.data(), expected_d.data(), rows * ld, label("prelu_backward", n));
    CHECK_SAME(sums.data(), expected_sums.data(), n, label("prelu_sums", n));
  }

  template <class F>
  static double lanes8(size_t n, const F& f) {
    double acc[8] = {};
    for (size_t i = 0; i < n; ++i) acc[i % 8] += f(i);
    return ((acc[0] + acc[4]) + (acc[2] + acc[6])) + ((acc[1] + acc[5]) + (acc[3] + acc[7]));
  }

  void normalizations(size_t n, bool gamma, bool beta) {
    const size_t rows = 6, ld = round_up(n, w) + w;
    const double epsilon = 1e-3, count = static_cast<double>(n);
    const std::vector<T> x = filled(rows, n, ld, T(3)), g = filled(1, n, ld, T(1)), b = filled(1, n, ld, T(1)),
                         da = filled(rows, n, ld, T(1));
    const auto value = [&](const std::vector<T>& a, size_t r, size_t u) { return static_cast<double>(a[r * ld + u]); };
    // A row's statistics, and the whole way of a layer normalization.
    std::vector<T> means(rows), factors(rows), expected_means(rows), expected_factors(rows), d = da, expected_d = da;
    for (size_t r = 0; r < rows; ++r) {
      const double mean = lanes8(n, [&](size_t u) { return value(x, r, u); }) / count;
      const double squares = lanes8(n, [&](size_t u) { return (value(x, r, u) - mean) * (value(x, r, u) - mean); });
      expected_means[r] = static_cast<T>(mean);
      expected_factors[r] = static_cast<T>(1.0 / std::sqrt(squares / count + epsilon));
      const auto normal = [&](size_t u) -> T { return (x[r * ld + u] - expected_means[r]) * expected_factors[r]; };
      T* const e = expected_d.data() + r * ld;
      for (size_t u = 0; u < n && gamma; ++u) e[u] = e[u] * g[u];
      const T mean_d = static_cast<T>(lanes8(n, [&](size_t u) { return static_cast<double>(e[u]); }) / count);
      const T mean_dn =
          static_cast<T>(lanes8(n, [&](size_t u) { return static_cast<double>(e[u]) * static_cast<double>(normal(u)); }) / count);
      for (size_t u = 0; u < n; ++u) e[u] = expected_factors[r] * ((e[u] - mean_d) - normal(u) * mean_dn);
    }
    k.layer_statistics(x.data(), rows, n, ld, epsilon, means.data(), factors.data());
    CHECK_SAME(means.data(), expected_means.data(), rows, label("layer_statistics means", n));
    CHECK_SAME(factors.data(), expected_factors.data(), rows, label("layer_statistics factors", n));
    const nabla::NormRows<T> by_row{
        rows, n, ld, x.data(), means.data(), factors.data(), true, gamma ? g.data() : nullptr, beta ? b.data() : nullptr};
    shared(by_row, x, da, g, b);
    k.layer_backward(&by_row, d.data());
    CHECK_SAME(d.data(), expected_d.data(), rows * ld, label("layer_backward", n));
    // A unit's.
    std::vector<double> mean(n, 9), squares(n, 9), expected_mean(n), expected_squares(n);
    std::vector<T> unit_means = filled(1, n, ld, T(1)), unit_factors = filled(1, n, ld, T(2));
    const std::vector<T> mean_d = filled(1, n, ld, T(1)), mean_dn = filled(1, n, ld, T(1)), scaled = filled(1, n, ld, T(1));
    for (size_t u = 0; u < n; ++u) {
      for (size_t r = 0; r < rows; ++r) expected_mean[u] += value(x, r, u);
      expected_mean[u] /= static_cast<double>(rows);
      for (size_t r = 0; r < rows; ++r) {
        const double difference = value(x, r, u) - expected_mean[u];
        expected_squares[u] += difference * difference;
      }
    }
    const size_t half = n / 2;
    k.batch_statistics(x.data(), rows, ld, 0, half, mean.data(), squares.data());
    k.batch_statistics(x.data(), rows, ld, half, n, mean.data(), squares.data());
    CHECK_SAME(mean.data(), expected_mean.data(), n, label("batch_statistics mean", n));
    CHECK_SAME(squares.data(), expected_squares.data(), n, label("batch_statistics squares", n));
    const nabla::NormRows<T> by_unit{
        rows, n, ld, x.data(), unit_means.data(), unit_factors.data(), false, gamma ? g.data() : nullptr, beta ? b.data() : nullptr};
    shared(by_unit, x, da, g, b);
    d = expected_d = da;
    for (size_t r = 0; r < rows; ++r)
      for (size_t u = 0; u < n; ++u) {
        const T normal = (x[r * ld + u] - unit_means[u]) * unit_factors[u];
        expected_d[r * ld + u] = scaled[u] * ((da[r * ld + u] - mean_d[u]) - normal * mean_dn[u]);
      }
    k.batch_backward(&by_unit, mean_d.data(), mean_dn.data(), scaled.data(), d.data());
    CHECK_SAME(d.data(), expected_d.data(), rows * ld, label("batch_backward", n));
  }

  // normalize and norm_sums, whose rule is one for both.
  void shared(const nabla::NormRows<T>& rows, const std::vector<T>& x, const std::vector<T>& d, const std::vector<T>& g,
              const std::vector<T>& b) {
    const size_t n = rows.units, ld = rows.ld;
    std::vector<T> y(x.size()), expected(x.size());
    std::vector<double> dgamma(n), dbeta(n), expected_dgamma(n), expected_dbeta(n);
    for (size_t r = 0; r < rows.rows; ++r)
      for (size_t u = 0; u < n; ++u) {
        const size_t i = r * ld + u, at = rows.by_row ? r : u;
        const T normal = (x[i] - rows.means[at]) * rows.factors[at];
        expected[i] = normal;
        if (rows.gamma != nullptr) expected[i] = expected[i] * g[u];
        if (rows.beta != nullptr) expected[i] = expected[i] + b[u];
        expected_dgamma[u] += static_cast<double>(d[i]) * static_cast<double>(normal);
        expected_dbeta[u] += static_cast<double>(d[i]);
      }
    k.normalize(&rows, y.data());
    k.norm_sums(&rows, d.data(), 0, n / 2, dgamma.data(), dbeta.data());
    k.norm_sums(&rows, d.data(), n / 2, n, dgamma.data(), dbeta.data());
    CHECK_SAME(y.data(), expected.data(), y.size(), label("normalize", n));
    CHECK_SAME(dgamma.data(), expected_dgamma.data(), n, label("norm_sums dgamma", n));
    CHECK_SAME(dbeta.data(), expected_dbeta.data(), n, label("norm_sums dbeta", n));
  }

  static double normal_of(uint32_t first, uint32_t second, bool sine) {
    using Plain = plain::Math<double, false>;
    const double radius = std::sqrt(-2 * Plain::log((first + 0.5) / 4294967296.0));
    const double t = (((second & 0x3fffffffu) + 0.5) / 1073741824.0 - 0.5) * 1.5707963267948966, square = t * t;
    double s = 0, c = 0, factorial = 1;
    double coefficients[16] = {};
    for (int i = 1; i <= 15; ++i) coefficients[i] = (i / 2 % 2 == 0 ? 1 : -1) / (factorial *= i);
    for (int i = 15; i >= 3; i -= 2) s = i == 15 ? coefficients[15] : s * square + coefficients[i];
    for (int i = 14; i >= 2; i -= 2) c = i == 14 ? coefficients[14] : c * square + coefficients[i];
    s = radius * (t * square * s + t);
    c = radius * (square * c + 1);
    const double turned[4][2] = {{c, s}, {-s, c}, {-c, -s}, {s, -c}};
    return turned[second >> 30][sine ? 1 : 0];
  }

  void noise(size_t units) {
    const size_t rows = 3, ld = round_up(units, w), first_row = 4;
    const uint32_t key[2] = {77, 13}, step = 9, purpose = 256 * 2 + 7;
    const std::vector<T> x = filled(rows, units, ld, T(2));
    std::vector<T> y(rows * ld), own = x, expected(rows * ld);
    for (size_t r = 0; r < rows; ++r)
      for (size_t u = 0; u < units; ++u) {
        const auto word = [&](size_t at) {
          return plain::philox_word(static_cast<uint32_t>(at), static_cast<uint32_t>(first_row + r), step, purpose, key[0], key[1]);
        };
        const double normal = normal_of(word(u / 2 * 2), word(u / 2 * 2 + 1), u % 2 == 1);
        expected[r * ld + u] = x[r * ld + u] + static_cast<T>(0.3 * normal);
      }
    k.noise_forward(x.data(), y.data(), rows, first_row, units, ld, step, purpose, key, 0.3);
    k.noise_forward(own.data(), own.data(), rows, first_row, units, ld, step, purpose, key, 0.3);
    CHECK_SAME(y.data(), expected.data(), rows * ld, label("noise_forward", units));
    CHECK_SAME(own.data(), expected.data(), rows * ld, label("noise_forward in place", units));
  }

  void all() {
    for (const size_t n : {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 100}) {
      activations(n);
      prelu(n);
      noise(n);
      for (const bool gamma : {false, true})
        for (const bool beta : {false, true}) normalizations(n, gamma, beta);
    }
  }
};

LayerSpec of(LayerKind kind) {
  LayerSpec layer{kind};
  layer.epsilon = 1e-3;
  layer.momentum = 0.9;
  layer.deviation = 0.1;
  layer.rate = 0.25;
  return layer;
}
LayerSpec dense(size_t units, Activation activation) {
  LayerSpec layer{LayerKind::dense};
  layer.units = units;
  layer.activation = activation;
  return layer;
}

nabla::NetworkSpec spec_of(bool float64) {
  nabla::NetworkSpec spec;
  spec.input_size = 21;
  spec.layers = {
      of(LayerKind::batch_normalization), dense(40, Activation::linear), of(LayerKind::batch_normalization), of(LayerKind::prelu),
      of(LayerKind::gaussian_noise),      dense(17, Activation::tanh),   of(LayerKind::layer_normalization), of(LayerKind::dropout),
      dense(3, Activation::linear)};
  spec.loss.name = nabla::LossName::elementwise;
  spec.optimizer.present = true;
  spec.optimizer.momentum = 0.9;
  spec.float64 = float64;
  spec.seed = 12345;
  return spec;
}

// Everything that a training ends with, as bytes.
template <class T>
std::vector<std::vector<T>> trained(const KernelSet& set, unsigned threads, size_t rows, size_t batch, double milliseconds) {
  const std::unique_ptr<nabla::Network> network = nabla::make_network(spec_of(sizeof(T) == 8), &set, threads, nabla::PlanKind::fused);
  Random random(3);
  std::vector<std::vector<T>> parameters, slots, statistics;
  nabla::ConstArrays start;
  start.slots.resize(1);
  for (const size_t size : network->parameter_sizes()) {
    parameters.emplace_back(size);
    random.fill(parameters.back().data(), size, T(0.5));
    slots.emplace_back(size);
  }
  for (const size_t size : network->statistic_sizes()) statistics.emplace_back(size, T(1));
  for (size_t i = 0; i < parameters.size(); ++i) {
    start.parameters.push_back(parameters[i].data());
    start.slots[0].push_back(slots[i].data());
  }
  for (const std::vector<T>& s : statistics) start.statistics.push_back(s.data());
  network->set_state(start, 0);
  std::vector<T> x(rows * 21), y(rows * 3);
  random.fill(x.data(), x.size());
  random.fill(y.data(), y.size());
  nabla::Data data;
  data.rows = rows;
  data.features = 21;
  data.set_samples(sizeof(T) == 8 ? nabla::InputType::float64 : nabla::InputType::float32, x.data(), true);
  data.values.set(data.x.type, y.data(), y.size(), true);
  data.kind = nabla::TargetKind::values;
  nabla::TrainRequest request;
  request.rows = {nullptr, 0, rows};
  request.batch_size = batch;
  request.repeat = 3;
  request.max_milliseconds = milliseconds;
  const size_t steps = (rows + batch - 1) / batch * 3;
  std::vector<double> scalars;
  for (size_t s = 0; s < steps; ++s) scalars.insert(scalars.end(), {0.02, 1.0, 1.0, 0.0, 0.0});
  request.scalars = scalars.data();
  if (batch > 1024) {
    // A step of many rows is given up in its middle, and leaves nothing.
    network->abort();
    const nabla::TrainOutcome none = network->train(data, request);
    CHECK(none.stopped == nabla::Stopped::aborted && none.steps == 0 && none.losses.empty());
    network->clear_abort();
  }
  for (size_t turn = 0; turn < steps && request.first_step < steps; ++turn) request.first_step += network->train(data, request).steps;
  CHECK(request.first_step == steps);
  std::vector<T> predicted(rows * 3);
  network->predict(data, {nullptr, 0, rows}, nabla::OutputKind::outputs, nabla::WeightsChoice::current, predicted.data());
  nabla::Arrays end;
  end.slots.resize(1);
  for (size_t i = 0; i < parameters.size(); ++i) {
    end.parameters.push_back(parameters[i].data());
    end.slots[0].push_back(slots[i].data());
  }
  for (std::vector<T>& s : statistics) end.statistics.push_back(s.data());
  CHECK(network->get_state(end) == static_cast<double>(steps));
  std::vector<std::vector<T>> result{predicted};
  for (const auto& list : {parameters, slots, statistics}) result.insert(result.end(), list.begin(), list.end());
  return result;
}

template <class T>
void networks() {
  for (const auto& [rows, batch] : {std::pair<size_t, size_t>{130, 37}, {1100, 1100}}) {
    std::vector<std::vector<T>> fused_bytes;
    for (const KernelSet* set : test::kernel_sets()) {
      const std::vector<std::vector<T>> one = trained<T>(*set, 1, rows, batch, INFINITY);
      CHECK_THAT(std::isfinite(static_cast<double>(one[0][0])), "a layered network trains");
      for (const unsigned threads : {2u, 5u}) {
        const std::vector<std::vector<T>> other = trained<T>(*set, threads, rows, batch, threads == 2 ? 0 : INFINITY);
        for (size_t i = 0; i < one.size(); ++i)
          CHECK_SAME(other[i].data(), one[i].data(), one[i].size(), std::string(set->name) + " threads " + std::to_string(threads));
      }
      if (!test::fused(*set)) continue;
      if (fused_bytes.empty()) fused_bytes = one;
      for (size_t i = 0; i < one.size(); ++i) CHECK_SAME(one[i].data(), fused_bytes[i].data(), one[i].size(), std::string(set->name));
    }
  }
}

void plans() {
  const nabla::Plan plan = nabla::make_plan(spec_of(true));
  CHECK(plan.segments.size() == 4 && plan.dropouts.empty() && plan.segments[3].passes.empty());
  CHECK(plan.segments[2].passes.size() == 3 && plan.segments[2].passes[0].kind == nabla::PassKind::activation);
  CHECK(plan.segments[2].passes[2].purpose == 256 * 7 + 1 && plan.segments[1].passes[2].purpose == 256 * 4 + 7);
  CHECK(plan.parameters == 2 * 21 + (21 * 40 + 40) + 2 * 40 + 40 + (40 * 17 + 17) + 2 * 17 + (17 * 3 + 3));
  // Batches of one row have no statistics.
  try {
    trained<double>(*test::kernel_sets()[0], 1, 4, 3, INFINITY);
    CHECK(false);
  } catch (const nabla::Error& error) {
    CHECK(std::string(error.code()) == "ERR_RANGE");
  }
}

template <class T>
void kernels() {
  for (const KernelSet* set : test::kernel_sets()) {
    if (test::fused(*set))
      Cases<T, true>(*set).all();
    else
      Cases<T, false>(*set).all();
  }
}

}  // namespace

int main() {
  kernels<float>();
  kernels<double>();
  networks<float>();
  networks<double>();
  plans();
  return test::finish("layered_test");
}
