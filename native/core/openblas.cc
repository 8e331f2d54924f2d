#include "openblas.h"

#include <cstring>
#include <mutex>
#include <string>

#include "../kernels/dispatch.h"
#include "error.h"

#if !defined(_WIN32)
#include <dlfcn.h>
#endif

namespace nabla {

namespace {

// CBLAS's own numbers.
constexpr int row_major = 101, as_is = 111, transposed = 112;

template <class T>
using Gemm = void (*)(int order, int a_transposed, int b_transposed, int m, int n, int k, T alpha, const T* a, int lda, const T* b, int ldb,
                      T beta, T* c, int ldc);

// Set once, before any table that calls them is given out.
Gemm<float> sgemm = nullptr;
Gemm<double> dgemm = nullptr;

template <class T>
Gemm<T> gemm();
template <>
Gemm<float> gemm<float>() {
  return sgemm;
}
template <>
Gemm<double> gemm<double>() {
  return dgemm;
}

[[noreturn]] void refuse(const std::string& received) {
  throw Error("ERR_BACKEND",
              "[sequential] gemm 'openblas' needs OpenBLAS (Debian: apt-get install libopenblas0). Expected libopenblas, received " +
                  received + ".");
}

#if defined(_WIN32)
void find_openblas() { refuse("Windows, where it is not looked for"); }
#else
template <class Function>
Function symbol(void* library, const char* name) {
  void* const found = dlsym(library, name);
  if (found == nullptr) refuse(std::string("a library without ") + name);
  Function function;
  static_assert(sizeof(function) == sizeof(found), "POSIX: function pointers are as wide as others");
  std::memcpy(&function, &found, sizeof(function));
  return function;
}

void find_openblas() {
  if (dgemm != nullptr) return;
  void* library = nullptr;
  for (const char* const name :
       {"libopenblas.so.0", "libopenblas.so", "libopenblas.dylib", "/opt/homebrew/opt/openblas/lib/libopenblas.dylib"}) {
    library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (library != nullptr) break;
  }
  if (library == nullptr) refuse("none");
  const auto set_threads = symbol<void (*)(int)>(library, "openblas_set_num_threads");
  const auto single = symbol<Gemm<float>>(library, "cblas_sgemm");
  const auto dbl = symbol<Gemm<double>>(library, "cblas_dgemm");
  set_threads(1);
  sgemm = single;
  dgemm = dbl;
}
#endif

template <class T>
const KernelTable<T>& own_table(const KernelSet& set);
template <>
const KernelTable<float>& own_table<float>(const KernelSet& set) {
  return *set.f32;
}
template <>
const KernelTable<double>& own_table<double>(const KernelSet& set) {
  return *set.f64;
}

// The products of KernelTable over a weight of (input panels * width) rows and (panels * width) columns.
template <class T, Isa isa>
struct Products {
  static constexpr size_t width = 64 / sizeof(T);
  static int size(size_t n) { return static_cast<int>(n); }
  static const KernelTable<T>& own() { return own_table<T>(*kernels_for(isa)); }

  static void dense_forward(const T* a, size_t lda, size_t m, size_t k, const T* weight, const T* bias, size_t panels, T* out, size_t ldo,
                            Activation act) {
    const size_t n = panels * width;
    if (bias != nullptr)
      for (size_t r = 0; r < m; ++r) std::memcpy(out + r * ldo, bias, n * sizeof(T));
    gemm<T>()(row_major, as_is, as_is, size(m), size(n), size(k), T(1), a, size(lda), weight, size(n), bias != nullptr ? T(1) : T(0), out,
              size(ldo));
    if (act == Activation::relu || act == Activation::sigmoid || act == Activation::tanh) own().activation_forward(act, out, out, m * ldo);
  }

  static void dense_backward_input(const T* dz, size_t ldz, size_t m, size_t o, const T* weight, size_t panels, T* dx, size_t ldx,
                                   const T* a, Activation act) {
    const size_t columns = (o + width - 1) / width * width;
    gemm<T>()(row_major, as_is, transposed, size(m), size(panels * width), size(o), T(1), dz, size(ldz), weight, size(columns), T(0), dx,
              size(ldx));
    if (a != nullptr) own().activation_backward(act, a, dx, m, ldx);
  }

  // p0 is 0 and p1 all panels.
  static void weight_gradient(const T* x, size_t ldx, const T* dz, size_t ldz, size_t m, size_t, size_t i0, size_t i1, size_t, size_t p1,
                              const GradientSink<T>* sink) {
    const size_t n = p1 * width;
    gemm<T>()(row_major, transposed, as_is, size(i1 - i0), size(n), size(m), T(1), x + i0, size(ldx), dz, size(ldz),
              sink->accumulate ? T(1) : T(0), sink->gradients + i0 * n, size(n));
  }

  static KernelTable<T> table() {
    KernelTable<T> t = own();
    t.dense_forward = dense_forward;
    t.dense_backward_input = dense_backward_input;
    t.weight_gradient = weight_gradient;
    return t;
  }
};

template <Isa isa>
const KernelSet* with_openblas(const KernelSet& set) {
  static const KernelTable<float> f32 = Products<float, isa>::table();
  static const KernelTable<double> f64 = Products<double, isa>::table();
  static const KernelSet with{isa, set.name, &f32, &f64};
  return &with;
}

}  // namespace

const KernelSet* openblas_kernels(const KernelSet& set) {
  static std::mutex mutex;
  {
    const std::lock_guard<std::mutex> lock(mutex);
    find_openblas();
  }
  switch (set.isa) {
    case Isa::baseline:
      return with_openblas<Isa::baseline>(set);
    case Isa::avx2:
      return with_openblas<Isa::avx2>(set);
    case Isa::avx512:
      return with_openblas<Isa::avx512>(set);
    case Isa::neon:
      return with_openblas<Isa::neon>(set);
  }
  return nullptr;
}

}  // namespace nabla
