#include "cgroup.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <vector>

namespace nabla {

namespace {

constexpr double unlimited = 1e300;

bool lists(const std::string& names, const std::string& name) {
  std::istringstream list(names);
  for (std::string one; std::getline(list, one, ',');)
    if (one == name) return true;
  return false;
}

// Where a hierarchy is mounted, and which of its groups is seen there as the top.
struct Mount {
  bool second;  // version 2
  std::string top, folder;
};
std::vector<Mount> mounts(const std::string& root, const std::string& controller) {
  std::vector<Mount> found;
  std::ifstream file(root + "/proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    // id parent device top folder options [tags] - type source options
    const size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    std::istringstream before(line.substr(0, dash)), after(line.substr(dash + 3));
    std::string skipped, top, folder, type, source, options;
    before >> skipped >> skipped >> skipped >> top >> folder;
    after >> type >> source >> options;
    if (type == "cgroup2" || (type == "cgroup" && lists(options, controller))) found.push_back({type == "cgroup2", top, folder});
  }
  return found;
}

// Every number in the folder's file; "max" counts as unlimited.
std::vector<double> numbers_in(const std::string& path) {
  std::vector<double> numbers;
  std::ifstream file(path);
  for (std::string word; file >> word;) {
    std::istringstream text(word);
    double value = 0;
    numbers.push_back(text >> value ? value : unlimited);
  }
  return numbers;
}

}  // namespace

void each_cgroup(const std::string& root, const std::string& controller, const std::function<void(const std::string&)>& look) {
  std::ifstream file(root + "/proc/self/cgroup");
  const std::vector<Mount> all = mounts(root, controller);
  for (std::string line; std::getline(file, line);) {
    // hierarchy:controllers:group; version 2 is 0 and names none.
    const size_t first = line.find(':'), second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string names = line.substr(first + 1, second - first - 1);
    if (!names.empty() && !lists(names, controller)) continue;
    for (const Mount& mount : all) {
      if (mount.second != names.empty()) continue;
      std::string group = line.substr(second + 1);
      // A container sees its own group as the top of the tree, but may be told the way from the machine's.
      if (mount.top != "/" && (group + "/").compare(0, mount.top.size() + 1, mount.top + "/") == 0) group.erase(0, mount.top.size());
      for (; group.size() > 1 && group[0] == '/'; group.erase(group.rfind('/'))) look(root + mount.folder + group);
      look(root + mount.folder);
    }
  }
}

double cgroup_processors(const std::string& root) {
  double least = unlimited;
  each_cgroup(root, "cpu", [&](const std::string& folder) {
    const std::vector<double> second = numbers_in(folder + "/cpu.max");
    if (second.size() == 2 && second[0] > 0 && second[0] < unlimited && second[1] > 0) least = std::min(least, second[0] / second[1]);
    const std::vector<double> quota = numbers_in(folder + "/cpu.cfs_quota_us"), period = numbers_in(folder + "/cpu.cfs_period_us");
    if (quota.size() == 1 && period.size() == 1 && quota[0] > 0 && period[0] > 0) least = std::min(least, quota[0] / period[0]);
  });
  return least;
}

double cgroup_memory(const std::string& root) {
  double least = unlimited;
  each_cgroup(root, "memory", [&](const std::string& folder) {
    for (const char* const name : {"/memory.max", "/memory.limit_in_bytes"})
      for (const double bytes : numbers_in(folder + name)) least = std::min(least, bytes);
  });
  return least;
}

}  // namespace nabla
