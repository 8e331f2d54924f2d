// Samples in native memory, in the types they came in.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "aligned.h"
#include "spec.h"

namespace nabla {

inline size_t bytes_of(InputType type) { return type == InputType::uint8 ? 1 : type == InputType::float32 ? 4 : 8; }

// A matrix of samples, copied or borrowed from memory that the owner keeps alive.
struct Matrix {
  InputType type = InputType::float32;
  const void* data = nullptr;
  AlignedArray<uint8_t> copy;

  // `threads`: a large copy is shared by that many.
  void set(InputType t, const void* source, size_t count, bool borrow, unsigned threads = 1);
};

struct SparseSamples;

struct Data {
  Data();
  ~Data();

  size_t rows = 0, features = 0;
  // The samples: as they came, or listed without their zeros (sparse.h), in which case x holds their type only.
  Matrix x;
  std::unique_ptr<const SparseSamples> lists;
  TargetKind kind = TargetKind::none;
  std::vector<int32_t> labels;
  Matrix values;
  std::vector<double> weights;  // empty: 1 each

  // rows and features are set before. Borrowed samples stay where they are: they may change between jobs, and lists of them would not.
  void set_samples(InputType type, const void* source, bool borrow, unsigned threads = 1);
  size_t bytes() const;
};

// First element of `count` that is NaN or infinite, or `count`.
size_t first_non_finite(InputType type, const void* data, size_t count);
// The same over a team where there is much to see; with `narrow` also doubles that float32 cannot hold.
size_t first_unusable(InputType type, const void* data, size_t count, bool narrow, unsigned threads);

}  // namespace nabla
