// The kernels that go along rows, of every instruction set, against the plain definitions, bit for bit: load, activations, losses, dropout.
#include <string>

#include "check.h"
#include "plain.h"

namespace {

using nabla::Activation;
using nabla::Affine;
using nabla::InputType;
using nabla::KernelSet;
using nabla::LossRows;
using nabla::TargetKind;
using test::Random;
using test::round_up;

template <class T, bool fused>
struct Cases {
  using Math = plain::Math<T, fused>;
  using Targets = typename Math::Targets;
  static constexpr size_t w = test::width<T>;
  const KernelSet& set;
  const nabla::KernelTable<T>& k;
  Random random{11};

  explicit Cases(const KernelSet& s) : set(s), k(test::table<T>(s)) {}
  std::string label(const char* op, size_t n) const {
    return std::string(set.name) + " float" + std::to_string(8 * sizeof(T)) + " " + op + " n=" + std::to_string(n);
  }
  std::vector<T> padded(size_t rows, size_t n, size_t ld, T scale) {
    std::vector<T> values(rows * ld);
    for (size_t r = 0; r < rows; ++r) random.fill(values.data() + r * ld, n, scale);
    return values;
  }

  template <class X>
  void load_as(InputType type, size_t features, const std::vector<Affine<T>>& affines) {
    const size_t rows = 7, ld = round_up(features, w) + w;
    std::vector<X> x(rows * features);
    for (X& value : x) value = sizeof(X) == 1 ? static_cast<X>(random.below(256)) : static_cast<X>(random.number<double>() * 300);
    const uint32_t order[] = {6, 0, 3, 3};
    for (const bool ordered : {true, false}) {
      const size_t count = 4, first = 2;
      std::vector<T> out(count * ld), expected(count * ld);
      for (size_t r = 0; r < count; ++r)
        for (size_t i = 0; i < features; ++i) {
          T value = static_cast<T>(x[(ordered ? order[r] : first + r) * features + i]);
          for (const Affine<T>& a : affines) {
            value = a.means != nullptr ? (value - a.means[i]) * a.scales[i] : value * a.scale;
            if (a.offset != 0) value = value + a.offset;
          }
          expected[r * ld + i] = value;
        }
      k.load_rows(type, x.data(), features, ordered ? order : nullptr, first, count, affines.data(), affines.size(), out.data(), ld);
      CHECK_SAME(out.data(), expected.data(), count * ld, label("load_rows", features));
    }
  }
  void load(size_t features) {
    const Affine<T> scale{T(1.0 / 255), 0}, shift{T(1.7), T(-0.3)}, other{T(0.9), T(0.25)};
    const std::vector<T> means = padded(1, features, features, T(40)), scales = padded(1, features, features, T(2));
    const Affine<T> features_own{1, 0, means.data(), scales.data()};
    for (const std::vector<Affine<T>>& affines : {std::vector<Affine<T>>{},
                                                  {scale},
                                                  {shift},
                                                  {scale, shift},
                                                  {shift, scale, other},
                                                  {features_own},
                                                  {scale, features_own, shift}}) {
      load_as<uint8_t>(InputType::uint8, features, affines);
      load_as<float>(InputType::float32, features, affines);
      load_as<double>(InputType::float64, features, affines);
    }
  }

