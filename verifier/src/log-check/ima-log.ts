import {
  type HashName,
  IMA_ANOMALIES,
  type ImaAnomaly,
  ImaExamination,
  ImaListFold,
  type ImaSigner,
  type ReplayedImaList,
  resetValue,
  shownPath,
  toHex,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { VerifierError } from '../error.ts';
import {
  BANKS,
  type CheckedLog,
  comparePcrs,
  eventLine,
  type LogFormat,
  type LogQuestion,
  piecesOf,
  type ReadPiece,
  type ReplayedPcrs,
} from './checked-log.ts';
import type { ImaOptions } from './ima-options.ts';
import { imaEntryText } from './ima-text.ts';

const NO_OPTIONS: ImaOptions = { templateHash: undefined, kexec: false, keys: undefined };
const PCRS = 24;
/** A list kept for reading must stay small whatever it holds. */
const MAX_KEPT = 1000;

interface Violation {
  readonly event: number;
  readonly pcr: number;
  readonly path: string | undefined;
}

/**
 * @throws ProtocolError `ima.*` with the offset from the start of the file
 * @throws VerifierError `option.ima-template-hash` where a bank counts whose values depend on the rule, and none was given
 */
function checkImaLog(read: ReadPiece, question: LogQuestion): CheckedLog {
  const { given, known, tell, ima = NO_OPTIONS } = question;
  const banks = countingBanks(question, ima);
  const examination = new ImaExamination(nodeCrypto, {
    kexec: ima.kexec,
    ...(known === undefined ? {} : { pcrs: known }),
    ...(ima.keys === undefined ? {} : { keys: ima.keys }),
  });
  const anomalies: ImaAnomaly[] = [];
  const violations: Violation[] = [];
  const signers = { signed: 0, 'unknown-key': 0, bad: 0, unsigned: 0 } satisfies Record<ImaSigner['status'], number>;
  const counts = { anomalies: 0, violations: 0, rejecting: 0 };
  const fold = new ImaListFold(nodeCrypto, { banks, rule: ima.templateHash ?? 'per-bank' }, (entry, finding) => {
    const examined = examination.take(entry, finding);
    const { file, signer } = examined;
    for (const anomaly of examined.anomalies) {
      counts.anomalies += 1;
      if (IMA_ANOMALIES[anomaly.code].rejects) counts.rejecting += 1;
      if (anomalies.length < MAX_KEPT) anomalies.push(anomaly);
    }
    if (finding === 'violation') {
      counts.violations += 1;
      const path = file && shownPath(file);
      if (violations.length < MAX_KEPT) violations.push({ event: entry.index, pcr: entry.pcr, path });
    }
    if (signer !== undefined) signers[signer.status] += 1;
    tell(eventLine(entry.index, entry.pcr, imaEntryText(entry, finding, examined)));
  });
  for (const piece of piecesOf(read)) fold.feed(piece);
  const list = fold.end();
  const pcrs = pcrsOf(list, banks);
  const comparison = comparePcrs(given, pcrs);
  const { bootAggregate } = examination;
  const signatures = ima.keys === undefined ? undefined : signers;
  return {
    ok: counts.rejecting === 0 && comparison.firstMismatch === undefined,
    events: list.entries,
    pcrs,
    anomalies: anomalies.map((anomaly) => explained(anomaly)),
    ...comparison,
    facts: {
      logForm: list.form,
      shownDigests: list.shown,
      templateHash: ima.templateHash,
      bootAggregate,
      violations,
      signatures,
      ...(counts.anomalies > MAX_KEPT ? { anomaliesLeftOut: counts.anomalies - MAX_KEPT } : {}),
      ...(counts.violations > MAX_KEPT ? { violationsLeftOut: counts.violations - MAX_KEPT } : {}),
    },
    factsText: [
      `${list.form} form with ${list.shown} template digests, banks other than sha1 ${ima.templateHash ?? 'not replayed (no --ima-template-hash)'}`,
      `boot aggregate ${BOOT_AGGREGATE_TEXT[bootAggregate]}, ${counts.violations} violations`,
      ...(signatures === undefined ? [] : [signaturesText(signatures)]),
    ],
  };
}

/** `--format ima`: the measurement list of a Linux kernel. */
export const IMA_LOG: LogFormat = { banks: BANKS, check: checkImaLog };

const BOOT_AGGREGATE_TEXT = {
  matches: 'follows from the PCR values',
  differs: 'does not follow from the PCR values',
  unchecked: 'not checked (no values of the PCRs 0 to 9)',
} as const;

/** The bank asked for, else those of the values given; without either every bank, as far as the rule is known. */
function countingBanks({ bank, given }: LogQuestion, ima: ImaOptions): readonly HashName[] {
  const all = ima.templateHash === undefined ? (['sha1'] as const) : BANKS;
  const asked = bank === undefined ? BANKS.filter((one) => given?.[one] !== undefined) : [bank];
  const banks = asked.length === 0 ? all : asked;
  const dependent = banks.find((one) => one !== 'sha1');
  if (dependent !== undefined && ima.templateHash === undefined)
    throw new VerifierError('option.ima-template-hash', dependent);
  return banks;
}

function pcrsOf({ state }: ReplayedImaList, banks: readonly HashName[]): ReplayedPcrs {
  return Object.fromEntries(
    banks.map((bank) => {
      const values = Array.from({ length: PCRS }, (_, pcr): [string, string] => [
        String(pcr),
        toHex(state.pcrs[bank]?.get(pcr) ?? resetValue(bank, pcr)),
      ]);
      return [bank, Object.fromEntries(values)];
    }),
  );
}

function explained(anomaly: ImaAnomaly): ImaAnomaly {
  return { ...anomaly, detail: `${IMA_ANOMALIES[anomaly.code].meaning} (${anomaly.detail})` };
}

function signaturesText(signers: Readonly<Record<ImaSigner['status'], number>>): string {
  return `files: ${signers.signed} signed by a key given, ${signers['unknown-key']} by an unknown key, ${signers.bad} badly, ${signers.unsigned} not`;
}
