# The addon without the library of the CUDA device, for machines without CMake. CMakeLists.txt and
# cmake/kernels.cmake are the full build: the flags here follow theirs. It lies in gyp/, because npm builds a
# binding.gyp in the root by itself.
{
  'variables': {
    'version': '<!(node -p "require(\'../package.json\').version")',
    'kernel_flags': ['-O3', '-ffp-contract=fast', '-fno-math-errno', '-fno-trapping-math'],
  },
  'target_defaults': {
    'include_dirs': ['../native'],
    'defines': ['LSTM_VERSION="<(version)"'],
    'cflags!': ['-fno-exceptions'],
    'cflags_cc!': ['-fno-exceptions', '-fno-rtti', '-std=gnu++17', '-std=gnu++20'],
    'cflags_cc': [
      '-std=c++20', '-O3', '-fPIC', '-fvisibility=hidden', '-fvisibility-inlines-hidden',
      '-Wall', '-Wextra', '-Wno-unused-parameter',
    ],
    'xcode_settings': {
      'GCC_ENABLE_CPP_EXCEPTIONS': 'YES',
      'GCC_ENABLE_CPP_RTTI': 'YES',
      'CLANG_CXX_LANGUAGE_STANDARD': 'c++20',
      'GCC_SYMBOLS_PRIVATE_EXTERN': 'YES',
    },
  },
  'targets': [
    {
      'target_name': 'lstm_kernels_baseline',
      'type': 'static_library',
      'sources': ['<!@(node sources.mjs cpu/kernels baseline)'],
      'defines': ['LSTM_ARCH=baseline'],
      'cflags_cc': ['<@(kernel_flags)'],
    },
    {
      'target_name': 'lstm_cpu',
      'type': 'static_library',
      'sources': ['<!@(node sources.mjs engine)', '<!@(node sources.mjs cpu)'],
      'defines': ['LSTM_HAVE_BASELINE=1'],
      'conditions': [
        ['target_arch=="x64"', { 'defines': ['LSTM_HAVE_AVX2=1', 'LSTM_HAVE_AVX512=1'] }],
      ],
    },
    {
      'target_name': 'lstm_cuda',
      'type': 'static_library',
      'sources': ['<!@(node sources.mjs cuda)'],
    },
    {
      'target_name': 'cudnn_lstm',
      'sources': ['<!@(node sources.mjs addon)'],
      'dependencies': ['lstm_cuda', 'lstm_cpu', 'lstm_kernels_baseline'],
      'include_dirs': ['<!(node -p "require(\'node-addon-api\').include_dir")'],
      'defines': [
        'NAPI_VERSION=9',
        'NAPI_CPP_EXCEPTIONS',
        'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS',
        'NODE_ADDON_API_DISABLE_DEPRECATED',
      ],
      'conditions': [
        ['target_arch=="x64"', { 'dependencies': ['lstm_kernels_avx2', 'lstm_kernels_avx512'] }],
        ['OS=="linux"', {
          'libraries': ['-ldl', '-lpthread'],
          'ldflags': ['-Wl,--exclude-libs,ALL', '-static-libstdc++', '-Wl,--gc-sections'],
        }],
      ],
    },
  ],
  'conditions': [
    ['target_arch=="x64"', {
      'targets': [
        {
          'target_name': 'lstm_kernels_avx2',
          'type': 'static_library',
          'sources': ['<!@(node sources.mjs cpu/kernels avx2)'],
          'defines': ['LSTM_ARCH=avx2'],
          'cflags_cc': ['<@(kernel_flags)', '-mavx2', '-mfma', '-mbmi2'],
        },
        {
          'target_name': 'lstm_kernels_avx512',
          'type': 'static_library',
          'sources': ['<!@(node sources.mjs cpu/kernels avx512)'],
          'defines': ['LSTM_ARCH=avx512'],
          'cflags_cc': [
            '<@(kernel_flags)', '-mavx512f', '-mavx512bw', '-mavx512dq', '-mavx512vl', '-mfma',
            '-mprefer-vector-width=512',
          ],
        },
      ],
    }],
  ],
}
