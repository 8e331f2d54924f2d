#include "bind_network.h"

#include <cstring>
#include <utility>

#include "bind_jobs.h"
#include "bind_spec.h"
#include "core/memory_limit.h"
#include "core/pool.h"
#include "kernels/dispatch.h"

namespace nabla_addon {

namespace {

using nabla::Error;
using Info = Napi::CallbackInfo;

constexpr napi_type_tag network_tag = {0x6e61626c61206e65ull, 0x74776f726b000001ull};
constexpr napi_type_tag data_tag = {0x6e61626c61206461ull, 0x7461000000000001ull};

template <class H>
using Shared = std::shared_ptr<H>;

// Tells V8 how much native memory a handle holds now.
template <class H>
void report(Napi::Env env, H& handle, size_t bytes) {
  const int64_t now = static_cast<int64_t>(bytes);
  if (now != handle.reported) Napi::MemoryManagement::AdjustExternalMemory(env, now - handle.reported);
  handle.reported = now;
}
// Wraps a handle in a tagged external that frees it on collection.
template <class H>
Napi::Value wrap(Napi::Env env, Shared<H> handle, const napi_type_tag& tag) {
  auto external = Napi::External<Shared<H>>::New(env, new Shared<H>(std::move(handle)), [](Napi::Env e, Shared<H>* held) {
    report(e, **held, 0);
    delete held;
  });
  external.TypeTag(&tag);
  return external;
}
template <class H>
Shared<H> unwrap(const Info& info, size_t index, const napi_type_tag& tag, const char* expected) {
  if (index >= info.Length() || !info[index].IsExternal()) bad_argument(index, expected);
  const auto external = info[index].As<Napi::External<Shared<H>>>();
  if (!external.CheckTypeTag(&tag)) bad_argument(index, expected);
  return *external.Data();
}
Shared<NetworkHandle> network_handle(const Info& info) {
  Shared<NetworkHandle> handle = unwrap<NetworkHandle>(info, 0, network_tag, "a network");
  if (!handle->network) throw Error("ERR_STATE", "[native] the network was disposed of. Expected a live one.");
  return handle;
}
Shared<DataHandle> data_handle(const Info& info, size_t index) {
  Shared<DataHandle> handle = unwrap<DataHandle>(info, index, data_tag, "loaded data");
  if (!handle->data) throw Error("ERR_STATE", "[native] the data was disposed of. Expected live data.");
  return handle;
}
void refuse_while_training(const NetworkHandle& handle, const char* op) {
  if (handle.training)
    throw Error("ERR_BUSY", std::string("[") + op + "] one job may change a network at a time. Expected no training to run.");
}

size_t element_size(const nabla::Network& network) { return network.spec().float64 ? 8 : 4; }
napi_typedarray_type array_type(const nabla::Network& network) { return network.spec().float64 ? napi_float64_array : napi_float32_array; }

// Elements of (rows, columns) in the network's dtype. Throws ERR_MEMORY for what no array and no memory can hold.
size_t room_for(const nabla::Network& network, size_t rows, size_t columns) {
  constexpr double longest_array = 4294967295.0;  // V8's, in Node 20
  constexpr double always_fine = 64 << 20;
  const double count = static_cast<double>(rows) * static_cast<double>(columns), bytes = count * static_cast<double>(element_size(network));
  if (count > longest_array)
    throw Error("ERR_MEMORY", "[native] a result must fit in one array. Expected at most 4294967295 numbers, received a need of " +
                                  std::to_string(count) + ".");
  if (bytes > always_fine) nabla::check_memory("native", bytes);
  return rows * columns;
}
Napi::Value new_floats(Napi::Env env, const nabla::Network& network, size_t rows, size_t columns, void** data) {
  constexpr size_t small = 16 << 20;
  const size_t count = room_for(network, rows, columns), bytes = count * element_size(network);
  Napi::ArrayBuffer buffer;
  if (bytes <= small) {
    buffer = Napi::ArrayBuffer::New(env, bytes);
  } else {
    // JavaScript's own constructor throws where the C++ function would end the process.
    Napi::Value made;
    try {
      made = env.Global().Get("ArrayBuffer").As<Napi::Function>().New({Napi::Number::New(env, static_cast<double>(bytes))});
    } catch (const Napi::Error&) {
    }
    if (made.IsEmpty() || !made.IsArrayBuffer() || made.As<Napi::ArrayBuffer>().ByteLength() != bytes)
      throw Error("ERR_MEMORY", "[native] the system refused an allocation. Expected room for " + std::to_string(bytes) + " bytes.");
    buffer = made.As<Napi::ArrayBuffer>();
  }
  *data = buffer.Data();
  if (network.spec().float64) return Napi::Float64Array::New(env, count, buffer, 0);
  return Napi::Float32Array::New(env, count, buffer, 0);
}
View floats_of(const Napi::Value& value, size_t index, const nabla::Network& network, size_t count) {
  const View view = view_of(value, index);
  if (view.type != array_type(network) || view.length != count)
    bad_argument(index, "an array of the network's dtype and the parameter's length");
  return view;
}
// Room for one array a parameter: JavaScript arrays and where they lie.
Napi::Array new_parameters(Napi::Env env, const nabla::Network& network, std::vector<void*>& pointers) {
  const std::vector<size_t> sizes = network.parameter_sizes();
  Napi::Array arrays = Napi::Array::New(env, sizes.size());
  pointers.assign(sizes.size(), nullptr);
  for (uint32_t i = 0; i < sizes.size(); ++i) arrays.Set(i, new_floats(env, network, sizes[i], 1, &pointers[i]));
  return arrays;
}
// The elements of a list. Reading them may run JavaScript (getters), which may dispose of anything: memory is looked at afterwards.
std::vector<Napi::Value> read_list(const Napi::Value& value, size_t index, size_t count, const char* expected) {
  if (!value.IsArray() || value.As<Napi::Array>().Length() != count) bad_argument(index, expected);
  std::vector<Napi::Value> items;
  for (uint32_t i = 0; i < count; ++i) items.push_back(value.As<Napi::Array>().Get(i));
  return items;
}
std::vector<const void*> parameter_views(const std::vector<Napi::Value>& items, size_t index, const nabla::Network& network) {
  const std::vector<size_t> sizes = network.parameter_sizes();
  if (items.size() != sizes.size()) bad_argument(index, "one array a parameter");
  std::vector<const void*> pointers;
  for (size_t i = 0; i < sizes.size(); ++i) pointers.push_back(floats_of(items[i], index, network, sizes[i]).data);
  return pointers;
}

// Rows that a call may rely on: checked, and in memory of its own where others may write.
struct OwnedOrder {
  nabla::Rows rows;
  std::vector<uint32_t> copy;
};
// Arguments order, from, to at `index`; every position is checked against the data. `keep`: the order outlives the call.
OwnedOrder rows_argument(const Info& info, size_t index, const nabla::Data& data, bool keep) {
  OwnedOrder owned;
  nabla::Rows& rows = owned.rows;
  rows.from = size_argument(info, index + 1);
  rows.to = size_argument(info, index + 2);
  size_t limit = data.rows;
  bool shared = false;
  if (!absent(info, index)) {
    const View order = view_argument(info, index, napi_uint32_array, "a Uint32Array or null");
    rows.order = static_cast<const uint32_t*>(order.data);
    limit = order.length;
    shared = order.shared;
  }
  if (rows.from >= rows.to || rows.to > limit)
    throw Error("ERR_RANGE", "[native] rows must be a non-empty range of the data. Expected 0 <= from < to <= " + std::to_string(limit) +
                                 ", received " + std::to_string(rows.from) + " and " + std::to_string(rows.to) + ".");
  if (rows.order == nullptr) return owned;
  const size_t first = rows.from;
  if (keep || shared) {
    owned.copy.assign(rows.order + rows.from, rows.order + rows.to);
    rows = {owned.copy.data(), 0, owned.copy.size()};
  }
  for (size_t i = rows.from; i < rows.to; ++i)
    if (rows.order[i] >= data.rows)
      throw Error("ERR_RANGE", "[native] order must hold rows of the data. Expected numbers below " + std::to_string(data.rows) +
                                   ", received " + std::to_string(rows.order[i]) + " at position " + std::to_string(i - rows.from + first) +
                                   ".");
  return owned;
}
nabla::WeightsChoice weights_argument(const Info& info, size_t index) {
  return flag_argument(info, index) ? nabla::WeightsChoice::published : nabla::WeightsChoice::current;
}
void need_loss(const nabla::Network& network, const nabla::Data& data) {
  if (network.spec().loss.name == nabla::LossName::none)
    throw Error("ERR_STATE", "[native] the network has no loss. Expected a compiled one.");
  if (data.kind == nabla::TargetKind::none) throw Error("ERR_STATE", "[native] the data has no targets. Expected y to be loaded.");
  if (data.kind == nabla::TargetKind::labels && network.spec().loss.name != nabla::LossName::softmax_cross_entropy)
    throw Error("ERR_TYPE", "[native] class labels go with softmax cross-entropy. Expected values.");
}
void need_features(const nabla::Network& network, const nabla::Data& data) {
  if (data.features != network.spec().input_size) throw Error("ERR_SHAPE", "[native] the data belongs to a network of another input size.");
}

Napi::Value info_of(const Info& info) {
  const Napi::Env env = info.Env();
  Napi::Object result = Napi::Object::New(env);
  Napi::Array isas = Napi::Array::New(env);
  for (int i = 0; i < nabla::isa_count; ++i)
    if (nabla::kernels_for(static_cast<nabla::Isa>(i)) != nullptr)
      isas.Set(isas.Length(), Napi::String::New(env, nabla::isa_name(static_cast<nabla::Isa>(i))));
  result.Set("isas", isas);
  result.Set("defaultIsa", Napi::String::New(env, nabla::best_kernels()->name));
  result.Set("threads", Napi::Number::New(env, nabla::Pool::default_threads()));
  return result;
}

// spec, isa or null, threads, materialised -> network
Napi::Value create_network(const Info& info) {
  if (info.Length() < 4 || !info[0].IsObject()) bad_argument(0, "a network's description");
  nabla::NetworkSpec spec = read_spec(info[0].As<Napi::Object>());
  const nabla::KernelSet* kernels = nabla::best_kernels();
  if (!absent(info, 1)) {
    if (!info[1].IsString()) bad_argument(1, "an instruction set's name or null");
    const std::string name = info[1].As<Napi::String>().Utf8Value();
    kernels = nullptr;
    for (int i = 0; i < nabla::isa_count; ++i)
      if (name == nabla::isa_name(static_cast<nabla::Isa>(i))) kernels = nabla::kernels_for(static_cast<nabla::Isa>(i));
    if (kernels == nullptr) throw Error("ERR_BACKEND", "[native] this processor has no instruction set '" + name + "'.");
  }
  const size_t threads = size_argument(info, 2);
  if (threads < 1 || threads > 256) throw Error("ERR_RANGE", "[native] threads must be from 1 to 256.");
  auto handle = std::make_shared<NetworkHandle>();
  handle->network = nabla::make_network(std::move(spec), kernels, static_cast<unsigned>(threads), flag_argument(info, 3));
  report(info.Env(), *handle, handle->network->bytes());
  return wrap(info.Env(), std::move(handle), network_tag);
}

Napi::Value dispose_network(const Info& info) {
  const Shared<NetworkHandle> handle = unwrap<NetworkHandle>(info, 0, network_tag, "a network");
  handle->network.reset();
  report(info.Env(), *handle, 0);
  return info.Env().Undefined();
}

// network, x, rows, labels or values or null, sample weights or null, borrow x, borrow y -> data
Napi::Value load(const Info& info) {
  const Shared<NetworkHandle> handle = network_handle(info);
  const nabla::Network& network = *handle->network;
  auto result = std::make_shared<DataHandle>();
  result->data = std::make_shared<nabla::Data>();
  nabla::Data& data = *result->data;
  data.rows = size_argument(info, 2);
  data.features = network.spec().input_size;
  if (data.rows == 0) bad_argument(2, "at least one row");
  const View x = view_of(info[1], 1);
  // Quotients: a product could wrap around.
  if (x.length / data.features < data.rows) bad_argument(1, "an array that holds every row");
  const size_t count = data.rows * data.features;
  const nabla::InputType type = input_type(x, count, 1);
  const size_t outputs = network.outputs();
  // Only shared memory stays where it is: any other buffer may be transferred or resized.
  const bool borrow_x = flag_argument(info, 5) && x.shared, borrow_y = flag_argument(info, 6);
  if (!absent(info, 3)) {
    const View y = view_of(info[3], 3);
    if (y.type == napi_int32_array) {
      if (y.length < data.rows) bad_argument(3, "one label a row");
      data.labels.assign(static_cast<const int32_t*>(y.data), static_cast<const int32_t*>(y.data) + data.rows);
      const std::vector<int32_t>& labels = data.labels;
      for (size_t i = 0; i < data.rows; ++i)
        if (labels[i] < 0 || static_cast<size_t>(labels[i]) >= outputs)
          throw Error("ERR_RANGE", "[load] labels must name a class. Expected 0 to " + std::to_string(outputs - 1) + " for y, received " +
                                       std::to_string(labels[i]) + " in row " + std::to_string(i) + ".");
      data.kind = nabla::TargetKind::labels;
    } else {
      if (y.length / outputs < data.rows) bad_argument(3, "one row of values a row");
      const nabla::InputType y_type = input_type(y, data.rows * outputs, 3);
      data.values.set(y_type, y.data, data.rows * outputs, borrow_y && y.shared);
      if (borrow_y && y.shared) result->borrowed_y = Napi::Persistent(info[3].As<Napi::Object>());
      data.kind = nabla::TargetKind::values;
    }
  }
  if (!absent(info, 4)) {
    const View weights = view_argument(info, 4, napi_float64_array, "a Float64Array with one weight a row");
    if (weights.length < data.rows) bad_argument(4, "one weight a row");
    const double* const w = static_cast<const double*>(weights.data);
    data.weights.assign(w, w + data.rows);
  }
  data.set_samples(type, x.data, borrow_x, network.threads());
  if (borrow_x) result->borrowed_x = Napi::Persistent(info[1].As<Napi::Object>());
  report(info.Env(), *result, data.bytes());
  return wrap(info.Env(), std::move(result), data_tag);
}

Napi::Value dispose_data(const Info& info) {
  const Shared<DataHandle> handle = unwrap<DataHandle>(info, 0, data_tag, "loaded data");
  handle->data.reset();
  handle->borrowed_x.Reset();
  handle->borrowed_y.Reset();
  report(info.Env(), *handle, 0);
  return info.Env().Undefined();
}

struct TrainArguments {
  nabla::TrainRequest request;
  std::vector<uint32_t> order;
  const double* scalars;
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
  if (scalars.length != steps * r.repeat * network.spec().optimizer.scalars()) bad_argument(8, "step scalars for every step");
  a.scalars = static_cast<const double*>(scalars.data);
  a.scalar_count = scalars.length;
  const size_t bad = nabla::first_non_finite(nabla::InputType::float64, a.scalars, a.scalar_count);
  if (bad < a.scalar_count) {
    const double value = a.scalars[bad];
    throw Error("ERR_NON_FINITE", "[trainSteps] step scalars are finite. Expected a finite number for stepScalars[" + std::to_string(bad) +
                                      "], received " +
                                      (value > 0   ? "Infinity"
                                       : value < 0 ? "-Infinity"
                                                   : "NaN") +
                                      ".");
  }
  r.scalars = a.scalars;
  r.max_milliseconds = number_argument(info, 9);
  r.outputs = flag_argument(info, 10);
  if (r.outputs) room_for(network, span, network.outputs());
  return a;
}

Napi::Value floats_from(Napi::Env env, const nabla::Network& network, const void* from, size_t rows, size_t columns) {
  void* to = nullptr;
  const Napi::Value array = new_floats(env, network, rows, columns, &to);
  if (rows * columns > 0) std::memcpy(to, from, rows * columns * element_size(network));
  return array;
}

Napi::Value train_result(Napi::Env env, const nabla::Network& network, const nabla::TrainOutcome& outcome, bool outputs) {
  static const char* const stopped[] = {"done", "slice", "aborted", "nonFinite"};
  Napi::Object result = Napi::Object::New(env);
  result.Set("steps", Napi::Number::New(env, static_cast<double>(outcome.steps)));
  Napi::Float64Array losses = Napi::Float64Array::New(env, outcome.losses.size());
  if (!outcome.losses.empty()) std::memcpy(losses.Data(), outcome.losses.data(), outcome.losses.size() * sizeof(double));
  result.Set("losses", losses);
  if (network.spec().loss.name == nabla::LossName::elementwise) {
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
  const Shared<NetworkHandle> handle = network_handle(info);
  const Shared<DataHandle> data = data_handle(info, 1);
  refuse_while_training(*handle, "trainSteps");
  const TrainArguments a = train_arguments(info, *handle->network, *data->data, false);
  handle->network->clear_abort();
  return train_result(info.Env(), *handle->network, handle->network->train(*data->data, a.request), a.request.outputs);
}

Jobs& jobs_of(const Info& info) { return *info.Env().GetInstanceData<Jobs>(); }
std::unique_ptr<Job> new_job(const Info& info, const Shared<NetworkHandle>& handle, const Shared<DataHandle>& data) {
  auto job = std::make_unique<Job>(info.Env());
  job->network = handle->network;
  job->handle = handle;
  job->data = data;
  return job;
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
  owned->scalars.assign(a.scalars, a.scalars + a.scalar_count);
  a.request.scalars = owned->scalars.data();
  // The network and the data stay alive in the job, even when JavaScript disposes of them meanwhile.
  job->run = [network = job->network, samples = data->data, owned, request = a.request] {
    owned->outcome = network->train(*samples, request);
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
  if (network.spec().loss.name == nabla::LossName::elementwise)
    result.Set("correct", env.Null());
  else
    result.Set("correct", Napi::Number::New(env, outcome.correct));
  result.Set("outputs", outputs);
  return result;
}

// network, data, order, from, to, published, outputs
Napi::Value evaluate_sync(const Info& info) {
  const Shared<NetworkHandle> handle = network_handle(info);
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
  nabla::EvaluateOutcome outcome;
  nabla::AlignedArray<uint8_t> out;
  bool wanted = true;
};
Shared<OwnedRows> own_rows(const Info& info, size_t index, const nabla::Network& network, const nabla::Data& data, bool outputs) {
  auto owned = std::make_shared<OwnedRows>();
  owned->order = rows_argument(info, index, data, true);
  owned->rows = owned->order.rows;
  owned->wanted = outputs;
  if (outputs)
    owned->out =
        nabla::AlignedArray<uint8_t>(room_for(network, owned->rows.to - owned->rows.from, network.outputs()) * element_size(network));
  return owned;
}
Napi::Value owned_outputs(Napi::Env env, const nabla::Network& network, const OwnedRows& owned) {
  if (!owned.wanted) return env.Null();
  return floats_from(env, network, owned.out.data(), owned.rows.to - owned.rows.from, network.outputs());
}

Napi::Value evaluate(const Info& info) {
  const Shared<NetworkHandle> handle = network_handle(info);
  const Shared<DataHandle> data = data_handle(info, 1);
  need_features(*handle->network, *data->data);
  need_loss(*handle->network, *data->data);
  const nabla::WeightsChoice weights = weights_argument(info, 5);
  const Shared<OwnedRows> owned = own_rows(info, 2, *handle->network, *data->data, flag_argument(info, 6));
  std::unique_ptr<Job> job = new_job(info, handle, data);
  job->run = [network = job->network, samples = data->data, owned, weights] {
    owned->outcome = network->evaluate(*samples, owned->rows, weights, owned->wanted ? owned->out.data() : nullptr);
  };
  job->finish = [network = job->network, owned](Napi::Env env) {
    return evaluate_result(env, *network, owned->outcome, owned_outputs(env, *network, *owned));
  };
  return jobs_of(info).start(std::move(job));
}

nabla::OutputKind kind_argument(const Info& info, size_t index) {
  return flag_argument(info, index) ? nabla::OutputKind::logits : nabla::OutputKind::outputs;
}

// network, data, order, from, to, logits, published
Napi::Value predict_sync(const Info& info) {
  const Shared<NetworkHandle> handle = network_handle(info);
  const Shared<DataHandle> data = data_handle(info, 1);
  need_features(*handle->network, *data->data);
  const OwnedOrder owned = rows_argument(info, 2, *data->data, false);
  const nabla::Rows& rows = owned.rows;
  void* to = nullptr;
  const Napi::Value out = new_floats(info.Env(), *handle->network, rows.to - rows.from, handle->network->outputs(), &to);
  handle->network->predict(*data->data, rows, kind_argument(info, 5), weights_argument(info, 6), to);
  return out;
}

Napi::Value predict(const Info& info) {
  const Shared<NetworkHandle> handle = network_handle(info);
  const Shared<DataHandle> data = data_handle(info, 1);
  need_features(*handle->network, *data->data);
  const nabla::OutputKind kind = kind_argument(info, 5);
  const nabla::WeightsChoice weights = weights_argument(info, 6);
  const Shared<OwnedRows> owned = own_rows(info, 2, *handle->network, *data->data, true);
  std::unique_ptr<Job> job = new_job(info, handle, data);
  job->run = [network = job->network, samples = data->data, owned, kind, weights] {
    network->predict(*samples, owned->rows, kind, weights, owned->out.data());
  };
  job->finish = [network = job->network, owned](Napi::Env env) { return owned_outputs(env, *network, *owned); };
  return jobs_of(info).start(std::move(job));
}

// network, x -> index or -1
Napi::Value first_unusable(const Info& info) {
  const nabla::Network& network = *network_handle(info)->network;
  const View x = view_of(info[1], 1);
  const nabla::InputType type = input_type(x, x.length, 1);
  const size_t at = nabla::first_unusable(type, x.data, x.length, !network.spec().float64, network.threads());
  return Napi::Number::New(info.Env(), at == x.length ? -1.0 : static_cast<double>(at));
}

// network, x, rows, logits, published
Napi::Value predict_array(const Info& info) {
  const Shared<NetworkHandle> handle = network_handle(info);
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
  const Napi::Value out = new_floats(info.Env(), network, rows, network.outputs(), &to);
  network.predict_array(type, x.data, rows, kind_argument(info, 3), weights_argument(info, 4), to);
  return out;
}

// network, data, order, from, to
Napi::Value forward_train(const Info& info) {
  const Shared<NetworkHandle> handle = network_handle(info);
  const Shared<DataHandle> data = data_handle(info, 1);
  refuse_while_training(*handle, "forwardTrain");
  nabla::Network& network = *handle->network;
  need_features(network, *data->data);
  const OwnedOrder owned = rows_argument(info, 2, *data->data, false);
  const nabla::Rows& rows = owned.rows;
  const size_t n = rows.to - rows.from;
  const std::vector<size_t> units = network.stage_units();
  Napi::Array arrays = Napi::Array::New(info.Env(), units.size());
  std::vector<void*> pointers(units.size());
  for (uint32_t i = 0; i < units.size(); ++i) arrays.Set(i, new_floats(info.Env(), network, n, units[i], &pointers[i]));
  void *outputs = nullptr, *logits = nullptr;
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("outputs", new_floats(info.Env(), network, n, network.outputs(), &outputs));
  result.Set("logits", new_floats(info.Env(), network, n, network.outputs(), &logits));
  result.Set("activations", arrays);
  network.forward_train(*data->data, rows, outputs, logits, pointers);
  return result;
}

// network, dlogits, dx
Napi::Value backward(const Info& info) {
  const Shared<NetworkHandle> handle = network_handle(info);
  refuse_while_training(*handle, "backward");
  nabla::Network& network = *handle->network;
  const size_t rows = network.forward_rows();
  if (rows == 0) throw Error("ERR_STATE", "[backward] a forward pass comes first. Expected forwardTrain to have been called.");
  const View dlogits = floats_of(info[1], 1, network, rows * network.outputs());
  const bool want_dx = info[2].ToBoolean();
  std::vector<void*> pointers;
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("gradients", new_parameters(info.Env(), network, pointers));
  void* dx = nullptr;
  result.Set("dx", new_floats(info.Env(), network, want_dx ? rows : 0, network.spec().input_size, &dx));
  network.backward(dlogits.data, pointers, want_dx ? dx : nullptr);
  return result;
}

// network, gradients, scalars
Napi::Value apply_gradients(const Info& info) {
  const size_t count = network_handle(info)->network->parameter_sizes().size();
  const std::vector<Napi::Value> items = read_list(info[1], 1, count, "one array a parameter");
  const Shared<NetworkHandle> handle = network_handle(info);
  refuse_while_training(*handle, "applyGradients");
  nabla::Network& network = *handle->network;
  if (!network.spec().optimizer.present)
    throw Error("ERR_STATE", "[applyGradients] the network has no optimizer. Expected a compiled one.");
  const std::vector<const void*> gradients = parameter_views(items, 1, network);
  const View scalars = view_argument(info, 2, napi_float64_array, "a Float64Array of step scalars");
  if (scalars.length != network.spec().optimizer.scalars()) bad_argument(2, "the scalars of one step");
  network.apply_gradients(gradients, static_cast<const double*>(scalars.data));
  return info.Env().Undefined();
}

// network, data, order, from, to
Napi::Value loss_and_gradients(const Info& info) {
  const Shared<NetworkHandle> handle = network_handle(info);
  const Shared<DataHandle> data = data_handle(info, 1);
  refuse_while_training(*handle, "lossAndGradients");
  nabla::Network& network = *handle->network;
  need_features(network, *data->data);
  need_loss(network, *data->data);
  const OwnedOrder owned = rows_argument(info, 2, *data->data, false);
  const nabla::Rows& rows = owned.rows;
  const size_t n = rows.to - rows.from;
  std::vector<void*> pointers;
  void *dx = nullptr, *outputs = nullptr;
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("gradients", new_parameters(info.Env(), network, pointers));
  result.Set("dx", new_floats(info.Env(), network, n, network.spec().input_size, &dx));
  result.Set("outputs", new_floats(info.Env(), network, n, network.outputs(), &outputs));
  const nabla::EvaluateOutcome outcome = network.loss_and_gradients(*data->data, rows, pointers, dx, outputs);
  result.Set("loss", Napi::Number::New(info.Env(), outcome.loss_sum / outcome.denominator));
  result.Set("penalty", Napi::Number::New(info.Env(), outcome.penalty));
  return result;
}

Napi::Value publish(const Info& info) {
  network_handle(info)->network->publish();
  return info.Env().Undefined();
}

// network -> { parameters, slots, step }
Napi::Value get_state(const Info& info) {
  const Shared<NetworkHandle> handle = network_handle(info);
  nabla::Network& network = *handle->network;
  nabla::Arrays arrays;
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("parameters", new_parameters(info.Env(), network, arrays.parameters));
  const size_t slots = network.spec().optimizer.slots();
  Napi::Array slot_arrays = Napi::Array::New(info.Env(), slots);
  arrays.slots.resize(slots);
  for (uint32_t i = 0; i < slots; ++i) slot_arrays.Set(i, new_parameters(info.Env(), network, arrays.slots[i]));
  result.Set("slots", slot_arrays);
  result.Set("step", Napi::Number::New(info.Env(), network.get_state(arrays)));
  return result;
}

// network, parameters, slots, step
Napi::Value set_state(const Info& info) {
  const Shared<nabla::Network> described = network_handle(info)->network;
  const size_t count = described->parameter_sizes().size(), slots = described->spec().optimizer.slots();
  const std::vector<Napi::Value> items = read_list(info[1], 1, count, "one array a parameter");
  std::vector<std::vector<Napi::Value>> slot_items;
  for (const Napi::Value& slot : read_list(info[2], 2, slots, "one list a slot"))
    slot_items.push_back(read_list(slot, 2, count, "one array a parameter"));
  const Shared<NetworkHandle> handle = network_handle(info);
  refuse_while_training(*handle, "setState");
  nabla::Network& network = *handle->network;
  nabla::ConstArrays arrays;
  arrays.parameters = parameter_views(items, 1, network);
  for (const std::vector<Napi::Value>& slot : slot_items) arrays.slots.push_back(parameter_views(slot, 2, network));
  network.set_state(arrays, static_cast<double>(size_argument(info, 3)));
  return info.Env().Undefined();
}

}  // namespace

void register_network(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new Jobs(env));
  const auto add = [&](const char* name, Napi::Value (*function)(const Info&)) {
    exports.Set(name, Napi::Function::New(env, function, name));
  };
  add("info", call<info_of>);
  add("createNetwork", call<create_network>);
  add("disposeNetwork", call<dispose_network>);
  add("load", call<load>);
  add("disposeData", call<dispose_data>);
  add("train", call<train>);
  add("trainSync", call<train_sync>);
  add("abort", call<abort>);
  add("evaluate", call<evaluate>);
  add("evaluateSync", call<evaluate_sync>);
  add("predict", call<predict>);
  add("predictSync", call<predict_sync>);
  add("firstUnusable", call<first_unusable>);
  add("predictArray", call<predict_array>);
  add("forwardTrain", call<forward_train>);
  add("backward", call<backward>);
  add("applyGradients", call<apply_gradients>);
  add("lossAndGradients", call<loss_and_gradients>);
  add("publish", call<publish>);
  add("getState", call<get_state>);
  add("setState", call<set_state>);
}

}  // namespace nabla_addon
