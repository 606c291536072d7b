#include "addon/values.h"

#include <cmath>
#include <cstring>
#include <span>

#include "engine/errors.h"

namespace lstm::addon {
namespace {

std::string describe(const Napi::Value& value) {
  switch (value.Type()) {
    case napi_undefined:
      return "undefined";
    case napi_null:
      return "null";
    case napi_boolean:
      return "a boolean";
    case napi_number:
      return std::to_string(value.As<Napi::Number>().DoubleValue());
    case napi_string:
      return "a string";
    case napi_function:
      return "a function";
    default:
      return "an object";
  }
}

// The elements of a typed array of one exact type. SharedArrayBuffers could change meanwhile and are refused.
template <typename T>
std::span<T> elementsOf(const Napi::Value& value, napi_typedarray_type type, const char* typeName,
                        const std::string& path) {
  const std::string expected = path + ": expected a " + typeName;
  if (!value.IsTypedArray()) throw InvalidArgument(expected + ", got " + describe(value));
  const Napi::Env env = value.Env();
  napi_typedarray_type actual;
  size_t length = 0;
  void* data = nullptr;
  napi_value buffer;
  size_t byteOffset = 0;
  if (napi_get_typedarray_info(env, value, &actual, &length, &data, &buffer, &byteOffset) != napi_ok)
    throw InvalidArgument(expected + ", got one that cannot be read");
  if (actual != type) throw InvalidArgument(expected + ", got another typed array");
  bool ordinary = false;
  bool detached = false;
  napi_is_arraybuffer(env, buffer, &ordinary);
  if (!ordinary) throw InvalidArgument(expected + " over an ArrayBuffer, got one over a SharedArrayBuffer");
  napi_is_detached_arraybuffer(env, buffer, &detached);
  if (detached) throw InvalidArgument(expected + ", got one whose ArrayBuffer is detached");
  return {static_cast<T*>(data), data ? length : 0};
}

template <typename T>
void copyTyped(const Napi::Value& value, napi_typedarray_type type, const char* typeName,
               const std::string& path, std::vector<T>& out) {
  const std::span<T> from = elementsOf<T>(value, type, typeName, path);
  out.assign(from.begin(), from.end());
}

}  // namespace

Fields::Fields(const Napi::Value& value, std::string path) : path_(std::move(path)) {
  if (!value.IsObject()) throw InvalidArgument(path_ + ": expected an object, got " + describe(value));
  object_ = value.As<Napi::Object>();
}

bool Fields::has(const char* name) const {
  const Napi::Value value = get(name);
  return !value.IsUndefined() && !value.IsNull();
}

void Fields::reject(const char* name, const std::string& expected, const std::string& got) const {
  throw InvalidArgument(path(name) + ": expected " + expected + ", got " + got);
}

int64_t Fields::integer(const char* name, int64_t low, int64_t high) const {
  const Napi::Value value = get(name);
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : NAN;
  if (!(number >= static_cast<double>(low) && number <= static_cast<double>(high)) ||
      number != std::floor(number))
    reject(name, "an integer from " + std::to_string(low) + " to " + std::to_string(high), describe(value));
  return static_cast<int64_t>(number);
}

double Fields::number(const char* name) const {
  const Napi::Value value = get(name);
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : NAN;
  if (!std::isfinite(number)) reject(name, "a finite number", describe(value));
  return number;
}

bool Fields::boolean(const char* name) const {
  const Napi::Value value = get(name);
  if (!value.IsBoolean()) reject(name, "a boolean", describe(value));
  return value.As<Napi::Boolean>().Value();
}

std::string Fields::text(const char* name) const {
  const Napi::Value value = get(name);
  if (!value.IsString()) reject(name, "a string", describe(value));
  return value.As<Napi::String>().Utf8Value();
}

void Fields::floats(const char* name, std::vector<float>& out) const {
  if (!has(name)) return out.clear();
  copyFloats(get(name), path(name), out);
}

void Fields::ints(const char* name, std::vector<int32_t>& out) const {
  if (!has(name)) return out.clear();
  copyTyped<int32_t>(get(name), napi_int32_array, "Int32Array", path(name), out);
}

void copyFloats(const Napi::Value& value, const std::string& path, std::vector<float>& out) {
  copyTyped<float>(value, napi_float32_array, "Float32Array", path, out);
}

void writeFloats(const Napi::Value& value, const std::string& path, const std::vector<float>& from) {
  const std::span<float> to = elementsOf<float>(value, napi_float32_array, "Float32Array", path);
  if (to.size() != from.size())
    throw ShapeMismatch(path + ": expected a Float32Array of " + std::to_string(from.size()) +
                        ", got one of " + std::to_string(to.size()));
  if (!from.empty()) std::memcpy(to.data(), from.data(), from.size() * sizeof(float));
}

Napi::Float32Array toFloat32Array(Napi::Env env, const std::vector<float>& values) {
  Napi::Float32Array array = Napi::Float32Array::New(env, values.size());
  if (!values.empty()) std::memcpy(array.Data(), values.data(), values.size() * sizeof(float));
  return array;
}

Napi::Float64Array toFloat64Array(Napi::Env env, const std::vector<double>& values) {
  Napi::Float64Array array = Napi::Float64Array::New(env, values.size());
  if (!values.empty()) std::memcpy(array.Data(), values.data(), values.size() * sizeof(double));
  return array;
}

}  // namespace lstm::addon
