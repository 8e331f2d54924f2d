// Registration only.
#include <dlfcn.h>

#include "bind_network.h"
#include "napi_setup.h"

// The pool's threads outlive every environment, and so must their code: Node unloads an addon with the last worker that loaded it.
static void stay_loaded() {
  Dl_info self{};
  if (dladdr(reinterpret_cast<void*>(&stay_loaded), &self) != 0) dlopen(self.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
}

static Napi::Object init(Napi::Env env, Napi::Object exports) {
  stay_loaded();
  nabla_addon::register_network(env, exports);
  nabla_addon::register_runs(env, exports);
  return exports;
}

NODE_API_MODULE(nabla, init)
