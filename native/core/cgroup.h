// The limits of this process's control group and of those around it.
#pragma once
#include <functional>
#include <string>

namespace nabla {

// Calls look(folder) for the process's own group and every group around it that can be seen, in version 1 (with this controller) and 2.
// `root` stands before /proc and /sys: tests have trees of their own.
void each_cgroup(const std::string& root, const std::string& controller, const std::function<void(const std::string&)>& look);
// Processors that the smallest quota pays for; a very large number where there is none.
double cgroup_processors(const std::string& root = "");
// Bytes that the smallest limit leaves; a very large number where there is none.
double cgroup_memory(const std::string& root = "");

}  // namespace nabla
