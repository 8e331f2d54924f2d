#include "pool.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include "processors.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace nabla {

namespace {

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
  const double quota = paid_processors();
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

void Pool::run(unsigned threads, const std::function<void(unsigned)>& work) {
  if (threads <= 1) {
    work(0);
    return;
  }
  const std::lock_guard<std::mutex> team(team_);
  run_team(threads, work);
}

void Pool::share(size_t count, size_t worth, unsigned threads, const std::function<void(unsigned, size_t, size_t)>& work) {
  const unsigned parts = static_cast<unsigned>(std::min<size_t>({threads, processors_, count / worth}));
  // Whoever trains keeps its team: the caller may be an event loop, which does not wait for it.
  std::unique_lock<std::mutex> team(team_, std::defer_lock);
  if (parts <= 1 || !team.try_lock()) return work(0, 0, count);
  run_team(parts, [&](unsigned thread) { work(thread, count * thread / parts, count * (thread + 1) / parts); });
}

void Pool::run_team(unsigned threads, const std::function<void(unsigned)>& work) {
  helpers_.reserve(threads - 1);
  while (helpers_.size() < threads - 1) {
    auto helper = std::make_unique<Helper>();
    Helper& self = *helper;
    self.go.store(generation_, std::memory_order_relaxed);
    const unsigned index = static_cast<unsigned>(helpers_.size()) + 1;
    // The system may refuse a thread: a helper joins the pool only with one.
    self.thread = std::thread([this, &self, index, seen = generation_] { help(self, index, seen); });
    helpers_.push_back(std::move(helper));
  }
  while (seats_.size() < threads) seats_.push_back(std::make_unique<Seat>());
  for (unsigned i = 0; i < threads; ++i) seats_[i]->taken.reserve(threads);
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

void Pool::submit(std::function<void()> job) {
  const std::lock_guard<std::mutex> lock(queue_mutex_);
  if (!serving_) {
    server_ = std::thread([this] { serve(); });
    serving_ = true;
  }
  queue_.push_back(std::move(job));
  queue_wake_.notify_one();
}

void Pool::serve() {
  for (;;) {
    std::function<void()> job;
    {
      std::unique_lock<std::mutex> lock(queue_mutex_);
      queue_wake_.wait(lock, [&] { return !queue_.empty(); });
      job = std::move(queue_.front());
      queue_.pop_front();
    }
    job();
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