  template <class X>
  void list_as(InputType type, size_t features, double zeros) {
    std::vector<X> x(features);
    for (X& value : x) {
      value = sizeof(X) == 1 ? static_cast<X>(random.below(256)) : static_cast<X>(random.number<double>() * 300);
      // Zeros of either sign.
      if ((random.number<double>() + 1) / 2 < zeros) value = static_cast<X>(value < 128 ? 0.0 : -0.0);
    }
    std::vector<uint16_t> expected_index;
    std::vector<X> expected;
    for (size_t i = 0; i < features; ++i) {
      if (x[i] == 0) continue;
      expected_index.push_back(static_cast<uint16_t>(i));
      expected.push_back(x[i]);
    }
    std::vector<uint16_t> index(features + nabla::list_slack);
    std::vector<X> values(features + nabla::list_slack);
    const size_t count = k.list_row(type, x.data(), features, index.data(), values.data());
    CHECK_THAT(count == expected.size(), label("list_row", features) + " counts " + std::to_string(count));
    if (count != expected.size()) return;
    CHECK_SAME(index.data(), expected_index.data(), count, label("list_row", features));
    CHECK_SAME(values.data(), expected.data(), count, label("list_row", features));
  }
  void list(size_t features) {
    for (const double zeros : {0.0, 0.5, 0.9, 1.0}) {
      list_as<uint8_t>(InputType::uint8, features, zeros);
      list_as<float>(InputType::float32, features, zeros);
      list_as<double>(InputType::float64, features, zeros);
    }
  }

  void finite(size_t n) {
    std::vector<T> x(n);
    random.fill(x.data(), n);
    CHECK_THAT(k.all_finite(x.data(), n), label("all_finite", n));
    x[0] = std::numeric_limits<T>::max();
    CHECK_THAT(k.all_finite(x.data(), n), label("all_finite", n) + " of the largest number");
    for (const T value : {std::numeric_limits<T>::infinity(), -std::numeric_limits<T>::infinity(), std::numeric_limits<T>::quiet_NaN()})
      for (const size_t at : {size_t{0}, n / 2, n - 1}) {
        std::vector<T> y = x;
        y[at] = value;
        CHECK_THAT(!k.all_finite(y.data(), n), label("all_finite", n) + " of one that is not, at " + std::to_string(at));
      }
  }

  void activations(size_t n, T scale) {
    const size_t rows = 3, ld = round_up(n, w) + w;
    const std::vector<T> z = padded(rows, n, ld, scale), da = padded(rows, n, ld, T(2));
    for (const Activation act : {Activation::relu, Activation::sigmoid, Activation::tanh, Activation::softmax}) {
      std::vector<T> a = z, expected = z;
      for (size_t r = 0; r < rows; ++r) Math::activation(act, expected.data() + r * ld, act == Activation::softmax ? n : ld);
      if (act == Activation::softmax)
        k.softmax_rows(a.data(), rows, n, ld);
      else
        k.activation_forward(act, a.data(), a.data(), rows * ld);
      CHECK_SAME(a.data(), expected.data(), rows * ld, label("activation", n));
      std::vector<T> d = da, expected_d = da;
      for (size_t r = 0; r < rows; ++r)
        Math::activation_backward(act, a.data() + r * ld, expected_d.data() + r * ld, act == Activation::softmax ? n : ld);
      if (act == Activation::softmax)
        k.softmax_backward(a.data(), d.data(), rows, n, ld);
      else
        k.activation_backward(act, a.data(), d.data(), rows, ld);
      // Padding is 0 of either sign after softmax: a chain from +0 takes both alike.
      for (size_t r = 0; r < rows; ++r) {
        CHECK_SAME(d.data() + r * ld, expected_d.data() + r * ld, n, label("activation_backward", n));
        for (size_t i = n; i < ld; ++i) CHECK(d[r * ld + i] == 0);
      }
    }
  }

  void activations_of_z(size_t n) {
    using nabla::ZFunction;
    const size_t count = round_up(n, w);
    std::vector<T> z(count), da(count);
    random.fill(z.data(), count);
    random.fill(da.data(), count);
    for (size_t i = 0; i < count; ++i) z[i] = z[i] * T(i % 3 == 0 ? 12 : 3);
    z[0] = 0;
    for (int f = 0; f < nabla::z_functions; ++f) {
      const nabla::ZActivation<T> activation{static_cast<ZFunction>(f), T(0.75), T(6)};
      std::vector<T> a(count), d = da, expected(count), expected_d(count), own = z;
      for (size_t i = 0; i < count; ++i) {
        T slope = 0;
        expected[i] = Math::of_z(activation, z[i], slope);
        expected_d[i] = da[i] * slope;
      }
      k.z_forward(&activation, z.data(), a.data(), count);
      k.z_backward(&activation, z.data(), a.data(), d.data(), count);
      k.z_forward(&activation, own.data(), own.data(), count);
      const std::string what = label("activation of z", n) + " " + std::to_string(f);
      CHECK_SAME(a.data(), expected.data(), count, what);
      CHECK_SAME(own.data(), expected.data(), count, what + " in place");
      CHECK_SAME(d.data(), expected_d.data(), count, what + " backward");
    }
  }

