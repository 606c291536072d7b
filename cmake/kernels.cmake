# native/cpu/kernels/*.cpp is compiled once for each instruction set, every time into the namespace LSTM_ARCH names.
# Contraction and the absence of errno and traps are allowed; reordering of sums is not, so that two builds of the
# same vector width give the same bits.
file(GLOB LSTM_KERNEL_SOURCES CONFIGURE_DEPENDS native/cpu/kernels/*.cpp)
set(LSTM_KERNEL_FLAGS -ffp-contract=fast -fno-math-errno -fno-trapping-math)
if(NOT LSTM_SANITIZE)
  list(PREPEND LSTM_KERNEL_FLAGS -O3)
endif()

set(LSTM_ARCHS baseline)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  list(APPEND LSTM_ARCHS avx2 avx512)
  set(LSTM_ARCH_FLAGS_avx2 -mavx2 -mfma -mbmi2)
  set(LSTM_ARCH_FLAGS_avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mprefer-vector-width=512)
  # The sixteen-wide source path on eight-wide hardware: for the tests of machines without AVX-512.
  set(LSTM_ARCH_FLAGS_wide -mavx2 -mfma -DLSTM_VECTOR_WIDTH=16 -Wno-psabi)
endif()

function(lstm_kernel_library arch)
  add_library(lstm_kernels_${arch} OBJECT ${LSTM_KERNEL_SOURCES})
  target_link_libraries(lstm_kernels_${arch} PRIVATE lstm_flags)
  target_include_directories(lstm_kernels_${arch} PRIVATE native)
  target_compile_definitions(lstm_kernels_${arch} PRIVATE LSTM_ARCH=${arch})
  target_compile_options(lstm_kernels_${arch} PRIVATE ${LSTM_KERNEL_FLAGS} ${LSTM_ARCH_FLAGS_${arch}})
endfunction()

# Puts the objects of every instruction set into the library, and tells it by LSTM_HAVE_<ARCH> which ones it holds.
function(lstm_link_kernels library)
  get_target_property(type ${library} TYPE)
  if(NOT LSTM_KERNEL_SOURCES OR type STREQUAL "INTERFACE_LIBRARY")
    return()
  endif()
  foreach(arch ${LSTM_ARCHS})
    lstm_kernel_library(${arch})
    string(TOUPPER ${arch} upper)
    target_sources(${library} PRIVATE $<TARGET_OBJECTS:lstm_kernels_${arch}>)
    target_compile_definitions(${library} PUBLIC LSTM_HAVE_${upper}=1)
  endforeach()
endfunction()
