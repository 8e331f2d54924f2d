#include "bind_network.h"

#include <utility>

#include "bind_jobs.h"
#include "bind_spec.h"
#include "bind_values.h"
#include "core/pool.h"
#include "kernels/dispatch.h"

namespace nabla_addon {

namespace {

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

// spec, isa or null, threads, materialised, openblas -> network
Napi::Value create_network(const Info& info) {
  if (info.Length() < 5 || !info[0].IsObject()) bad_argument(0, "a network's description");
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
  const nabla::PlanKind kind = flag_argument(info, 4)   ? nabla::PlanKind::openblas
                               : flag_argument(info, 3) ? nabla::PlanKind::materialised
                                                        : nabla::PlanKind::fused;
  auto handle = std::make_shared<NetworkHandle>();
  handle->network = nabla::make_network(std::move(spec), kernels, static_cast<unsigned>(threads), kind);
  report(info.Env(), *handle, handle->network->bytes());
  return wrap_network(info.Env(), std::move(handle));
}

Napi::Value dispose_network(const Info& info) {
  const Shared<NetworkHandle> handle = any_network_handle(info);
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
  return wrap_data(info.Env(), std::move(result));
}

Napi::Value dispose_data(const Info& info) {
  const Shared<DataHandle> handle = any_data_handle(info, 0);
  handle->data.reset();
  handle->borrowed_x.Reset();
  handle->borrowed_y.Reset();
  report(info.Env(), *handle, 0);
  return info.Env().Undefined();
}

// network, data, order, from, to
Napi::Value forward_train(const Info& info) {
  const Shared<NetworkHandle> handle = settled_handle(info);
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
  const Shared<NetworkHandle> handle = settled_handle(info);
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
  const Shared<NetworkHandle> handle = settled_handle(info);
  refuse_while_training(*handle, "applyGradients");
  nabla::Network& network = *handle->network;
  if (!network.spec().optimizer.present)
    throw Error("ERR_STATE", "[applyGradients] the network has no optimizer. Expected a compiled one.");
  const std::vector<const void*> gradients = parameter_views(items, 1, network);
  const View scalars = view_argument(info, 2, napi_float64_array, "a Float64Array of step scalars");
  if (scalars.length != nabla::step_numbers) bad_argument(2, "the scalars of one step");
  network.apply_gradients(gradients, static_cast<const double*>(scalars.data));
  return info.Env().Undefined();
}

// network, data, order, from, to
Napi::Value loss_and_gradients(const Info& info) {
  const Shared<NetworkHandle> handle = settled_handle(info);
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
  settled_handle(info)->network->publish();
  return info.Env().Undefined();
}
Napi::Value publish_async(const Info& info) {
  std::unique_ptr<Job> job = new_job(info, network_handle(info), nullptr);
  job->run = [network = job->network] {
    network->publish();
    return true;
  };
  job->finish = [](Napi::Env env) { return env.Undefined(); };
  return jobs_of(info).start(std::move(job));
}

// network, published -> reading of the weights of now: where new ones wait, of those
Napi::Value begin_reading(const Info& info) {
  const Shared<NetworkHandle> handle = network_handle(info);
  const nabla::WeightsChoice weights = weights_argument(info, 1);
  const auto reading = std::make_shared<ReadingHandle>(handle->network);
  if (weights == nabla::WeightsChoice::published || !handle->errands.waiting())
    reading->begin(weights);
  else
    handle->errands.add([reading, weights] {
      try {
        reading->begin(weights);
      } catch (const std::bad_alloc&) {
        // An errand must not throw: who wants the weights finds none.
      }
    });
  return wrap_reading(info.Env(), reading);
}
// Ends the jobs that read it, each before its next slice.
Napi::Value abort_reading(const Info& info) {
  reading_handle(info, 0)->aborted.store(true, std::memory_order_relaxed);
  return info.Env().Undefined();
}
Napi::Value end_reading(const Info& info) {
  reading_handle(info, 0)->end();
  return info.Env().Undefined();
}

// Room for a network's state: { parameters, slots, statistics }, and where the arrays lie.
Napi::Object new_state(Napi::Env env, const nabla::Network& network, nabla::Arrays& arrays) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("parameters", new_parameters(env, network, arrays.parameters));
  const size_t slots = network.spec().optimizer.slots();
  Napi::Array slot_arrays = Napi::Array::New(env, slots);
  arrays.slots.resize(slots);
  for (uint32_t i = 0; i < slots; ++i) slot_arrays.Set(i, new_parameters(env, network, arrays.slots[i]));
  result.Set("slots", slot_arrays);
  const std::vector<size_t> sizes = network.statistic_sizes();
  Napi::Array statistics = Napi::Array::New(env, sizes.size());
  arrays.statistics.resize(sizes.size());
  for (uint32_t i = 0; i < sizes.size(); ++i) statistics.Set(i, new_floats(env, network, sizes[i], 1, &arrays.statistics[i]));
  result.Set("statistics", statistics);
  return result;
}

// network -> { parameters, slots, step, statistics }
Napi::Value get_state(const Info& info) {
  const Shared<NetworkHandle> handle = settled_handle(info);
  nabla::Arrays arrays;
  Napi::Object result = new_state(info.Env(), *handle->network, arrays);
  result.Set("step", Napi::Number::New(info.Env(), handle->network->get_state(arrays)));
  return result;
}
// The same as a promise, of this moment: who changes the network next does this first.
Napi::Value get_state_async(const Info& info) {
  const Shared<NetworkHandle> handle = network_handle(info);
  std::unique_ptr<Job> job = new_job(info, handle, nullptr);
  struct State {
    nabla::Arrays arrays;
    double step = 0;
    Napi::ObjectReference result;
  };
  const auto state = std::make_shared<State>();
  state->result = Napi::Persistent(new_state(info.Env(), *handle->network, state->arrays));
  // By a pointer: the reference is freed where it was made, with the job.
  job->run = [network = job->network, raw = state.get()] {
    raw->step = network->get_state(raw->arrays);
    return true;
  };
  job->finish = [state](Napi::Env env) {
    Napi::Object result = state->result.Value();
    result.Set("step", Napi::Number::New(env, state->step));
    return result;
  };
  return jobs_of(info).start_errand(std::move(job));
}

// network, parameters, slots, step, statistics
struct StateArguments {
  Shared<NetworkHandle> handle;
  nabla::ConstArrays arrays;
  double step;
  std::vector<Napi::Value> items;  // all of them
};
StateArguments state_arguments(const Info& info) {
  const Shared<nabla::Network> described = network_handle(info)->network;
  const size_t count = described->parameter_sizes().size(), slots = described->spec().optimizer.slots();
  const std::vector<Napi::Value> items = read_list(info[1], 1, count, "one array a parameter");
  std::vector<std::vector<Napi::Value>> slot_items;
  for (const Napi::Value& slot : read_list(info[2], 2, slots, "one list a slot"))
    slot_items.push_back(read_list(slot, 2, count, "one array a parameter"));
  const std::vector<size_t> sizes = described->statistic_sizes();
  const std::vector<Napi::Value> statistic_items =
      absent(info, 4) && sizes.empty() ? std::vector<Napi::Value>{} : read_list(info[4], 4, sizes.size(), "one array a moving statistic");
  StateArguments a{network_handle(info), {}, 0, {}};
  refuse_while_training(*a.handle, "setState");
  const nabla::Network& network = *a.handle->network;
  a.arrays.parameters = parameter_views(items, 1, network);
  for (const std::vector<Napi::Value>& slot : slot_items) a.arrays.slots.push_back(parameter_views(slot, 2, network));
  for (size_t i = 0; i < sizes.size(); ++i) a.arrays.statistics.push_back(floats_of(statistic_items[i], 4, network, sizes[i]).data);
  a.step = static_cast<double>(size_argument(info, 3));
  a.items = items;
  for (const std::vector<Napi::Value>& slot : slot_items) a.items.insert(a.items.end(), slot.begin(), slot.end());
  a.items.insert(a.items.end(), statistic_items.begin(), statistic_items.end());
  return a;
}
Napi::Value set_state(const Info& info) {
  const StateArguments a = state_arguments(info);
  a.handle->errands.settle();
  a.handle->network->set_state(a.arrays, a.step);
  return info.Env().Undefined();
}
// The same beside the event loop: the arrays are the job's until its promise settles, later calls find the state in place.
Napi::Value adopt_state(const Info& info) {
  StateArguments a = state_arguments(info);
  std::unique_ptr<Job> job = new_job(info, a.handle, nullptr);
  for (const Napi::Value& item : a.items) job->held.push_back(Napi::Persistent(item.As<Napi::Object>()));
  job->run = [network = job->network, arrays = std::move(a.arrays), step = a.step] {
    network->set_state(arrays, step);
    return true;
  };
  job->finish = [](Napi::Env env) { return env.Undefined(); };
  return jobs_of(info).start_errand(std::move(job));
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
  add("forwardTrain", call<forward_train>);
  add("backward", call<backward>);
  add("applyGradients", call<apply_gradients>);
  add("lossAndGradients", call<loss_and_gradients>);
  add("publish", call<publish>);
  add("publishAsync", call<publish_async>);
  add("beginReading", call<begin_reading>);
  add("abortReading", call<abort_reading>);
  add("endReading", call<end_reading>);
  add("getState", call<get_state>);
  add("getStateAsync", call<get_state_async>);
  add("setState", call<set_state>);
  add("adoptState", call<adopt_state>);
}

}  // namespace nabla_addon