// The matrix kernels and the updates of every instruction set against plain chains, bit for bit, on odd shapes.
#include <string>

#include "check.h"
#include "core/spec.h"
#include "plain.h"

namespace {

using nabla::Activation;
using nabla::GradientSink;
using nabla::KernelSet;
using nabla::Rule;
using nabla::Update;
using test::packed;
using test::Random;
using test::round_up;

constexpr double guard = 12345.0;

std::string shape(const KernelSet& set, const char* op, size_t m, size_t k, size_t units) {
  return std::string(set.name) + " " + op + " m=" + std::to_string(m) + " k=" + std::to_string(k) + " units=" + std::to_string(units);
}

template <class T, bool fused>
struct Cases {
  using Math = plain::Math<T, fused>;
  static constexpr size_t w = test::width<T>;
  const KernelSet& set;
  const nabla::KernelTable<T>& k;
  Random random{7};

  explicit Cases(const KernelSet& s) : set(s), k(test::table<T>(s)) {}

  std::vector<T> numbers(size_t n) {
    std::vector<T> values(n);
    random.fill(values.data(), n);
    return values;
  }
  // (rows, n) of numbers in rows of `ld`, padding 0.
  std::vector<T> padded(size_t rows, size_t n, size_t ld) {
    std::vector<T> values(rows * ld);
    for (size_t r = 0; r < rows; ++r) random.fill(values.data() + r * ld, n);
    return values;
  }

  void forward(size_t m, size_t inputs, size_t units, Activation act, bool with_bias) {
    const size_t panels = round_up(units, w) / w, lda = round_up(inputs, w) + w, ldo = panels * w;
    const std::vector<T> a = padded(m, inputs, lda), weight = numbers(units * inputs), bias = numbers(units);
    const std::vector<T> panel_weight = packed(weight, units, inputs);
    std::vector<T> panel_bias(ldo), out(m * ldo + 1, T(guard)), expected(m * ldo);
    std::copy(bias.begin(), bias.end(), panel_bias.begin());
    for (size_t r = 0; r < m; ++r) {
      for (size_t o = 0; o < ldo; ++o) {
        T z = o < units ? Math::chain(a.data() + r * lda, 1, weight.data() + o * inputs, 1, inputs) : T(0);
        if (with_bias) z = z + panel_bias[o];
        expected[r * ldo + o] = z;
      }
      Math::activation(act, expected.data() + r * ldo, ldo);
    }
    k.dense_forward(a.data(), lda, m, inputs, panel_weight.data(), with_bias ? panel_bias.data() : nullptr, panels, out.data(), ldo, act);
    CHECK_SAME(out.data(), expected.data(), m * ldo, shape(set, "dense_forward", m, inputs, units));
    CHECK(out[m * ldo] == T(guard));
  }

  void backward_input(size_t m, size_t inputs, size_t units, Activation act, bool with_activation) {
    const size_t panels = round_up(units, w) / w, input_panels = round_up(inputs, w) / w, ldz = panels * w, ldx = input_panels * w;
    const std::vector<T> dz = padded(m, units, ldz), weight = numbers(units * inputs), a = padded(m, inputs, ldx);
    const std::vector<T> panel_weight = packed(weight, units, inputs);
    std::vector<T> transposed(input_panels * panels * w * w), dx(m * ldx + 1, T(guard)), expected(m * ldx);
    // In two rectangles, as two threads would.
    const size_t middle = input_panels / 2;
    k.transpose_weight(panel_weight.data(), inputs, panels, 0, middle, 0, panels, transposed.data());
    k.transpose_weight(panel_weight.data(), inputs, panels, middle, input_panels, 0, panels, transposed.data());
    bool right = true;
    for (size_t q = 0; q < input_panels; ++q)
      for (size_t o = 0; o < panels * w; ++o)
        for (size_t j = 0; j < w; ++j) {
          const size_t i = q * w + j;
          right = right && transposed[(q * panels * w + o) * w + j] == (o < units && i < inputs ? weight[o * inputs + i] : T(0));
        }
    CHECK_THAT(right, shape(set, "transpose_weight", m, inputs, units));
    for (size_t r = 0; r < m; ++r) {
      for (size_t i = 0; i < inputs; ++i) expected[r * ldx + i] = Math::chain(dz.data() + r * ldz, 1, weight.data() + i, inputs, units);
      if (with_activation) Math::activation_backward(act, a.data() + r * ldx, expected.data() + r * ldx, ldx);
    }
    k.dense_backward_input(dz.data(), ldz, m, units, transposed.data(), input_panels, dx.data(), ldx, with_activation ? a.data() : nullptr,
                           act);
    CHECK_SAME(dx.data(), expected.data(), m * ldx, shape(set, "dense_backward_input", m, inputs, units));
    CHECK(dx[m * ldx] == T(guard));
  }

