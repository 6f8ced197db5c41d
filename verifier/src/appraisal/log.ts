import { compareBootIdentity, equalBytes } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { type Examined, NOTHING, type Outcome } from './check.ts';
import type { AppraisalInput } from './input.ts';

const PCR_BYTES = 32;
const CONTINUES: Outcome = { affirms: ['continuity'], findings: [] };

/** The digest over the replayed values, by the hash of the AK's scheme, must be the quoted one: a slice of the terminal's own log ends exactly at the quote (SPEC.md 7.2). */
export function quoteFollowsFromLog({ log, challenge, enrolment }: AppraisalInput, { quote }: Examined): Outcome {
  if (quote === undefined) return NOTHING;
  if (log.malformed !== undefined) {
    return { affirms: [], findings: [{ code: 'evidence.malformed', detail: `event log: ${log.malformed}` }] };
  }
  const { material } = enrolment.akKey;
  const hash = material.algorithm === 'ed25519' ? 'sha256' : material.hash;
  const values = Buffer.allocUnsafe(challenge.selectedPcrs.length * PCR_BYTES);
  let at = 0;
  for (const pcr of challenge.selectedPcrs) {
    for (let i = pcr * PCR_BYTES; i < (pcr + 1) * PCR_BYTES; i++) values[at++] = log.pcrs[i] ?? 0;
  }
  if (equalBytes(nodeCrypto[hash](values), quote.pcrDigest)) return { affirms: ['log'], findings: [] };
  const part = log.from === 0 ? `the log of ${log.count} events` : `events ${log.from} to ${log.count}`;
  return { affirms: [], findings: [{ code: 'log.replay', detail: `${part} does not lead to the quoted PCR values` }] };
}

/** A whole log of the accepted boot that replays but lacks the accepted events belongs to another holder of the identity (F-20). */
export function wholeLogHoldsAcceptedPrefix({ log, previous }: AppraisalInput, { quote }: Examined): Outcome {
  if (quote === undefined) return NOTHING;
  if (previous === undefined || log.from > 0) return CONTINUES;
  if (compareBootIdentity(previous, quote.clockInfo) !== 0) return CONTINUES;
  if (log.prefixPcrs !== undefined && equalBytes(log.prefixPcrs, previous.pcrs)) return CONTINUES;
  const detail = `the log of this boot lacks the ${previous.count} events accepted before`;
  return { affirms: [], findings: [{ code: 'identity.rolled-back', detail }] };
}
