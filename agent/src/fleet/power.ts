import { randomBytes } from 'node:crypto';
import type { PlatformIdentity } from '../platform/platform.ts';
import { SoftPlatform } from '../platform/soft/soft-platform.ts';
import { StateFile } from '../platform/soft/state-file.ts';
import { Secret } from '../secret.ts';
import { MemoryFiles } from '../storage/memory-files.ts';

const DEVICE_KEY_BYTES = 32;
const PROTECTION: PlatformIdentity['protection'] = 'memory';

export const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

/** What of a simulated terminal survives a power cut: its two stores, and the key that opens the one of the trusted environment. */
export class TerminalDisk {
  readonly agent: MemoryFiles;
  readonly tre: MemoryFiles;
  readonly #deviceKey: Secret;

  constructor(
    agent: MemoryFiles = new MemoryFiles(),
    tre: MemoryFiles = new MemoryFiles(),
    deviceKey: Secret = new Secret(random(DEVICE_KEY_BYTES)),
  ) {
    this.agent = agent;
    this.tre = tre;
    this.#deviceKey = deviceKey;
  }

  /** Power on: PCRs are at reset, resetCount has risen. */
  powerOn(): Promise<SoftPlatform> {
    const state = new StateFile(this.tre, this.#deviceKey, random);
    return SoftPlatform.start({ state, protection: PROTECTION, now: () => performance.now(), random });
  }

  /** What somebody has who can read the disk and the device key, as of now. */
  copy(): TerminalDisk {
    return new TerminalDisk(this.agent.copy(), this.tre.copy(), this.#deviceKey);
  }
}