  static Update<T> rule(int which) {
    Update<T> u{};
    static const Rule names[rules] = {Rule::sgd,  Rule::sgd,     Rule::sgd,     Rule::sgd,     Rule::adam,     Rule::adam,
                                      Rule::adam, Rule::rmsprop, Rule::rmsprop, Rule::adagrad, Rule::adadelta, Rule::adamax,
                                      Rule::lion, Rule::nadam,   Rule::nadam,   Rule::sgd,     Rule::adam};
    u.rule = names[which];
    u.rate = T(0.1);
    u.dampening = T(0.75);
    u.correction = T(1.25);
    if (which == 1) u.l2 = T(0.01);
    if (which == 2 || which == 3 || which == 8) u.momentum = T(0.9);
    if (which == 3) {
      u.nesterov = true;
      u.weight_decay = T(0.02);
    }
    u.beta1 = T(0.9);
    u.beta2 = T(0.999);
    u.one_minus_beta1 = T(1.0 - 0.9);
    u.one_minus_beta2 = T(1.0 - 0.999);
    u.epsilon = T(1e-7);
    if (which == 5 || which == 9) u.l2 = T(0.001);
    if (which == 6 || which == 12 || which == 14) u.decay = T(0.003);
    u.momentum_rate = T(0.07);
    if (which == 14) u.l1 = T(0.01);
    // Plain gradient descent but for one thing at a time hides no short way.
    u.clips = which == 15;
    u.clip = T(0.3);
    if (which == 16) {
      u.scaled = true;
      u.scale = T(0.3);
    }
    u.non_negative = which == 13 || which == 16;
    u.amsgrad = which == 6;
    u.centered = which == 8;
    return u;
  }
  // Slots that a rule has.
  static size_t slots(const Update<T>& u) {
    nabla::OptimizerSpec spec;
    spec.present = true;
    spec.rule = u.rule;
    spec.momentum = static_cast<double>(u.momentum);
    spec.amsgrad = u.amsgrad;
    spec.centered = u.centered;
    return spec.slots();
  }
  static constexpr int rules = 17;

