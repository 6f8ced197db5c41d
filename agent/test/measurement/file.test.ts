import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, statSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseComponentList, toHex } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { AuditedSet } from '../../src/measurement/audited-set.ts';
import { ABSENT, measureFile } from '../../src/measurement/file.ts';
import { inTemporaryDirectory } from '../temporary-directory.ts';

const MEASURER = [
  '--import',
  import.meta.resolve('tsx'),
  '--conditions=mtm-source',
  fileURLToPath(new URL('measurer.ts', import.meta.url)),
];
/** Files that the measuring process may have open at once, Node's own included. */
const MOST_OPEN = 64;

function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}

describe('the measurement of a file', () => {
  it('is the SHA-256 of all its bytes, also where they end at a chunk or are none', () =>
    inTemporaryDirectory(async (root) => {
      const path = join(root, 'image');
      for (const length of [0, 1, 65_535, 65_536, 65_537, 200_000]) {
        const bytes = new Uint8Array(length).map((_, i) => i % 251);
        writeFileSync(path, bytes);
        expect(await measureFile(path), `${length} bytes`).to.deep.equal(sha256(bytes));
      }
    }));

  it('is taken anew where size, date and name stayed (F-24)', () =>
    inTemporaryDirectory(async (root) => {
      const path = join(root, 'image');
      writeFileSync(path, 'good bytes');
      const { atime, mtime, ino } = statSync(path);
      expect(await measureFile(path)).to.deep.equal(sha256(Buffer.from('good bytes')));
      writeFileSync(path, 'evil bytes', { flag: 'r+' });
      utimesSync(path, atime, mtime);
      expect(statSync(path)).to.include({ ino, size: 10 });
      expect(await measureFile(path)).to.deep.equal(sha256(Buffer.from('evil bytes')));
      writeFileSync(join(root, 'other'), 'third bytes');
      renameSync(join(root, 'other'), path);
      expect(await measureFile(path)).to.deep.equal(sha256(Buffer.from('third bytes')));
      truncateSync(path, 5);
      expect(await measureFile(path)).to.deep.equal(sha256(Buffer.from('third')));
    }));

  it('is ABSENT where there is none: no content has this digest', () =>
    inTemporaryDirectory(async (root) => {
      writeFileSync(join(root, 'file'), '');
      mkdirSync(join(root, 'directory'));
      for (const name of ['missing', 'missing/deep', 'file/below', 'directory']) {
        expect(await measureFile(join(root, name)), name).to.deep.equal(ABSENT);
      }
      expect(ABSENT).to.deep.equal(new Uint8Array(32));
    }));

  it('does not follow a link to the right bytes: what it points to can be changed after it was measured (F-24)', () =>
    inTemporaryDirectory(async (root) => {
      writeFileSync(join(root, 'good'), 'good bytes');
      symlinkSync(join(root, 'good'), join(root, 'link'));
      symlinkSync(join(root, 'nowhere'), join(root, 'dangling'));
      symlinkSync(join(root, 'loop'), join(root, 'loop'));
      for (const name of ['link', 'dangling', 'loop'])
        expect(await measureFile(join(root, name))).to.deep.equal(ABSENT);
    }));

  it('does not wait for a pipe or a socket, nor read a device without end, in the place of the file', () =>
    inTemporaryDirectory(async (root) => {
      const pipe = join(root, 'pipe');
      expect(spawnSync('mkfifo', [pipe]).status).to.equal(0);
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(join(root, 'socket'), resolve));
      for (const path of [pipe, join(root, 'socket'), '/dev/zero']) {
        expect(await measureFile(path), path).to.deep.equal(ABSENT);
      }
      server.close();
    }));
});

describe('the audited set', () => {
  it('lists what runs under each name, ascending, an absent file as such, one name once', () =>
    inTemporaryDirectory(async (root) => {
      for (const name of ['b.bin', 'a.bin', 'c.bin']) writeFileSync(join(root, name), name);
      const audited = new AuditedSet();
      audited.add('z', join(root, 'a.bin'));
      audited.add('gone', join(root, 'gone'));
      audited.add('a', join(root, 'b.bin'));
      audited.add('z', join(root, 'c.bin'));
      const { bytes, digest } = await audited.measure();
      expect(digest).to.deep.equal(sha256(bytes));
      expect(parseComponentList(bytes)).to.deep.equal([
        { name: 'a', digest: sha256(Buffer.from('b.bin')) },
        { name: 'gone', digest: ABSENT },
        { name: 'z', digest: sha256(Buffer.from('c.bin')) },
      ]);
    }));

  it('is measured where it has more files than the process may have open', () =>
    inTemporaryDirectory(async (root) => {
      const audited = new AuditedSet();
      for (let i = 0; i < 4 * MOST_OPEN; i++) {
        writeFileSync(join(root, `${i}`), `${i}`);
        audited.add(`${i}`, join(root, `${i}`));
      }
      const { status, stdout, stderr } = spawnSync(
        'sh',
        ['-c', `ulimit -n ${MOST_OPEN} && exec "$0" "$@"`, process.execPath, ...MEASURER, root],
        { encoding: 'utf8' },
      );
      expect(status, stderr).to.equal(0);
      expect(stdout).to.equal(toHex((await audited.measure()).digest));
    }));
});
