import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect } from 'chai';
import type { AgentCode } from '../../src/error.ts';
import { random } from '../../src/fleet/power.ts';
import { counterFile } from '../../src/platform/soft/device-key.ts';
import { openSoftOnDisk, type SoftOnDisk } from '../../src/platform/soft/open-soft.ts';
import { SoftPlatform } from '../../src/platform/soft/soft-platform.ts';
import { StateFile } from '../../src/platform/soft/state-file.ts';
import { Secret } from '../../src/secret.ts';
import { DiskFiles } from '../../src/storage/disk-files.ts';
import { MemoryFiles } from '../../src/storage/memory-files.ts';
import { expectRefusal, refusalOf } from '../refusal.ts';
import { CutFiles, LEFTOVERS, Power, PowerCut } from '../storage/cut-files.ts';
import { inTemporaryDirectory } from '../temporary-directory.ts';
import { scalarsOf, showsScalar } from './private-scalars.ts';

const KEY = new Secret(new Uint8Array(32).fill(7));

async function started(files: MemoryFiles, key = KEY): Promise<SoftPlatform> {
  const state = new StateFile(files, key, random);
  return SoftPlatform.start({ state, protection: 'memory', now: () => performance.now(), random });
}

/** Powers on, counts, and powers off. */
async function used(options: SoftOnDisk, counts = 1): Promise<void> {
  const tre = await openSoftOnDisk(options);
  for (let i = 0; i < counts; i++) await tre.platform.incrementCounter('audit');
  await tre.close();
}

describe('the state of a soft TrE', () => {
  it('is refused where any of its bytes was changed, cut off or added, and stays as it is (F-73)', async () => {
    const files = new MemoryFiles();
    await started(files);
    const good = (await files.read('state.bin')) ?? expect.fail('no state');
    const refusedAs = async (bytes: Uint8Array): Promise<AgentCode> => {
      const copy = files.copy();
      await copy.replace('state.bin', bytes);
      const { code } = await refusalOf(() => started(copy));
      expect(await copy.read('state.bin')).to.deep.equal(bytes);
      return code;
    };
    for (let i = 0; i < good.length; i++) {
      const changed = Uint8Array.from(good, (byte, j) => (i === j ? byte ^ (1 << (i % 8)) : byte));
      expect(await refusedAs(changed), `byte ${i}`).to.equal(i === 7 ? 'state.version' : 'state.tampered');
    }
    for (const length of [0, 1, 8, 19, 20, 35, 36, good.length - 1]) {
      expect(await refusedAs(good.subarray(0, length))).to.equal('state.tampered');
    }
    expect(await refusedAs(Uint8Array.of(...good, 0))).to.equal('state.tampered');
  });

  it('is refused under another device key, and where it was removed: nothing is ever reset silently', async () => {
    const files = new MemoryFiles();
    await started(files);
    await expectRefusal(() => started(files, new Secret(random(32))), 'state.tampered');
    await files.remove('state.bin');
    await expectRefusal(() => started(files), 'state.missing');
  });

  it('is encrypted under a new nonce with every write (F-66)', async () => {
    const files = new MemoryFiles();
    const platform = await started(files);
    const nonces = new Set<string>();
    for (let i = 0; i < 50; i++) {
      await platform.incrementCounter('audit');
      nonces.add(Buffer.from(await files.readRange('state.bin', 8, 12)).toString('hex'));
    }
    expect(nonces).to.have.length(50);
  });

  it('lies in a directory of mode 0700, in files of mode 0600', async () => {
    await inTemporaryDirectory(async (root) => {
      const directory = join(root, 'deep', 'tre');
      await used({ directory, counter: join(root, 'counter') });
      expect(statSync(directory).mode & 0o777).to.equal(0o700);
      for (const path of [...readdirSync(directory).map((name) => join(directory, name)), join(root, 'counter')]) {
        expect(statSync(path).mode & 0o077, path).to.equal(0);
      }
    });
  });

  it('has temporary files swept that a killed process left', async () => {
    await inTemporaryDirectory(async (root) => {
      const directory = join(root, 'tre');
      const counter = join(root, 'counter');
      await used({ directory, counter });
      const left = [join(directory, 'state.bin.0123456789ab.pending'), `${counter}.0123456789ab.pending`];
      const foreign = join(root, 'other.0123456789ab.pending');
      for (const path of [...left, foreign]) writeFileSync(path, 'torn');
      await used({ directory, counter });
      expect(left.filter((path) => existsSync(path))).to.deep.equal([]);
      expect(existsSync(foreign)).to.equal(true);
    });
  });
});

