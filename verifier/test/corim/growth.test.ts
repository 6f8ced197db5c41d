import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';

interface Growth {
  readonly name: string;
  readonly inputBytes: number;
  readonly growth: number;
}

/** The bound of every parser, in bytes of heap for each byte of its input. */
const BYTES_PER_INPUT_BYTE = 64;
/** The noise of the measurement. */
const FIXED = 32_768;

describe('the heap that a CoRIM or an EAR takes', () => {
  it('is at most 64 bytes for each byte of the densest documents (F-46)', async () => {
    const script = fileURLToPath(new URL('measure.ts', import.meta.url));
    const options = ['--expose-gc', '--import', 'tsx', '--conditions', 'mtm-source', script];
    const { stdout } = await promisify(execFile)(process.execPath, options);
    const growths = JSON.parse(stdout) as readonly Growth[];
    expect(growths).to.have.length(13);
    for (const { name, inputBytes, growth } of growths) {
      expect(growth, `${name}: ${inputBytes} bytes`).to.be.at.most(BYTES_PER_INPUT_BYTE * inputBytes + FIXED);
      if (inputBytes > 65_000 && name !== 'submodules') expect(growth, `${name}: kept`).to.be.above(inputBytes);
    }
  });
});
