#pragma once

#include <napi.h>

#include <exception>

namespace lstm::addon {

// The one place where a C++ failure becomes a JS error: message, `code`, and the failure's numbers as fields.
Napi::Error toJsError(Napi::Env env, std::exception_ptr failure);

}  // namespace lstm::addon
