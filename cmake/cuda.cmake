# libcudnn_lstm_cuda.so: the part of the CUDA device that needs CUDA to be built. The addon opens it at run time, and it
# opens cuDNN and cuBLASLt itself, so neither has a CUDA name among its dependencies. It is built when nvcc and the
# headers are found; else one line says what is missing (LSTM_CUDA=on: an error).
if(LSTM_CUDA STREQUAL "off")
  message(STATUS "CUDA library: off (LSTM_CUDA=off)")
  return()
endif()

macro(lstm_no_cuda reason)
  if(LSTM_CUDA STREQUAL "on")
    message(FATAL_ERROR "LSTM_CUDA=on, but ${reason}")
  endif()
  message(STATUS "CUDA library: not part of this build: ${reason}")
  return()
endmacro()

if(NOT CMAKE_SYSTEM_NAME STREQUAL "Linux")
  lstm_no_cuda("it is for Linux")
endif()
if(LSTM_SANITIZE)
  lstm_no_cuda("nvcc knows no sanitizers")
endif()

# By the environment: check_language() tests nothing once CMAKE_CUDA_COMPILER is set.
if(NOT DEFINED CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
  find_program(LSTM_NVCC nvcc HINTS ENV CUDA_HOME ENV CUDA_PATH PATH_SUFFIXES bin PATHS /usr/local/cuda/bin)
  if(NOT LSTM_NVCC)
    lstm_no_cuda("nvcc was not found (on PATH, in CUDA_HOME or /usr/local/cuda)")
  endif()
  set(ENV{CUDACXX} "${LSTM_NVCC}")
endif()

# The folder of a Python package's part, such as nvidia.cudnn, of the first Python that has it.
function(lstm_python_folder out package)
  foreach(python "$ENV{CUDNN_LSTM_PYTHON}" "$ENV{VIRTUAL_ENV}/bin/python" "${CMAKE_SOURCE_DIR}/.cache/py/bin/python"
                 python3)
    execute_process(
      COMMAND "${python}" -c
              "from importlib.util import find_spec; print(find_spec('${package}').submodule_search_locations[0])"
      OUTPUT_VARIABLE folder OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE status
    )
    if(status EQUAL 0 AND IS_DIRECTORY "${folder}")
      set(${out} "${folder}" PARENT_SCOPE)
      return()
    endif()
  endforeach()
  set(${out} "" PARENT_SCOPE)
endfunction()

find_path(LSTM_CUDNN_INCLUDE cudnn.h HINTS ENV CUDNN_ROOT ENV CUDNN_PATH PATH_SUFFIXES include)
if(NOT LSTM_CUDNN_INCLUDE)
  lstm_python_folder(cudnn_folder nvidia.cudnn)
  find_path(LSTM_CUDNN_INCLUDE cudnn.h HINTS "${cudnn_folder}" PATH_SUFFIXES include)
endif()
if(NOT LSTM_CUDNN_INCLUDE)
  lstm_no_cuda("cudnn.h was not found (in CUDNN_ROOT, the system, or Python's nvidia-cudnn-cu13)")
endif()
file(STRINGS "${LSTM_CUDNN_INCLUDE}/cudnn_version.h" cudnn_major REGEX "^#define CUDNN_MAJOR ")
if(NOT cudnn_major MATCHES " 9$")
  lstm_no_cuda("the cuDNN headers in ${LSTM_CUDNN_INCLUDE} are not those of version 9")
endif()

include(CheckLanguage)
set(CMAKE_CUDA_ARCHITECTURES 75) # of the compiler's trial; the library has its own list
check_language(CUDA)
if(NOT CMAKE_CUDA_COMPILER)
  lstm_no_cuda("nvcc ($ENV{CUDACXX}) compiles nothing with this C++ compiler")
endif()
enable_language(CUDA)
if(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 12.0)
  lstm_no_cuda("nvcc is of CUDA ${CMAKE_CUDA_COMPILER_VERSION}, and 12.0 is the oldest that will do")
endif()
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION) # CMake before 3.26: "requires the language dialect CUDA20"
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
endif()

find_path(LSTM_CUBLASLT_INCLUDE cublasLt.h HINTS ${CMAKE_CUDA_TOOLKIT_INCLUDE_DIRECTORIES})
if(NOT LSTM_CUBLASLT_INCLUDE)
  lstm_python_folder(cu13_folder nvidia.cu13)
  lstm_python_folder(cublas_folder nvidia.cublas)
  find_path(LSTM_CUBLASLT_INCLUDE cublasLt.h HINTS "${cu13_folder}" "${cublas_folder}" PATH_SUFFIXES include)
endif()
if(NOT LSTM_CUBLASLT_INCLUDE)
  lstm_no_cuda("cublasLt.h was not found (in the CUDA toolkit, the system, or Python's nvidia-cublas)")
endif()

# Unless told otherwise (LSTM_CUDA_ARCHS) code for every architecture from Turing on, and PTX that later cards compile for
# themselves.
if(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 12.8)
  set(lstm_all_archs 75-real 80-real 86-real 89-real 90-real 90-virtual)
  set(LSTM_CUDA_FLAGS --threads=2)
else()
  set(lstm_all_archs 75-real 80-real 86-real 89-real 90-real 100-real 120-real 120-virtual)
  set(LSTM_CUDA_FLAGS --threads=2 --compress-mode=size)
endif()
set(LSTM_CUDA_ARCHS "${lstm_all_archs}" CACHE STRING "CUDA architectures, as CMake's CUDA_ARCHITECTURES has them")

