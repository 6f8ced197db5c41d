import type { TcgSpecId } from './spec-id.ts';

export interface TcgDigest {
  /** TPM_ALG_ID */
  readonly algorithm: number;
  readonly digest: Uint8Array;
}

/** One record: TCG_PCR_EVENT or TCG_PCR_EVENT2 (PC Client Platform Firmware Profile 10.2.1, 10.2.2). Byte strings are views: copy what outlives the visit. */
export interface TcgRecord {
  /** which log of the file, from 0: several may stand one behind the other */
  readonly log: number;
  /** position in its log, from 0, the header counted */
  readonly index: number;
  /** of the record in the file, in bytes */
  readonly offset: number;
  /** 0 to 23, or 0xffffffff in an EV_NO_ACTION */
  readonly pcr: number;
  readonly type: number;
  /** one for each bank that was extended, in the order of the record */
  readonly digests: readonly TcgDigest[];
  readonly data: Uint8Array;
  /** what this record says about the log, in a first record that says it */
  readonly specId: TcgSpecId | undefined;
}

/** Longest data of one event, in bytes; real ones stay far below (F-29). */
export const MAX_TCG_EVENT_BYTES = 1_048_576;
/** Most records of one log (F-29). */
export const MAX_TCG_RECORDS = 1_000_000;
