#include "bind_jobs.h"

#include <algorithm>
#include <exception>
#include <system_error>
#include <thread>
#include <utility>

#include "core/pool.h"

namespace nabla_addon {

Jobs::Jobs(Napi::Env env) : env_(env), bell_(Bell::New(env, "nabla", 0, 1, this)) {
  bell_.Unref(env);
  // Runs before the bell's own clean-up, which was registered earlier.
  napi_add_env_cleanup_hook(env, close, this);
}

Jobs::~Jobs() = default;

namespace {

// False where the system refuses a thread.
bool started_thread(const std::function<void()>& work) {
  try {
    std::thread(work).detach();
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

}  // namespace

Napi::Value Jobs::start(std::unique_ptr<Job> job, bool beside) {
  const Napi::Value promise = job->deferred.Promise();
  if (job->trains) {
    job->network->clear_abort();
    job->handle->training = true;
  }
  Job* const raw = job.get();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    running_.push_back(raw);
  }
  // The queue wants a copyable function: ownership passes by the raw pointer to finished_.
  const auto work = [this, raw] {
    bool closing;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      closing = closing_;
    }
    if (!closing) {
      try {
        if (raw->handle) raw->handle->errands.settle();
        raw->run();
      } catch (const nabla::Error& e) {
        raw->code = e.code();
        raw->message = e.what();
      } catch (const std::bad_alloc&) {
        raw->code = "ERR_MEMORY";
        raw->message = "[native] the system refused an allocation.";
      } catch (const std::exception& e) {
        raw->code = "ERR_INTERNAL";
        raw->message = e.what();
      }
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    running_.erase(std::find(running_.begin(), running_.end(), raw));
    finished_.emplace_back(raw);
    if (!closing_) bell_.NonBlockingCall();
    idle_.notify_all();
  };
  try {
    if (!beside || !started_thread(work)) nabla::Pool::instance().submit(work);
  } catch (...) {
    const std::lock_guard<std::mutex> lock(mutex_);
    running_.erase(std::find(running_.begin(), running_.end(), raw));
    if (raw->trains) raw->handle->training = false;
    throw;
  }
  job.release();
  if (pending_++ == 0) bell_.Ref(env_);
  return promise;
}

Napi::Value Jobs::start_errand(std::unique_ptr<Job> job) {
  struct Errand {
    std::function<void()> run;
    std::exception_ptr error;
  };
  const auto errand = std::make_shared<Errand>();
  errand->run = std::move(job->run);
  job->run = [errand] {
    if (errand->error) std::rethrow_exception(errand->error);
  };
  job->handle->errands.add([errand] {
    try {
      errand->run();
    } catch (...) {
      errand->error = std::current_exception();
    }
    errand->run = nullptr;
  });
  return start(std::move(job));
}

void Jobs::finish(Napi::Env env, Napi::Function, Jobs* jobs, void*) {
  std::deque<std::unique_ptr<Job>> finished;
  {
    const std::lock_guard<std::mutex> lock(jobs->mutex_);
    finished.swap(jobs->finished_);
  }
  if (static_cast<napi_env>(env) == nullptr) return;
  for (const std::unique_ptr<Job>& job : finished) {
    const Napi::HandleScope scope(env);
    if (job->trains) job->handle->training = false;
    if (--jobs->pending_ == 0) jobs->bell_.Unref(env);
    settle(env, *job);
  }
}

void Jobs::settle(Napi::Env env, Job& job) {
  try {
    Napi::Value value;
    if (job.code.empty()) {
      try {
        value = job.finish(env);
      } catch (const nabla::Error& e) {
        job.code = e.code();
        job.message = e.what();
      }
    }
    if (job.code.empty()) {
      job.deferred.Resolve(value);
    } else {
      Napi::Error error = Napi::Error::New(env, job.message);
      error.Set("code", Napi::String::New(env, job.code));
      job.deferred.Reject(error.Value());
    }
  } catch (const Napi::Error&) {
    // An environment that is being terminated runs no JavaScript: nobody waits for the promise.
  }
}

// The environment goes away: stop its jobs within a slice and wait, so that nothing of theirs outlives it.
void Jobs::close(void* self) {
  Jobs* const jobs = static_cast<Jobs*>(self);
  std::deque<std::unique_ptr<Job>> finished;
  {
    std::unique_lock<std::mutex> lock(jobs->mutex_);
    jobs->closing_ = true;
    for (Job* const job : jobs->running_)
      if (job->network) job->network->abort();
    jobs->idle_.wait(lock, [&] { return jobs->running_.empty(); });
    finished.swap(jobs->finished_);
  }
}

}  // namespace nabla_addon