  void element_losses(size_t n) {
    using nabla::ElementLoss;
    const size_t rows = 3, ld = round_up(n, w);
    std::vector<T> a = padded(rows, n, ld, T(3));
    std::vector<T> y = padded(rows, n, ld, T(2)), g(rows), d(rows * ld), p(rows * ld);
    random.fill(g.data(), rows);
    y[0] = a[0];
    for (int f = 0; f < nabla::element_losses; ++f) {
      const ElementLoss kind = static_cast<ElementLoss>(f);
      // Logarithms of numbers below 0 are compared with TypeScript's.
      if (kind == ElementLoss::poisson)
        for (T& value : a) value = std::fabs(value);
      std::vector<double> row_loss(rows);
      nabla::LossRows<T> l{};
      l.rows = rows;
      l.outputs = n;
      l.logits = a.data();
      l.ld = ld;
      l.kind = nabla::TargetKind::values;
      l.values = y.data();
      l.row_scale = g.data();
      l.row_loss = row_loss.data();
      l.dlogits = d.data();
      l.outputs_out = p.data();
      k.element_loss(&l, kind, T(0.5));
      const std::string what = label("element loss", n) + " " + std::to_string(f);
      for (size_t r = 0; r < rows; ++r) {
        std::vector<T> losses(n), expected(n);
        for (size_t i = 0; i < n; ++i) {
          T gradient = 0;
          losses[i] = Math::element(kind, a[r * ld + i], y[r * ld + i], T(0.5), gradient);
          expected[i] = gradient * g[r];
        }
        const double sum = static_cast<double>(Math::lanes(n, [&](size_t i) { return losses[i]; }));
        CHECK_SAME(&row_loss[r], &sum, 1, what);
        CHECK_SAME(d.data() + r * ld, expected.data(), n, what + " gradient");
        CHECK_SAME(p.data() + r * ld, a.data() + r * ld, n, what + " outputs");
        for (size_t i = n; i < ld; ++i) CHECK_THAT(d[r * ld + i] == 0, what + " padding");
      }
    }
  }

  // Outputs from a row's whole range, probabilities, next to nothing, and nothing.
  void row_losses(size_t n) {
    using nabla::RowLoss;
    const size_t rows = 5, ld = round_up(n, w) + w;
    std::vector<T> a = padded(rows, n, ld, T(2)), y = padded(rows, n, ld, T(1.2)), g(rows);
    random.fill(g.data(), rows);
    for (size_t i = 0; i < n; ++i) {
      a[ld + i] = std::fabs(a[ld + i]) / T(2);
      y[ld + i] = std::fabs(y[ld + i]);
      y[2 * ld + i] = i == n / 2 ? T(1) : T(0);
      a[3 * ld + i] = a[3 * ld + i] * T(1e-9);
      y[4 * ld + i] = 0;
    }
    // Padding of the outputs may be anything.
    for (size_t r = 0; r < rows; ++r)
      for (size_t i = n; i < ld; ++i) a[r * ld + i] = T(7);
    for (int f = 0; f < nabla::row_losses; ++f) {
      const RowLoss kind = static_cast<RowLoss>(f);
      std::vector<double> row_loss(rows);
      std::vector<T> d(rows * ld), p(rows * ld), expected(n);
      nabla::LossRows<T> l{};
      l.rows = rows;
      l.outputs = n;
      l.logits = a.data();
      l.ld = ld;
      l.kind = nabla::TargetKind::values;
      l.values = y.data();
      l.row_scale = g.data();
      l.row_loss = row_loss.data();
      l.dlogits = d.data();
      l.outputs_out = p.data();
      k.row_loss(&l, kind);
      const std::string what = label("row loss", n) + " " + std::to_string(f);
      for (size_t r = 0; r < rows; ++r) {
        const double loss = static_cast<double>(Math::row(kind, a.data() + r * ld, y.data() + r * ld, n, expected.data()));
        for (T& value : expected) value = value * g[r];
        CHECK_SAME(&row_loss[r], &loss, 1, what);
        CHECK_SAME(d.data() + r * ld, expected.data(), n, what + " gradient");
        CHECK_SAME(p.data() + r * ld, a.data() + r * ld, n, what + " outputs");
        for (size_t i = n; i < ld; ++i) CHECK_THAT(d[r * ld + i] == 0, what + " padding");
      }
      // Loss alone.
      const std::vector<double> before = row_loss;
      const std::vector<T> gradient = d;
      l.dlogits = nullptr;
      l.row_scale = nullptr;
      k.row_loss(&l, kind);
      CHECK_SAME(row_loss.data(), before.data(), rows, what + " without gradient");
      CHECK_SAME(d.data(), gradient.data(), rows * ld, what + " gradient left alone");
    }
  }

