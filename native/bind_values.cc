#include "bind_values.h"

#include <cstring>
#include <utility>

#include "core/memory_limit.h"

namespace nabla_addon {

namespace {

constexpr napi_type_tag network_tag = {0x6e61626c61206e65ull, 0x74776f726b000001ull};
constexpr napi_type_tag data_tag = {0x6e61626c61206461ull, 0x7461000000000001ull};
constexpr napi_type_tag reading_tag = {0x6e61626c61207265ull, 0x6164696e67000001ull};

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

}  // namespace

Napi::Value wrap_network(Napi::Env env, Shared<NetworkHandle> handle) { return wrap(env, std::move(handle), network_tag); }
Napi::Value wrap_data(Napi::Env env, Shared<DataHandle> handle) { return wrap(env, std::move(handle), data_tag); }
Napi::Value wrap_reading(Napi::Env env, Shared<ReadingHandle> handle) { return wrap(env, std::move(handle), reading_tag); }
Shared<NetworkHandle> any_network_handle(const Info& info) { return unwrap<NetworkHandle>(info, 0, network_tag, "a network"); }
Shared<DataHandle> any_data_handle(const Info& info, size_t index) { return unwrap<DataHandle>(info, index, data_tag, "loaded data"); }
Shared<NetworkHandle> network_handle(const Info& info) {
  Shared<NetworkHandle> handle = any_network_handle(info);
  if (!handle->network) throw Error("ERR_STATE", "[native] the network was disposed of. Expected a live one.");
  return handle;
}
Shared<NetworkHandle> settled_handle(const Info& info) {
  Shared<NetworkHandle> handle = network_handle(info);
  handle->errands.settle();
  return handle;
}
Shared<DataHandle> data_handle(const Info& info, size_t index) {
  Shared<DataHandle> handle = any_data_handle(info, index);
  if (!handle->data) throw Error("ERR_STATE", "[native] the data was disposed of. Expected live data.");
  return handle;
}
Shared<ReadingHandle> reading_handle(const Info& info, size_t index) {
  return unwrap<ReadingHandle>(info, index, reading_tag, "a reading");
}
void refuse_while_training(const NetworkHandle& handle, const char* op) {
  if (handle.training)
    throw Error("ERR_BUSY", std::string("[") + op + "] one job may change a network at a time. Expected no training to run.");
}

size_t element_size(const nabla::Network& network) { return network.spec().float64 ? 8 : 4; }
napi_typedarray_type array_type(const nabla::Network& network) { return network.spec().float64 ? napi_float64_array : napi_float32_array; }

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
Napi::Array new_parameters(Napi::Env env, const nabla::Network& network, std::vector<void*>& pointers) {
  const std::vector<size_t> sizes = network.parameter_sizes();
  Napi::Array arrays = Napi::Array::New(env, sizes.size());
  pointers.assign(sizes.size(), nullptr);
  for (uint32_t i = 0; i < sizes.size(); ++i) arrays.Set(i, new_floats(env, network, sizes[i], 1, &pointers[i]));
  return arrays;
}
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
ReadingArgument reading_argument(const Info& info, size_t published, size_t reading, const nabla::Network& network) {
  if (absent(info, reading)) return {nullptr, weights_argument(info, published)};
  const Shared<ReadingHandle> given = reading_handle(info, reading);
  if (given->network.get() != &network) bad_argument(reading, "a live reading of this network");
  return {given, nabla::WeightsChoice::current};
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
Jobs& jobs_of(const Info& info) { return *info.Env().GetInstanceData<Jobs>(); }
std::unique_ptr<Job> new_job(const Info& info, const Shared<NetworkHandle>& handle, const Shared<DataHandle>& data) {
  auto job = std::make_unique<Job>(info.Env());
  if (handle) job->network = handle->network;
  job->handle = handle;
  job->data = data;
  return job;
}

Napi::Value floats_from(Napi::Env env, const nabla::Network& network, const void* from, size_t rows, size_t columns) {
  void* to = nullptr;
  const Napi::Value array = new_floats(env, network, rows, columns, &to);
  if (rows * columns > 0) std::memcpy(to, from, rows * columns * element_size(network));
  return array;
}

}  // namespace nabla_addon
