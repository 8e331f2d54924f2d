// The only file that includes napi.h: error translation and checked access to arguments.
#pragma once
// A worker that is being terminated takes no exceptions any more; without this its last call would end the process.
#define NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS
#include <napi.h>

#include <cmath>
#include <string>

#include "core/error.h"
#include "kernels/kernels.h"

namespace nabla_addon {

// Runs a binding; core errors become JavaScript errors that carry their code.
template <class F>
Napi::Value guarded(const Napi::CallbackInfo& info, const F& body) {
  const auto fail = [&](const char* code, const char* message) {
    Napi::Error error = Napi::Error::New(info.Env(), message);
    error.Set("code", Napi::String::New(info.Env(), code));
    return error;
  };
  try {
    return body(info);
  } catch (const nabla::Error& e) {
    throw fail(e.code(), e.what());
  } catch (const std::bad_alloc&) {
    throw fail("ERR_MEMORY", "[native] the system refused an allocation.");
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::exception& e) {
    throw fail("ERR_INTERNAL", e.what());
  }
}

// Warns where the system has refused the pool a thread: once in the process.
void tell_refusal(Napi::Env env);

template <Napi::Value (*F)(const Napi::CallbackInfo&)>
Napi::Value call(const Napi::CallbackInfo& info) {
  const Napi::Value result = guarded(info, F);
  tell_refusal(info.Env());
  return result;
}

[[noreturn]] inline void bad_argument(size_t index, const char* expected) {
  throw nabla::Error("ERR_TYPE",
                     "[native] argument " + std::to_string(index) + " has the wrong type or length. Expected " + expected + ".");
}

// A whole number from 0 to 2^53.
inline size_t size_argument(const Napi::CallbackInfo& info, size_t index) {
  if (index >= info.Length() || !info[index].IsNumber()) bad_argument(index, "a number");
  const double value = info[index].As<Napi::Number>().DoubleValue();
  if (!(value >= 0) || value > 9007199254740992.0 || value != std::floor(value)) bad_argument(index, "a whole number");
  return static_cast<size_t>(value);
}
inline double number_argument(const Napi::CallbackInfo& info, size_t index) {
  if (index >= info.Length() || !info[index].IsNumber()) bad_argument(index, "a number");
  return info[index].As<Napi::Number>().DoubleValue();
}
inline bool flag_argument(const Napi::CallbackInfo& info, size_t index) {
  if (index >= info.Length() || !info[index].IsBoolean()) bad_argument(index, "a boolean");
  return info[index].As<Napi::Boolean>().Value();
}
inline bool absent(const Napi::CallbackInfo& info, size_t index) {
  return index >= info.Length() || info[index].IsNull() || info[index].IsUndefined();
}

// A typed array's memory, valid during the call.
struct View {
  napi_typedarray_type type;
  void* data;
  size_t length;
  bool shared;  // in a SharedArrayBuffer: another thread may write at any time
};
inline View view_of(const Napi::Value& value, size_t index) {
  if (!value.IsTypedArray()) bad_argument(index, "a typed array");
  View view{};
  napi_value buffer = nullptr;
  size_t offset = 0;
  if (napi_get_typedarray_info(value.Env(), value, &view.type, &view.length, &view.data, &buffer, &offset) != napi_ok)
    bad_argument(index, "a typed array");
  bool unshared = false;
  view.shared = napi_is_arraybuffer(value.Env(), buffer, &unshared) == napi_ok && !unshared;
  return view;
}
inline View view_argument(const Napi::CallbackInfo& info, size_t index, napi_typedarray_type type, const char* expected) {
  if (index >= info.Length()) bad_argument(index, expected);
  const View view = view_of(info[index], index);
  if (view.type != type) bad_argument(index, expected);
  return view;
}
// uint8, float32 or float64, at least `count` elements.
inline nabla::InputType input_type(const View& view, size_t count, size_t index) {
  if (view.length < count) bad_argument(index, "an array that holds every row");
  switch (view.type) {
    case napi_uint8_array:
      return nabla::InputType::uint8;
    case napi_float32_array:
      return nabla::InputType::float32;
    case napi_float64_array:
      return nabla::InputType::float64;
    default:
      bad_argument(index, "a Uint8Array, Float32Array or Float64Array");
  }
}

}  // namespace nabla_addon
