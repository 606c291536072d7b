# The CUDA device's table in host memory, for tests (test/native/cuda_standin). Never part of the package.
file(GLOB LSTM_STANDIN_SOURCES CONFIGURE_DEPENDS test/native/cuda_standin/*.cpp)
add_library(cudnn_lstm_cuda_standin SHARED EXCLUDE_FROM_ALL ${LSTM_STANDIN_SOURCES})
target_include_directories(cudnn_lstm_cuda_standin PRIVATE native test/native)
target_link_libraries(cudnn_lstm_cuda_standin PRIVATE lstm_flags Threads::Threads)
set_target_properties(cudnn_lstm_cuda_standin PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})

# The same symbol, but no table for the ABI that is asked for: what an old library beside a new addon is.
add_library(cudnn_lstm_cuda_other_abi SHARED EXCLUDE_FROM_ALL test/native/cuda_standin/other/other_abi.cpp)
target_include_directories(cudnn_lstm_cuda_other_abi PRIVATE native)
target_link_libraries(cudnn_lstm_cuda_other_abi PRIVATE lstm_flags)
set_target_properties(cudnn_lstm_cuda_other_abi PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
