#include "pool.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <new>
#include <system_error>
#include "cgroup.h"
#include "error.h"
#include "processors.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace nabla {

namespace {

// A thread that was refused is asked for again after this time.
constexpr std::chrono::seconds refused_for{1};

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

int64_t Barrier::wait(unsigned thread) {
  if (threads_ == 1) return 0;
  Pool& pool = Pool::instance();
  pool.note_seat(thread);
  const unsigned phase = phase_.load(std::memory_order_relaxed);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
    arrived_.store(0, std::memory_order_relaxed);
    phase_.store(phase + 1, std::memory_order_release);
    return 0;
  }
  for (unsigned i = 0; i < spins_; ++i) {
    if (phase_.load(std::memory_order_acquire) != phase) return 0;
    pause();
  }
  const auto start = std::chrono::steady_clock::now();
  pool.take_own_seat(thread);
  while (phase_.load(std::memory_order_acquire) == phase) std::this_thread::yield();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start).count();
}

Pool& Pool::instance() {
  static Pool* const pool = new Pool;
  return *pool;
}

unsigned Pool::default_threads() {
  const double quota = cgroup_processors();
  const unsigned allowed = allowed_processors();
  return quota >= allowed ? allowed : quota <= 1 ? 1u : static_cast<unsigned>(std::floor(quota));
}

Pool::Pool() : processors_(allowed_processors()) {}

void Pool::note_seat(unsigned thread) {
  const int processor = current_processor();
  std::atomic<int>& seat = seats_[thread]->processor;
  if (seat.load(std::memory_order_relaxed) != processor) seat.store(processor, std::memory_order_relaxed);
}

void Pool::take_own_seat(unsigned thread) {
  note_seat(thread);
  if (crowded(members_)) return;
  Seat& own = *seats_[thread];
  const int processor = own.processor.load(std::memory_order_relaxed);
  bool shared = false;
  own.taken.clear();
  for (unsigned t = 0; t < members_; ++t) {
    if (t == thread) continue;
    own.taken.push_back(seats_[t]->processor.load(std::memory_order_relaxed));
    shared = shared || own.taken.back() == processor;
  }
  if (!shared || processor < 0) return;
  leave_processors(own.taken);
  note_seat(thread);
}

// False where the system refuses a thread, or has just refused one.
template <class Start>
bool Pool::start_thread(const Start& start) {
  using Clock = std::chrono::steady_clock;
  const Clock::rep now = Clock::now().time_since_epoch().count();
  if (refused_.load(std::memory_order_relaxed) && now < ask_again_.load(std::memory_order_relaxed)) return false;
  try {
    start();
    return true;
  } catch (const std::system_error&) {
  } catch (const std::bad_alloc&) {
  }
  ask_again_.store(now + Clock::duration(refused_for).count(), std::memory_order_relaxed);
  refused_.store(true, std::memory_order_relaxed);
  return false;
}

unsigned Pool::add_helpers(unsigned threads) {
  while (helpers_.size() + 1 < threads) {
    const bool started = start_thread([this] {
      auto helper = std::make_unique<Helper>();
      Helper& self = *helper;
      self.go.store(generation_, std::memory_order_relaxed);
      const unsigned index = static_cast<unsigned>(helpers_.size()) + 1;
      // Room first: a thread that runs must not be lost.
      helpers_.reserve(helpers_.size() + 1);
      while (seats_.size() < index + 1) seats_.push_back(std::make_unique<Seat>());
      for (const std::unique_ptr<Seat>& seat : seats_) seat->taken.reserve(index + 1);
      self.thread = std::thread([this, &self, index, seen = generation_] { help(self, index, seen); });
      helpers_.push_back(std::move(helper));
    });
    if (!started) break;
  }
  team_size_.store(static_cast<unsigned>(helpers_.size()) + 1, std::memory_order_relaxed);
  return std::min<unsigned>(threads, static_cast<unsigned>(helpers_.size()) + 1);
}

unsigned Pool::available(unsigned threads) {
  if (threads <= team_size_.load(std::memory_order_relaxed)) return threads;
  const std::lock_guard<std::mutex> team(team_);
  return add_helpers(threads);
}

void Pool::run(unsigned threads, const std::function<void(unsigned)>& work) {
  if (threads <= 1) {
    work(0);
    return;
  }
  const std::lock_guard<std::mutex> team(team_);
  // Fewer would wait for the missing ones at their barriers.
  if (add_helpers(threads) < threads) throw Error("ERR_INTERNAL", "[native] a team is as large as available() told.");
  run_team(threads, work);
}

void Pool::run_if_free(unsigned threads, const std::function<void(unsigned)>& work) {
  std::unique_lock<std::mutex> team(team_, std::defer_lock);
  if (threads <= 1 || !team.try_lock()) return work(0);
  run_team(add_helpers(threads), work);
}

