// NetworkSpec from its JavaScript form.
#pragma once
#include "core/spec.h"
#include "napi_setup.h"

namespace nabla_addon {

nabla::NetworkSpec read_spec(const Napi::Object& object);

}  // namespace nabla_addon
