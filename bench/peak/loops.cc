// The loops that measure a processor: compiled once per instruction set with -DISA=name -DBYTES=width, so that the compiler's
// vectors have that width. Twelve independent chains hide the latency of two multiply-add units.
#include <cstddef>

// The class of vector registers.
#ifdef __x86_64__
#define KEEP(value) "+x"(value)
#else
#define KEEP(value) "+w"(value)
#endif

namespace ISA {

template <class T>
struct Vector {
  typedef T type __attribute__((vector_size(BYTES), aligned(sizeof(T))));
};

// Multiply-add operations of `rounds` rounds: 2 * 12 * BYTES / sizeof(T) a round. Returns something the optimizer cannot guess.
template <class T>
T multiply_add(size_t rounds, T start) {
  typedef typename Vector<T>::type V;
  V a0 = V{} + start, a1 = a0 + 1, a2 = a0 + 2, a3 = a0 + 3, a4 = a0 + 4, a5 = a0 + 5;
  V b0 = a0 + 6, b1 = a0 + 7, b2 = a0 + 8, b3 = a0 + 9, b4 = a0 + 10, b5 = a0 + 11;
  const V x = V{} + static_cast<T>(0.999), y = V{} + start;
  for (size_t i = 0; i < rounds; i++) {
    a0 = a0 * x + y, a1 = a1 * x + y, a2 = a2 * x + y, a3 = a3 * x + y, a4 = a4 * x + y, a5 = a5 * x + y;
    b0 = b0 * x + y, b1 = b1 * x + y, b2 = b2 * x + y, b3 = b3 * x + y, b4 = b4 * x + y, b5 = b5 * x + y;
    // Keeps the loop a loop: no constant folding across rounds.
    asm volatile("" : KEEP(a0), KEEP(a1), KEEP(a2), KEEP(a3), KEEP(a4), KEEP(a5));
    asm volatile("" : KEEP(b0), KEEP(b1), KEEP(b2), KEEP(b3), KEEP(b4), KEEP(b5));
  }
  const V sum = a0 + a1 + a2 + a3 + a4 + a5 + b0 + b1 + b2 + b3 + b4 + b5;
  T total = 0;
  for (size_t k = 0; k < BYTES / sizeof(T); k++) total += sum[k];
  return total;
}

float flops_f32(size_t rounds, float start) { return multiply_add<float>(rounds, start); }
double flops_f64(size_t rounds, double start) { return multiply_add<double>(rounds, start); }

// Sum over memory: as fast as it can be read.
float read(const float* data, size_t count) {
  typedef Vector<float>::type V;
  constexpr size_t width = BYTES / sizeof(float);
  V s[8] = {};
  for (size_t i = 0; i + 8 * width <= count; i += 8 * width)
    for (size_t k = 0; k < 8; k++) s[k] += *reinterpret_cast<const V*>(data + i + k * width);
  const V sum = ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
  float total = 0;
  for (size_t k = 0; k < width; k++) total += sum[k];
  return total;
}

}  // namespace ISA
