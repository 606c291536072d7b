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
LSTM_ERROR(Busy, "ERR_BUSY");
LSTM_ERROR(Disposed, "ERR_DISPOSED");
LSTM_ERROR(Aborted, "ERR_ABORTED");
// with("requestedBytes") and with("freeBytes") where they are known.
LSTM_ERROR(OutOfMemory, "ERR_OUT_OF_MEMORY");
// No library, driver or device of the kind that was asked for; says what was looked for.
LSTM_ERROR(DeviceUnavailable, "ERR_DEVICE_UNAVAILABLE");

#undef LSTM_ERROR

// A call of CUDA, cuDNN or cuBLASLt failed. Once `lost`, the device is of no use any more and only releasing works.
class CudaFailure : public EngineError {
 public:
  CudaFailure(const std::string& message, int status, std::string call, std::string text, bool lost)
      : EngineError("ERR_CUDA", message),
        status_(status),
        call_(std::move(call)),
        text_(std::move(text)),
        lost_(lost) {}
  int status() const { return status_; }             // the library's own code
  const std::string& call() const { return call_; }  // e.g. cudnnRNNForward
  const std::string& text() const { return text_; }  // the library's own words
  bool lost() const { return lost_; }

 private:
  int status_;
  std::string call_;
  std::string text_;
  bool lost_;
};

}  // namespace lstm
