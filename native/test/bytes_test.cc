// The bytes that fixed trainings end with, as recorded on x86-64: every fused instruction set on every machine must print the first
// column, baseline the second. They change only with the numerics version (docs/numerics.md).
#include <algorithm>

#include "check.h"
#include "networks.h"

namespace {

struct Recorded {
  const char* name;
  uint64_t fused, baseline;
};
const Recorded recorded[] = {
    {"relu, labels, sgd, float32", 0x001c66d86990c78cull, 0x2cec3273202bc8bfull},
    {"every activation, positive weights, nesterov, l2, float32", 0x524671db1eb2da00ull, 0x5b23f8ea617c8036ull},
    {"dropouts, adam, class weights, smoothing, float32", 0x0c12f07fe90a0c69ull, 0x38527d0bd30b7bcfull},
    {"one unit, squares, sum, no order, float32", 0x241016f2afa83092ull, 0xcaa0b153c2ca00d3ull},
    {"value targets, float32", 0xe840de6b1fbc2e73ull, 0x1fa09ce03972d693ull},
    {"gradient blocks and a short batch, float32", 0x74fb53f7d7f4ef56ull, 0x2e1769f5e5fe5272ull},
    {"a batch of two chunks, float32", 0x0b6cc10dc443239bull, 0x4c8f577e3eb080e4ull},
    {"mostly zeros, float32", 0xb4395aa18d89b937ull, 0x5c9bdcc1aed3c7f4ull},
    {"mostly zeros in blocks, float32", 0x0bddb7e348412277ull, 0x21896c6615e077aaull},
    {"relu, labels, sgd, float64", 0x375c4a604bd54723ull, 0xb57882295587c2e5ull},
    {"every activation, positive weights, nesterov, l2, float64", 0xc517a69db8fa194aull, 0x486e43e1501243c6ull},
    {"dropouts, adam, class weights, smoothing, float64", 0x31b1c9bce6d27e1cull, 0x8a192fce9f4a6178ull},
    {"one unit, squares, sum, no order, float64", 0x4a5f2069dcd2612eull, 0xcdbee6c37448e6cfull},
    {"value targets, float64", 0x6f7d4950e19efa87ull, 0x8d719456f0b99f8cull},
    {"gradient blocks and a short batch, float64", 0x41634b5aefe33c89ull, 0x3c7e49b18797c351ull},
    {"a batch of two chunks, float64", 0xb09f0b2a0cec6456ull, 0x667916c1aa0c32f5ull},
    {"mostly zeros, float64", 0xdb97cac79a13a33eull, 0xf456d1463802ec0bull},
    {"mostly zeros in blocks, float64", 0xa9c5c1c4377d9786ull, 0xa8ea57eadea91e71ull},
    {"xor, float32", 0x75bb9eb6811a7097ull, 0x48d446a23036dfd5ull},
    {"tiny, nesterov, weights, float32", 0xa3806dbe2a9d54c6ull, 0xdb37a44b94ce4777ull},
    {"tiny, adam, every lane, float32", 0x578a4698e6ebfd48ull, 0x19424940c961d81dull},
    {"xor, float64", 0xa85e52ba1cf323d9ull, 0xcb8ecd00c05cf4d8ull},
    {"tiny, nesterov, weights, float64", 0x3ae7cb93f3e78263ull, 0x01ba3c7cf29a6834ull},
    {"tiny, adam, every lane, float64", 0x3dafd4557ee6066cull, 0x75eddf82bd687548ull},
    {"nadam, clipped norms, constraints, l1, float32", 0x76735a3ca3b2714full, 0xbd8d5eaa78fbb447ull},
    {"clipped sum of magnitudes in blocks, float32", 0xe2fb5283df2d33bdull, 0x9f495cc90ed31baaull},
    {"clipped values, constraints, mostly zeros, float32", 0xa20d605c660edba1ull, 0x16f8c4881865d9c6ull},
    {"tiny, clipped values, no negative weights, float32", 0xb7900f0368ea91a0ull, 0x45bc8232d2f7241cull},
    {"too tiny for a team, clipped by the largest, float32", 0xc54eb2809cfe89a7ull, 0xf622d596c7f86eddull},
    {"nadam, clipped norms, constraints, l1, float64", 0x80e14c3eb729eedeull, 0x9e3ff049be1cd9bfull},
    {"clipped sum of magnitudes in blocks, float64", 0xf0efc4237a68d773ull, 0x8c892abad14cf82bull},
    {"clipped values, constraints, mostly zeros, float64", 0xa77ae2c081edd427ull, 0x1f2e829e578c5814ull},
    {"tiny, clipped values, no negative weights, float64", 0x23f08860e0a89285ull, 0x7f640695ea2b520cull},
    {"too tiny for a team, clipped by the largest, float64", 0x2ab4c9c9e70d4a6bull, 0xf791fdf5ef6536b4ull},
};

// FNV-1a.
struct Hash {
  uint64_t value = 0xcbf29ce484222325ull;
  template <class T>
  void add(const T* data, size_t count) {
    const unsigned char* const bytes = reinterpret_cast<const unsigned char*>(data);
    for (size_t i = 0; i < count * sizeof(T); ++i) value = (value ^ bytes[i]) * 0x100000001b3ull;
  }
};

template <class T>
uint64_t trained(const test::Job& job, const nabla::KernelSet& set) {
  const auto network = test::make(job.spec, set, 2, false);
  test::start<T>(*network, job.name.size()).write(*network);
  const std::vector<double> scalars = job.scalars();
  const nabla::TrainOutcome outcome = network->train(*job.data, job.request(scalars));
  test::State<T> state(*network);
  state.read(*network);
  Hash hash;
  hash.add(outcome.losses.data(), outcome.losses.size());
  for (const auto& p : state.parameters) hash.add(p.data(), p.size());
  for (const auto& slot : state.slots)
    for (const auto& p : slot) hash.add(p.data(), p.size());
  std::vector<T> outputs(job.data->rows * network->outputs());
  network->predict(*job.data, {nullptr, 0, job.data->rows}, nabla::OutputKind::outputs, nabla::WeightsChoice::current, outputs.data());
  hash.add(outputs.data(), outputs.size());
  return hash.value;
}

}  // namespace

int main() {
  for (const bool float64 : {false, true}) {
    for (const test::Job& job : test::jobs(float64)) {
      const std::string name = job.name + (float64 ? ", float64" : ", float32");
      const auto* const line = std::find_if(std::begin(recorded), std::end(recorded), [&](const Recorded& r) { return name == r.name; });
      CHECK_THAT(line != std::end(recorded), name + " has no record");
      for (const nabla::KernelSet* set : test::kernel_sets()) {
        const uint64_t hash = float64 ? trained<double>(job, *set) : trained<float>(job, *set);
        std::printf("%-8s %016llx  %s\n", set->name, static_cast<unsigned long long>(hash), name.c_str());
        if (line != std::end(recorded)) CHECK_THAT(hash == (test::fused(*set) ? line->fused : line->baseline), name + " " + set->name);
      }
    }
  }
  return test::finish("bytes_test");
}
