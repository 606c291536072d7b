file(GLOB LSTM_ADDON_SOURCES CONFIGURE_DEPENDS native/addon/*.cpp)
if(NOT LSTM_ADDON_SOURCES)
  message(STATUS "native/addon has no sources: the addon is not part of this build")
  return()
endif()

# Without cmake-js (a plain `cmake -B folder`), the headers come from the packages themselves.
if(NOT CMAKE_JS_INC)
  execute_process(
    COMMAND node -p "[require('node-api-headers').include_dir, require('node-addon-api').include_dir].join(';')"
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
    OUTPUT_VARIABLE CMAKE_JS_INC
    OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY
  )
endif()

add_library(cudnn_lstm MODULE ${LSTM_ADDON_SOURCES} ${CMAKE_JS_SRC})
set_target_properties(cudnn_lstm PROPERTIES PREFIX "" SUFFIX ".node")
target_include_directories(cudnn_lstm SYSTEM PRIVATE ${CMAKE_JS_INC})
# Without NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS a worker thread that ends with work under way aborts the process.
target_compile_definitions(
  cudnn_lstm PRIVATE NAPI_VERSION=9 NAPI_CPP_EXCEPTIONS NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS
                     NODE_ADDON_API_DISABLE_DEPRECATED
)
target_link_libraries(cudnn_lstm PRIVATE lstm_cpu lstm_cuda lstm_engine ${CMAKE_JS_LIB} ${CMAKE_DL_LIBS})
if(APPLE)
  target_link_options(cudnn_lstm PRIVATE -undefined dynamic_lookup)
elseif(UNIX)
  # Not -z,defs: the napi_* functions come from the node binary.
  target_link_options(cudnn_lstm PRIVATE -Wl,--exclude-libs,ALL)
  if(NOT LSTM_SANITIZE)
    # The binary is to run where the C++ runtime is older, with glibc 2.34 as its floor: so libstdc++ is linked in, its
    # unused parts (arc4random of 2.36) are dropped, and libgcc_s, which node itself needs, stays outside (a linked-in
    # one asks for _dl_find_object of 2.35).
    target_link_options(cudnn_lstm PRIVATE -static-libstdc++ -Wl,--gc-sections)
  endif()
endif()
