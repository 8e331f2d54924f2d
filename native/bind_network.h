// The functions that src/backend/native/addon-types.ts describes.
#pragma once
#include "napi_setup.h"

namespace nabla_addon {

// Networks, data, a step taken apart, states, readings.
void register_network(Napi::Env env, Napi::Object exports);
// Training, evaluation, prediction.
void register_runs(Napi::Env env, Napi::Object exports);

}  // namespace nabla_addon