describe('the counter outside the state directory', () => {
  it('refuses an old copy of the directory, and one that was used elsewhere (F-73)', async () => {
    await inTemporaryDirectory(async (root) => {
      const options = { directory: join(root, 'tre'), counter: join(root, 'counter') };
      await used(options);
      cpSync(options.directory, join(root, 'copy'), { recursive: true, filter: (path) => !path.endsWith('.sock') });
      const counted = readFileSync(options.counter);
      await used(options, 0);
      const newest = join(root, 'newest');
      renameSync(options.directory, newest);
      cpSync(join(root, 'copy'), options.directory, { recursive: true });
      await expectRefusal(() => openSoftOnDisk(options), 'state.rolled-back');

      rmSync(options.directory, { recursive: true });
      renameSync(newest, options.directory);
      await used(options, 0);
      writeFileSync(join(root, 'their-counter'), counted);
      const elsewhere = await openSoftOnDisk({ directory: join(root, 'copy'), counter: join(root, 'their-counter') });
      elsewhere.claim.release();
      writeFileSync(options.counter, counted);
      rmSync(options.directory, { recursive: true });
      renameSync(join(root, 'copy'), options.directory);
      await expectRefusal(() => openSoftOnDisk(options), 'state.run-ahead');
    });
  });

  it('must be there once it guarded the state, and outside the directory', async () => {
    await inTemporaryDirectory(async (root) => {
      const options = { directory: join(root, 'tre'), counter: join(root, 'counter') };
      await used(options);
      await expectRefusal(() => openSoftOnDisk({ directory: options.directory }), 'state.counter-missing');
      rmSync(options.counter);
      await expectRefusal(() => openSoftOnDisk(options), 'state.counter-missing');
      const inside = { directory: join(root, 'other'), counter: join(root, 'other', 'counter') };
      await expectRefusal(() => openSoftOnDisk(inside), 'state.counter-inside');
    });
  });

  it('refuses a directory that is gone while the counter is not', async () => {
    await inTemporaryDirectory(async (root) => {
      const options = { directory: join(root, 'tre'), counter: join(root, 'counter') };
      await used(options);
      rmSync(options.directory, { recursive: true });
      await expectRefusal(() => openSoftOnDisk(options), 'state.rolled-back');
    });
  });
});

/** What the machine acknowledged before its power went. */
interface Known {
  counter: bigint;
  resetCount: number;
  akName: Uint8Array | undefined;
}

