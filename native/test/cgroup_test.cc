// Quotas and limits of control groups, in trees made for it: versions 1 and 2, own groups and those around them, containers.
#include "core/cgroup.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <map>

#include "check.h"
#include "core/pool.h"

namespace {

// A folder with files by their paths; gone with the object.
class Tree {
 public:
  explicit Tree(const std::map<std::string, std::string>& files) {
    char name[] = "/tmp/nabla-cgroup-XXXXXX";
    root = mkdtemp(name);
    for (const auto& [path, text] : files) {
      for (size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1))
        mkdir((root + path.substr(0, at)).c_str(), 0777);
      std::ofstream(root + path) << text;
      paths_.push_back(path);
    }
  }
  ~Tree() {
    for (const std::string& path : paths_) unlink((root + path).c_str());
    // Folders from the longest path to the shortest.
    for (const std::string& path : paths_)
      for (size_t at = path.rfind('/'); at != 0 && at != std::string::npos; at = path.rfind('/', at - 1))
        rmdir((root + path.substr(0, at)).c_str());
    rmdir(root.c_str());
  }
  std::string root;

 private:
  std::vector<std::string> paths_;
};

const char* const second_mount = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
const char* const first_mounts =
    "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "33 31 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";
constexpr double none = 1e200;

void version_2() {
  const Tree tree({{"/proc/self/mountinfo", second_mount},
                   {"/proc/self/cgroup", "0::/user.slice/job\n"},
                   {"/sys/fs/cgroup/user.slice/cpu.max", "max 100000\n"},
                   {"/sys/fs/cgroup/user.slice/memory.max", "1000000000\n"},
                   {"/sys/fs/cgroup/user.slice/job/cpu.max", "150000 100000\n"},
                   {"/sys/fs/cgroup/user.slice/job/memory.max", "max\n"}});
  CHECK(nabla::cgroup_processors(tree.root) == 1.5);
  CHECK(nabla::cgroup_memory(tree.root) == 1e9);
  const Tree around({{"/proc/self/mountinfo", second_mount},
                     {"/proc/self/cgroup", "0::/a/b/c\n"},
                     {"/sys/fs/cgroup/a/cpu.max", "50000 100000\n"},
                     {"/sys/fs/cgroup/a/b/cpu.max", "200000 100000\n"},
                     {"/sys/fs/cgroup/a/b/c/cpu.max", "max 100000\n"}});
  CHECK_THAT(nabla::cgroup_processors(around.root) == 0.5, "the smallest quota wins");
}

void version_1() {
  const Tree tree({{"/proc/self/mountinfo", first_mounts},
                   {"/proc/self/cgroup", "4:memory:/jobs/one\n1:cpu,cpuacct:/jobs/one\n0::/\n"},
                   {"/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n"},
                   {"/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"},
                   {"/sys/fs/cgroup/cpu,cpuacct/jobs/cpu.cfs_quota_us", "300000\n"},
                   {"/sys/fs/cgroup/cpu,cpuacct/jobs/cpu.cfs_period_us", "100000\n"},
                   {"/sys/fs/cgroup/cpu,cpuacct/jobs/one/cpu.cfs_quota_us", "100000\n"},
                   {"/sys/fs/cgroup/cpu,cpuacct/jobs/one/cpu.cfs_period_us", "50000\n"},
                   {"/sys/fs/cgroup/memory/jobs/one/memory.limit_in_bytes", "9223372036854771712\n"},
                   {"/sys/fs/cgroup/memory/memory.limit_in_bytes", "500000\n"}});
  CHECK(nabla::cgroup_processors(tree.root) == 2);
  CHECK(nabla::cgroup_memory(tree.root) == 5e5);
}

// The container's group is the top of what it sees, whatever the way to it is called outside.
void containers() {
  for (const char* const group : {"/docker/abc", "/docker/abc/child", "/", "/../elsewhere"}) {
    const Tree tree({{"/proc/self/mountinfo", "32 31 0:29 /docker/abc /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n"},
                     {"/proc/self/cgroup", std::string("1:cpu:") + group + "\n"},
                     {"/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "250000\n"},
                     {"/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"},
                     {"/sys/fs/cgroup/cpu/child/cpu.cfs_quota_us", "50000\n"},
                     {"/sys/fs/cgroup/cpu/child/cpu.cfs_period_us", "100000\n"}});
    const double expected = std::string(group) == "/docker/abc/child" ? 0.5 : 2.5;
    CHECK_THAT(nabla::cgroup_processors(tree.root) == expected, group);
  }
}

void nothing_to_read() {
  CHECK(nabla::cgroup_processors("/nowhere") > none && nabla::cgroup_memory("/nowhere") > none);
  for (const char* const text : {"", "0", "0::", "::", "0::relative\n", "0::/\n1:cpu\n", "0::/a\n"}) {
    const Tree tree({{"/proc/self/mountinfo", std::string("no dash\n - \n - cgroup2\n") + second_mount},
                     {"/proc/self/cgroup", text},
                     {"/sys/fs/cgroup/a/cpu.max", "a lot\n"},
                     {"/sys/fs/cgroup/a/memory.max", ""}});
    CHECK_THAT(nabla::cgroup_processors(tree.root) > none && nabla::cgroup_memory(tree.root) > none, text);
  }
}

// Where this process may make a group of its own: a quota on it counts. Everything goes back to what it was.
void the_real_thing() {
  std::string folder;
  bool second = false;
  nabla::each_cgroup("", "cpu", [&](const std::string& group) {
    if (!folder.empty()) return;
    const bool v2 = access((group + "/cpu.max").c_str(), W_OK) == 0;
    if (v2 || access((group + "/cpu.cfs_quota_us").c_str(), W_OK) == 0) folder = group, second = v2;
  });
  const std::string child = folder + "/nabla-test-" + std::to_string(getpid());
  if (folder.empty() || mkdir(child.c_str(), 0777) != 0) return std::printf("skipped: a real group (no right to make one)\n"), void();
  const auto write = [](const std::string& path, const std::string& text) {
    std::ofstream file(path);
    file << text << std::flush;
    return file.good();
  };
  const std::string own = std::to_string(getpid());
  const bool limited = (second ? write(child + "/cpu.max", "100000 100000") : write(child + "/cpu.cfs_quota_us", "100000")) &&
                       write(child + "/cgroup.procs", own);
  if (limited) {
    CHECK(nabla::cgroup_processors() == 1);
    CHECK(nabla::Pool::default_threads() == 1);
    write(folder + "/cgroup.procs", own);
  } else {
    std::printf("skipped: a real group (it takes no quota)\n");
  }
  rmdir(child.c_str());
}

}  // namespace

int main() {
  version_2();
  version_1();
  containers();
  nothing_to_read();
  the_real_thing();
  return test::finish("cgroup_test");
}
