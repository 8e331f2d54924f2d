// What the core throws; the binding turns it into a NablaError with the same code.
#pragma once
#include <stdexcept>
#include <string>

namespace nabla {

class Error : public std::runtime_error {
 public:
  Error(const char* code, const std::string& message) : std::runtime_error(message), code_(code) {}
  const char* code() const { return code_; }

 private:
  const char* code_;
};

}  // namespace nabla
