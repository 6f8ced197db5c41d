import { type FileHandle, open } from 'node:fs/promises';
import { AgentError } from '../../error.ts';
import { MAX_RESPONSE_BYTES, type Transport } from './transport.ts';

/** What is used of an open character device. */
export type DeviceFile = Pick<FileHandle, 'write' | 'read' | 'close'>;

/**
 * A character device of the kernel: one write is one command, one read its response. Prefer /dev/tpmrm0, where the kernel keeps the objects of
 * several programs apart; /dev/tpm0 takes one program at a time.
 */
export class Device implements Transport {
  readonly #file: DeviceFile;
  #failure: AgentError | undefined;

  constructor(file: DeviceFile) {
    this.#file = file;
  }

  /** @throws AgentError `tpm.unreachable` with the reason, `tpm.in-use` */
  static async open(path: string): Promise<Device> {
    try {
      return new Device(await open(path, 'r+'));
    } catch (cause) {
      const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
      throw new AgentError(reason === 'EBUSY' ? 'tpm.in-use' : 'tpm.unreachable', `${path}: ${reason}`, { cause });
    }
  }

  async exchange(command: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    if (this.#failure !== undefined) throw this.#failure;
    const timeout = new AgentError('tpm.timeout');
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(timeout), timeoutMs);
    });
    try {
      return await Promise.race([this.#exchange(command), late]);
    } catch (cause) {
      this.#failure =
        cause instanceof AgentError
          ? cause
          : new AgentError('tpm.unreachable', cause instanceof Error ? cause.message : undefined, { cause });
      throw this.#failure;
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    this.#failure ??= new AgentError('tpm.unreachable', 'closed');
    // A driver that hangs in a read hangs in its close too: nobody waits for it.
    void this.#file.close().catch(() => undefined);
  }

  async #exchange(command: Uint8Array): Promise<Uint8Array> {
    const { bytesWritten } = await this.#file.write(command, 0, command.length, null);
    if (bytesWritten !== command.length) throw new AgentError('tpm.response', 'the device took part of the command');
    const buffer = new Uint8Array(MAX_RESPONSE_BYTES);
    const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, null);
    return buffer.slice(0, bytesRead);
  }
}
