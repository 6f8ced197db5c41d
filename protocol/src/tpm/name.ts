import { Writer } from '../bytes/writer.ts';
import type { HashFunction } from '../crypto/hash.ts';
import { ProtocolError } from '../error.ts';
import { type HashName, hashName } from './constants.ts';

/** The hashes that a Name may use. */
export type Hashes = Readonly<Record<HashName, HashFunction>>;

/**
 * Name of an object: nameAlg and the hash of its TPMT_PUBLIC, without the size of a TPM2B (Part 1, 16).
 * @param area TPMT_PUBLIC
 * @throws ProtocolError `tpm.truncated`, `tpm.value` for an unknown nameAlg
 */
export function nameOf(area: Uint8Array, hashes: Hashes): Uint8Array {
  if (area.length < 4) throw new ProtocolError('tpm.truncated', area.length);
  const nameAlg = ((area[2] ?? 0) << 8) | (area[3] ?? 0);
  const hash = hashName(nameAlg);
  if (hash === undefined) throw new ProtocolError('tpm.value', 2);
  return new Writer(66).u16(nameAlg).bytes(hashes[hash](area)).done();
}

/**
 * Qualified Name of a primary object: nameAlg and the hash of the hierarchy's handle and the Name (Part 1, 16).
 * @param hierarchy for instance TPM_RH.ENDORSEMENT
 * @throws ProtocolError `tpm.value`
 */
export function primaryQualifiedName(hierarchy: number, name: Uint8Array, hashes: Hashes): Uint8Array {
  const nameAlg = ((name[0] ?? 0) << 8) | (name[1] ?? 0);
  const hash = hashName(nameAlg);
  if (hash === undefined) throw new ProtocolError('tpm.value', 0);
  const parent = new Writer(80).u32(hierarchy).bytes(name).done();
  return new Writer(66).u16(nameAlg).bytes(hashes[hash](parent)).done();
}
