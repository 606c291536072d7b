file(GLOB LSTM_TEST_SOURCES CONFIGURE_DEPENDS test/native/*.cpp)
if(NOT LSTM_TEST_SOURCES)
  return()
endif()

include(cmake/standin.cmake)

# Not part of the default build: `cmake --build build --target lstm_native_tests`.
add_executable(lstm_native_tests EXCLUDE_FROM_ALL ${LSTM_TEST_SOURCES})
target_include_directories(lstm_native_tests PRIVATE native test/native)
target_link_libraries(lstm_native_tests PRIVATE lstm_cpu lstm_cuda lstm_engine)
# The stand-in is opened while the tests run, as the real library is, not linked.
add_dependencies(lstm_native_tests cudnn_lstm_cuda_standin cudnn_lstm_cuda_other_abi)
target_compile_definitions(lstm_native_tests PRIVATE LSTM_TEST_LIBRARIES="${CMAKE_BINARY_DIR}")
set_target_properties(lstm_native_tests PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})

# Undefined behaviour is looked for in what is tested: in the tests themselves it would triple the time they take to build.
if(LSTM_SANITIZE)
  target_compile_options(lstm_native_tests PRIVATE -fno-sanitize=undefined)
endif()

# The same without the CUDA device: what a cross-compiled run needs.
set(LSTM_CPU_TEST_SOURCES ${LSTM_TEST_SOURCES})
list(FILTER LSTM_CPU_TEST_SOURCES EXCLUDE REGEX "/cuda_[^/]*$")
add_executable(lstm_cpu_tests EXCLUDE_FROM_ALL ${LSTM_CPU_TEST_SOURCES})
target_include_directories(lstm_cpu_tests PRIVATE native test/native)
target_link_libraries(lstm_cpu_tests PRIVATE lstm_cpu lstm_engine)
# g++ 12 for 64-bit ARM ends with an internal error when it vectorises a reduction of loss_test.cpp.
target_compile_options(lstm_cpu_tests PRIVATE -fno-tree-vectorize)
set_target_properties(lstm_cpu_tests PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})

if(LSTM_KERNEL_SOURCES AND DEFINED LSTM_ARCH_FLAGS_wide)
  lstm_kernel_library(wide)
  set_target_properties(lstm_kernels_wide PROPERTIES EXCLUDE_FROM_ALL ON)
  target_sources(lstm_native_tests PRIVATE $<TARGET_OBJECTS:lstm_kernels_wide>)
  target_compile_definitions(lstm_native_tests PRIVATE LSTM_HAVE_WIDE=1)
endif()