  // tanh and exp at chosen points: the bias of a layer without inputs.
  void functions() {
    const T nan = std::numeric_limits<T>::quiet_NaN(), inf = std::numeric_limits<T>::infinity(), tiny = std::numeric_limits<T>::min();
    std::vector<T> points = {0,
                             T(-0.0),
                             inf,
                             -inf,
                             nan,
                             tiny,
                             -tiny,
                             T(1e-8),
                             T(-1e-3),
                             T(0.5),
                             T(-1),
                             T(9),
                             T(-9.5),
                             T(19.9),
                             T(20),
                             T(88.7),
                             T(-86.9),
                             T(-86.91),
                             T(-87.4),
                             T(89),
                             T(-708),
                             T(-708.1),
                             T(709.7),
                             T(710),
                             T(711),
                             T(-745),
                             std::numeric_limits<T>::max(),
                             std::numeric_limits<T>::lowest()};
    for (const double reach : {1e-3, 1.0, 30.0, 100.0, 800.0})
      for (int i = 0; i < 200; ++i) points.push_back(static_cast<T>(random.number<double>() * reach));
    points.resize(round_up(points.size(), w));
    std::vector<T> out(points.size()), expected = points;
    for (T& x : expected) x = T(0) + x;  // the chain before the bias
    k.dense_forward(points.data(), 1, 1, 0, points.data(), points.data(), points.size() / w, out.data(), points.size(), Activation::tanh);
    Math::activation(Activation::tanh, expected.data(), expected.size());
    compare(out, expected, points, "tanh");
    out = expected = points;
    k.sigmoid_rows(out.data(), 1, out.size());
    Math::activation(Activation::sigmoid, expected.data(), expected.size());
    compare(out, expected, points, "sigmoid");
  }
  // NaN has many bit patterns: all count as one.
  void compare(const std::vector<T>& out, const std::vector<T>& expected, const std::vector<T>& points, const char* what) {
    for (size_t i = 0; i < points.size(); ++i) {
      if (expected[i] != expected[i])
        CHECK_THAT(out[i] != out[i], label(what, i) + " of NaN");
      else
        CHECK_SAME(&out[i], &expected[i], 1, label(what, i) + " at " + std::to_string(points[i]));
    }
  }

