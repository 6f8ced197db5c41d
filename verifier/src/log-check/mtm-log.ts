import {
  MAX_RECORDS,
  PCR_BYTES,
  PCR_COUNT,
  type PcrValues,
  ProtocolError,
  type RecordsRead,
  readWholeRecords,
  toHex,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import type { Finding } from '../appraisal/finding.ts';
import { LogFold } from '../appraisal/log-facts.ts';
import { eventText } from './event-text.ts';

/** Bytes of the log from `start` on, `length` at most; none at its end. */
export type ReadPiece = (start: number, length: number) => Uint8Array;

export interface PcrMismatch {
  readonly bank: 'sha256';
  readonly pcr: number;
  /** hexadecimal */
  readonly given: string;
  readonly replayed: string;
}

export interface CheckedLog {
  readonly ok: boolean;
  readonly events: number;
  /** replayed values of the SHA-256 bank by index, hexadecimal */
  readonly pcrs: Readonly<Record<string, string>>;
  readonly boot: string | undefined;
  readonly release: number | undefined;
  readonly complete: boolean;
  /** events that are of no known kind, in a PCR not their own, or out of order; the first of them */
  readonly anomalies: readonly Finding[];
  /** PCRs held against the log; one that the log does not touch matches at its reset value only */
  readonly compared: readonly number[];
  readonly firstMismatch: PcrMismatch | undefined;
}

const PIECE_BYTES = 1_048_576;

/**
 * Replays a canonical event log, piece by piece: its own memory does not grow with the log.
 *
 * @param given PCR values to hold against the replayed ones
 * @param tell hears of every event, in words
 * @throws ProtocolError `log.malformed`, `log.truncated` with the offset from the start of the log; `limit` of records: `log.malformed`
 * @see SPEC.md 4
 */
export function checkMtmLog(read: ReadPiece, given: PcrValues | undefined, tell: (line: string) => void): CheckedLog {
  const fold = new LogFold(nodeCrypto.sha256, undefined);
  let offset = 0;
  for (;;) {
    const piece = read(offset, PIECE_BYTES);
    const { bytes } = wholeRecords(piece, fold.count, offset, (pcr, content, index) => {
      tell(`${String(index).padStart(7)}  PCR ${String(pcr).padStart(2)}  ${eventText(pcr, content)}`);
    });
    if (fold.count > MAX_RECORDS) throw new ProtocolError('log.malformed', offset);
    fold.feed(piece.subarray(0, bytes));
    offset += bytes;
    if (bytes === 0 && piece.length > 0) throw new ProtocolError('log.truncated', offset);
    if (piece.length === 0) break;
  }
  return summary(fold, given);
}

function wholeRecords(
  piece: Uint8Array,
  first: number,
  base: number,
  visit: Parameters<typeof readWholeRecords>[2],
): RecordsRead {
  try {
    return readWholeRecords(piece, first, visit);
  } catch (error) {
    if (!(error instanceof ProtocolError) || error.offset === undefined) throw error;
    throw new ProtocolError(error.code, base + error.offset, { cause: error });
  }
}

function summary(fold: LogFold, given: PcrValues | undefined): CheckedLog {
  const { pcrs, boot, release, ready, problems } = fold.facts();
  const replayed = (pcr: number): string => toHex(pcrs.subarray(pcr * PCR_BYTES, (pcr + 1) * PCR_BYTES));
  const compared = [...(given?.sha256?.keys() ?? [])].sort((a, b) => a - b);
  const mismatch = compared.find((pcr) => toHex(given?.sha256?.get(pcr) ?? new Uint8Array()) !== replayed(pcr));
  return {
    ok: problems.length === 0 && mismatch === undefined,
    events: fold.count,
    pcrs: Object.fromEntries(Array.from({ length: PCR_COUNT }, (_, pcr) => [String(pcr), replayed(pcr)])),
    boot: boot === undefined ? undefined : `${boot.resetCount}.${boot.restartCount}`,
    release,
    complete: ready,
    anomalies: problems,
    compared,
    firstMismatch:
      mismatch === undefined
        ? undefined
        : {
            bank: 'sha256',
            pcr: mismatch,
            given: toHex(given?.sha256?.get(mismatch) ?? new Uint8Array()),
            replayed: replayed(mismatch),
          },
  };
}
