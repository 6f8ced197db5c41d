import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { utf8 } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { DiskFiles } from '../../src/storage/disk-files.ts';
import type { DurableFiles } from '../../src/storage/durable-files.ts';
import { MemoryFiles } from '../../src/storage/memory-files.ts';
import { inTemporaryDirectory } from '../temporary-directory.ts';

const STORES: readonly { readonly name: string; readonly make: (directory: string) => DurableFiles }[] = [
  { name: 'in memory', make: () => new MemoryFiles() },
  { name: 'on disk', make: (directory) => new DiskFiles(join(directory, 'deep', 'store')) },
];

for (const { name, make } of STORES) {
  describe(`durable files ${name}`, () => {
    const withStore = (use: (files: DurableFiles) => Promise<void>): Promise<void> =>
      inTemporaryDirectory((directory) => use(make(directory)));

    it('are missing without an error', () =>
      withStore(async (files) => {
        expect(await files.read('a')).to.equal(undefined);
        expect(await files.readRange('d/a', 0, 10)).to.have.length(0);
        expect(await files.list('')).to.deep.equal([]);
        expect(await files.list('d')).to.deep.equal([]);
        await files.remove('a');
        await files.remove('d/a');
        await files.truncate('a', 3);
        expect(await files.read('a')).to.equal(undefined);
      }));

    it('are replaced whole, grow at the end, and shrink only', () =>
      withStore(async (files) => {
        await files.replace('a', utf8('old and longer'));
        await files.replace('a', utf8('new'));
        await files.append('a', utf8(' and'));
        await files.append('a', utf8(' more'));
        expect(await files.read('a')).to.deep.equal(utf8('new and more'));
        await files.truncate('a', 100);
        await files.truncate('a', 7);
        expect(await files.read('a')).to.deep.equal(utf8('new and'));
        await files.append('b', utf8('fresh'));
        expect(await files.read('b')).to.deep.equal(utf8('fresh'));
      }));

    it('are read in ranges, short at the end', () =>
      withStore(async (files) => {
        await files.replace('a', utf8('0123456789'));
        expect(await files.readRange('a', 2, 3)).to.deep.equal(utf8('234'));
        expect(await files.readRange('a', 8, 1_000_000_000)).to.deep.equal(utf8('89'));
        expect(await files.readRange('a', 10, 5)).to.have.length(0);
        expect(await files.readRange('a', 50, 5)).to.have.length(0);
      }));

    it('are listed by directory, ascending', () =>
      withStore(async (files) => {
        for (const one of ['b', 'a', 'd/2', 'd/1', 'e/1']) await files.replace(one, utf8(one));
        expect(await files.list('')).to.deep.equal(['a', 'b']);
        expect(await files.list('d')).to.deep.equal(['1', '2']);
        await files.remove('d/1');
        expect(await files.list('d')).to.deep.equal(['2']);
      }));

    it('have names one directory deep; any other is a defect of the caller (F-93)', () =>
      withStore(async (files) => {
        for (const bad of ['', '..', '../a', 'a/../b', '/a', 'a/b/c', 'a//b', './a', 'a\0b', 'a.pending']) {
          for (const use of [
            () => files.read(bad),
            () => files.readRange(bad, 0, 1),
            () => files.replace(bad, utf8('x')),
            () => files.append(bad, utf8('x')),
            () => files.truncate(bad, 0),
            () => files.remove(bad),
          ]) {
            let refused: unknown;
            await use().catch((error: unknown) => {
              refused = error;
            });
            expect(refused, JSON.stringify(bad)).to.be.instanceOf(RangeError);
          }
        }
      }));

    it('hold what they were given, whatever the caller does with its bytes afterwards', () =>
      withStore(async (files) => {
        const bytes = utf8('kept');
        await files.replace('a', bytes);
        bytes.fill(0);
        const read = (await files.read('a')) ?? expect.fail('gone');
        expect(read).to.deep.equal(utf8('kept'));
        read.fill(0);
        expect(await files.read('a')).to.deep.equal(utf8('kept'));
      }));
  });
}

describe('files on disk', () => {
  it('are made for their owner alone, and so are their directories', () =>
    inTemporaryDirectory(async (directory) => {
      const root = join(directory, 'made', 'here');
      const files = new DiskFiles(root);
      await files.replace('a', utf8('x'));
      await files.append('d/b', utf8('x'));
      for (const path of [join(directory, 'made'), root, join(root, 'd')])
        expect(statSync(path).mode & 0o777).to.equal(0o700);
      for (const path of [join(root, 'a'), join(root, 'd', 'b')]) expect(statSync(path).mode & 0o777).to.equal(0o600);
    }));

  it('leave nothing behind where a write fails, and the old content stays', () =>
    inTemporaryDirectory(async (root) => {
      const files = new DiskFiles(root);
      mkdirSync(join(root, 'a'));
      writeFileSync(join(root, 'a', 'inside'), '');
      let failed: unknown;
      await files.replace('a', utf8('x')).catch((error: unknown) => {
        failed = error;
      });
      expect(failed).to.be.instanceOf(Error);
      expect(readdirSync(root)).to.deep.equal(['a']);
    }));

  it('of writes that were cut short are neither listed nor read, and swept; nothing else is', () =>
    inTemporaryDirectory(async (root) => {
      const files = new DiskFiles(root);
      await files.replace('d/a', utf8('x'));
      const left = ['a.0123456789ab.pending', 'd/a.ffffffffffff.pending'];
      const others = ['a.pending', 'b.0123456789.pending', 'c.tmp'];
      for (const one of [...left, ...others]) writeFileSync(join(root, one), 'torn');
      symlinkSync(root, join(root, 'loop'));
      expect(await files.list('')).to.deep.equal(['c.tmp']);
      expect(await files.list('d')).to.deep.equal(['a']);
      await files.sweep();
      expect(left.filter((one) => existsSync(join(root, one)))).to.deep.equal([]);
      expect(others.filter((one) => existsSync(join(root, one)))).to.deep.equal(others);
      expect(await files.read('d/a')).to.deep.equal(utf8('x'));
    }));
});