  enum class Name { softmax, sigmoid, squares };
  void loss(Name name, bool labelled, bool weighted, bool smoothing, size_t n, T scale) {
    const size_t rows = 5, ld = round_up(n, w) + w;
    const std::vector<T> z = padded(rows, n, ld, scale);
    std::vector<T> values = padded(rows, n, ld, T(1)), weights(round_up(n, w)), g(rows), d(rows * ld, T(0)), p(rows * ld, T(0));
    if (name != Name::squares)
      for (T& v : values) v = std::fabs(v);
    for (size_t i = 0; i < n; ++i) weights[i] = std::fabs(random.number<T>()) + T(0.1);
    random.fill(g.data(), rows);
    std::vector<int32_t> labels(rows);
    for (int32_t& y : labels) y = static_cast<int32_t>(random.below(n));
    const double epsilon = 0.1, off = epsilon / static_cast<double>(n);
    LossRows<T> l{};
    l.rows = rows;
    l.outputs = n;
    l.logits = z.data();
    l.ld = ld;
    l.kind = labelled ? TargetKind::labels : TargetKind::values;
    l.labels = labels.data();
    l.values = values.data();
    l.row_scale = g.data();
    l.class_weights = weighted ? weights.data() : nullptr;
    l.smoothing = smoothing;
    l.smoothing_on = static_cast<T>(!smoothing ? 1.0 : labelled ? 1.0 - epsilon + off : 1.0 - epsilon);
    l.smoothing_off = static_cast<T>(smoothing ? off : 0.0);
    std::vector<double> row_loss(rows), expected_loss(rows);
    uint32_t correct = 0;
    unsigned expected_correct = 0;
    l.row_loss = row_loss.data();
    l.dlogits = d.data();
    l.outputs_out = p.data();
    l.correct = &correct;
    std::vector<T> expected_d(n), expected_p(n);
    const auto call = [&] {
      if (name == Name::softmax) k.softmax_cross_entropy(&l);
      if (name == Name::sigmoid) k.sigmoid_cross_entropy(&l);
      if (name == Name::squares) k.element_loss(&l, nabla::ElementLoss::mean_squared_error, T(1));
    };
    call();
    const std::string what = label(name == Name::softmax   ? "softmax loss"
                                   : name == Name::sigmoid ? "sigmoid loss"
                                                           : "squared loss",
                                   n) +
                             (labelled ? " labels" : " values") + (weighted ? " weighted" : "") + (smoothing ? " smoothed" : "");
    for (size_t r = 0; r < rows; ++r) {
      const Targets y{labelled ? nullptr : values.data() + r * ld,
                      labels[r],
                      weighted ? weights.data() : nullptr,
                      smoothing,
                      l.smoothing_on,
                      l.smoothing_off};
      T expected = 0;
      if (name == Name::softmax)
        expected = Math::softmax_cross_entropy(z.data() + r * ld, n, y, g[r], expected_d.data(), expected_p.data(), expected_correct);
      if (name == Name::sigmoid)
        expected = Math::sigmoid_cross_entropy(z.data() + r * ld, n, y, g[r], expected_d.data(), expected_p.data(), expected_correct);
      if (name == Name::squares) expected = Math::mean_squared_error(z.data() + r * ld, n, y, g[r], expected_d.data(), expected_p.data());
      expected_loss[r] = static_cast<double>(expected);
      CHECK_SAME(d.data() + r * ld, expected_d.data(), n, what + " dlogits");
      CHECK_SAME(p.data() + r * ld, expected_p.data(), n, what + " outputs");
      for (size_t i = n; i < ld; ++i) CHECK_THAT(d[r * ld + i] == 0, what + " padding of dlogits");
    }
    CHECK_SAME(row_loss.data(), expected_loss.data(), rows, what);
    CHECK_THAT(correct == expected_correct, what + " correct");
    // Loss alone: same numbers, and no gradient is written.
    const std::vector<double> before = row_loss;
    const std::vector<T> gradient = d, outputs = p;
    l.dlogits = nullptr;
    l.row_scale = nullptr;
    call();
    CHECK_SAME(row_loss.data(), before.data(), rows, what + " without gradient");
    CHECK_SAME(p.data(), outputs.data(), rows * ld, what + " outputs without gradient");
    CHECK_SAME(d.data(), gradient.data(), rows * ld, what + " gradient left alone");
    // Gradient alone.
    l.dlogits = d.data();
    l.row_scale = g.data();
    l.outputs_out = nullptr;
    call();
    CHECK_SAME(d.data(), gradient.data(), rows * ld, what + " without outputs");
  }

