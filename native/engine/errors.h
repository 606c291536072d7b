#pragma once

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>

namespace lstm {

// Every failure the engine and the devices throw on purpose. `code` is stable and reaches JS as it is.
class EngineError : public std::runtime_error {
 public:
  EngineError(const char* code, const std::string& message) : std::runtime_error(message), code_(code) {}
  const char* code() const { return code_; }
  // Numbers that the JS error carries as fields, e.g. row, requestedBytes.
  EngineError& with(const std::string& name, double value) {
    details_[name] = value;
    return *this;
  }
  const std::map<std::string, double>& details() const { return details_; }

 private:
  const char* code_;
  std::map<std::string, double> details_;
};

#define LSTM_ERROR(Name, Code)                                                \
  class Name : public EngineError {                                           \
   public:                                                                    \
    explicit Name(const std::string& message) : EngineError(Code, message) {} \
  }

LSTM_ERROR(InvalidArgument, "ERR_INVALID_ARGUMENT");
LSTM_ERROR(ShapeMismatch, "ERR_SHAPE");
LSTM_ERROR(InvalidData, "ERR_DATA");
LSTM_ERROR(InvalidState, "ERR_STATE");
LSTM_ERROR(Disposed, "ERR_DISPOSED");
LSTM_ERROR(Aborted, "ERR_ABORTED");
LSTM_ERROR(OutOfMemory, "ERR_OUT_OF_MEMORY");

#undef LSTM_ERROR

}  // namespace lstm
