// What the addon's functions are given and give back: handles, arrays of a network's dtype, rows.
#pragma once
#include <memory>
#include <vector>

#include "bind_jobs.h"

namespace nabla_addon {

using nabla::Error;
using Info = Napi::CallbackInfo;
template <class H>
using Shared = std::shared_ptr<H>;

// Tells V8 how much native memory a handle holds now.
template <class H>
void report(Napi::Env env, H& handle, size_t bytes) {
  const int64_t now = static_cast<int64_t>(bytes);
  if (now != handle.reported) Napi::MemoryManagement::AdjustExternalMemory(env, now - handle.reported);
  handle.reported = now;
}

// Handles of live things.
Napi::Value wrap_network(Napi::Env env, Shared<NetworkHandle> handle);
Napi::Value wrap_data(Napi::Env env, Shared<DataHandle> handle);
Napi::Value wrap_reading(Napi::Env env, Shared<ReadingHandle> handle);
// The handle whether or not it was disposed of.
Shared<NetworkHandle> any_network_handle(const Info& info);
Shared<DataHandle> any_data_handle(const Info& info, size_t index);
Shared<NetworkHandle> network_handle(const Info& info);
// The same with its errands done: for calls that look at the network before they return.
Shared<NetworkHandle> settled_handle(const Info& info);
Shared<DataHandle> data_handle(const Info& info, size_t index);
Shared<ReadingHandle> reading_handle(const Info& info, size_t index);
void refuse_while_training(const NetworkHandle& handle, const char* op);
size_t element_size(const nabla::Network& network);
napi_typedarray_type array_type(const nabla::Network& network);
// Elements of (rows, columns) in the network's dtype. Throws ERR_MEMORY for what no array and no memory can hold.
size_t room_for(const nabla::Network& network, size_t rows, size_t columns);
Napi::Value new_floats(Napi::Env env, const nabla::Network& network, size_t rows, size_t columns, void** data);
View floats_of(const Napi::Value& value, size_t index, const nabla::Network& network, size_t count);
// Room for one array a parameter: JavaScript arrays and where they lie.
Napi::Array new_parameters(Napi::Env env, const nabla::Network& network, std::vector<void*>& pointers);
// The elements of a list. Reading them may run JavaScript (getters), which may dispose of anything: memory is looked at afterwards.
std::vector<Napi::Value> read_list(const Napi::Value& value, size_t index, size_t count, const char* expected);
std::vector<const void*> parameter_views(const std::vector<Napi::Value>& items, size_t index, const nabla::Network& network);

// Rows that a call may rely on: checked, and in memory of its own where others may write.
struct OwnedOrder {
  nabla::Rows rows;
  std::vector<uint32_t> copy;
};
// Arguments order, from, to at `index`; every position is checked against the data. `keep`: the order outlives the call.
OwnedOrder rows_argument(const Info& info, size_t index, const nabla::Data& data, bool keep);
nabla::WeightsChoice weights_argument(const Info& info, size_t index);
// What a job reads: a reading that was given, or the weights of its own beginning.
struct ReadingArgument {
  Shared<ReadingHandle> given;  // null: none
  nabla::WeightsChoice weights;
};
// Arguments `published`, and `reading` or null.
ReadingArgument reading_argument(const Info& info, size_t published, size_t reading, const nabla::Network& network);
void need_loss(const nabla::Network& network, const nabla::Data& data);
void need_features(const nabla::Network& network, const nabla::Data& data);
Jobs& jobs_of(const Info& info);
std::unique_ptr<Job> new_job(const Info& info, const Shared<NetworkHandle>& handle, const Shared<DataHandle>& data);

// A fresh array with the numbers at `from`.
Napi::Value floats_from(Napi::Env env, const nabla::Network& network, const void* from, size_t rows, size_t columns);

}  // namespace nabla_addon