  void words() {
    const uint32_t key[2] = {0x9abcdef0u, 77};
    for (const uint32_t counter : {0u, 5u, 0x3ffffff0u}) {
      uint32_t drawn[4 * nabla::random_counters], expected[4 * nabla::random_counters];
      k.random_words(counter, 11, 0xffffffffu, 7, key, drawn);
      for (uint32_t i = 0; i < nabla::random_counters; ++i)
        for (uint32_t j = 0; j < 4; ++j)
          expected[4 * i + j] = plain::philox_word(4 * (counter + i) + j, 11, 0xffffffffu, 7, key[0], key[1]);
      CHECK_SAME(drawn, expected, 4 * nabla::random_counters, label("random_words", counter));
    }
  }

  void dropout(size_t units) {
    const size_t rows = 4, ld = round_up(units, w) + w, first_row = 1021;
    const std::vector<T> a = padded(rows, units, ld, T(1));
    std::vector<T> out(rows * ld, T(3)), expected(rows * ld), d = padded(rows, units, ld, T(1)), expected_d(rows * ld);
    std::vector<uint8_t> mask(rows * ld, 9);
    const uint32_t key[] = {0xDEADBEEFu, 0x12345u}, step = 0xFFFFFFFEu, purpose = 769;
    const uint64_t threshold = static_cast<uint64_t>(std::llround(0.3 * 4294967296.0));
    const T factor = static_cast<T>(1.0 / 0.7);
    for (size_t r = 0; r < rows; ++r)
      for (size_t u = 0; u < units; ++u) {
        const bool keep =
            plain::philox_word(static_cast<uint32_t>(u), static_cast<uint32_t>(first_row + r), step, purpose, key[0], key[1]) >= threshold;
        expected[r * ld + u] = keep ? a[r * ld + u] * factor : T(0);
        expected_d[r * ld + u] = keep ? d[r * ld + u] * factor : T(0);
      }
    k.dropout_forward(a.data(), out.data(), mask.data(), rows, first_row, units, ld, step, purpose, key, threshold, factor);
    k.dropout_backward(d.data(), mask.data(), rows, ld, factor);
    CHECK_SAME(out.data(), expected.data(), rows * ld, label("dropout_forward", units));
    CHECK_SAME(d.data(), expected_d.data(), rows * ld, label("dropout_backward", units));
  }

  void all() {
    for (const size_t n : {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 100}) {
      load(n);
      list(n);
      for (const T scale : {T(1), T(30), T(200)}) {
        activations(n, scale);
        activations_of_z(n);
        element_losses(n);
        row_losses(n);
        for (const bool weighted : {false, true}) {
          for (const bool smoothing : {false, true}) {
            loss(Name::softmax, true, weighted, smoothing, n, scale);
            loss(Name::softmax, false, weighted, smoothing, n, scale);
            loss(Name::sigmoid, false, weighted, smoothing, n, scale);
          }
        }
        loss(Name::squares, false, false, false, n, scale);
      }
      dropout(n);
      finite(round_up(n, w));
    }
    words();
    load(784);
    list(784);
    functions();
  }
};

// Philox's known answers (Random123, kat_vectors): all zero, all one.
void philox() {
  CHECK(plain::philox_word(0, 0, 0, 0, 0, 0) == 0x6627e8d5u);
  CHECK(plain::philox_word(3, 0, 0, 0, 0, 0) == 0x9b00dbd8u);
}

template <class T>
void run() {
  for (const KernelSet* set : test::kernel_sets()) {
    if (test::fused(*set))
      Cases<T, true>(*set).all();
    else
      Cases<T, false>(*set).all();
  }
}

}  // namespace

int main() {
  philox();
  run<float>();
  run<double>();
  return test::finish("kernels_rows_test");
}
