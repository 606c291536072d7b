find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM) # before enable_language(CUDA), which it then covers
  foreach(language C CXX CUDA)
    set(CMAKE_${language}_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
  endforeach()
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_CUDA_VISIBILITY_PRESET hidden)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_library(lstm_flags INTERFACE)
target_compile_options(lstm_flags INTERFACE $<$<COMPILE_LANGUAGE:C,CXX>:-Wall -Wextra -Wno-unused-parameter>)
target_compile_definitions(lstm_flags INTERFACE LSTM_VERSION="${PROJECT_VERSION}")
if(LSTM_SANITIZE)
  target_compile_options(
    lstm_flags
    INTERFACE "$<$<COMPILE_LANGUAGE:C,CXX>:-fsanitize=${LSTM_SANITIZE};-fno-omit-frame-pointer;-g1;-O1>"
  )
  target_link_options(lstm_flags INTERFACE $<$<LINK_LANGUAGE:C,CXX>:-fsanitize=${LSTM_SANITIZE}>)
endif()
