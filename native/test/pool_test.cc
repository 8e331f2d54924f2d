// Teams, barriers, the queue, flush-to-zero.
#if defined(__linux__)
#include <sched.h>
#endif
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "check.h"
#include "core/pool.h"
#include "core/processors.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace {

using nabla::Barrier;
using nabla::FlushToZero;
using nabla::Pool;

// A system that refuses threads: an error, and later teams and jobs work. In a child, before this process has threads.
void refused_threads() {
#if defined(NABLA_SANITIZED)
  std::printf("skipped: refused threads (a sanitizer's memory cannot be limited)\n");
#else
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    rlimit before{};
    getrlimit(RLIMIT_AS, &before);
    long pages = 0;
    if (FILE* const file = std::fopen("/proc/self/statm", "r")) {
      if (std::fscanf(file, "%ld", &pages) != 1) pages = 0;
      std::fclose(file);
    }
    rlimit tight = before;
    tight.rlim_cur = static_cast<rlim_t>(pages) * static_cast<rlim_t>(sysconf(_SC_PAGESIZE)) + (1 << 20);
    int refused = 0;
    const auto attempt = [&](auto action) {
      setrlimit(RLIMIT_AS, &tight);
      try {
        action();
      } catch (const std::exception&) {
        ++refused;
      }
      setrlimit(RLIMIT_AS, &before);
    };
    std::atomic<unsigned> ran{0};
    attempt([&] { Pool::instance().run(4, [&](unsigned) { ran.fetch_add(100); }); });
    attempt([&] { Pool::instance().submit([&] { ran.fetch_add(1000); }); });
    if (refused != 2 || ran.load() != 0) _exit(2);
    Pool::instance().run(4, [&](unsigned) { ran.fetch_add(1); });
    if (ran.load() != 4) _exit(3);
    std::atomic<bool> done{false};
    Pool::instance().submit([&] { done.store(true); });
    while (!done.load()) usleep(1000);
    _exit(ran.load() == 4 ? 0 : 4);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK_THAT(WIFEXITED(status) && WEXITSTATUS(status) == 0,
             "a pool that could not start threads goes on later; status " + std::to_string(status));
#endif
}

void teams() {
  for (unsigned threads = 1; threads <= 16; ++threads) {
    std::vector<int> ran(threads, 0);
    for (int turn = 0; turn < 60; ++turn) {
      const unsigned members = turn % 3 == 0 ? threads : 1 + static_cast<unsigned>(turn) % threads;
      Pool::instance().run(members, [&](unsigned thread) { ran[thread] += 1; });
    }
    int sum = 0, expected = 0;
    for (const int n : ran) sum += n;
    for (int turn = 0; turn < 60; ++turn) expected += static_cast<int>(turn % 3 == 0 ? threads : 1 + static_cast<unsigned>(turn) % threads);
    CHECK(sum == expected && ran[0] == 60);
  }
  // A helper that has parked in between.
  for (int turn = 0; turn < 5; ++turn) {
    usleep(3000);
    std::atomic<unsigned> mask{0};
    Pool::instance().run(4, [&](unsigned thread) { mask.fetch_or(1u << thread); });
    CHECK(mask.load() == 15);
  }
}

void many_callers() {
  std::vector<std::thread> callers;
  std::atomic<int> total{0};
  for (int c = 0; c < 4; ++c)
    callers.emplace_back([&, c] {
      for (int turn = 0; turn < 50; ++turn) {
        int own[8] = {};
        const unsigned members = 1 + static_cast<unsigned>(c + turn) % 8;
        Pool::instance().run(members, [&](unsigned thread) { own[thread] = 1; });
        for (const int one : own) total.fetch_add(one);
      }
    });
  for (std::thread& caller : callers) caller.join();
  int expected = 0;
  for (int c = 0; c < 4; ++c)
    for (int turn = 0; turn < 50; ++turn) expected += 1 + (c + turn) % 8;
  CHECK(total.load() == expected);
}

void barriers() {
  for (const unsigned threads : {1u, 2u, 3u, 4u, 7u}) {
    const bool crowded = Pool::instance().crowded(threads);
    Barrier barrier(threads, crowded);
    const int phases = crowded ? 40 : 400;
    std::vector<int> slots(threads, 0);
    std::atomic<int> wrong{0};
    Pool::instance().run(threads, [&](unsigned thread) {
      for (int phase = 1; phase <= phases; ++phase) {
        slots[thread] = phase;
        barrier.wait(thread);
        for (const int slot : slots)
          if (slot != phase) wrong.fetch_add(1);
        barrier.wait(thread);
      }
    });
    CHECK(wrong.load() == 0 && slots[0] == phases);
  }
}