  // Gradients of all weights and biases in rectangles, in two runs over the rows; then each rule straight from the tiles and from memory.
  void gradients(size_t m, size_t inputs, size_t units) {
    const size_t panels = round_up(units, w) / w, ldx = round_up(inputs, w), ldz = panels * w, size = panels * inputs * w;
    const std::vector<T> x = padded(m, inputs, ldx), dz = padded(m, units, ldz);
    std::vector<T> expected(size), expected_bias(ldz);
    for (size_t o = 0; o < units; ++o) {
      for (size_t i = 0; i < inputs; ++i)
        expected[(o / w * inputs + i) * w + o % w] = Math::chain(x.data() + i, ldx, dz.data() + o, ldz, m);
      for (size_t r = 0; r < m; ++r) expected_bias[o] = expected_bias[o] + dz[r * ldz + o];
    }
    const size_t half = m / 2, i_cut = std::min(inputs, (inputs / w / 2 + 1) * w), p_cut = panels / 2;
    const auto rectangles = [&](size_t from, size_t rows, const GradientSink<T>& sink) {
      for (const auto& [i0, i1] : {std::pair<size_t, size_t>{0, i_cut}, {i_cut, inputs}})
        for (const auto& [p0, p1] : {std::pair<size_t, size_t>{0, p_cut}, {p_cut, panels}})
          if (i0 < i1 && p0 < p1)
            k.weight_gradient(x.data() + from * ldx, ldx, dz.data() + from * ldz, ldz, rows, inputs, i0, i1, p0, p1, &sink);
    };
    std::vector<T> stored(size + 1, T(guard)), bias(ldz, T(guard));
    rectangles(0, half, {stored.data(), false, nullptr});
    rectangles(half, m - half, {stored.data(), true, nullptr});
    const GradientSink<T> first{bias.data(), false, nullptr}, second{bias.data(), true, nullptr};
    k.bias_gradient(dz.data(), ldz, half, 0, panels, &first);
    k.bias_gradient(dz.data() + half * ldz, ldz, m - half, 0, panels, &second);
    CHECK_SAME(stored.data(), expected.data(), size, shape(set, "weight_gradient", m, inputs, units));
    CHECK_SAME(bias.data(), expected_bias.data(), ldz, shape(set, "bias_gradient", m, inputs, units));
    CHECK(stored[size] == T(guard));

    for (int which = 0; which < rules; ++which) {
      const std::vector<T> weight = packed(numbers(units * inputs), units, inputs);
      std::vector<T> m0 = packed(numbers(units * inputs), units, inputs), v0 = packed(numbers(units * inputs), units, inputs);
      for (T& v : v0) v = std::fabs(v);
      // Where the first slot holds squares.
      if (which >= 7 && which <= 10)
        for (T& v : m0) v = std::fabs(v);
      std::vector<T> want = weight, want0 = m0, want1 = v0, want2 = v0;
      Update<T> u = rule(which);
      for (size_t i = 0; i < size; ++i) Math::update(u, &want[i], &want0[i], &want1[i], &want2[i], expected[i]);
      const size_t count = slots(u);
      // From the tile; from the tile of a chain that is continued; from memory.
      for (int way = 0; way < 3; ++way) {
        std::vector<T> p = weight, s0 = m0, s1 = v0, s2 = v0, partial(size);
        u.parameters = p.data();
        u.slot0 = count > 0 ? s0.data() : nullptr;
        u.slot1 = count > 1 ? s1.data() : nullptr;
        u.slot2 = count > 2 ? s2.data() : nullptr;
        if (way == 0) rectangles(0, m, {nullptr, false, &u});
        if (way == 1) {
          rectangles(0, half, {partial.data(), false, nullptr});
          rectangles(half, m - half, {partial.data(), true, &u});
        }
        if (way == 2) {
          k.update(&u, stored.data(), 0, size / w / 2 * w);
          k.update(&u, stored.data(), size / w / 2 * w, size);
        }
        const std::string what = shape(set, "update", m, inputs, units) + " rule " + std::to_string(which) + " way " + std::to_string(way);
        CHECK_SAME(p.data(), want.data(), size, what);
        if (count > 0) CHECK_SAME(s0.data(), want0.data(), size, what + " slot 0");
        if (count > 1) CHECK_SAME(s1.data(), want1.data(), size, what + " slot 1");
        if (count > 2) CHECK_SAME(s2.data(), want2.data(), size, what + " slot 2");
      }
    }
  }

