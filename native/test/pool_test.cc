// Teams, barriers, the queue, flush-to-zero.
#if defined(__linux__)
#include <sched.h>
#endif
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "check.h"
#include "core/pool.h"
#include "core/processors.h"
#include "few_threads.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace {

using nabla::Barrier;
using nabla::FlushToZero;
using nabla::Pool;
using Progress = nabla::Pool::Progress;

// A system that refuses threads: work goes on with those there are, later teams and jobs have theirs. In a child, before this process has
// threads.
void refused_threads() {
#if !defined(NABLA_FEW_THREADS)
  std::printf("skipped: refused threads (memory cannot be limited here)\n");
#else
  const pid_t child = fork();
  if (child == 0) {
    alarm(40);
    Pool& pool = Pool::instance();
    std::atomic<unsigned> ran{0};
    {
      const test::FewThreads none(0);
      if (pool.available(4) != 1) _exit(2);
      pool.run_if_free(4, [&](unsigned thread) { ran.fetch_add(thread == 0 ? 1 : 100); });
      size_t shared = 0;
      pool.share(1000, 1, 4, [&](unsigned, size_t from, size_t to) { shared += to - from; });
      if (ran.load() != 1 || shared != 1000) _exit(3);
      if (pool.submit([] { return Pool::Progress::done; })) _exit(4);
      if (!pool.take_refusal() || pool.take_refusal()) _exit(5);
    }
    // Asked again after a second.
    usleep(1200000);
    {
      const test::FewThreads one(1);
      if (pool.available(4) != 2) _exit(6);
      pool.run(2, [&](unsigned) { ran.fetch_add(1); });
      if (ran.load() != 3) _exit(7);
    }
    usleep(1200000);
    if (pool.available(4) != 4) _exit(8);
    pool.run(4, [&](unsigned) { ran.fetch_add(1); });
    std::atomic<bool> done{false};
    const bool queued = pool.submit([&] {
      done.store(true);
      return Pool::Progress::done;
    });
    while (queued && !done.load()) usleep(1000);
    _exit(queued && ran.load() == 7 && !pool.take_refusal() ? 0 : 9);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK_THAT(WIFEXITED(status) && WEXITSTATUS(status) == 0,
             "a pool that could not start threads goes on; status " + std::to_string(WIFEXITED(status) ? WEXITSTATUS(status) : -status));
#endif
}

void teams() {
  for (unsigned threads = 1; threads <= 16; ++threads) {
    std::vector<int> ran(threads, 0);
    for (int turn = 0; turn < 60; ++turn) {
      const unsigned members = turn % 3 == 0 ? threads : 1 + static_cast<unsigned>(turn) % threads;
      CHECK(Pool::instance().available(members) == members);
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
  const unsigned members = Pool::instance().available(3);
  for (int i = 0; i < 20; ++i)
    CHECK(Pool::instance().submit([&, i] {
      if (i == 0)
        Pool::instance().submit([&] {
          add(100);
          return Progress::done;
        });
      std::atomic<unsigned> team{0};
      Pool::instance().run(members, [&](unsigned) { team.fetch_add(1); });
      add(team.load() == members ? i : -1);
      return Progress::done;
    }));
  std::unique_lock<std::mutex> lock(mutex);
  CHECK(wake.wait_for(lock, std::chrono::seconds(30), [&] { return order.size() == 21; }));
  std::vector<int> own;
  for (const int value : order)
    if (value != 100) own.push_back(value);
  bool ascending = own.size() == 20;
  for (size_t i = 0; ascending && i < own.size(); ++i) ascending = own[i] == static_cast<int>(i);
  CHECK_THAT(ascending, "jobs run in the order they came");
}

// Jobs of several slices take turns, and a brief one waits for one slice of the others at most: with its own thread, and without.
void turns() {
  std::mutex mutex;
  std::condition_variable wake;
  std::vector<std::string> order;
  int held = 0, over = 0;
  bool open = false;
  const auto job = [&](const std::string& name, int slices) {
    return [&, name, left = std::make_shared<int>(slices)] {
      std::unique_lock<std::mutex> lock(mutex);
      order.push_back(name);
      const bool done = --*left == 0;
      over += done;
      wake.notify_all();
      return done ? Progress::done : Progress::more;
    };
  };
  const auto hold = [&] {
    std::unique_lock<std::mutex> lock(mutex);
    ++held;
    wake.notify_all();
    wake.wait(lock, [&] { return open; });
    ++over;
    wake.notify_all();
    return Progress::done;
  };
  const auto wait = [&](const auto& until) {
    std::unique_lock<std::mutex> lock(mutex);
    return wake.wait_for(lock, std::chrono::seconds(30), until);
  };
  Pool& pool = Pool::instance();
  // Both threads are held while the queue fills.
  pool.submit(hold, Pool::Kind::brief);
  CHECK(wait([&] { return held == 1; }));
  pool.submit(hold, Pool::Kind::brief);
  CHECK(wait([&] { return held == 2; }));
  pool.submit(job("a", 3));
  pool.submit(job("b", 3));
  pool.submit(job("c", 1));
  {
    const std::lock_guard<std::mutex> lock(mutex);
    open = true;
    wake.notify_all();
  }
  CHECK(wait([&] { return over == 5; }));
  CHECK((order == std::vector<std::string>{"a", "b", "c", "a", "b", "a", "b"}));

  // A usual job holds the usual thread for as long as it likes: brief ones are answered meanwhile, in their order.
  order.clear();
  held = over = 0;
  open = false;
  pool.submit(hold);
  CHECK(wait([&] { return held == 1; }));
  pool.submit(job("late", 1));
  for (const char* const name : {"x", "y", "z"}) pool.submit(job(name, 1), Pool::Kind::brief);
  // Its first slice alone is brief.
  pool.submit(job("long", 2), Pool::Kind::brief);
  CHECK(wait([&] { return over == 3 && order.size() == 4; }));
  CHECK((order == std::vector<std::string>{"x", "y", "z", "long"}));
  {
    const std::lock_guard<std::mutex> lock(mutex);
    open = true;
    wake.notify_all();
  }
  CHECK(wait([&] { return over == 6; }));
  CHECK((order == std::vector<std::string>{"x", "y", "z", "long", "late", "long"}));
}

// The same where the system refuses the second thread: turns alternate on the first.
void turns_on_one_thread() {
#if defined(NABLA_FEW_THREADS)
  const pid_t child = fork();
  if (child == 0) {
    alarm(40);
    const test::FewThreads one(1);
    Pool& pool = Pool::instance();
    std::atomic<bool> open{false}, held{false};
    std::string order;
    std::atomic<int> over{0};
    pool.submit([&] {
      held.store(true);
      while (!open.load()) usleep(1000);
      return Progress::done;
    });
    const auto job = [&](char name, int slices) {
      return [&, name, left = std::make_shared<int>(slices)] {
        order += name;
        const bool done = --*left == 0;
        over += done;
        return done ? Progress::done : Progress::more;
      };
    };
    while (!held.load()) usleep(1000);
    pool.submit(job('a', 2));
    pool.submit(job('b', 1));
    for (const char name : {'x', 'y', 'z'}) pool.submit(job(name, 1), Pool::Kind::brief);
    open.store(true);
    while (over.load() < 5) usleep(1000);
    _exit(order == "xaybza" ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK_THAT(WIFEXITED(status) && WEXITSTATUS(status) == 0, "brief jobs and others alternate; status " + std::to_string(status));
#endif
}

// A team that is at work keeps nobody waiting who can do without.
void busy_team() {
  if (Pool::instance().available(2) < 2) return;
  std::atomic<bool> open{false}, running{false};
  std::thread other([&] {
    Pool::instance().run(2, [&](unsigned) {
      running.store(true);
      while (!open.load()) usleep(1000);
    });
  });
  while (!running.load()) usleep(1000);
  std::vector<unsigned> threads;
  Pool::instance().run_if_free(2, [&](unsigned thread) { threads.push_back(thread); });
  CHECK(threads == std::vector<unsigned>{0});
  open.store(true);
  other.join();
  std::atomic<unsigned> mask{0};
  Pool::instance().run_if_free(2, [&](unsigned thread) { mask.fetch_or(1u << thread); });
  CHECK(mask.load() == 3);
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
  turns_on_one_thread();
  CHECK(Pool::default_threads() >= 1 && Pool::default_threads() <= 4096);
  teams();
  many_callers();
  barriers();
  seats();
  queue();
  turns();
  busy_team();
  flush_to_zero();
  return test::finish("pool_test");
}