void Pool::share(size_t count, size_t worth, unsigned threads, const std::function<void(unsigned, size_t, size_t)>& work) {
  const unsigned most = static_cast<unsigned>(std::min<size_t>({threads, processors_, count / worth}));
  // Whoever trains keeps its team: the caller may be an event loop, which does not wait for it.
  std::unique_lock<std::mutex> team(team_, std::defer_lock);
  if (most <= 1 || !team.try_lock()) return work(0, 0, count);
  const unsigned parts = add_helpers(most);
  run_team(parts, [&](unsigned thread) { work(thread, count * thread / parts, count * (thread + 1) / parts); });
}

void Pool::run_team(unsigned threads, const std::function<void(unsigned)>& work) {
  if (threads <= 1) return work(0);
  members_ = threads;
  // Helpers are where they were, spinning or parked.
  take_own_seat(0);
  work_ = &work;
  ++generation_;
  busy_.store(threads - 1, std::memory_order_relaxed);
  for (unsigned i = 0; i + 1 < threads; ++i) {
    Helper& helper = *helpers_[i];
    helper.go.store(generation_, std::memory_order_seq_cst);
    const std::lock_guard<std::mutex> lock(helper.mutex);
    if (helper.parked) helper.wake.notify_one();
  }
  work(0);
  const unsigned spins = crowded(threads) ? 0 : 4000;
  for (unsigned i = 0; busy_.load(std::memory_order_acquire) != 0; ++i) {
    if (i < spins)
      pause();
    else
      std::this_thread::yield();
  }
  work_ = nullptr;
}

void Pool::help(Helper& self, unsigned index, unsigned seen) {
  for (;;) {
    // A spin of some tens of microseconds bridges the gap between slices; then park, so that an idle pool costs nothing.
    for (unsigned i = 0; i < 20000 && self.go.load(std::memory_order_acquire) == seen; ++i) pause();
    if (self.go.load(std::memory_order_acquire) == seen) {
      std::unique_lock<std::mutex> lock(self.mutex);
      self.parked = true;
      self.wake.wait(lock, [&] { return self.go.load(std::memory_order_acquire) != seen; });
      self.parked = false;
    }
    seen = self.go.load(std::memory_order_acquire);
    take_own_seat(index);
    (*work_)(index);
    busy_.fetch_sub(1, std::memory_order_acq_rel);
  }
}

bool Pool::submit(Slice slice, Kind kind) {
  // What allocates comes first.
  std::list<Slice> job;
  job.push_back(std::move(slice));
  const std::lock_guard<std::mutex> lock(queue_mutex_);
  if (!server_.joinable() && !start_thread([this] { server_ = std::thread([this] { serve(false); }); })) return false;
  if (kind == Kind::brief && !brief_server_.joinable())
    // Without it brief jobs have their turns on the other thread.
    start_thread([this] { brief_server_ = std::thread([this] { serve(true); }); });
  std::list<Slice>& to = kind == Kind::brief ? brief_ : queue_;
  to.splice(to.end(), job);
  // All: the one that is woken may not be the one that takes this kind.
  queue_wake_.notify_all();
  return true;
}

void Pool::serve(bool brief_only) {
  std::unique_lock<std::mutex> lock(queue_mutex_);
  for (;;) {
    queue_wake_.wait(lock, [&] { return !brief_.empty() || (!brief_only && !queue_.empty()); });
    // Brief jobs first, but not twice in a row while others wait.
    const bool brief = brief_only || (!brief_.empty() && (queue_.empty() || !brief_last_));
    if (!brief_only) brief_last_ = brief;
    std::list<Slice>& from = brief ? brief_ : queue_;
    std::list<Slice> job;
    job.splice(job.end(), from, from.begin());
    lock.unlock();
    const bool done = job.front()() == Progress::done;
    // What the job holds may take long to free.
    if (done) job.clear();
    lock.lock();
    if (done) continue;
    queue_.splice(queue_.end(), job);
    queue_wake_.notify_all();
  }
}

FlushToZero::FlushToZero() {
#if defined(__x86_64__)
  saved_ = _mm_getcsr();
  _mm_setcsr(static_cast<unsigned>(saved_) | 0x8040u);
#elif defined(__aarch64__)
  asm volatile("mrs %0, fpcr" : "=r"(saved_));
  asm volatile("msr fpcr, %0" ::"r"(saved_ | (1ull << 24)));
#else
  saved_ = 0;
#endif
}

FlushToZero::~FlushToZero() {
#if defined(__x86_64__)
  _mm_setcsr(static_cast<unsigned>(saved_));
#elif defined(__aarch64__)
  asm volatile("msr fpcr, %0" ::"r"(saved_));
#endif
}

}  // namespace nabla