  void blocks_and_squares(size_t inputs, size_t units) {
    const size_t panels = round_up(units, w) / w, size = panels * inputs * w;
    for (const size_t count : {size_t{1}, size_t{2}, size_t{16}}) {
      const std::vector<T> blocks = numbers(count * size);
      std::vector<T> out(size), expected(blocks.begin(), blocks.begin() + static_cast<std::ptrdiff_t>(size));
      for (size_t b = 1; b < count; ++b)
        for (size_t i = 0; i < size; ++i) expected[i] = expected[i] + blocks[b * size + i];
      k.sum_blocks(blocks.data(), count, size, 0, size / w / 2 * w, out.data());
      k.sum_blocks(blocks.data(), count, size, size / w / 2 * w, size, out.data());
      CHECK_SAME(out.data(), expected.data(), size, shape(set, "sum_blocks", count, inputs, units));
    }
    const std::vector<T> weight = numbers(units * inputs), panel_weight = packed(weight, units, inputs);
    std::vector<T> out(panels * w), expected(panels * w);
    for (size_t o = 0; o < units; ++o) expected[o] = Math::chain(weight.data() + o * inputs, 1, weight.data() + o * inputs, 1, inputs);
    k.square_rows(panel_weight.data(), inputs, panels, out.data());
    CHECK_SAME(out.data(), expected.data(), panels * w, shape(set, "square_rows", 0, inputs, units));
    norms(inputs, units, weight);
  }

  // Penalties' gradients, sums of norms, factors of rows.
  void norms(size_t inputs, size_t units, std::vector<T> weight) {
    const size_t panels = round_up(units, w) / w, size = panels * inputs * w;
    weight[0] = 0;
    const std::vector<T> panel_weight = packed(weight, units, inputs), start = packed(numbers(units * inputs), units, inputs);
    for (const auto& [l2, l1] : {std::pair<T, T>{T(0), T(0.01)}, {T(0.02), T(0)}, {T(0.02), T(0.01)}}) {
      std::vector<T> gradients = start, expected = start;
      for (size_t i = 0; i < size; ++i) expected[i] = Math::with_penalties(l2, l1, panel_weight[i], expected[i]);
      k.penalty_gradient(panel_weight.data(), l2, l1, size, gradients.data());
      CHECK_SAME(gradients.data(), expected.data(), size, shape(set, "penalty_gradient", 0, inputs, units));
    }
    for (const bool bad : {false, true}) {
      // A NaN before larger numbers must stay.
      if (bad) weight[inputs / 2] = std::numeric_limits<T>::quiet_NaN();
      const std::vector<T> source = packed(weight, units, inputs);
      for (const nabla::Norm norm : {nabla::Norm::squares, nabla::Norm::magnitudes, nabla::Norm::largest}) {
        std::vector<double> out(panels * w, guard);
        k.row_norms(source.data(), inputs, panels, norm, out.data());
        for (size_t o = 0; o < panels * w; ++o) {
          const double expected = o < units ? Math::norm_sum(weight.data() + o * inputs, inputs, 1, norm) : 0.0;
          CHECK_THAT(out[o] == expected || (std::isnan(out[o]) && std::isnan(expected)), shape(set, "row_norms", 0, inputs, units));
        }
      }
    }
    std::vector<T> scaled = start, expected = start;
    const std::vector<T> factors = numbers(panels * w);
    for (size_t o = 0; o < panels * w; ++o)
      for (size_t i = 0; i < inputs; ++i) expected[(o / w * inputs + i) * w + o % w] = start[(o / w * inputs + i) * w + o % w] * factors[o];
    k.scale_rows(scaled.data(), inputs, panels, factors.data());
    CHECK_SAME(scaled.data(), expected.data(), size, shape(set, "scale_rows", 0, inputs, units));
  }

