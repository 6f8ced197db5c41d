import { Cursor } from '../bytes/cursor.ts';
import { Writer } from '../bytes/writer.ts';
import { ProtocolError } from '../error.ts';
import { hashName } from './constants.ts';
import type { Hashes } from './name.ts';

/** TPMS_NV_PUBLIC (Part 2, 13.5). */
export interface NvPublic {
  readonly index: number;
  readonly nameAlg: number;
  /** TPMA_NV */
  readonly attributes: number;
  readonly authPolicy: Uint8Array;
  /** bytes; 8 for a counter */
  readonly dataSize: number;
}

/** Exactly one TPMS_NV_PUBLIC. @throws ProtocolError `tpm.truncated`, `tpm.trailing-bytes`, with the offset */
export function parseNvPublic(bytes: Uint8Array): NvPublic {
  const cursor = new Cursor(bytes);
  const area = {
    index: cursor.u32(),
    nameAlg: cursor.u16(),
    attributes: cursor.u32(),
    authPolicy: cursor.sized(),
    dataSize: cursor.u16(),
  };
  cursor.end();
  return area;
}

/** The mirror image of parseNvPublic. */
export function writeNvPublic({ index, nameAlg, attributes, authPolicy, dataSize }: NvPublic): Uint8Array {
  return new Writer(64).u32(index).u16(nameAlg).u32(attributes).sized(authPolicy).u16(dataSize).done();
}

/**
 * Name of an NV index: nameAlg and the hash of its TPMS_NV_PUBLIC (Part 1, 16). It changes when the index is written for the first time.
 * @throws ProtocolError `tpm.value` for an unknown nameAlg
 */
export function nvName(area: NvPublic, hashes: Hashes): Uint8Array {
  const hash = hashName(area.nameAlg);
  if (hash === undefined) throw new ProtocolError('tpm.value', 4);
  return new Writer(66)
    .u16(area.nameAlg)
    .bytes(hashes[hash](writeNvPublic(area)))
    .done();
}
