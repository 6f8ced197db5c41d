import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ImaListFile } from '../../src/measurement/ima-list-file.ts';
import { expectRefusal } from '../refusal.ts';
import { entries, entry, line } from './ima-list.ts';

async function bytesOf(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

describe('the file of an IMA list', () => {
  let directory: string;
  let path: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mtm-ima-'));
    path = join(directory, 'ima');
  });

  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  it('is read from any entry on, again and again, while it grows', async () => {
    writeFileSync(path, entries(0, 5000));
    const list = new ImaListFile(path);
    for (const from of [0, 0, 1, 17, 4999, 5000, 3, 5000]) {
      expect((await bytesOf(list.entries(from))).equals(entries(from, 5000)), `${from}`).to.equal(true);
    }
    appendFileSync(path, entries(5000, 5010));
    expect((await bytesOf(list.entries(5000))).equals(entries(5000, 5010))).to.equal(true);
    expect(await bytesOf(list.entries(5010))).to.have.length(0);
    expect(await bytesOf(list.entries(6000)), 'behind its end').to.have.length(0);
    appendFileSync(path, entries(5010, 5011));
    expect((await bytesOf(list.entries(5010))).equals(entry(5010))).to.equal(true);
  });

  it('is read in the ASCII form too', async () => {
    const lines = Array.from({ length: 300 }, (_, i) => line(i));
    writeFileSync(path, Buffer.concat(lines));
    const list = new ImaListFile(path);
    for (const from of [0, 120, 299]) {
      expect((await bytesOf(list.entries(from))).equals(Buffer.concat(lines.slice(from))), `${from}`).to.equal(true);
    }
  });

  it('gives whole entries alone: one that is being written is left for the next time', async () => {
    writeFileSync(path, entries(0, 3).subarray(0, -1));
    const list = new ImaListFile(path);
    expect((await bytesOf(list.entries(1))).equals(entry(1))).to.equal(true);
    writeFileSync(path, entries(0, 3));
    expect((await bytesOf(list.entries(2))).equals(entry(2))).to.equal(true);
  });

  it('that is no list is given as it is: the verifier judges, not the agent', async () => {
    const spoilt = Buffer.concat([entries(0, 3), Buffer.alloc(300_000, 0xff)]);
    writeFileSync(path, spoilt);
    expect((await bytesOf(new ImaListFile(path).entries(0))).equals(readFileSync(path))).to.equal(true);
  });

  it('that is empty has no entry; one that is not there is named', async () => {
    writeFileSync(path, '');
    expect(await bytesOf(new ImaListFile(path).entries(0))).to.have.length(0);
    await expectRefusal(() => bytesOf(new ImaListFile(`${path}.gone`).entries(0)), 'file.unreadable');
  });
});
