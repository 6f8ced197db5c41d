import {
  type ExaminedRecord,
  type HashName,
  hashName,
  type ReplayedTcgLog,
  TCG_ANOMALIES,
  type TcgAnomaly,
  TcgLogFold,
  type TcgRecord,
  tcgEventName,
  toHex,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import {
  BANKS,
  type CheckedLog,
  comparePcrs,
  eventLine,
  type LogFormat,
  type LogQuestion,
  type ReadPiece,
  type ReplayedPcrs,
} from './checked-log.ts';

const PIECE_BYTES = 1_048_576;
const MAX_PCR = 23;

/** @throws ProtocolError `tcg-log.*` with the offset from the start of the file */
function checkTcgLog(read: ReadPiece, { given, bank, tell }: LogQuestion): CheckedLog {
  const fold = new TcgLogFold(nodeCrypto, (record, examined) => {
    if (record.index === 0 && record.log > 0) tell(`Log ${record.log + 1} of the file, from byte ${record.offset}:`);
    tell(recordText(record, examined, bank));
  });
  for (let offset = 0, piece = read(0, PIECE_BYTES); piece.length > 0; piece = read(offset, PIECE_BYTES)) {
    fold.feed(piece);
    offset += piece.length;
  }
  const log = fold.end();
  const pcrs = pcrsOf(log, bank);
  const comparison = comparePcrs(given, allPcrsOf(log));
  const { format, logs, records, specId, startupLocality, secureBoot, anomalies, anomaliesLeftOut, isRejected } = log;
  return {
    ok: !isRejected && comparison.firstMismatch === undefined,
    events: records,
    pcrs,
    anomalies: anomalies.map(explained),
    ...comparison,
    facts: {
      logFormat: format,
      specVersion: specId?.specVersion,
      logs,
      startupLocality,
      secureBoot,
      ...(anomaliesLeftOut === 0 ? {} : { anomaliesLeftOut }),
    },
    factsText: factsText(log),
  };
}

/** `--format tcg`: the log of PC firmware and its boot loaders. What is odd in it is shown; only what makes it ambiguous rejects it. */
export const TCG_LOG: LogFormat = { banks: BANKS, check: checkTcgLog };

function recordText(record: TcgRecord, { proof, text }: ExaminedRecord, bank: HashName | undefined): string {
  const { index, pcr, type } = record;
  const what = `${tcgEventName(type) ?? `type 0x${type.toString(16)}`}: ${text.text}`;
  const shown = proof === 'covered' || proof === 'partly' ? what : `${what}${digestText(record, proof, bank)}`;
  return eventLine(index, pcr > MAX_PCR ? undefined : pcr, shown);
}

/** Where the digest does not prove what the data says, the digest is what counts. Of several banks: the one asked for, or the strongest. */
function digestText({ digests }: TcgRecord, proof: ExaminedRecord['proof'], bank: HashName | undefined): string {
  const banks = digests.map(({ algorithm }) => hashName(algorithm));
  const at = bank === undefined ? banks.findLastIndex((name) => name !== undefined) : banks.indexOf(bank);
  const digest = digests[at]?.digest;
  if (digest?.some((byte) => byte !== 0) !== true) return '';
  return ` [${proof === 'contradicted' ? 'contradicts its digest' : 'not proven by its digest'}, ${banks[at] ?? ''} ${toHex(digest)}]`;
}

function explained(anomaly: TcgAnomaly): TcgAnomaly & { readonly detail: string } {
  return { ...anomaly, detail: `${TCG_ANOMALIES[anomaly.code].meaning} (${anomaly.detail})` };
}

/** The banks that the log has, or the one asked for. */
function pcrsOf(log: ReplayedTcgLog, bank: HashName | undefined): ReplayedPcrs {
  const banks = bank === undefined ? log.banks : [bank];
  return Object.fromEntries(Object.entries(allPcrsOf(log)).filter(([name]) => banks.some((one) => one === name)));
}

/** Every bank that we know: in one that the log lacks, the PCRs that it touches do not follow from it. */
function allPcrsOf({ pcrs }: ReplayedTcgLog): ReplayedPcrs {
  return Object.fromEntries(
    BANKS.map((bank) => {
      const values = pcrs[bank].map((value, pcr) => [String(pcr), value === undefined ? null : toHex(value)] as const);
      return [bank, Object.fromEntries(values)];
    }),
  );
}

function factsText({ format, specId, logs, startupLocality, secureBoot }: ReplayedTcgLog): string[] {
  const name = format === 'sha1' ? 'TPM 1.2 format, SHA-1 only' : `crypto-agile format ${specId?.specVersion ?? ''}`;
  const file = logs === 1 ? '' : `; the newest of ${logs} logs in the file`;
  const variables = Object.entries(secureBoot.variables).map(([variable, state]) => `${variable} ${state}`);
  const late = secureBoot.afterSeparator;
  return [
    `${name}, startup locality ${startupLocality ?? 'not named'}${file}`,
    `secure boot ${secureBoot.secureBoot} (${variables.join(', ')})${late.length === 0 ? '' : `; measured late: ${late.join(', ')}`}`,
  ];
}
