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
import { LogFold } from '../appraisal/log-facts.ts';
import {
  type CheckedLog,
  comparePcrs,
  eventLine,
  type LogFormat,
  type LogQuestion,
  type ReadPiece,
} from './checked-log.ts';
import { eventText } from './event-text.ts';

const PIECE_BYTES = 1_048_576;

/**
 * Replays a canonical event log, piece by piece: its own memory does not grow with the log.
 *
 * @throws ProtocolError `log.malformed`, `log.truncated` with the offset from the start of the log; `limit` of records: `log.malformed`
 * @see SPEC.md 4
 */
function checkMtmLog(read: ReadPiece, { given, tell }: LogQuestion): CheckedLog {
  const fold = new LogFold(nodeCrypto.sha256, undefined);
  let offset = 0;
  for (;;) {
    const piece = read(offset, PIECE_BYTES);
    const { bytes } = wholeRecords(piece, fold.count, offset, (pcr, content, index) => {
      tell(eventLine(index, pcr, eventText(pcr, content)));
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
  const { pcrs: values, boot, release, ready, problems } = fold.facts();
  const bank = Array.from({ length: PCR_COUNT }, (_, pcr): [string, string] => [
    String(pcr),
    toHex(values.subarray(pcr * PCR_BYTES, (pcr + 1) * PCR_BYTES)),
  ]);
  const pcrs = { sha256: Object.fromEntries(bank) };
  const comparison = comparePcrs(given, pcrs);
  const name = boot === undefined ? undefined : `${boot.resetCount}.${boot.restartCount}`;
  return {
    ok: problems.length === 0 && comparison.firstMismatch === undefined,
    events: fold.count,
    pcrs,
    anomalies: problems,
    ...comparison,
    facts: { boot: name, release, complete: ready },
    factsText: [
      `boot ${name ?? 'not named'}, release ${release ?? 'not named'}, ${ready ? 'complete' : 'not complete'}`,
    ],
  };
}

/** `--format mtm`: the log of our own agent. An event that is of no known kind, in a PCR not its own, or out of order rejects it. */
export const MTM_LOG: LogFormat = { banks: ['sha256'], check: checkMtmLog };
