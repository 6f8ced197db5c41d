import { type CelProof, type CelRecord, CelReplay } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { readCelLog } from './cel-source.ts';
import { celRecordText } from './cel-text.ts';
import {
  BANKS,
  type CheckedLog,
  comparePcrs,
  eventLine,
  type LogAnomaly,
  type LogFormat,
  type LogQuestion,
  type ReadPiece,
  shownPcrs,
} from './checked-log.ts';

/** A log kept for reading must stay small whatever it holds. */
const MAX_ANOMALIES = 1000;

/** @throws ProtocolError `cel.*`, `tcg-log.startup-locality`, with the offset from the start of the file but for JSON */
function checkCelLog(read: ReadPiece, { given, bank, tell, ima, celNumbering = 'per-index' }: LogQuestion): CheckedLog {
  const replay = new CelReplay(nodeCrypto, { numbering: celNumbering, imaRule: ima?.templateHash });
  const anomalies: LogAnomaly[] = [];
  const counts = { contradicted: 0, rejecting: 0, violations: 0 };
  const encoding = readCelLog(read, (record, offset) => {
    const event = replay.records;
    const proof = replay.take(record, offset);
    if (proof === 'violation') counts.violations += 1;
    if (proof === 'contradicted') {
      counts.contradicted += 1;
      if (rejects(record)) counts.rejecting += 1;
      if (anomalies.length < MAX_ANOMALIES) anomalies.push(anomalyOf(record, event));
    }
    tell(line(event, record, proof));
  });
  const log = replay.result();
  const comparison = comparePcrs(given, shownPcrs(log.pcrs, BANKS));
  const { records, nvRecords, startupLocality } = log;
  return {
    ok: counts.rejecting === 0 && comparison.firstMismatch === undefined,
    events: records,
    pcrs: shownPcrs(log.pcrs, bank === undefined ? log.banks : [bank]),
    anomalies,
    ...comparison,
    facts: {
      encoding,
      numbering: celNumbering,
      startupLocality,
      nvRecords,
      violations: counts.violations,
      ...(counts.contradicted > MAX_ANOMALIES ? { anomaliesLeftOut: counts.contradicted - MAX_ANOMALIES } : {}),
    },
    factsText: [
      `${encoding} encoding, numbered ${celNumbering}, startup locality ${startupLocality ?? 'not named'}`,
      `${counts.violations} violations of IMA, ${nvRecords} records of NV indices (not replayed)`,
    ],
  };
}

/** `--format cel`: the Canonical Event Log of the TCG, in any encoding. */
export const CEL_LOG: LogFormat = { banks: BANKS, check: checkCelLog };

function line(event: number, record: CelRecord, proof: CelProof): string {
  return eventLine(event, record.index.type === 'pcr' ? record.index.pcr : undefined, celRecordText(record, proof));
}

/** A kernel writes no other digest than that of its entry; firmware may. */
function rejects({ content }: CelRecord): boolean {
  return content.type === 'ima_template';
}

function anomalyOf({ content }: CelRecord, event: number): LogAnomaly {
  return { code: 'cel-record.digest', detail: `the digests are not those of the content (${content.type})`, event };
}
