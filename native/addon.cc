#include <napi.h>
static Napi::Object init(Napi::Env, Napi::Object exports) { return exports; }
NODE_API_MODULE(nabla, init)
