#include "addon/js_errors.h"

#include <new>
#include <stdexcept>
#include <string>

#include "engine/errors.h"

namespace lstm::addon {
namespace {

Napi::Error withCode(Napi::Env env, const std::string& message, const char* code) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, code));
  return error;
}

}  // namespace

Napi::Error toJsError(Napi::Env env, std::exception_ptr failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const Napi::Error& error) {
    return error;
  } catch (const CudaFailure& error) {
    Napi::Error result = withCode(env, error.what(), error.code());
    result.Set("status", Napi::Number::New(env, error.status()));
    result.Set("call", Napi::String::New(env, error.call()));
    result.Set("text", Napi::String::New(env, error.text()));
    result.Set("lost", Napi::Boolean::New(env, error.lost()));
    return result;
  } catch (const EngineError& error) {
    Napi::Error result = withCode(env, error.what(), error.code());
    for (const auto& [name, value] : error.details()) result.Set(name, Napi::Number::New(env, value));
    return result;
  } catch (const std::bad_alloc&) {
    return withCode(env, "the host has no memory left for this", "ERR_OUT_OF_MEMORY");
  } catch (const std::length_error&) {
    return withCode(env, "the host has no memory left for this", "ERR_OUT_OF_MEMORY");
  } catch (const std::exception& error) {
    return withCode(env, error.what(), "ERR_INTERNAL");
  } catch (...) {
    return withCode(env, "unknown native failure", "ERR_INTERNAL");
  }
}

}  // namespace lstm::addon
