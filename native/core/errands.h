// Work on a network that a thread does beside the event loop and that every later call on the network finds done.
#pragma once
#include <atomic>
#include <deque>
#include <functional>
#include <mutex>
#include <utility>

namespace nabla {

class Errands {
 public:
  // `work` runs once, after what was added before; it must not throw.
  void add(std::function<void()> work) {
    const std::lock_guard<std::mutex> lock(queue_mutex_);
    queue_.push_back(std::move(work));
    waiting_.fetch_add(1, std::memory_order_release);
  }
  // Does what is waiting, or waits for the thread that is at it. Costs one load where there is nothing.
  void settle() {
    if (waiting_.load(std::memory_order_acquire) == 0) return;
    const std::lock_guard<std::mutex> turn(turn_);
    for (;;) {
      std::function<void()> work;
      {
        const std::lock_guard<std::mutex> lock(queue_mutex_);
        if (queue_.empty()) return;
        work = std::move(queue_.front());
        queue_.pop_front();
      }
      work();
      waiting_.fetch_sub(1, std::memory_order_release);
    }
  }
  bool waiting() const { return waiting_.load(std::memory_order_acquire) != 0; }

 private:
  std::mutex turn_;  // held while work runs: adding more does not wait for it
  std::mutex queue_mutex_;
  std::deque<std::function<void()>> queue_;
  std::atomic<size_t> waiting_{0};
};

}  // namespace nabla
