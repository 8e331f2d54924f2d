// Calls that compute with loaded data: training, evaluation, prediction, now or as jobs.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "bind_network.h"
#include "bind_values.h"
#include "core/memory_limit.h"
#include "core/permutation.h"
#include "core/uniform.h"

namespace nabla_addon {

namespace {

struct TrainArguments {
  nabla::TrainRequest request;
  std::vector<uint32_t> order;
  size_t scalar_count;
};
// network, data, order, from, to, batch size, repeat, first step, scalars, milliseconds, outputs
TrainArguments train_arguments(const Info& info, const nabla::Network& network, const nabla::Data& data, bool keep) {
  need_features(network, data);
  need_loss(network, data);
  if (!network.spec().optimizer.present) throw Error("ERR_STATE", "[trainSteps] the network has no optimizer. Expected a compiled one.");
  TrainArguments a{};
  nabla::TrainRequest& r = a.request;
  OwnedOrder owned = rows_argument(info, 2, data, keep);
  r.rows = owned.rows;
  a.order = std::move(owned.copy);
  r.batch_size = size_argument(info, 5);
  r.repeat = size_argument(info, 6);
  r.first_step = size_argument(info, 7);
  if (r.batch_size == 0) bad_argument(5, "at least 1");
  const size_t span = r.rows.to - r.rows.from;
  const size_t steps = (span - 1) / r.batch_size + 1;
  if (r.repeat == 0 || r.repeat > (size_t{1} << 40) / steps) bad_argument(6, "at least 1");
  if (r.first_step >= steps * r.repeat) bad_argument(7, "a step of the range");
  const View scalars = view_argument(info, 8, napi_float64_array, "a Float64Array");
  const size_t wanted = steps * r.repeat * nabla::step_numbers;
  if (scalars.length != wanted && scalars.length != nabla::step_numbers)
    bad_argument(8, "step scalars for every step, or those of all steps");
  r.scalars = static_cast<const double*>(scalars.data);
  r.stride = scalars.length == nabla::step_numbers ? 0 : nabla::step_numbers;
  a.scalar_count = scalars.length;
  const size_t bad = nabla::first_non_finite(nabla::InputType::float64, r.scalars, a.scalar_count);
  if (bad < a.scalar_count) {
    const double value = r.scalars[bad];
    throw Error("ERR_NON_FINITE", "[trainSteps] step scalars are finite. Expected a finite number for stepScalars[" + std::to_string(bad) +
                                      "], received " +
                                      (value > 0   ? "Infinity"
                                       : value < 0 ? "-Infinity"
                                                   : "NaN") +
                                      ".");
  }
  r.max_milliseconds = number_argument(info, 9);
  r.outputs = flag_argument(info, 10);
  if (r.outputs) room_for(network, span, network.outputs());
  return a;
}

Napi::Value train_result(Napi::Env env, const nabla::Network& network, const nabla::TrainOutcome& outcome, bool outputs) {
  static const char* const stopped[] = {"done", "slice", "aborted", "nonFinite"};
  Napi::Object result = Napi::Object::New(env);
  result.Set("steps", Napi::Number::New(env, static_cast<double>(outcome.steps)));
  Napi::Float64Array losses = Napi::Float64Array::New(env, outcome.losses.size());
  if (!outcome.losses.empty()) std::memcpy(losses.Data(), outcome.losses.data(), outcome.losses.size() * sizeof(double));
  result.Set("losses", losses);
  if (!network.spec().loss.counts_right()) {
    result.Set("correct", env.Null());
  } else {
    Napi::Uint32Array correct = Napi::Uint32Array::New(env, outcome.correct.size());
    if (!outcome.correct.empty()) std::memcpy(correct.Data(), outcome.correct.data(), outcome.correct.size() * sizeof(uint32_t));
    result.Set("correct", correct);
  }
  result.Set("stopped", Napi::String::New(env, stopped[static_cast<int>(outcome.stopped)]));
  if (outputs)
    result.Set("outputs", floats_from(env, network, outcome.outputs.data(), outcome.output_rows, network.outputs()));
  else
    result.Set("outputs", env.Null());
  return result;
}

Napi::Value train_sync(const Info& info) {
  const Shared<NetworkHandle> handle = settled_handle(info);
  const Shared<DataHandle> data = data_handle(info, 1);
  refuse_while_training(*handle, "trainSteps");
  const TrainArguments a = train_arguments(info, *handle->network, *data->data, false);
  handle->network->clear_abort();
  return train_result(info.Env(), *handle->network, handle->network->train(*data->data, a.request), a.request.outputs);
}

Napi::Value train(const Info& info) {
  const Shared<NetworkHandle> handle = network_handle(info);
  const Shared<DataHandle> data = data_handle(info, 1);
  refuse_while_training(*handle, "trainSteps");
  TrainArguments a = train_arguments(info, *handle->network, *data->data, true);
  std::unique_ptr<Job> job = new_job(info, handle, data);
  job->trains = true;
  struct Owned {
    std::vector<uint32_t> order;
    std::vector<double> scalars;
    nabla::TrainOutcome outcome;
  };
  auto owned = std::make_shared<Owned>();
  owned->order = std::move(a.order);  // rows.order points into it
  owned->scalars.assign(a.request.scalars, a.request.scalars + a.scalar_count);
  a.request.scalars = owned->scalars.data();
  // The network and the data stay alive in the job, even when JavaScript disposes of them meanwhile.
  job->run = [network = job->network, samples = data->data, owned, request = a.request] {
    owned->outcome = network->train(*samples, request);
    return true;
  };
  job->finish = [network = job->network, owned, outputs = a.request.outputs](Napi::Env env) {
    return train_result(env, *network, owned->outcome, outputs);
  };
  return jobs_of(info).start(std::move(job));
}

Napi::Value abort(const Info& info) {
  network_handle(info)->network->abort();
  return info.Env().Undefined();
}

Napi::Value evaluate_result(Napi::Env env, const nabla::Network& network, const nabla::EvaluateOutcome& outcome,
                            const Napi::Value& outputs) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("lossSum", Napi::Number::New(env, outcome.loss_sum));
  result.Set("denominator", Napi::Number::New(env, outcome.denominator));
  result.Set("penalty", Napi::Number::New(env, outcome.penalty));
  if (!network.spec().loss.counts_right())
    result.Set("correct", env.Null());
  else
    result.Set("correct", Napi::Number::New(env, outcome.correct));
  result.Set("outputs", outputs);
  return result;
}

// network, data, order, from, to, published, outputs
Napi::Value evaluate_sync(const Info& info) {
  const Shared<NetworkHandle> handle = settled_handle(info);
  const Shared<DataHandle> data = data_handle(info, 1);
  nabla::Network& network = *handle->network;
  need_features(network, *data->data);
  need_loss(network, *data->data);
  const OwnedOrder owned = rows_argument(info, 2, *data->data, false);
  const nabla::Rows& rows = owned.rows;
  const nabla::WeightsChoice weights = weights_argument(info, 5);
  void* to = nullptr;
  Napi::Value outputs = info.Env().Null();
  if (flag_argument(info, 6)) outputs = new_floats(info.Env(), network, rows.to - rows.from, network.outputs(), &to);
  const nabla::EvaluateOutcome outcome = network.evaluate(*data->data, rows, weights, to);
  return evaluate_result(info.Env(), network, outcome, outputs);
}

struct OwnedRows {
  OwnedOrder order;
  nabla::Rows rows;
  std::unique_ptr<nabla::Inference> inference;
  // The result where one is wanted: JavaScript's own array, filled by the job and shown when it is done.
  Napi::ObjectReference array;
  void* out = nullptr;
};
Shared<OwnedRows> own_rows(const Info& info, size_t index, const nabla::Network& network, const nabla::Data& data, bool outputs) {
  auto owned = std::make_shared<OwnedRows>();
  owned->order = rows_argument(info, index, data, true);
  owned->rows = owned->order.rows;
  if (outputs)
    owned->array = Napi::Persistent(
        new_floats(info.Env(), network, owned->rows.to - owned->rows.from, network.outputs(), &owned->out).As<Napi::Object>());
  return owned;
}
Napi::Value owned_outputs(Napi::Env env, const OwnedRows& owned) {
  if (owned.out == nullptr) return env.Null();
  return owned.array.Value();
}

// Starts a job in slices. It begins now, with the weights of now; where a slice trains or new weights wait, when that is over. One with a
// reading has its weights.
template <class Begin>
Napi::Value start_inference(const Info& info, std::unique_ptr<Job> job, const Shared<OwnedRows>& owned, const ReadingArgument& argument,
                            const Begin& begin) {
  constexpr double slice_milliseconds = 20;
  const Shared<ReadingHandle>& given = argument.given;
  const bool settled = !job->handle->training && !job->handle->errands.waiting();
  const auto begin_reading = [network = job->network, given, weights = argument.weights] {
    if (!given) return network->read(weights);
    std::shared_ptr<const nabla::Reading> reading = given->get();
    if (!reading) throw Error("ERR_STATE", "[native] the reading has ended. Expected a live one.");
    return reading;
  };
  if (given ? given->get() != nullptr : settled || argument.weights == nabla::WeightsChoice::published)
    owned->inference = begin(begin_reading());
  job->brief = owned->inference != nullptr;
  job->run = [owned, begin, begin_reading, given] {
    if (given && given->aborted.load(std::memory_order_relaxed)) throw Error("ERR_ABORTED", "[native] the reading was aborted.");
    if (!owned->inference) owned->inference = begin(begin_reading());
    return owned->inference->go_on(slice_milliseconds);
  };
  return jobs_of(info).start(std::move(job));
}

// network, data, order, from, to, published, outputs, reading or null
Napi::Value evaluate(const Info& info) {
  const Shared<NetworkHandle> handle = network_handle(info);
  const Shared<DataHandle> data = data_handle(info, 1);
  need_features(*handle->network, *data->data);
  need_loss(*handle->network, *data->data);
  const ReadingArgument reads = reading_argument(info, 5, 7, *handle->network);
  const Shared<OwnedRows> owned = own_rows(info, 2, *handle->network, *data->data, flag_argument(info, 6));
  std::unique_ptr<Job> job = new_job(info, handle, data);
  job->finish = [network = job->network, owned](Napi::Env env) {
    return evaluate_result(env, *network, owned->inference->outcome(), owned_outputs(env, *owned));
  };
  const auto begin = [network = job->network, samples = data->data, owned = owned.get()](std::shared_ptr<const nabla::Reading> reading) {
    return network->begin_evaluate(*samples, owned->rows, std::move(reading), owned->out);
  };
  return start_inference(info, std::move(job), owned, reads, begin);
}

nabla::OutputKind kind_argument(const Info& info, size_t index) {
  return flag_argument(info, index) ? nabla::OutputKind::logits : nabla::OutputKind::outputs;
}

// network, data, order, from, to, logits, published
Napi::Value predict_sync(const Info& info) {
  const Shared<NetworkHandle> handle = settled_handle(info);
  const Shared<DataHandle> data = data_handle(info, 1);
  need_features(*handle->network, *data->data);
  const OwnedOrder owned = rows_argument(info, 2, *data->data, false);
  const nabla::Rows& rows = owned.rows;
  void* to = nullptr;
  const Napi::Value out = new_floats(info.Env(), *handle->network, rows.to - rows.from, handle->network->outputs(), &to);
  handle->network->predict(*data->data, rows, kind_argument(info, 5), weights_argument(info, 6), to);
  return out;
}

// network, data, order, from, to, logits, published, reading or null
Napi::Value predict(const Info& info) {
  const Shared<NetworkHandle> handle = network_handle(info);
  const Shared<DataHandle> data = data_handle(info, 1);
  need_features(*handle->network, *data->data);
  const nabla::OutputKind kind = kind_argument(info, 5);
  const ReadingArgument reads = reading_argument(info, 6, 7, *handle->network);
  const Shared<OwnedRows> owned = own_rows(info, 2, *handle->network, *data->data, true);
  std::unique_ptr<Job> job = new_job(info, handle, data);
  job->finish = [owned](Napi::Env env) { return owned_outputs(env, *owned); };
  const auto begin = [network = job->network, samples = data->data, owned = owned.get(),
                      kind](std::shared_ptr<const nabla::Reading> reading) {
    return network->begin_predict(*samples, owned->rows, kind, std::move(reading), owned->out);
  };
  return start_inference(info, std::move(job), owned, reads, begin);
}

// network, x -> index or -1
Napi::Value first_unusable(const Info& info) {
  const nabla::Network& network = *network_handle(info)->network;
  const View x = view_of(info[1], 1);
  const nabla::InputType type = input_type(x, x.length, 1);
  const size_t at = nabla::first_unusable(type, x.data, x.length, !network.spec().float64, network.threads());
  return Napi::Number::New(info.Env(), at == x.length ? -1.0 : static_cast<double>(at));
}

struct Stream {
  uint64_t seed;
  uint32_t purpose;
  uint64_t index;
};
// seed, purpose, index
Stream stream_argument(const Info& info, size_t at) {
  const double seed = number_argument(info, at), index = number_argument(info, at + 2);
  constexpr double most = 9007199254740991;
  if (!(seed >= 0 && seed <= most && seed == std::floor(seed))) bad_argument(at, "a whole number");
  if (!(index >= 0 && index <= most && index == std::floor(index))) bad_argument(at + 2, "a whole number");
  return {static_cast<uint64_t>(seed), static_cast<uint32_t>(size_argument(info, at + 1)), static_cast<uint64_t>(index)};
}

// array to fill, seed, purpose, index, low, high
Napi::Value fill_uniform(const Info& info) {
  const View out = view_of(info[0], 0);
  const Stream s = stream_argument(info, 1);
  const double low = number_argument(info, 4), high = number_argument(info, 5);
  if (out.type == napi_float32_array)
    nabla::fill_uniform(static_cast<float*>(out.data), out.length, s.seed, s.purpose, s.index, low, high);
  else if (out.type == napi_float64_array)
    nabla::fill_uniform(static_cast<double*>(out.data), out.length, s.seed, s.purpose, s.index, low, high);
  else
    bad_argument(0, "a Float32Array or Float64Array");
  return info.Env().Undefined();
}

// Uint32Array to fill, seed, purpose, index
std::function<void()> permutation_of(const Info& info) {
  const View order = view_argument(info, 0, napi_uint32_array, "a Uint32Array");
  if (order.length > 0xffffffffu) bad_argument(0, "at most 2^32 - 1 numbers");
  const Stream s = stream_argument(info, 1);
  return [to = static_cast<uint32_t*>(order.data), count = order.length, s] { nabla::permute(to, count, s.seed, s.purpose, s.index); };
}
Napi::Value permute(const Info& info) {
  permutation_of(info)();
  return info.Env().Undefined();
}
// The array is the job's until its promise settles.
Napi::Value permute_async(const Info& info) {
  std::unique_ptr<Job> job = new_job(info, nullptr, nullptr);
  job->run = [permute = permutation_of(info)] {
    permute();
    return true;
  };
  job->held.push_back(Napi::Persistent(info[0].As<Napi::Object>()));
  job->finish = [](Napi::Env env) { return env.Undefined(); };
  return jobs_of(info).start(std::move(job), true);
}

// network, x, rows, logits, published, out (an array that takes the result at its start, or null for a fresh one)
Napi::Value predict_array(const Info& info) {
  const Shared<NetworkHandle> handle = settled_handle(info);
  nabla::Network& network = *handle->network;
  const size_t rows = size_argument(info, 2);
  const View x = view_of(info[1], 1);
  if (rows == 0 || x.length / network.spec().input_size != rows || x.length % network.spec().input_size != 0)
    throw Error("ERR_SHAPE", "[predict] x has rows of features. Expected rows * " + std::to_string(network.spec().input_size) +
                                 " numbers for x, received " + std::to_string(x.length) + " for " + std::to_string(rows) + " rows.");
  const nabla::InputType type = input_type(x, rows * network.spec().input_size, 1);
  const size_t count = rows * network.spec().input_size;
  const size_t bad = nabla::first_non_finite(type, x.data, count);
  if (bad < count)
    throw Error("ERR_NON_FINITE", "[predict] samples must be finite. Expected numbers for x, received NaN or infinity in row " +
                                      std::to_string(bad / network.spec().input_size) + ", column " +
                                      std::to_string(bad % network.spec().input_size) + ".");
  void* to = nullptr;
  Napi::Value out;
  if (absent(info, 5)) {
    out = new_floats(info.Env(), network, rows, network.outputs(), &to);
  } else {
    const size_t wanted = room_for(network, rows, network.outputs());
    const View given = view_argument(info, 5, array_type(network), "an array of the network's dtype, or null");
    if (given.length < wanted) bad_argument(5, "an array with room for every row's outputs");
    to = given.data;
    out = info[5];
  }
  network.predict_array(type, x.data, rows, kind_argument(info, 3), weights_argument(info, 4), to);
  return out;
}

}  // namespace

void register_runs(Napi::Env env, Napi::Object exports) {
  const auto add = [&](const char* name, Napi::Value (*function)(const Info&)) {
    exports.Set(name, Napi::Function::New(env, function, name));
  };
  add("train", call<train>);
  add("trainSync", call<train_sync>);
  add("abort", call<abort>);
  add("evaluate", call<evaluate>);
  add("evaluateSync", call<evaluate_sync>);
  add("predict", call<predict>);
  add("predictSync", call<predict_sync>);
  add("firstUnusable", call<first_unusable>);
  add("fillUniform", call<fill_uniform>);
  add("permute", call<permute>);
  add("permuteAsync", call<permute_async>);
  add("predictArray", call<predict_array>);
}

}  // namespace nabla_addon
