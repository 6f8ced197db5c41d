import type { NetConnectOpts } from 'node:net';
import { Cursor } from '@mtm-attest/protocol';
import { AgentError } from '../../error.ts';
import { ByteChannel } from './byte-channel.ts';
import { HEADER_BYTES, MAX_RESPONSE_BYTES, type Transport } from './transport.ts';

/** swtpm's data channel: bare commands and responses, framed by the size in their headers alone. */
export class RawSocket implements Transport {
  readonly #channel: ByteChannel;

  private constructor(channel: ByteChannel) {
    this.#channel = channel;
  }

  /** @throws AgentError `tpm.unreachable`, `tpm.timeout` */
  static async connect(to: NetConnectOpts, timeoutMs: number): Promise<RawSocket> {
    return new RawSocket(await ByteChannel.connect(to, timeoutMs));
  }

  exchange(command: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    return this.#channel.exchange(command, timeoutMs, async () => {
      const header = await this.#channel.take(HEADER_BYTES);
      const size = new Cursor(header.subarray(2)).u32();
      if (size < HEADER_BYTES || size > MAX_RESPONSE_BYTES) throw new AgentError('tpm.response', `${size} bytes`);
      const rest = await this.#channel.take(size - HEADER_BYTES);
      const response = new Uint8Array(size);
      response.set(header);
      response.set(rest, HEADER_BYTES);
      return response;
    });
  }

  async close(): Promise<void> {
    this.#channel.close();
  }
}
