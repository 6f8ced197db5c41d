import { Cursor, Writer } from '@mtm-attest/protocol';
import { AgentError } from '../../error.ts';
import { ByteChannel } from './byte-channel.ts';
import { HEADER_BYTES, MAX_RESPONSE_BYTES, type Transport } from './transport.ts';

const SEND_COMMAND = 8;
const SESSION_END = 20;
const POWER_ON = 1;
const NV_ON = 11;
const LOCALITY = 0;
const U32_BYTES = 4;

/** The reference simulator: commands on one port, the machine's switches on the next (TPM 2.0 Library, reference code, TcpServer). */
export class Simulator implements Transport {
  readonly #channel: ByteChannel;

  private constructor(channel: ByteChannel) {
    this.#channel = channel;
  }

  /** Switches the machine on where it is off. @throws AgentError `tpm.unreachable`, `tpm.timeout`, `tpm.response` */
  static async connect(host: string, port: number, timeoutMs: number): Promise<Simulator> {
    const switches = await ByteChannel.connect({ host, port: port + 1 }, timeoutMs);
    try {
      for (const signal of [POWER_ON, NV_ON]) {
        await switches.exchange(new Writer(U32_BYTES).u32(signal).done(), timeoutMs, () => demandZero(switches));
      }
    } finally {
      switches.close();
    }
    return new Simulator(await ByteChannel.connect({ host, port }, timeoutMs));
  }

  exchange(command: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    const framed = new Writer(command.length + 9).u32(SEND_COMMAND).u8(LOCALITY).lengthPrefixed(command).done();
    return this.#channel.exchange(framed, timeoutMs, async () => {
      const size = new Cursor(await this.#channel.take(U32_BYTES)).u32();
      if (size < HEADER_BYTES || size > MAX_RESPONSE_BYTES) throw new AgentError('tpm.response', `${size} bytes`);
      const response = await this.#channel.take(size);
      await demandZero(this.#channel);
      return response;
    });
  }

  async close(): Promise<void> {
    const bye = new Writer(U32_BYTES).u32(SESSION_END).done();
    // Whatever the simulator makes of it: the connection ends.
    await this.#channel.exchange(bye, 1, async () => undefined).catch(() => undefined);
    this.#channel.close();
  }
}

async function demandZero(channel: ByteChannel): Promise<void> {
  const result = new Cursor(await channel.take(U32_BYTES)).u32();
  if (result !== 0) throw new AgentError('tpm.response', `the simulator answered ${result}`);
}
