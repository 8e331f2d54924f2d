#include "bind_jobs.h"

#include <algorithm>
#include <exception>
#include <system_error>
#include <thread>
#include <utility>

#include "core/pool.h"

namespace nabla_addon {

void tell_refusal(Napi::Env env) {
  if (!nabla::Pool::instance().take_refusal()) return;
  try {
    const Napi::Value process = env.Global().Get("process");
    if (!process.IsObject()) return;
    const Napi::Value warn = process.As<Napi::Object>().Get("emitWarning");
    if (!warn.IsFunction()) return;
    Napi::Object options = Napi::Object::New(env);
    options.Set("type", "NablaWarning");
    options.Set("code", "NABLA_THREADS");
    const Napi::String message = Napi::String::New(
        env,
        "the system refused nabla a thread (a limit of processes or memory, ulimit -u, pids.max or ulimit -v). Work goes on with fewer "
        "threads; the results are the same.");
    warn.As<Napi::Function>().Call(process, {message, options});
  } catch (const Napi::Error&) {
    // An environment that is being terminated runs no JavaScript.
  }
}

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
  Job* const raw = job.get();
  // The queue wants a copyable function: ownership passes by the raw pointer to finished_.
  const auto work = [this, raw] {
    using Progress = nabla::Pool::Progress;
    if (!go_on(*raw)) return Progress::more;
    const std::lock_guard<std::mutex> lock(mutex_);
    running_.erase(std::find(running_.begin(), running_.end(), raw));
    finished_.emplace_back(raw);
    if (!closing_) bell_.NonBlockingCall();
    idle_.notify_all();
    return Progress::done;
  };
  if (job->trains) job->network->clear_abort();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    running_.push_back(raw);
  }
  bool queued = false;
  try {
    if (beside && started_thread(work))
      queued = true;
    else
      queued = nabla::Pool::instance().submit(work, job->brief ? nabla::Pool::Kind::brief : nabla::Pool::Kind::usual);
  } catch (...) {
    const std::lock_guard<std::mutex> lock(mutex_);
    running_.erase(std::find(running_.begin(), running_.end(), raw));
    throw;
  }
  if (raw->trains) raw->handle->training = true;
  if (pending_++ == 0) bell_.Ref(env_);
  if (queued) {
    job.release();
    return promise;
  }
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    running_.erase(std::find(running_.begin(), running_.end(), raw));
  }
  own_.push_back(std::move(job));
  if (own_.size() == 1) ask_for_turn();
  return promise;
}

Napi::Value Jobs::start_errand(std::unique_ptr<Job> job) {
  struct Errand {
    std::function<bool()> run;
    std::exception_ptr error;
  };
  const auto errand = std::make_shared<Errand>();
  errand->run = std::move(job->run);
  job->run = [errand] {
    if (errand->error) std::rethrow_exception(errand->error);
    return true;
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

bool Jobs::go_on(Job& job) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (closing_) return true;
  }
  try {
    if (job.handle) job.handle->errands.settle();
    return job.run();
  } catch (const nabla::Error& e) {
    job.code = e.code();
    job.message = e.what();
  } catch (const std::bad_alloc&) {
    job.code = "ERR_MEMORY";
    job.message = "[native] the system refused an allocation.";
  } catch (const std::exception& e) {
    job.code = "ERR_INTERNAL";
    job.message = e.what();
  }
  return true;
}

// An event loop's turn, not the bell: that would be rung again before anything else has its own.
void Jobs::ask_for_turn() {
  const Napi::Function turn = Napi::Function::New(env_, [this](const Napi::CallbackInfo& info) { take_turn(info.Env()); });
  env_.Global().Get("setImmediate").As<Napi::Function>().Call({turn});
}

void Jobs::take_turn(Napi::Env env) {
  if (own_.empty()) return;
  std::unique_ptr<Job> job = std::move(own_.front());
  own_.pop_front();
  const bool over = go_on(*job);
  if (!over) own_.push_back(std::move(job));
  if (!own_.empty()) ask_for_turn();
  if (!over) return;
  end(env, *job);
}

void Jobs::end(Napi::Env env, Job& job) {
  if (job.trains) job.handle->training = false;
  if (--pending_ == 0) bell_.Unref(env);
  tell_refusal(env);
  settle(env, job);
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
    jobs->end(env, *job);
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
    jobs->own_.clear();
    jobs->idle_.wait(lock, [&] { return jobs->running_.empty(); });
    finished.swap(jobs->finished_);
  }
}

}  // namespace nabla_addon