// Two members that start on one processor beside a free one part at once; what the process may use stays as it was.
void seats() {
#if defined(__linux__)
  cpu_set_t all;
  CPU_ZERO(&all);
  CHECK(sched_getaffinity(0, sizeof all, &all) == 0);
  if (CPU_COUNT(&all) < 2) return std::printf("skipped: seats (one processor)\n"), void();
  std::vector<int> all_but_first;
  for (int processor = 0, seen = 0; processor < CPU_SETSIZE; ++processor)
    if (CPU_ISSET(static_cast<unsigned>(processor), &all) && seen++ > 0) all_but_first.push_back(processor);
  unsigned apart = 0;
  for (int turn = 0; turn < 20; ++turn) {
    Barrier barrier(2, false);
    int at[2] = {-1, -1};
    Pool::instance().run(2, [&](unsigned thread) {
      nabla::leave_processors(all_but_first);
      Pool::instance().note_seat(thread);
      barrier.wait(thread);
      if (thread == 1) Pool::instance().take_own_seat(thread);
      at[thread] = nabla::current_processor();
      barrier.wait(thread);
    });
    apart += at[0] != at[1];
    cpu_set_t after;
    CPU_ZERO(&after);
    CHECK(sched_getaffinity(0, sizeof after, &after) == 0 && CPU_EQUAL(&all, &after));
  }
  // Other processes may push a thread back in between.
  CHECK(apart >= 10);
  // Nowhere to go: the thread stays.
  std::vector<int> every;
  for (int processor = 0; processor < CPU_SETSIZE; ++processor) every.push_back(processor);
  nabla::leave_processors(every);
  nabla::leave_processors({-1, CPU_SETSIZE + 5});
  CHECK(nabla::current_processor() >= 0);
#endif
}

void queue() {
  std::mutex mutex;
  std::condition_variable wake;
  std::vector<int> order;
  const auto add = [&](int value) {
    const std::lock_guard<std::mutex> lock(mutex);
    order.push_back(value);
    wake.notify_all();
  };
  // Jobs run in turn; a job may queue another, and may run a team.
  for (int i = 0; i < 20; ++i)
    Pool::instance().submit([&, i] {
      if (i == 0) Pool::instance().submit([&] { add(100); });
      std::atomic<int> team{0};
      Pool::instance().run(3, [&](unsigned) { team.fetch_add(1); });
      add(team.load() == 3 ? i : -1);
    });
  std::unique_lock<std::mutex> lock(mutex);
  CHECK(wake.wait_for(lock, std::chrono::seconds(30), [&] { return order.size() == 21; }));
  std::vector<int> own;
  for (const int value : order)
    if (value != 100) own.push_back(value);
  bool ascending = own.size() == 20;
  for (size_t i = 0; ascending && i < own.size(); ++i) ascending = own[i] == static_cast<int>(i);
  CHECK_THAT(ascending, "jobs run in the order they came");
}

template <class T>
T tiny_product(int exponent) {
  volatile T a = std::numeric_limits<T>::min(), b = std::ldexp(T(1), exponent);
  return a * b;
}
unsigned long long mode() {
#if defined(__x86_64__)
  return _mm_getcsr() & ~0x3Fu;  // without the sticky flags
#elif defined(__aarch64__)
  unsigned long long value;
  asm volatile("mrs %0, fpcr" : "=r"(value));
  return value;
#else
  return 0;
#endif
}

void flush_to_zero() {
  const unsigned long long before = mode();
  CHECK(tiny_product<float>(-3) != 0 && tiny_product<double>(-3) != 0);
  {
    const FlushToZero flush;
    CHECK(tiny_product<float>(-3) == 0 && tiny_product<double>(-3) == 0);
    {
      const FlushToZero again;
      CHECK(tiny_product<double>(-3) == 0);
    }
    CHECK(tiny_product<double>(-3) == 0);
    volatile double subnormal = 0;
    const uint64_t bits = 1;
    std::memcpy(const_cast<double*>(&subnormal), &bits, 8);
    CHECK_THAT(subnormal * 1e300 == 0, "subnormal operands count as zero");
  }
  CHECK(mode() == before && tiny_product<double>(-3) != 0);
  try {
    const FlushToZero flush;
    throw 1;
  } catch (int) {
  }
  CHECK(mode() == before);
  // A helper that ran a flushing team keeps nothing of it.
  std::vector<unsigned long long> modes(4, 0);
  Pool::instance().run(4, [&](unsigned) { const FlushToZero flush; });
  Pool::instance().run(4, [&](unsigned thread) { modes[thread] = mode(); });
  for (const unsigned long long m : modes) CHECK(m == before);
}

}  // namespace

int main() {
  refused_threads();
  CHECK(Pool::default_threads() >= 1 && Pool::default_threads() <= 4096);
  teams();
  many_callers();
  barriers();
  seats();
  queue();
  flush_to_zero();
  return test::finish("pool_test");
}
