import { randomBytes } from 'node:crypto';
import { SoftPlatform } from '../src/platform/soft/soft-platform.ts';
import { StateFile } from '../src/platform/soft/state-file.ts';
import { Secret } from '../src/secret.ts';
import { MemoryFiles } from '../src/storage/memory-files.ts';

export const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

/** The disk of a terminal whose TrE runs in this process: what survives a power cut. */
export class TerminalDisk {
  readonly agent = new MemoryFiles();
  readonly tre = new MemoryFiles();
  readonly #deviceKey = new Secret(random(32));

  /** Power on. */
  powerOn(): Promise<SoftPlatform> {
    const state = new StateFile(this.tre, this.#deviceKey, random);
    return SoftPlatform.start({ state, protection: 'memory', now: () => performance.now(), random });
  }
}
