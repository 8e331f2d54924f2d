#include "uniform.h"

#include <algorithm>

#include "../kernels/dispatch.h"
#include "pool.h"

namespace nabla {

template <class T>
void fill_uniform(T* out, size_t count, uint64_t seed, uint32_t purpose, uint64_t index, double low, double high) {
  // A number takes two words; a counter has four.
  constexpr size_t numbers = 2 * random_counters, worth_a_thread = size_t{1} << 18;
  const uint32_t key[2] = {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)};
  const double span = high - low;
  const auto draw = best_kernels()->f32->random_words;
  Pool::instance().share(count, worth_a_thread, Pool::default_threads(), [&](unsigned, size_t from, size_t to) {
    uint32_t words[2 * numbers];
    for (size_t at = from; at < to;) {
      const size_t group = at / numbers, first = group * numbers, end = std::min(to, first + numbers);
      draw(static_cast<uint32_t>(group * random_counters), static_cast<uint32_t>(index), static_cast<uint32_t>(index >> 32), purpose, key,
           words);
      for (; at < end; ++at) {
        const uint32_t* const pair = words + 2 * (at - first);
        out[at] = static_cast<T>(low + span * ((double(pair[0] >> 5) * 67108864 + double(pair[1] >> 6)) / 9007199254740992));
      }
    }
  });
}

template void fill_uniform(float*, size_t, uint64_t, uint32_t, uint64_t, double, double);
template void fill_uniform(double*, size_t, uint64_t, uint32_t, uint64_t, double, double);

}  // namespace nabla
