import { decodeUtf8, fromHex } from '../bytes/text.ts';
import { ProtocolError } from '../error.ts';
import { HASHES, type HashName } from '../tpm/constants.ts';
import type { PcrValues } from '../tpm/pcr.ts';
import { type Filling, put } from './pcr-slots.ts';

const INDEX = /^(?:\d|1\d|2[0-3])$/;
const LOWER_HEX = /^[0-9a-f]*$/;

/**
 * PCR values as JSON {bank: {index: hex}}: banks as in a selection, indices in decimal, values in lower-case hex. A key that stands twice,
 * which JSON.parse does not tell, shows in the number of quotation marks.
 * @throws ProtocolError `file.pcrs`
 */
export function readJson(bytes: Uint8Array): PcrValues {
  const text = textOf(bytes);
  const values: Filling = {};
  let texts = 0;
  for (const [name, indices] of entriesOf(jsonOf(text))) {
    const bank = hashNamed(name);
    texts++;
    for (const [index, hex] of entriesOf(indices)) {
      const { size } = HASHES[bank];
      if (!INDEX.test(index) || !isHexOf(hex, size)) throw new ProtocolError('file.pcrs');
      put(values, { bank, pcr: Number(index), size }, fromHex(hex));
      texts += 2;
    }
  }
  if (text.split('"').length - 1 !== 2 * texts || !/\}\n?$/.test(text)) throw new ProtocolError('file.pcrs');
  return values;
}

function textOf(bytes: Uint8Array): string {
  try {
    return decodeUtf8(bytes);
  } catch (cause) {
    throw new ProtocolError('file.pcrs', undefined, { cause });
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ProtocolError('file.pcrs', undefined, { cause });
  }
}

function entriesOf(value: unknown): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new ProtocolError('file.pcrs');
  return Object.entries(value);
}

function hashNamed(name: string): HashName {
  const bank = (Object.keys(HASHES) as HashName[]).find((one) => one === name);
  if (bank === undefined) throw new ProtocolError('file.pcrs');
  return bank;
}

function isHexOf(value: unknown, size: number): value is string {
  return typeof value === 'string' && value.length === 2 * size && LOWER_HEX.test(value);
}
