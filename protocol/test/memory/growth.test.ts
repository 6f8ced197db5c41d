import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import type { Growth, Measured } from './measure.ts';
import { DECLARING, LONG_VECTORS, SHORT_VECTORS } from './vectors.ts';

/** The bound of every parser, in bytes of heap for each byte of its input. */
const BYTES_PER_INPUT_BYTE = 64;
/** What one parsing may take whatever its input: the containers around it, and the noise of the measurement. */
const FIXED_LONG = 32_768;
const FIXED_SHORT = 1024;

/** A heap of its own: what other tests leave behind would show in the measurement. */
async function measure(): Promise<Measured> {
  const script = fileURLToPath(new URL('measure.ts', import.meta.url));
  const options = ['--expose-gc', '--import', 'tsx', '--conditions', 'mtm-source', script];
  const { stdout } = await promisify(execFile)(process.execPath, options);
  return JSON.parse(stdout) as Measured;
}

function expectBounded(growths: readonly Growth[], fixed: number): void {
  for (const { name, inputBytes, growth } of growths) {
    expect(growth, `${name}: ${inputBytes} bytes`).to.be.at.most(BYTES_PER_INPUT_BYTE * inputBytes + fixed);
  }
}

describe('the heap that a parser takes', () => {
  let measured: Measured;

  before(async () => {
    measured = await measure();
  });

  it('is at most 64 bytes for each byte of the worst input of 64 KiB and more (F-46)', () => {
    expect(measured.long).to.have.length(LONG_VECTORS.length);
    expectBounded(measured.long, FIXED_LONG);
  });

  it('is at most 64 bytes for each byte of a short structure, beside 1 KiB (F-46)', () => {
    expect(measured.short).to.have.length(SHORT_VECTORS.length);
    expectBounded(measured.short, FIXED_SHORT);
  });

  it('was measured: a result that is kept shows', () => {
    const integers = measured.long.find(({ name }) => name === 'integers');
    expect(integers?.growth).to.be.above(LONG_VECTORS[0]?.input.length ?? 0);
  });

  it('does not follow declared lengths or depths: refusing them takes no more than the error does (F-45, F-46)', () => {
    expect(measured.declaring).to.have.length(2 * DECLARING.length);
    for (const { name, inputBytes, growth } of measured.declaring) {
      expect(growth, name).to.be.at.most(inputBytes + FIXED_LONG);
    }
  });
});
