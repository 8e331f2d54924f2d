#include "processors.h"

#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

namespace nabla {

unsigned allowed_processors() {
#if defined(__linux__)
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return static_cast<unsigned>(CPU_COUNT(&set));
#endif
  const unsigned n = std::thread::hardware_concurrency();
  return n > 0 ? n : 1;
}

int current_processor() {
#if defined(__linux__)
  return sched_getcpu();
#else
  return -1;
#endif
}

void leave_processors(const std::vector<int>& taken) {
#if defined(__linux__)
  cpu_set_t all;
  CPU_ZERO(&all);
  if (sched_getaffinity(0, sizeof all, &all) != 0) return;
  cpu_set_t free = all;
  for (const int processor : taken)
    if (processor >= 0 && processor < CPU_SETSIZE) CPU_CLR(static_cast<unsigned>(processor), &free);
  if (CPU_COUNT(&free) == 0) return;
  // Setting the mask moves the thread at once; the mask it had comes back in any case.
  if (sched_setaffinity(0, sizeof free, &free) == 0) sched_setaffinity(0, sizeof all, &all);
#else
  static_cast<void>(taken);
#endif
}

}  // namespace nabla
