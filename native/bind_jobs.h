// Asynchronous work of one environment: jobs run in the process's pool and end on the environment's own thread. Where the system refuses
// the pool its first thread they run there as well, a slice in each turn of the event loop.
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/errands.h"
#include "core/network.h"
#include "napi_setup.h"

namespace nabla_addon {

// Handles that JavaScript holds as tagged externals.
struct NetworkHandle {
  std::shared_ptr<nabla::Network> network;  // null once disposed
  nabla::Errands errands;                   // done before anything else looks at the network
  bool training = false;                    // an asynchronous slice is queued or runs
  int64_t reported = 0;                     // bytes told to V8
};
struct DataHandle {
  std::shared_ptr<nabla::Data> data;
  // Keep a borrowed SharedArrayBuffer alive.
  Napi::ObjectReference borrowed_x, borrowed_y;
  int64_t reported = 0;
};

// The weights of a moment, for several jobs that can be ended together.
struct ReadingHandle {
  explicit ReadingHandle(std::shared_ptr<const nabla::Network> of) : network(std::move(of)) {}
  void begin(nabla::WeightsChoice weights) {
    const std::lock_guard<std::mutex> lock(mutex);
    if (network) reading = network->read(weights);
  }
  std::shared_ptr<const nabla::Reading> get() {
    const std::lock_guard<std::mutex> lock(mutex);
    return reading;
  }
  void end() {
    const std::lock_guard<std::mutex> lock(mutex);
    reading.reset();
    network.reset();
  }
  std::mutex mutex;
  std::shared_ptr<const nabla::Network> network;  // null once ended
  std::shared_ptr<const nabla::Reading> reading;  // null before the errands that came first are done
  std::atomic<bool> aborted{false};
  int64_t reported = 0;
};

struct Job {
  explicit Job(Napi::Env env) : deferred(Napi::Promise::Deferred::New(env)) {}
  Napi::Promise::Deferred deferred;
  std::shared_ptr<nabla::Network> network;  // null where the work needs none
  std::shared_ptr<NetworkHandle> handle;
  std::shared_ptr<DataHandle> data;
  std::function<bool()> run;                     // in the pool, slice by slice: true when it is done
  std::function<Napi::Value(Napi::Env)> finish;  // on the environment's thread
  // Arrays that the work reads or fills: held until it is done.
  std::vector<Napi::ObjectReference> held;
  bool trains = false;
  bool brief = false;         // somebody may wait for a short answer: Pool::Kind
  std::string code, message;  // set where run threw
};

class Jobs {
 public:
  explicit Jobs(Napi::Env env);
  ~Jobs();
  // Queues the job; its promise settles later. `beside`: on a thread of its own, while the pool works on.
  Napi::Value start(std::unique_ptr<Job> job, bool beside = false);
  // The same for work that later calls on the network must find done: who comes first does it.
  Napi::Value start_errand(std::unique_ptr<Job> job);

 private:
  // A slice of the job; true when it is over.
  bool go_on(Job& job);
  void take_turn(Napi::Env env);
  void ask_for_turn();
  static void finish(Napi::Env env, Napi::Function, Jobs* jobs, void*);
  void end(Napi::Env env, Job& job);
  static void settle(Napi::Env env, Job& job);
  static void close(void* self);
  using Bell = Napi::TypedThreadSafeFunction<Jobs, void, Jobs::finish>;

  Napi::Env env_;
  Bell bell_;
  std::mutex mutex_;
  std::condition_variable idle_;
  std::deque<std::unique_ptr<Job>> finished_;
  std::deque<Job*> running_;
  std::deque<std::unique_ptr<Job>> own_;  // without a thread of the pool; environment's thread only
  size_t pending_ = 0;                    // not yet settled; environment's thread only
  bool closing_ = false;
};

}  // namespace nabla_addon
