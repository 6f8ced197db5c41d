import { createHash } from 'node:crypto';
import { chmod, copyFile, cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ReferenceComponent, Release } from '@mtm-attest/protocol';
import type { SlotName } from '../boot/slots.ts';
import { componentPath } from '../boot/slots.ts';
import type { Maker } from './maker.ts';

/** The model that all simulated terminals are of. */
export const FLEET_MODEL = 'fleet-m1';
const ISSUER = 'fleet-maker';

/** What every release consists of; a component of phase runtime is started after boot. */
export const PARTS: readonly Omit<ReferenceComponent, 'digest'>[] = [
  { name: 'app/agent', pcr: 10, phase: 'boot' },
  { name: 'app/evidence', pcr: 10, phase: 'boot' },
  { name: 'boot/loader', pcr: 4, phase: 'boot' },
  { name: 'boot/policy', pcr: 7, phase: 'boot' },
  { name: 'etc/settings', pcr: 1, phase: 'boot' },
  { name: 'lib/codec', pcr: 10, phase: 'boot' },
  { name: 'lib/socket', pcr: 10, phase: 'boot' },
  { name: 'os/kernel', pcr: 4, phase: 'boot' },
  { name: 'os/services', pcr: 11, phase: 'boot' },
  { name: 'tre/engine', pcr: 0, phase: 'boot' },
  { name: 'usim/applet', pcr: 12, phase: 'runtime' },
];

/** Releases of the simulated model, by number. */
export const OLD_RELEASE = 1;
export const PRESENT_RELEASE = 2;
export const NEXT_RELEASE = 3;

/** A release with the manifest that it is shipped with. */
export interface Shipment {
  readonly release: number;
  readonly manifest: Uint8Array;
}

/**
 * Firmware images made of real files: those of this package, of the protocol and of the WebSocket library. Honest terminals share one
 * read-only directory; whoever changes anything owns a copy.
 */
export class Firmware {
  readonly #directory: string;
  readonly #maker: Maker;
  readonly #releases: ReadonlyMap<number, Release>;
  /** sequence of the manifest before the first of this fleet */
  readonly #sequence: number;

  private constructor(directory: string, maker: Maker, releases: ReadonlyMap<number, Release>, sequence: number) {
    this.#directory = directory;
    this.#maker = maker;
    this.#releases = releases;
    this.#sequence = sequence;
  }

  /**
   * @param directory empty; everything is written below it
   * @param sequence of the newest manifest that the verifier has, 0 for none
   */
  static async build(directory: string, maker: Maker, sequence: number): Promise<Firmware> {
    const pool = await sourceFiles();
    const releases = new Map<number, Release>();
    for (const number of [OLD_RELEASE, PRESENT_RELEASE, NEXT_RELEASE]) {
      releases.set(number, await buildRelease(join(directory, `release-${number}`), number, pool));
    }
    const firmware = new Firmware(directory, maker, releases, sequence);
    await firmware.install(firmware.sharedSlots, 'a', firmware.present());
    await select(firmware.sharedSlots, 'a');
    return firmware;
  }

  /** Slots of the present release that nobody may change. */
  get sharedSlots(): string {
    return join(this.#directory, 'shared');
  }

  /** The old release as it was shipped, valid then. */
  old(): Shipment {
    return this.#shipment(OLD_RELEASE, 1, OLD_RELEASE, [OLD_RELEASE]);
  }

  /** The present release; the old one may not run any more. */
  present(): Shipment {
    return this.#shipment(PRESENT_RELEASE, 2, PRESENT_RELEASE, [PRESENT_RELEASE]);
  }

  /** The next release; the present one goes on being accepted. */
  next(): Shipment {
    return this.#shipment(NEXT_RELEASE, 3, PRESENT_RELEASE, [PRESENT_RELEASE, NEXT_RELEASE]);
  }

  /** Slots of a terminal's own: real copies, the present release in slot a. */
  async ownSlots(terminal: string): Promise<string> {
    const slots = join(this.#directory, 'terminals', terminal);
    await cp(this.sharedSlots, slots, { recursive: true });
    return slots;
  }

  /** Writes a release into a slot; the next boot still uses the slot that is selected. */
  async install(slots: string, slot: SlotName, { release, manifest }: Shipment): Promise<void> {
    const root = join(slots, slot);
    await cp(join(this.#directory, `release-${release}`), join(root, 'files'), { recursive: true });
    await writeFile(join(root, 'release.json'), `{"release": ${release}}\n`);
    await writeFile(join(root, 'manifest.bin'), manifest);
  }

  #shipment(release: number, step: number, minimum: number, numbers: readonly number[]): Shipment {
    const releases = numbers.flatMap((number) => this.#releases.get(number) ?? []);
    const sequence = this.#sequence + step;
    const manifest = this.#maker.sign({ issuer: ISSUER, model: FLEET_MODEL, sequence, minimum, releases });
    return { release, manifest };
  }
}

/** The slot that the next boot uses. */
export async function select(slots: string, slot: SlotName): Promise<void> {
  await writeFile(join(slots, 'boot'), `${slot}\n`);
}

/** Changes the bytes of a component that a terminal owns. */
export async function alterComponent(slots: string, slot: SlotName, name: string): Promise<void> {
  const path = componentPath(join(slots, slot), name);
  const bytes = await readFile(path);
  await chmod(path, 0o644);
  await writeFile(path, Buffer.concat([bytes, Buffer.from('\n// one line more than the maker shipped\n')]));
}

async function buildRelease(root: string, number: number, pool: readonly string[]): Promise<Release> {
  const components: ReferenceComponent[] = [];
  for (const [i, part] of PARTS.entries()) {
    const source = pool[(i + number * PARTS.length) % pool.length] ?? '';
    const path = join(root, part.name);
    await mkdir(dirname(path), { recursive: true });
    await copyFile(source, path);
    await chmod(path, 0o444);
    const digest = new Uint8Array(
      createHash('sha256')
        .update(await readFile(path))
        .digest(),
    );
    components.push({ ...part, digest });
  }
  return { release: number, version: `${number}.0`, components };
}

/** Real files, in a fixed order: as built, or the sources where nothing was built. */
async function sourceFiles(): Promise<readonly string[]> {
  const own = fileURLToPath(new URL('..', import.meta.url));
  const { resolve } = createRequire(import.meta.url);
  const protocol = dirname(resolve('@mtm-attest/protocol'));
  const sockets = join(dirname(resolve('ws')), 'lib');
  const found = await Promise.all([own, protocol, sockets].map(codeFiles));
  return found.flat();
}

async function codeFiles(root: string): Promise<readonly string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /\.[jt]s$/.test(entry.name) && !entry.name.endsWith('.d.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
