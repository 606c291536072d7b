#pragma once

#include <napi.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace lstm::addon {

// Reads one JS object's fields as checked C++ values. Every failure is an InvalidArgument that names the path.
class Fields {
 public:
  Fields(const Napi::Value& value, std::string path);

  bool has(const char* name) const;
  Napi::Value get(const char* name) const { return object_.Get(name); }
  std::string path(const char* name) const { return path_ + "." + name; }
  Fields object(const char* name) const { return Fields(get(name), path(name)); }

  int64_t integer(const char* name, int64_t low, int64_t high) const;
  double number(const char* name) const;  // finite
  bool boolean(const char* name) const;
  std::string text(const char* name) const;
  // Absent: `out` is emptied. The array is copied; its memory must be an ordinary, attached ArrayBuffer.
  void floats(const char* name, std::vector<float>& out) const;
  void ints(const char* name, std::vector<int32_t>& out) const;

  template <typename E>
  E choice(const char* name, std::initializer_list<std::pair<const char*, E>> choices) const {
    const std::string value = text(name);
    std::string expected;
    for (const auto& [word, result] : choices) {
      if (value == word) return result;
      expected += (expected.empty() ? "" : ", ") + std::string(word);
    }
    reject(name, "one of " + expected, "'" + value + "'");
  }

 private:
  [[noreturn]] void reject(const char* name, const std::string& expected, const std::string& got) const;

  Napi::Object object_;
  std::string path_;
};

// Writes into the caller's array, which must have just that length.
void writeFloats(const Napi::Value& value, const std::string& path, const std::vector<float>& from);
void copyFloats(const Napi::Value& value, const std::string& path, std::vector<float>& out);
Napi::Float32Array toFloat32Array(Napi::Env env, const std::vector<float>& values);
Napi::Float64Array toFloat64Array(Napi::Env env, const std::vector<double>& values);

}  // namespace lstm::addon
