// Registration only.
#include "bind_network.h"
#include "napi_setup.h"

static Napi::Object init(Napi::Env env, Napi::Object exports) {
  nabla_addon::register_network(env, exports);
  return exports;
}

NODE_API_MODULE(nabla, init)
