import { utf8 } from '../bytes/text.ts';
import { Writer } from '../bytes/writer.ts';
import type { HashFunction } from '../crypto/hash.ts';

/** HMAC with one hash: key, then message. */
export type MacFunction = (key: Uint8Array, message: Uint8Array) => Uint8Array;

/** What a derived value is for; on the wire its zero byte follows. */
export type KdfLabel = 'ATH' | 'CFB' | 'IDENTITY' | 'INTEGRITY' | 'SECRET' | 'STORAGE';

/**
 * KDFa, a counter-mode KDF over HMAC (TPM 2.0 Library Part 1, 11.4.10.2; NIST SP 800-108).
 * @param bits length of the result, a multiple of 8
 */
export function kdfA(
  mac: MacFunction,
  key: Uint8Array,
  label: KdfLabel,
  contextU: Uint8Array,
  contextV: Uint8Array,
  bits: number,
): Uint8Array {
  return blocks(bits, (counter) =>
    mac(key, labelled(new Writer(160).u32(counter), label).bytes(contextU).bytes(contextV).u32(bits).done()),
  );
}

/**
 * KDFe, from a shared point to a seed (TPM 2.0 Library Part 1, 11.4.10.3; NIST SP 800-56A).
 * @param z x coordinate of the shared point, as long as the field: an unpadded one gives another result
 * @param partyU x of the ephemeral point, padded alike @param partyV x of the key, padded alike
 * @param bits length of the result, a multiple of 8
 */
export function kdfE(
  hash: HashFunction,
  z: Uint8Array,
  label: KdfLabel,
  partyU: Uint8Array,
  partyV: Uint8Array,
  bits: number,
): Uint8Array {
  return blocks(bits, (counter) =>
    hash(labelled(new Writer(160).u32(counter).bytes(z), label).bytes(partyU).bytes(partyV).done()),
  );
}

function labelled(writer: Writer, label: KdfLabel): Writer {
  return writer.bytes(utf8(label)).u8(0);
}

function blocks(bits: number, block: (counter: number) => Uint8Array): Uint8Array {
  if (!Number.isInteger(bits / 8) || bits <= 0) throw new RangeError('bits of a derived value: a multiple of 8');
  const derived = new Uint8Array(bits / 8);
  for (let at = 0, counter = 1; at < derived.length; counter++) {
    const next = block(counter).subarray(0, derived.length - at);
    derived.set(next, at);
    at += next.length;
  }
  return derived;
}
