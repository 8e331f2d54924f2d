// Largest errors of exp, log, log1p, tanh and sigmoid in units in the last place, against long double. The plain definitions are measured;
// kernels_rows_test holds every kernel to their bits.
#include "check.h"
#include "plain.h"

namespace {

// What was measured, rounded up in the second decimal; a change of a definition shows here. Points are fixed, so the figures do not move.
struct Bounds {
  double exp, log, log1p, tanh, sigmoid;
};
template <class T>
constexpr Bounds bounds[2] = {};  // two roundings, fused
template <>
constexpr Bounds bounds<float>[2] = {{1.11, 1.92, 1.81, 2.27, 2.04}, {1.11, 1.92, 1.86, 2.27, 2.09}};
template <>
constexpr Bounds bounds<double>[2] = {{1.07, 1.86, 1.86, 2.40, 1.96}, {1.07, 1.86, 1.86, 2.40, 1.83}};

constexpr int points = 200000;

template <class T>
double ulps(T value, long double exact) {
  const T near = static_cast<T>(exact);
  const T next = std::nextafter(std::fabs(near), std::numeric_limits<T>::infinity());
  const long double unit = static_cast<long double>(next) - static_cast<long double>(std::fabs(near));
  return static_cast<double>(std::fabs(static_cast<long double>(value) - exact) / unit);
}

// Largest error over points between lo and hi, even steps with a jitter, or even steps of the exponent.
template <class T, class Function, class Exact>
double largest(double lo, double hi, bool exponents, const Function& function, const Exact& exact) {
  test::Random random(3);
  double worst = 0;
  for (int i = 0; i < points; ++i) {
    const double u = (i + (random.number<double>() + 1) / 2) / points, at = lo + (hi - lo) * u;
    const T x = static_cast<T>(exponents ? std::ldexp(1 + (at - std::floor(at)), static_cast<int>(std::floor(at))) : at);
    const double error = ulps(function(x), exact(static_cast<long double>(x)));
    if (!(error <= worst)) worst = error;
  }
  return worst;
}

template <class T, bool fused>
void measure() {
  using M = plain::Math<T, fused>;
  const bool wide = sizeof(T) == 8;
  const auto sigmoid = [](long double x) { return 1 / (1 + std::exp(-x)); };
  const auto tanh = [](long double x) { return std::tanh(x); };
  const double most = wide ? 1023.99 : 127.99, least = wide ? -1021 : -125;
  Bounds found{};
  found.exp = largest<T>(wide ? -707.9 : -86.8, wide ? 709.7 : 88.7, false, M::exp, [](long double x) { return std::exp(x); });
  found.log = std::max(largest<T>(least, most, true, M::log, [](long double x) { return std::log(x); }),
                       largest<T>(1, 4, false, M::log, [](long double x) { return std::log(x); }));
  found.log1p = largest<T>(0, 1, false, M::log1p, [](long double x) { return std::log1p(x); });
  found.tanh = std::max(largest<T>(wide ? -21 : -10, wide ? 21 : 10, false, M::tanh, tanh), largest<T>(-30, 0, true, M::tanh, tanh));
  found.sigmoid = largest<T>(wide ? -700 : -86, 40, false, M::sigmoid, sigmoid);
  const Bounds& most_allowed = bounds<T>[fused ? 1 : 0];
  std::printf("float%zu %s: exp %.3f  log %.3f  log1p %.3f  tanh %.3f  sigmoid %.3f\n", 8 * sizeof(T), fused ? "fused" : "plain", found.exp,
              found.log, found.log1p, found.tanh, found.sigmoid);
  CHECK(found.exp <= most_allowed.exp);
  CHECK(found.log <= most_allowed.log);
  CHECK(found.log1p <= most_allowed.log1p);
  CHECK(found.tanh <= most_allowed.tanh);
  CHECK(found.sigmoid <= most_allowed.sigmoid);
}

template <class T>
void edges() {
  using M = plain::Math<T, true>;
  const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  CHECK(M::exp(0) == 1 && M::exp(-inf) == 0 && M::exp(inf) == inf && std::isnan(M::exp(nan)));
  CHECK(M::exp(std::numeric_limits<T>::lowest()) == 0 && M::exp(std::numeric_limits<T>::max()) == inf);
  CHECK(M::log(1) == 0 && M::log(inf) == inf && std::isnan(M::log(nan)));
  CHECK(M::log1p(0) == 0);
  CHECK(M::tanh(inf) == 1 && M::tanh(-inf) == -1 && std::signbit(M::tanh(T(-0.0))) && std::isnan(M::tanh(nan)));
  CHECK(M::sigmoid(inf) == 1 && M::sigmoid(-inf) == 0 && M::sigmoid(0) == T(0.5) && std::isnan(M::sigmoid(nan)));
}

}  // namespace

int main() {
  measure<float, false>();
  measure<float, true>();
  measure<double, false>();
  measure<double, true>();
  edges<float>();
  edges<double>();
  return test::finish("functions_test");
}
