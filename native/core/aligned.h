// A zeroed array aligned to cache lines: parameters, state, scratch.
#pragma once
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <string>

#include "error.h"

namespace nabla {

struct AlignedDelete {
  void operator()(void* p) const { ::operator delete (p, std::align_val_t{64}); }
};

template <class T>
class AlignedArray {
 public:
  AlignedArray() = default;
  explicit AlignedArray(size_t size) : size_(size) {
    if (size == 0) return;
    void* const raw = ::operator new (size * sizeof(T), std::align_val_t{64}, std::nothrow);
    if (raw == nullptr)
      throw Error("ERR_MEMORY",
                  "[memory] the system refused an allocation. Expected room for " + std::to_string(size * sizeof(T)) + " bytes.");
    std::memset(raw, 0, size * sizeof(T));
    data_.reset(static_cast<T*>(raw));
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
