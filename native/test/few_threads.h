// A system that refuses threads, for as long as an object lives: the address space has room for so many stacks and no more. For children of
// a test that have no threads yet.
#pragma once
#include "check.h"

// A sanitizer's memory cannot be limited.
#if defined(__linux__) && !defined(NABLA_SANITIZED)
#define NABLA_FEW_THREADS 1
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>

namespace test {

class FewThreads {
 public:
  explicit FewThreads(unsigned threads) {
    getrlimit(RLIMIT_AS, &before_);
    // Stacks much larger than anything else that is asked for meanwhile.
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, stack);
    pthread_setattr_default_np(&attributes);
    pthread_attr_destroy(&attributes);
    long pages = 0;
    if (FILE* const file = std::fopen("/proc/self/statm", "r")) {
      if (std::fscanf(file, "%ld", &pages) != 1) pages = 0;
      std::fclose(file);
    }
    rlimit tight = before_;
    tight.rlim_cur = static_cast<rlim_t>(pages) * static_cast<rlim_t>(sysconf(_SC_PAGESIZE)) + threads * stack + stack / 2;
    setrlimit(RLIMIT_AS, &tight);
  }
  ~FewThreads() { setrlimit(RLIMIT_AS, &before_); }
  FewThreads(const FewThreads&) = delete;
  FewThreads& operator=(const FewThreads&) = delete;

 private:
  static constexpr size_t stack = size_t{1} << 30;
  rlimit before_{};
};

}  // namespace test
#endif
