import { Tpm2Platform } from '../../../src/platform/tpm2/tpm2-platform.ts';
import { MemoryFiles } from '../../../src/storage/memory-files.ts';
import type { TpmClient } from '../../../src/tpm2/client.ts';
import { STARTUP } from '../../../src/tpm2/constants.ts';
import type { Transport } from '../../../src/tpm2/transport/transport.ts';
import { type BootKind, Swtpm } from '../../tpm2/swtpm.ts';
import type { Machine } from '../machines.ts';

/** A machine with a TPM emulator, and the files of its terminal. */
export class SwtpmMachine implements Machine {
  readonly tpm: Swtpm = new Swtpm();
  files: MemoryFiles = new MemoryFiles();
  /** what the platform in use commands the TPM through */
  client: TpmClient | undefined;
  wrap: (transport: Transport) => Transport = (transport) => transport;
  #platform: Tpm2Platform | undefined;

  /** The platform starts the TPM. */
  async powerOn(): Promise<Tpm2Platform> {
    await this.tpm.powerOn('none');
    return this.open();
  }

  /** An agent begins on a machine that runs. */
  async open(onResumed?: (boot: object) => void): Promise<Tpm2Platform> {
    this.client = await this.tpm.client(this.wrap);
    try {
      this.#platform = await Tpm2Platform.open({
        client: this.client,
        files: this.files,
        ...(onResumed === undefined ? {} : { onResumed }),
      });
    } catch (error) {
      await this.client.close();
      throw error;
    }
    return this.#platform;
  }

  async powerOff(): Promise<void> {
    await this.#platform?.close();
    await this.tpm.shutdown(STARTUP.CLEAR);
  }

  async powerCut(): Promise<void> {
    await this.tpm.kill();
  }

  /** @returns the platform after a boot of this kind */
  async reboot(kind: BootKind): Promise<Tpm2Platform> {
    await this.#platform?.close();
    await this.tpm.reboot(kind, kind === 'resume');
    return this.open();
  }

  async remove(): Promise<void> {
    await this.tpm.remove();
  }
}
