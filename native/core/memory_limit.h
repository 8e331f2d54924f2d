// How much memory this process may hope for.
#pragma once

namespace nabla {

// The smaller of the machine's memory and the cgroup's limit, in bytes.
double memory_limit();
// Throws ERR_MEMORY where `bytes` passes the limit.
void check_memory(const char* op, double bytes);

}  // namespace nabla
