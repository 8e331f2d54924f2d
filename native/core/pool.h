// The one pool of threads of the process: teams that run a step together, and a queue of jobs that take turns.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace nabla {

// Threads that meet between phases. Waits spin shortly and then give the processor away; wait() says for how many nanoseconds, which is
// 0 unless another thread's work was much longer or the system took its processor. For members of the pool's team, by their numbers.
class Barrier {
 public:
  Barrier(unsigned threads, bool crowded) : threads_(threads), spins_(crowded ? 0 : 4000) {}
  int64_t wait(unsigned thread);

 private:
  const unsigned threads_;
  const unsigned spins_;
  alignas(64) std::atomic<unsigned> arrived_{0};
  alignas(64) std::atomic<unsigned> phase_{0};
};

class Pool {
 public:
  // Never destroyed: threads may outlive static destruction.
  static Pool& instance();
  // What affinity and cgroup allow.
  static unsigned default_threads();

  // Runs work(thread) for thread 0 .. threads - 1, thread 0 on the caller. One team runs at a time; work must not throw.
  void run(unsigned threads, const std::function<void(unsigned)>& work);
  // Runs work(thread, from, to) over parts of [0, count), on several threads where each gets at least `worth` and no other team is at work.
  void share(size_t count, size_t worth, unsigned threads, const std::function<void(unsigned, size_t, size_t)>& work);
  // True where `threads` spinning threads would fight for processors.
  bool crowded(unsigned threads) const { return threads > processors_; }
  // For a team's members: notes the processor that a member is on; moves it where another member is on the same one and it need not be.
  void note_seat(unsigned thread);
  void take_own_seat(unsigned thread);
  // Queues a job; jobs run one after the other on the pool's own thread.
  void submit(std::function<void()> job);

 private:
  struct Helper {
    std::atomic<unsigned> go{0};
    bool parked = false;
    std::mutex mutex;
    std::condition_variable wake;
    std::thread thread;
  };
  struct alignas(64) Seat {
    std::atomic<int> processor{-1};
    std::vector<int> taken;  // scratch of the member
  };
  Pool();
  void run_team(unsigned threads, const std::function<void(unsigned)>& work);
  // `seen`: the last generation that was not for this helper.
  [[noreturn]] void help(Helper& self, unsigned index, unsigned seen);
  [[noreturn]] void serve();

  const unsigned processors_;
  std::mutex team_;
  std::vector<std::unique_ptr<Helper>> helpers_;
  std::vector<std::unique_ptr<Seat>> seats_;
  unsigned members_ = 0;
  const std::function<void(unsigned)>* work_ = nullptr;
  unsigned generation_ = 0;
  std::atomic<unsigned> busy_{0};

  std::mutex queue_mutex_;
  std::condition_variable queue_wake_;
  std::deque<std::function<void()>> queue_;
  bool serving_ = false;
  std::thread server_;
};

// Subnormal results and operands count as zero while one lives; restores the thread's mode.
class FlushToZero {
 public:
  FlushToZero();
  ~FlushToZero();
  FlushToZero(const FlushToZero&) = delete;
  FlushToZero& operator=(const FlushToZero&) = delete;

 private:
  unsigned long long saved_;
};

}  // namespace nabla