  // Steps of one layer: what lies beyond the last unit and the last input stays exactly +0.
  void padding(int which) {
    const size_t m = 19, inputs = 21, units = 18, panels = round_up(units, w) / w, ldx = round_up(inputs, w), ldz = panels * w;
    std::vector<T> p = packed(numbers(units * inputs), units, inputs), s0(p.size()), s1(p.size()), s2(p.size()), gradients(p.size());
    std::vector<T> bias(ldz), b0(ldz), b1(ldz), b2(ldz), z(m * ldz), dx(m * ldx), transposed(round_up(inputs, w) * ldz);
    const std::vector<T> x = padded(m, inputs, ldx);
    for (int step = 0; step < 25; ++step) {
      k.dense_forward(x.data(), ldx, m, inputs, p.data(), bias.data(), panels, z.data(), ldz, Activation::linear);
      k.transpose_weight(p.data(), inputs, panels, 0, round_up(inputs, w) / w, 0, panels, transposed.data());
      k.dense_backward_input(z.data(), ldz, m, units, transposed.data(), round_up(inputs, w) / w, dx.data(), ldx, nullptr,
                             Activation::linear);
      Update<T> u = rule(which), ub = rule(which);
      u.parameters = p.data();
      u.slot0 = s0.data();
      u.slot1 = s1.data();
      u.slot2 = s2.data();
      ub.parameters = bias.data();
      ub.slot0 = b0.data();
      ub.slot1 = b1.data();
      ub.slot2 = b2.data();
      u.rate = ub.rate = T(0.001);
      const GradientSink<T> keep{gradients.data(), false, nullptr}, weights{nullptr, false, &u}, biases{nullptr, false, &ub};
      k.weight_gradient(x.data(), ldx, z.data(), ldz, m, inputs, 0, inputs, 0, panels, &keep);
      k.weight_gradient(x.data(), ldx, z.data(), ldz, m, inputs, 0, inputs, 0, panels, &weights);
      k.bias_gradient(z.data(), ldz, m, 0, panels, &biases);
    }
    const T none = 0;
    const auto zero = [&](const T* at, const char* what) { CHECK_SAME(at, &none, 1, std::string(set.name) + " padding of " + what); };
    for (size_t i = 0; i < inputs; ++i)
      for (size_t o = units; o < ldz; ++o) {
        const size_t at = (o / w * inputs + i) * w + o % w;
        zero(&p[at], "weights");
        zero(&gradients[at], "gradients");
        zero(&s0[at], "slot 0");
        zero(&s1[at], "slot 1");
        zero(&s2[at], "slot 2");
      }
    for (size_t o = units; o < ldz; ++o) {
      zero(&bias[o], "biases");
      for (size_t r = 0; r < m; ++r) zero(&z[r * ldz + o], "outputs");
    }
    for (size_t r = 0; r < m; ++r)
      for (size_t i = inputs; i < ldx; ++i) zero(&dx[r * ldx + i], "input gradients");
    CHECK(rule(which).non_negative || (p[0] != 0 && bias[0] != 0));
  }

  void all() {
    const Activation activations[] = {Activation::linear, Activation::relu, Activation::sigmoid, Activation::tanh};
    int turn = 0;
    for (const size_t m : {1, 2, 15, 33})
      for (const size_t inputs : {1, 15, 16, 17, 33})
        for (const size_t units : {1, 8, 15, 17, 31, 33}) {
          const Activation act = activations[turn % 4];
          forward(m, inputs, units, act, turn % 3 != 0);
          backward_input(m, inputs, units, act, turn % 3 != 1);
          ++turn;
        }
    // Every height of a tile, one panel and two.
    for (size_t m = 1; m <= 30; ++m) {
      forward(m, 5, 40, Activation::linear, true);
      backward_input(m, 40, 5, Activation::relu, true);
      gradients(6, m, 40);
    }
    for (const size_t m : {1, 2, 17, 64})
      for (const size_t inputs : {1, 15, 33})
        for (const size_t units : {1, 16, 17, 50}) gradients(m, inputs, units);
    // Weights that pass the size at which panels go outermost.
    forward(30, 1100, 130, Activation::relu, true);
    backward_input(30, 130, 1100, Activation::linear, false);
    gradients(1030, 20, 130);
    for (const size_t inputs : {1, 17, 40})
      for (const size_t units : {1, 15, 33}) blocks_and_squares(inputs, units);
    for (int which = 0; which < rules; ++which) padding(which);
  }
};

template <class T>
void run() {
  for (const KernelSet* set : test::kernel_sets()) {
    if (test::fused(*set))
      Cases<T, true>(*set).all();
    else
      Cases<T, false>(*set).all();
    std::printf("%s float%zu done\n", set->name, 8 * sizeof(T));
  }
}

}  // namespace

int main() {
  run<float>();
  run<double>();
  return test::finish("kernels_matrix_test");
}
