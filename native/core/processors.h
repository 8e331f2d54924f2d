// The processors that this process may use, and which of them a thread is on.
#pragma once
#include <vector>

namespace nabla {

// Processors in the process's affinity mask, at least 1.
unsigned allowed_processors();
// The processor this thread runs on; -1 where the system does not say.
int current_processor();
// Moves this thread to an allowed processor that is not in `taken`, if there is one; it may be moved again by the system at once. The
// system's own balancing takes milliseconds to part two threads that share a processor beside an idle one, longer than a whole job.
void leave_processors(const std::vector<int>& taken);

}  // namespace nabla