describe('the state of a soft TrE when the power goes at a write', () => {
  const boots = 3;
  const counts = 2;

  async function start(directory: string, outside: string, power: Power): Promise<SoftPlatform> {
    const files = new CutFiles(new DiskFiles(directory), power, directory);
    const counter = counterFile(new CutFiles(new DiskFiles(outside), power, outside), 'counter');
    const state = new StateFile(files, KEY, random, counter);
    return SoftPlatform.start({ state, protection: 'memory', now: () => performance.now(), random });
  }

  /** Powers on, counts and powers off, several times, as far as the power goes. */
  async function live(directory: string, outside: string, power: Power): Promise<Known> {
    const known: Known = { counter: 0n, resetCount: 0, akName: undefined };
    try {
      for (let boot = 0; boot < boots; boot++) {
        const platform = await start(directory, outside, power);
        const { akName, boot: identity } = await platform.identity();
        Object.assign(known, { akName, resetCount: identity.resetCount });
        for (let i = 0; i < counts; i++) known.counter = await platform.incrementCounter('audit');
        if (boot % 2 === 0) await platform.close();
      }
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
    }
    return known;
  }

  for (const leaves of LEFTOVERS) {
    it(`is the old or the new one at every write, never reset, counters never lower; the write leaves ${leaves}`, async () => {
      for (let writes = 0; ; writes++) {
        const power = new Power(writes, leaves);
        await inTemporaryDirectory(async (root) => {
          const [directory, outside] = [join(root, 'tre'), join(root, 'outside')];
          await new DiskFiles(outside).replace('there', new Uint8Array());
          await new DiskFiles(directory).replace('there', new Uint8Array());
          const known = await live(directory, outside, power);
          await new DiskFiles(directory).sweep();
          const platform = await start(directory, outside, new Power(1e9, 'all'));
          const { akName, boot } = await platform.identity();
          const counter = await platform.readCounter('audit');
          expect(counter >= known.counter && counter <= known.counter + 1n, `write ${writes}`).to.equal(true);
          expect(boot.resetCount, `write ${writes}`).to.be.within(known.resetCount + 1, known.resetCount + 2);
          if (known.akName !== undefined) expect(akName).to.deep.equal(known.akName);
        });
        if (!power.off) {
          expect(writes).to.be.above(20);
          return;
        }
      }
    });
  }

  it('goes on with the same values where the disk refused a write and power stayed', async () => {
    const files = new MemoryFiles();
    let refuses = false;
    const refusing = new Proxy(files, {
      get: (target, name) =>
        name === 'replace' && refuses
          ? () => Promise.reject(new PowerCut())
          : (Reflect.get(target, name) as (...args: unknown[]) => unknown).bind(target),
    });
    const state = new StateFile(refusing, KEY, random);
    const platform = await SoftPlatform.start({ state, protection: 'memory', now: () => 0, random });
    await platform.incrementCounter('audit');
    refuses = true;
    let refused: unknown;
    await platform.incrementCounter('audit').catch((error: unknown) => {
      refused = error;
    });
    expect(refused).to.be.instanceOf(PowerCut);
    expect(await platform.readCounter('audit')).to.equal(1n);
    refuses = false;
    expect(await platform.incrementCounter('audit')).to.equal(2n);
  });
});

describe('the private keys of a soft TrE (F-77)', () => {
  it('stand in no file of its directory, raw, hexadecimal or base64', async () => {
    await inTemporaryDirectory(async (root) => {
      const directory = join(root, 'tre');
      await used({ directory }, 3);
      const key = new Secret(new Uint8Array(readFileSync(join(directory, 'device.key'))));
      const state = (await new StateFile(new DiskFiles(directory), key, random).load()) ?? expect.fail('no state');
      const scalars = scalarsOf(state);
      expect(scalars.map(({ length }) => length)).to.deep.equal([32, 32]);
      for (const name of readdirSync(directory).filter((one) => !one.endsWith('.sock'))) {
        expect(showsScalar(readFileSync(join(directory, name)), scalars), name).to.equal(false);
      }
    });
  });

  it('are shown by no inspection, JSON or error of what holds them', async () => {
    const files = new MemoryFiles();
    const platform = await started(files);
    const state = (await new StateFile(files, KEY, random).load()) ?? expect.fail('no state');
    const refusal = await refusalOf(() => started(files, new Secret(random(32))));
    for (const shown of [platform, state, KEY, refusal, new StateFile(files, KEY, random)]) {
      const text = [
        inspect(shown, { depth: 20, showHidden: true, getters: true, maxArrayLength: null }),
        JSON.stringify(shown),
        refusal.stack ?? '',
      ].join('\n');
      for (const scalar of [...scalarsOf(state), new Uint8Array(32).fill(7)]) {
        const [hex, list] = [Buffer.from(scalar).toString('hex'), [...scalar].join(',')];
        const spaced = hex.replace(/(..)(?!$)/g, '$1 ');
        for (const form of [hex, list, spaced, list.replaceAll(',', ', ')]) expect(text).not.to.include(form);
      }
    }
    expect([String(KEY), inspect({ KEY }), JSON.stringify({ KEY })]).to.deep.equal([
      '[secret]',
      '{ KEY: [secret] }',
      '{"KEY":"[secret]"}',
    ]);
  });
});
