# Native benchmarks; not part of the default build: `node scripts/buildNative.mjs --target lstm_breakdown`.
foreach(name lstm_step lstm_breakdown lstm_latency)
  add_executable(${name} EXCLUDE_FROM_ALL bench/native/${name}.cpp)
  target_include_directories(${name} PRIVATE native bench/native)
  target_link_libraries(${name} PRIVATE lstm_cpu lstm_engine)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
endforeach()
