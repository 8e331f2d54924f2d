// A zeroed array aligned to cache lines: parameters, state, scratch.
#pragma once
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <string>

#include "error.h"
#include "memory_limit.h"

namespace nabla {

// Zeros aligned to huge pages that cost nothing until somebody touches them: an event loop may make them. Null where the system refuses.
void* zero_pages(size_t bytes);
void free_pages(void* data, size_t bytes);

struct AlignedDelete {
  std::align_val_t alignment{64};
  size_t pages = 0;  // bytes of zero_pages
  void operator()(void* p) const {
    if (pages != 0)
      free_pages(p, pages);
    else
      ::operator delete(p, alignment);
  }
};

// What an array holds at first.
enum class Fill { zeros, nothing };

// Asks for huge pages: a data set of 47 MB otherwise costs 11,500 page faults, and shuffled rows a TLB miss each.
void want_huge_pages(void* data, size_t bytes);

template <class T>
class AlignedArray {
 public:
  AlignedArray() = default;
  explicit AlignedArray(size_t size, Fill fill = Fill::zeros) : size_(size) {
    if (size == 0) return;
    constexpr size_t huge = size_t{2} << 20, worth_pages = size_t{32} << 20, worth_a_look = size_t{64} << 20;
    if (size > (~size_t{0} >> 1) / sizeof(T)) check_memory("memory", static_cast<double>(size) * sizeof(T));
    const size_t bytes = size * sizeof(T);
    // The system may promise more than there is, and end the process when it is touched.
    if (bytes >= worth_a_look) check_memory("memory", static_cast<double>(bytes));
    const std::align_val_t alignment{bytes >= 2 * huge ? huge : 64};
    // Smaller arrays may get memory that was used before, which no fault delays.
    const bool pages = fill == Fill::zeros && bytes >= worth_pages;
    void* const raw = pages ? zero_pages(bytes) : ::operator new(bytes, alignment, std::nothrow);
    if (raw == nullptr)
      throw Error("ERR_MEMORY", "[memory] the system refused an allocation. Expected room for " + std::to_string(bytes) + " bytes.");
    data_ = std::unique_ptr<T, AlignedDelete>(static_cast<T*>(raw), AlignedDelete{alignment, pages ? bytes : 0});
    if (bytes >= 2 * huge) want_huge_pages(raw, bytes);
    if (fill == Fill::zeros && !pages) std::memset(raw, 0, bytes);
  }
  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  size_t size() const { return size_; }
  T& operator[](size_t i) { return data_.get()[i]; }
  const T& operator[](size_t i) const { return data_.get()[i]; }
  // Room for at least `size` elements; contents are lost (and zero) when it grows.
  void reserve(size_t size) {
    if (size > size_) *this = AlignedArray(size);
  }

 private:
  std::unique_ptr<T, AlignedDelete> data_;
  size_t size_ = 0;
};

}  // namespace nabla
