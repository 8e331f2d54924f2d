// Measures what the processor can do at most: peak ISA THREADS -> {"f32":GFLOP/s,"f64":GFLOP/s,"read":GB/s}
// Best of several short rounds: a peak is what is possible, not what is usual. Threads start together.
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#define DECLARE(ISA)                \
  namespace ISA {                   \
  float flops_f32(size_t, float);   \
  double flops_f64(size_t, double); \
  float read(const float*, size_t); \
  }
DECLARE(baseline)
#ifdef __x86_64__
DECLARE(avx2)
DECLARE(avx512)
#endif

namespace {

struct Loops {
  const char* name;
  size_t bytes;
  float (*f32)(size_t, float);
  double (*f64)(size_t, double);
  float (*read)(const float*, size_t);
};
const Loops all_loops[] = {
#ifdef __x86_64__
    {"avx512", 64, avx512::flops_f32, avx512::flops_f64, avx512::read},
    {"avx2", 32, avx2::flops_f32, avx2::flops_f64, avx2::read},
    {"baseline", 16, baseline::flops_f32, baseline::flops_f64, baseline::read},
#else
    {"neon", 16, baseline::flops_f32, baseline::flops_f64, baseline::read},
    {"baseline", 16, baseline::flops_f32, baseline::flops_f64, baseline::read},
#endif
};

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

volatile double sink;

// Seconds until `threads` threads have each done work(index), counted from when all of them are ready.
template <class Work>
double together(int threads, Work work) {
  std::atomic<int> ready{0};
  std::atomic<bool> go{false};
  std::vector<std::thread> pool;
  for (int i = 0; i < threads; i++) {
    pool.emplace_back([&, i] {
      ready++;
      while (!go) {
      }
      work(i);
    });
  }
  while (ready < threads) std::this_thread::yield();
  const double start = now();
  go = true;
  for (auto& thread : pool) thread.join();
  return now() - start;
}

}  // namespace

int main(int argc, char** argv) {
  const Loops* loops = nullptr;
  for (const Loops& one : all_loops)
    if (argc > 1 && std::strcmp(argv[1], one.name) == 0) loops = &one;
  const int threads = argc > 2 ? std::atoi(argv[2]) : 0;
  if (!loops || threads < 1) {
    std::fprintf(stderr, "peak ISA THREADS\n");
    return 2;
  }
  // 40 to 100 ms a try: long enough for the clock to settle, short enough to find an undisturbed one.
  const size_t rounds = 8000000;
  const double operations = 2.0 * 12 * static_cast<double>(loops->bytes) * static_cast<double>(rounds) * threads;
  double f32 = 0, f64 = 0, read = 0;
  for (int i = 0; i < 5; i++) {
    double seconds = together(threads, [&](int) { sink = loops->f32(rounds, 0.001f); });
    if (operations / 4 / seconds > f32) f32 = operations / 4 / seconds;
    seconds = together(threads, [&](int) { sink = loops->f64(rounds, 0.001); });
    if (operations / 8 / seconds > f64) f64 = operations / 8 / seconds;
  }
  const size_t count = size_t{128} << 18;  // 128 MB of float32
  std::vector<float> memory(count, 1.0f);
  for (int i = 0; i < 5; i++) {
    const size_t share = count / static_cast<size_t>(threads);
    const double seconds =
        together(threads, [&](int index) { sink = loops->read(memory.data() + static_cast<size_t>(index) * share, share); });
    const double rate = static_cast<double>(count) * 4 / seconds;
    if (rate > read) read = rate;
  }
  std::printf("{\"f32\":%.2f,\"f64\":%.2f,\"read\":%.2f}\n", f32 / 1e9, f64 / 1e9, read / 1e9);
  return 0;
}
