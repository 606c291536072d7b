# An option comes from -D (cmake-js: --CD), else from the environment, so that `npm ci` can be steered.
macro(lstm_option name default doc)
  if(NOT DEFINED ${name} AND DEFINED ENV{${name}})
    set(${name} "$ENV{${name}}" CACHE STRING "${doc}")
  else()
    set(${name} "${default}" CACHE STRING "${doc}")
  endif()
endmacro()

lstm_option(LSTM_CUDA auto "CUDA device: auto, on, off")
lstm_option(LSTM_SANITIZE "" "address,undefined or thread; empty for none")
lstm_option(LSTM_TESTS ON "define the target lstm_native_tests (never part of the default build)")

string(TOLOWER "${LSTM_CUDA}" LSTM_CUDA)
if(NOT LSTM_CUDA MATCHES "^(auto|on|off)$")
  message(FATAL_ERROR "LSTM_CUDA must be auto, on or off, not '${LSTM_CUDA}'")
endif()

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
