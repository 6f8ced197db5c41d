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
  piecesOf,
  type ReadPiece,
  shownPcrs,
} from './checked-log.ts';

const MAX_PCR = 23;

/** @throws ProtocolError `tcg-log.*` with the offset from the start of the file */
function checkTcgLog(read: ReadPiece, { given, bank, tell }: LogQuestion): CheckedLog {
  const fold = new TcgLogFold(nodeCrypto, (record, examined) => {
    if (record.index === 0 && record.log > 0) tell(`Log ${record.log + 1} of the file, from byte ${record.offset}:`);
    tell(recordText(record, examined, bank));
  });
  for (const piece of piecesOf(read)) fold.feed(piece);
  const log = fold.end();
  const pcrs = shownPcrs(log.pcrs, bank === undefined ? log.banks : [bank]);
  const comparison = comparePcrs(given, shownPcrs(log.pcrs, BANKS));
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
