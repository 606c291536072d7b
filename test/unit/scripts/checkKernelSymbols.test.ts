import { describe, expect, it } from 'vitest';

// @ts-expect-error -- a plain script without types
import { foreignSymbols as untyped } from '../../../scripts/checkKernelSymbols.mjs';

const foreignSymbols = untyped as (nmOutput: string, instructionSet: string) => string[];

describe('foreignSymbols', () => {
  it('finds what the linker may share between instruction sets', () => {
    const output = [
      '0000000000000000 T lstm::cpu::avx2::gemm(float const*, float*)',
      '0000000000000000 W std::vector<float, std::allocator<float> >::resize(unsigned long)',
      '0000000000000000 u guard variable for lstm::cpu::table()::once',
      '0000000000000000 W lstm::cpu::avx2::tanhOf(float)',
    ].join('\n');
    expect(foreignSymbols(output, 'avx2')).toEqual([
      'std::vector<float, std::allocator<float> >::resize(unsigned long)',
      'guard variable for lstm::cpu::table()::once',
    ]);
  });

  it('finds a symbol of another instruction set', () => {
    expect(foreignSymbols('0000000000000000 T lstm::cpu::avx2::gemm(float*)', 'avx512')).toHaveLength(1);
  });

  it('accepts what stays inside of the object', () => {
    expect(foreignSymbols('0000000000000000 t helper(float)\n0000000000000020 r kTable', 'avx2')).toEqual([]);
  });
});