# The objects serve the library, and the tests that look inside it.
file(GLOB LSTM_CUDA_SOURCES CONFIGURE_DEPENDS native/cuda/library/*.cpp native/cuda/library/kernels/*.cu)
add_library(lstm_cuda_objects OBJECT ${LSTM_CUDA_SOURCES})
set_target_properties(
  lstm_cuda_objects PROPERTIES CUDA_ARCHITECTURES "${LSTM_CUDA_ARCHS}" CUDA_STANDARD 20 CUDA_STANDARD_REQUIRED ON
                               CUDA_RUNTIME_LIBRARY Static
)
target_link_libraries(lstm_cuda_objects PRIVATE lstm_flags)
target_include_directories(lstm_cuda_objects PUBLIC native)
target_include_directories(
  lstm_cuda_objects SYSTEM PUBLIC "${LSTM_CUDNN_INCLUDE}" ${CMAKE_CUDA_TOOLKIT_INCLUDE_DIRECTORIES}
)
# A wheel's folder may hold a cuda_runtime.h of another version: it comes behind the toolkit's. One word, as nvcc
# knows no -idirafter.
target_compile_options(
  lstm_cuda_objects
  PUBLIC $<$<COMPILE_LANGUAGE:CXX>:-idirafter${LSTM_CUBLASLT_INCLUDE}>
         $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-idirafter${LSTM_CUBLASLT_INCLUDE}>
  PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:${LSTM_CUDA_FLAGS}>
          $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra,-Wno-unused-parameter>
)

add_library(cudnn_lstm_cuda MODULE $<TARGET_OBJECTS:lstm_cuda_objects>)
set_target_properties(cudnn_lstm_cuda PROPERTIES PREFIX lib LINKER_LANGUAGE CUDA CUDA_RUNTIME_LIBRARY Static)
target_link_libraries(cudnn_lstm_cuda PRIVATE Threads::Threads ${CMAKE_DL_LIBS})
# As the addon: the C++ runtime linked in. Every symbol must be found here (cuDNN's are found by dlsym), and one is shown.
set(LSTM_CUDA_EXPORTS ${CMAKE_SOURCE_DIR}/cmake/cuda.exports)
target_link_options(
  cudnn_lstm_cuda PRIVATE -static-libstdc++ -Wl,--exclude-libs,ALL -Wl,--gc-sections -Wl,-z,defs
                          -Wl,--version-script=${LSTM_CUDA_EXPORTS}
)
set_target_properties(cudnn_lstm_cuda PROPERTIES LINK_DEPENDS ${LSTM_CUDA_EXPORTS})
message(STATUS "CUDA library: CUDA ${CMAKE_CUDA_COMPILER_VERSION}, cuDNN headers in ${LSTM_CUDNN_INCLUDE}")

file(GLOB LSTM_CUDNN_TEST_SOURCES CONFIGURE_DEPENDS test/cuda-host/*.cpp)
if(NOT LSTM_TESTS OR NOT LSTM_CUDNN_TEST_SOURCES)
  return()
endif()
# Against the real cuDNN library, which needs no GPU for what is asked of it:
# `cmake --build build --target lstm_cudnn_tests`.
add_library(lstm_fake_cudnn SHARED EXCLUDE_FROM_ALL test/cuda-host/fake/fake_cudnn.cpp)
set_target_properties(lstm_fake_cudnn PROPERTIES CXX_VISIBILITY_PRESET default)
add_executable(lstm_cuda_probe EXCLUDE_FROM_ALL test/cuda-host/probe/probe.cpp)
target_include_directories(lstm_cuda_probe PRIVATE native)
target_link_libraries(lstm_cuda_probe PRIVATE lstm_flags ${CMAKE_DL_LIBS})

add_executable(
  lstm_cudnn_tests EXCLUDE_FROM_ALL ${LSTM_CUDNN_TEST_SOURCES} test/native/main.cpp test/native/cuda_support.cpp
                   $<TARGET_OBJECTS:lstm_cuda_objects>
)
set_target_properties(
  lstm_cudnn_tests lstm_cuda_probe lstm_fake_cudnn
  PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR} LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}
)
set_target_properties(lstm_cudnn_tests PROPERTIES LINKER_LANGUAGE CUDA CUDA_RUNTIME_LIBRARY Static)
target_include_directories(lstm_cudnn_tests PRIVATE native test/native)
target_include_directories(
  lstm_cudnn_tests SYSTEM PRIVATE "${LSTM_CUDNN_INCLUDE}" ${CMAKE_CUDA_TOOLKIT_INCLUDE_DIRECTORIES}
)
target_compile_options(lstm_cudnn_tests PRIVATE -idirafter${LSTM_CUBLASLT_INCLUDE})
target_compile_definitions(
  lstm_cudnn_tests PRIVATE LSTM_CUDA_LIBRARY="$<TARGET_FILE:cudnn_lstm_cuda>" LSTM_PROBE="$<TARGET_FILE:lstm_cuda_probe>"
                           LSTM_FAKE_CUDNN="$<TARGET_FILE:lstm_fake_cudnn>" LSTM_CUDNN_ROOT="${LSTM_CUDNN_INCLUDE}/.." LSTM_TEST_LIBRARIES="${CMAKE_BINARY_DIR}"
)
target_link_libraries(lstm_cudnn_tests PRIVATE lstm_cuda lstm_cpu lstm_engine ${CMAKE_DL_LIBS})
add_dependencies(lstm_cudnn_tests cudnn_lstm_cuda lstm_cuda_probe lstm_fake_cudnn)
