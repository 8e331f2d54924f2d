// The functions that src/backend/addon-types.ts describes.
#pragma once
#include "napi_setup.h"

namespace nabla_addon {

void register_network(Napi::Env env, Napi::Object exports);

}  // namespace nabla_addon
