// The one pool of threads of the process: teams that run a step together, and a queue of jobs that take turns. Where the system refuses
// threads the pool goes on with those it has.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
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

  // How many of `threads` a team can have: fewer where the system refuses threads, at least 1. What was told stays true.
  unsigned available(unsigned threads);
  // Runs work(thread) for thread 0 .. threads - 1, thread 0 on the caller; `threads` as available() told. One team runs at a time; work
  // must not throw.
  void run(unsigned threads, const std::function<void(unsigned)>& work);
  // The same for work that any number of threads can share: on the caller alone where another team is at work.
  void run_if_free(unsigned threads, const std::function<void(unsigned)>& work);
  // Runs work(thread, from, to) over parts of [0, count), on several threads where each gets at least `worth` and no other team is at work.
  void share(size_t count, size_t worth, unsigned threads, const std::function<void(unsigned, size_t, size_t)>& work);
  // True where `threads` spinning threads would fight for processors.
  bool crowded(unsigned threads) const { return threads > processors_; }
  // For a team's members: notes the processor that a member is on; moves it where another member is on the same one and it need not be.
  void note_seat(unsigned thread);
  void take_own_seat(unsigned thread);
  // Queues a job: one that is not `done` after a slice goes to the end of the queue. `brief` jobs want an answer soon: the first slice of
  // theirs waits for one slice of the others at most, and mostly for none, on a thread of its own. The rest is FIFO. False where the system
  // refuses the first thread: the job is not queued.
  enum class Progress { done, more };
  enum class Kind { usual, brief };
  using Slice = std::function<Progress()>;
  bool submit(Slice slice, Kind kind = Kind::usual);
  // True once in the process, after a thread was refused.
  bool take_refusal() { return refused_.load(std::memory_order_relaxed) && !told_.exchange(true); }

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
  // Starts what is missing of a team, where that is possible. The caller holds team_.
  unsigned add_helpers(unsigned threads);
  template <class Start>
  bool start_thread(const Start& start);
  // `seen`: the last generation that was not for this helper.
  [[noreturn]] void help(Helper& self, unsigned index, unsigned seen);
  // Takes turns; `brief_only`: first slices of brief jobs.
  [[noreturn]] void serve(bool brief_only);

  const unsigned processors_;
  // A refused thread is asked for again after a while, in steady_clock's ticks.
  std::atomic<std::chrono::steady_clock::rep> ask_again_{0};
  std::atomic<bool> refused_{false}, told_{false};
  std::mutex team_;
  std::vector<std::unique_ptr<Helper>> helpers_;
  std::atomic<unsigned> team_size_{1};
  std::vector<std::unique_ptr<Seat>> seats_;
  unsigned members_ = 0;
  const std::function<void(unsigned)>* work_ = nullptr;
  unsigned generation_ = 0;
  std::atomic<unsigned> busy_{0};

  // Lists: a job moves from one to the other without an allocation, which might fail.
  std::mutex queue_mutex_;
  std::condition_variable queue_wake_;
  std::list<Slice> brief_, queue_;
  bool brief_last_ = false;  // turns of the two alternate
  std::thread server_, brief_server_;
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
