# The addon for node-gyp. Sources and flags come from native/sources.txt (gyp's flags are per target, so each instruction set is a static library).
{
  'variables': { 'list': 'node scripts/native-sources.mjs' },
  'target_defaults': {
    'defines': ['NAPI_VERSION=8'],
    'include_dirs': ['native'],
    'cflags!': ['-fno-exceptions'],
    'cflags_cc!': ['-fno-exceptions', '-fno-rtti', '-std=gnu++17', '-std=gnu++20'],
    'cflags_cc': ['<!@(<(list) flags common <(target_arch))'],
    'xcode_settings': {
      'GCC_ENABLE_CPP_EXCEPTIONS': 'YES',
      'GCC_ENABLE_CPP_RTTI': 'YES',
      'CLANG_CXX_LANGUAGE_STANDARD': 'c++17',
      'MACOSX_DEPLOYMENT_TARGET': '11.0',
      'OTHER_CPLUSPLUSFLAGS': ['<!@(<(list) flags common <(target_arch))'],
    },
    'msvs_settings': {
      'VCCLCompilerTool': { 'ExceptionHandling': 1, 'RuntimeTypeInfo': 'true', 'AdditionalOptions': ['<!@(<(list) msvc common <(target_arch))'] },
    },
  },
  'targets': [
    {
      'target_name': 'nabla',
      'sources': ['<!@(<(list) files addon)'],
      'dependencies': [
        '<!(node -p "require(\'node-addon-api\').targets"):node_addon_api_except_all',
        'core',
      ],
      'conditions': [
        ['OS=="linux"', { 'ldflags': ['-pthread', '-Wl,--gc-sections', '-Wl,-s'], 'libraries': ['-pthread', '-ldl'] }],
      ],
    },
    {
      'target_name': 'core',
      'type': 'static_library',
      'dependencies': ['kernels'],
      'sources': ['<!@(<(list) files core)'],
    },
    {
      'target_name': 'kernels',
      'type': 'static_library',
      'dependencies': ['kernels_baseline', 'kernels_avx2', 'kernels_avx512', 'kernels_neon'],
      'sources': ['<!@(<(list) files kernels)'],
    },
    {
      'target_name': 'kernels_baseline',
      'type': 'static_library',
      'sources': ['<!@(<(list) files kernels_baseline)'],
      'cflags_cc': ['<!@(<(list) flags kernels_baseline <(target_arch))'],
    },
    {
      'target_name': 'kernels_avx2',
      'type': 'static_library',
      'sources': ['<!@(<(list) files kernels_avx2)'],
      'cflags_cc': ['<!@(<(list) flags kernels_avx2 <(target_arch))'],
      'xcode_settings': { 'OTHER_CPLUSPLUSFLAGS': ['<!@(<(list) flags kernels_avx2 <(target_arch))'] },
      'msvs_settings': { 'VCCLCompilerTool': { 'AdditionalOptions': ['<!@(<(list) msvc kernels_avx2 <(target_arch))'] } },
    },
    {
      'target_name': 'kernels_avx512',
      'type': 'static_library',
      'sources': ['<!@(<(list) files kernels_avx512)'],
      'cflags_cc': ['<!@(<(list) flags kernels_avx512 <(target_arch))'],
      'xcode_settings': { 'OTHER_CPLUSPLUSFLAGS': ['<!@(<(list) flags kernels_avx512 <(target_arch))'] },
      'msvs_settings': { 'VCCLCompilerTool': { 'AdditionalOptions': ['<!@(<(list) msvc kernels_avx512 <(target_arch))'] } },
    },
    {
      'target_name': 'kernels_neon',
      'type': 'static_library',
      'sources': ['<!@(<(list) files kernels_neon)'],
      'cflags_cc': ['<!@(<(list) flags kernels_neon <(target_arch))'],
    },
  ],
}
