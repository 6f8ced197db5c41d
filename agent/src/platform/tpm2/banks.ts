import { HASHES, type HashName, hashName, PCR_BYTES, PCR_COUNT, TPM_ALG, toHex } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { AgentError } from '../../error.ts';
import { allocatedBanks } from '../../tpm2/capabilities.ts';
import type { TpmClient } from '../../tpm2/client.ts';
import { permanent } from '../../tpm2/command/command.ts';
import { PCR_EXTEND, PCR_READ } from '../../tpm2/command/pcr.ts';

const READ_TRIES = 8;
const ALL = Array.from({ length: PCR_COUNT }, (_, pcr) => pcr);

/**
 * The PCR banks of a TPM. Evidence is about the SHA-256 bank; every other one that is allocated is extended with it, in one command, or somebody
 * could extend it to any story (F-16). There the digest is the bank's own hash of the SHA-256 digest.
 */
export class Banks {
  readonly #client: TpmClient;
  readonly #others: readonly HashName[];

  private constructor(client: TpmClient, others: readonly HashName[]) {
    this.#client = client;
    this.#others = others;
  }

  /** @throws AgentError `platform.bank` where the SHA-256 bank is not whole, or a bank has a hash that is unknown here */
  static async of(client: TpmClient): Promise<Banks> {
    const banks = await allocatedBanks(client);
    const own = banks.find(({ algorithm }) => algorithm === TPM_ALG.SHA256);
    if (own === undefined || !toHex(own.bitmap).startsWith('ffffff')) throw new AgentError('platform.bank', 'sha256');
    const others = banks.filter((bank) => bank !== own).map(({ algorithm }) => knownHash(algorithm));
    return new Banks(client, others);
  }

  /** @param digest 32 bytes @throws AgentError `platform.selection` for another PCR or length */
  async extend(pcr: number, digest: Uint8Array): Promise<void> {
    if (!Number.isInteger(pcr) || pcr < 0 || pcr >= PCR_COUNT || digest.length !== PCR_BYTES) {
      throw new AgentError('platform.selection');
    }
    const digests = [
      { algorithm: TPM_ALG.SHA256 as number, digest },
      ...this.#others.map((name) => ({ algorithm: HASHES[name].algorithm, digest: nodeCrypto[name](digest) })),
    ];
    await this.#client.run(PCR_EXTEND, { handles: [permanent(pcr)], parameters: { digests } });
  }

  /** All 24 values of the SHA-256 bank at one moment, 768 bytes: where an extend came between, they are read again. */
  async read(): Promise<Uint8Array> {
    for (let tried = 0; tried < READ_TRIES; tried++) {
      const values = await this.#readOnce();
      if (values !== undefined) return values;
    }
    throw new AgentError('platform.busy', 'its PCRs change all the time');
  }

  async #readOnce(): Promise<Uint8Array | undefined> {
    const all = new Uint8Array(PCR_COUNT * PCR_BYTES);
    let left: readonly number[] = ALL;
    let counter: number | undefined;
    while (left.length > 0) {
      const { updateCounter, selection, values } = await this.#client.run(PCR_READ, {
        parameters: { selection: [{ bank: 'sha256', pcrs: left }] },
      });
      counter ??= updateCounter;
      if (updateCounter !== counter) return undefined;
      const read = selection.length === 1 && selection[0]?.bank === 'sha256' ? selection[0].pcrs : [];
      const fits = read.length > 0 && read.length === values.length && read.every((pcr) => left.includes(pcr));
      if (!fits || values.some(({ length }) => length !== PCR_BYTES)) throw new AgentError('tpm.response', 'PCR_Read');
      for (const [i, pcr] of read.entries()) all.set(values[i] ?? [], pcr * PCR_BYTES);
      left = left.filter((pcr) => !read.includes(pcr));
    }
    return all;
  }
}

function knownHash(algorithm: number): HashName {
  const name = hashName(algorithm);
  if (name === undefined) throw new AgentError('platform.bank', `bank 0x${algorithm.toString(16).padStart(4, '0')}`);
  return name;
}
