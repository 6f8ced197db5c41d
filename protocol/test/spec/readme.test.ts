import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { MAX_MESSAGE_BYTES, MAX_SLICE_BYTES } from '../../src/message/catalogue.ts';
import { MAX_DEPTH } from '../../src/msgpack/strict.ts';

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const PACKAGE = fileURLToPath(new URL('../../', import.meta.url));
const EXAMPLE = /```ts\n(.*?)```/s;

describe('README.md', () => {
  it('has an example that runs as it stands and prints what is said of it', async () => {
    const code = EXAMPLE.exec(README)?.[1] ?? '';
    const options = ['--conditions', 'mtm-source', '--import', 'tsx', '--input-type', 'module', '--eval', code];
    const { stdout } = await promisify(execFile)(process.execPath, options, { cwd: PACKAGE });
    const lines = stdout.trim().split('\n');
    expect(lines).to.have.length(2);
    expect(README).to.include(`It prints ${lines.map((line) => `\`${line}\``).join(' and ')}.`);
  });

  it('says the limits that the source has', () => {
    expect(README).to.include(`| message | ${MAX_MESSAGE_BYTES / 1024} KiB |`);
    expect(README).to.include(`| slice of a log or a list in one message | ${MAX_SLICE_BYTES / 1024} KiB |`);
    expect(README).to.include(`| nesting | ${MAX_DEPTH} levels |`);
  });
});
