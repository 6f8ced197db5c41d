import {
  type BootIdentity,
  encodeCanonical,
  PURPOSES,
  type Purpose,
  VERDICTS,
  type Verdict,
} from '@mtm-attest/protocol';

/** What the ledger's leaf commits to. */
export interface ResultRecord {
  readonly operator: string;
  readonly terminal: string;
  readonly compartment: string;
  /** wall clock, milliseconds since 1970 */
  readonly at: number;
  readonly purpose: Purpose;
  readonly verdict: Verdict;
  readonly codes: readonly string[];
  readonly boot: BootIdentity | undefined;
  /** SHA-256 of the challenge as sent */
  readonly challengeDigest: Uint8Array;
  /** SHA-256 of the evidence message as received */
  readonly evidenceDigest: Uint8Array;
  /** sequence of the manifest that was applied; 0 where there was none */
  readonly manifestSequence: number;
  readonly bindingType: string;
  readonly class: string;
}

const LABEL = 'mtm-attest/v1 result';

/** Canonical msgpack; the leaf hash of RFC 9162 is taken over these bytes (SPEC.md 9.1). */
export function encodeResultRecord(record: ResultRecord): Uint8Array {
  const { boot } = record;
  return encodeCanonical([
    LABEL,
    record.operator,
    record.terminal,
    record.compartment,
    record.at,
    PURPOSES[record.purpose],
    VERDICTS[record.verdict],
    record.codes,
    boot === undefined ? [] : [boot.resetCount, boot.restartCount],
    record.challengeDigest,
    record.evidenceDigest,
    record.manifestSequence,
    record.bindingType,
    record.class,
  ]);
}
