// Errands: each is done once, in order, by whoever comes first; nobody goes on before they are done. And pages of zeros.
#include <atomic>
#include <thread>
#include <vector>

#include "check.h"
#include "core/aligned.h"
#include "core/errands.h"

namespace {

using nabla::AlignedArray;
using nabla::Errands;

void in_order() {
  Errands errands;
  std::vector<int> done;
  errands.settle();
  CHECK(!errands.waiting());
  for (int i = 0; i < 3; ++i) errands.add([&, i] { done.push_back(i); });
  // One that comes while others are at work.
  errands.add([&] { errands.add([&] { done.push_back(4); }); });
  CHECK(errands.waiting() && done.empty());
  errands.settle();
  CHECK(!errands.waiting() && (done == std::vector<int>{0, 1, 2, 4}));
}

void many_threads() {
  for (int round = 0; round < 200; ++round) {
    Errands errands;
    // Not atomic: a thread that went on too early would be a race, and a sum that is too small.
    int sum = 0;
    for (int i = 0; i < 8; ++i) errands.add([&] { sum += 1; });
    std::atomic<bool> complete{true};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t)
      threads.emplace_back([&] {
        errands.settle();
        if (sum != 8) complete = false;
      });
    for (std::thread& thread : threads) thread.join();
    CHECK(complete);
  }
}

void pages() {
  // More than is taken from memory that was used before.
  constexpr size_t size = size_t{9} << 20;
  for (int round = 0; round < 3; ++round) {
    AlignedArray<float> array(size);
    CHECK(reinterpret_cast<uintptr_t>(array.data()) % 64 == 0);
    size_t others = 0;
    for (size_t i = 0; i < size; ++i) others += array[i] != 0;
    CHECK(others == 0);
    array[0] = 1, array[size - 1] = 2;
    AlignedArray<float> moved = std::move(array);
    CHECK(moved[0] == 1 && moved[size - 1] == 2);
    moved = AlignedArray<float>(3);
    CHECK(moved[2] == 0);
  }
}

}  // namespace

int main() {
  in_order();
  many_threads();
  pages();
  return test::finish("errands_test");
}
