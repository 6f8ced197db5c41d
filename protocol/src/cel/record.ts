import { ProtocolError } from '../error.ts';
import { HASHES, hashName } from '../tpm/constants.ts';

/** One record of the Canonical Event Log, whatever its encoding (TCG Canonical Event Log Format 4.2). Byte strings are views. */
export interface CelRecord {
  /** counts from 0, per index or over the whole log */
  readonly recnum: number;
  readonly index: CelIndex;
  /** one at least, each bank once */
  readonly digests: readonly CelDigest[];
  readonly content: CelContent;
}

export type CelIndex =
  /** 0..23 */
  | { readonly type: 'pcr'; readonly pcr: number }
  /** an NV index that is extended, 0x20000000..0x20ffffff */
  | { readonly type: 'nv'; readonly nvIndex: number };

export interface CelDigest {
  /** TPM_ALG_ID */
  readonly algorithm: number;
  readonly digest: Uint8Array;
}

export type CelContent =
  | { readonly type: 'cel'; readonly event: CelEvent }
  | { readonly type: 'pcclient_std'; readonly eventType: number; readonly eventData: Uint8Array }
  /** data as in ImaEntry */
  | { readonly type: 'ima_template'; readonly name: string; readonly data: Uint8Array }
  /** type, length and value of each field, as in CEL-TLV */
  | { readonly type: 'ima_tlv'; readonly data: Uint8Array }
  | { readonly type: 'systemd'; readonly data: Uint8Array };

/** What the log says of itself; the first two are not measured. */
export type CelEvent =
  | { readonly type: 'cel_version'; readonly major: number; readonly minor: number }
  | { readonly type: 'firmware_end' }
  | { readonly type: 'cel_timestamp'; readonly timestamp: bigint }
  | { readonly type: 'state_trans'; readonly transition: CelTransition };

export const CEL_TRANSITIONS = ['suspend', 'hibernate', 'kexec'] as const;
export type CelTransition = (typeof CEL_TRANSITIONS)[number];

/** Content types by number; 6 and 10 are reserved (Table 2). */
export const CEL_CONTENT_TYPES = { cel: 4, pcclient_std: 5, ima_template: 7, ima_tlv: 8, systemd: 9 } as const;
export type CelContentType = keyof typeof CEL_CONTENT_TYPES;

/** Management events by number. */
export const CEL_EVENT_TYPES = { cel_version: 1, firmware_end: 2, cel_timestamp: 80, state_trans: 81 } as const;

/** Largest content of one record, in bytes (F-29). */
export const MAX_CEL_CONTENT_BYTES = 1_048_576;
/** Most records of one log (F-29). */
export const MAX_CEL_RECORDS = 1_000_000;
const MAX_DIGESTS = 16;
const MAX_DIGEST_BYTES = 64;
const LAST_PCR = 23;
const FIRST_NV = 0x20000000;
const LAST_NV = 0x20ffffff;

/** @param offset of the record in the log, in bytes, where the encoding tells */
export type CelVisitor = (record: CelRecord, offset?: number) => void;

/** @throws ProtocolError `cel.content-type`, reserved ones included */
export function celContentType(number: number, offset?: number): CelContentType {
  const types = Object.keys(CEL_CONTENT_TYPES) as CelContentType[];
  const found = types.find((type) => CEL_CONTENT_TYPES[type] === number);
  if (found === undefined) throw new ProtocolError('cel.content-type', offset);
  return found;
}

/** @throws ProtocolError `cel.index` */
export function celPcr(pcr: number, offset?: number): CelIndex {
  if (pcr > LAST_PCR) throw new ProtocolError('cel.index', offset);
  return { type: 'pcr', pcr };
}

/** @throws ProtocolError `cel.index` */
export function celNvIndex(nvIndex: number, offset?: number): CelIndex {
  if (nvIndex < FIRST_NV || nvIndex > LAST_NV) throw new ProtocolError('cel.index', offset);
  return { type: 'nv', nvIndex };
}

/** Digests as long as their algorithm says, each algorithm once. @throws ProtocolError `cel.digests` */
export function checkDigests(digests: readonly CelDigest[], offset?: number): readonly CelDigest[] {
  const algorithms = new Set(digests.map(({ algorithm }) => algorithm));
  const holds =
    digests.length > 0 && digests.length <= MAX_DIGESTS && algorithms.size === digests.length && digests.every(isSized);
  if (!holds) throw new ProtocolError('cel.digests', offset);
  return digests;
}

function isSized({ algorithm, digest }: CelDigest): boolean {
  const name = hashName(algorithm);
  return name === undefined
    ? digest.length > 0 && digest.length <= MAX_DIGEST_BYTES
    : digest.length === HASHES[name].size;
}
