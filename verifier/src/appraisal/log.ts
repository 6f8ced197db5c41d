import { compareBootIdentity, equalBytes, IMA_PCR } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { type Examined, NOTHING, type Outcome } from './check.ts';
import type { Finding } from './finding.ts';
import { pcrOf, samePcrs } from './firmware-facts.ts';
import { imaFactsOf } from './ima.ts';
import type { ImaFacts } from './ima-facts.ts';
import type { AppraisalInput } from './input.ts';

const PCR_BYTES = 32;
const CONTINUES: Outcome = { affirms: ['continuity'], findings: [] };
const FOLLOWS: Outcome = { affirms: ['log'], findings: [] };

/**
 * The digest over the replayed values, by the hash of the AK's scheme, must be the quoted one: a slice of the terminal's own log ends exactly
 * at the quote (SPEC.md 7.2). Where logs of the platform were asked for, the terminal sends the values, and each must follow.
 */
export function quoteFollowsFromLog(input: AppraisalInput, { quote }: Examined): Outcome {
  const { log, firmware, challenge } = input;
  if (quote === undefined) return NOTHING;
  if (firmware?.malformed !== undefined) return denied('firmware.malformed', firmware.malformed);
  if (log.malformed !== undefined) return denied('evidence.malformed', `event log: ${log.malformed}`);
  if (isPlatformAsked(input)) return sentValuesFollow(input, quote.pcrDigest);
  const values = Buffer.concat(challenge.selectedPcrs.map((pcr) => pcrOf(log.pcrs, pcr)));
  if (equalBytes(digestOf(input, values), quote.pcrDigest)) return FOLLOWS;
  return denied('log.replay', `${partOf(input)} does not lead to the quoted PCR values`);
}

/** The 24 values that the evidence led to, once it was found to follow. */
export function followedPcrs(input: AppraisalInput): Uint8Array {
  if (imaFactsOf(input) === undefined) return input.log.pcrs;
  const pcrs = input.log.pcrs.slice();
  pcrs.set(sentValue(input, IMA_PCR), IMA_PCR * PCR_BYTES);
  return pcrs;
}

function isPlatformAsked({ challenge: { firmware, ima } }: AppraisalInput): boolean {
  return firmware === true || ima !== undefined;
}

function sentValuesFollow(input: AppraisalInput, quoted: Uint8Array): Outcome {
  const { evidence, challenge, log } = input;
  const { pcrs } = evidence;
  if (pcrs === undefined || pcrs.length !== challenge.selectedPcrs.length * PCR_BYTES)
    return denied('evidence.malformed', 'the PCR values are not those of the selection');
  if (!equalBytes(digestOf(input, pcrs), quoted))
    return denied('log.replay', 'the PCR values sent are not those that were quoted');
  const ima = imaFactsOf(input);
  const own = challenge.selectedPcrs.filter((pcr) => ima === undefined || pcr !== IMA_PCR);
  const other = own.filter((pcr) => !equalBytes(sentValue(input, pcr), pcrOf(log.pcrs, pcr)));
  if (other.length > 0) return denied('log.replay', `PCR ${other.join(', ')} does not follow from ${sourcesOf(input)}`);
  return ima === undefined ? FOLLOWS : listLeadsToQuote(ima, pcrOf(log.pcrs, IMA_PCR));
}

/** @param own PCR 10 as our own log leaves it, which must not touch it */
function listLeadsToQuote(ima: ImaFacts, own: Uint8Array): Outcome {
  if (ima.malformed !== undefined) return denied('ima.malformed', ima.malformed);
  if (!equalBytes(own, ima.start))
    return denied('log.replay', `PCR ${IMA_PCR} belongs to the IMA list, and the event log extends it`);
  if (ima.covered === undefined)
    return denied('log.replay', `PCR ${IMA_PCR} does not follow from the IMA list of ${ima.seen} entries`);
  if (ima.covered === 0 && ima.seen > 0)
    return denied('log.replay', `PCR ${IMA_PCR} is at its reset value: none of the ${ima.seen} entries is proven`);
  return FOLLOWS;
}

/** A view on what the terminal sent; empty where the PCR is not selected. */
function sentValue({ challenge, evidence }: AppraisalInput, pcr: number): Uint8Array {
  const at = challenge.selectedPcrs.indexOf(pcr) * PCR_BYTES;
  return at < 0 || evidence.pcrs === undefined ? new Uint8Array() : evidence.pcrs.subarray(at, at + PCR_BYTES);
}

function digestOf({ enrolment }: AppraisalInput, values: Uint8Array): Uint8Array {
  const { material } = enrolment.akKey;
  return nodeCrypto[material.algorithm === 'ed25519' ? 'sha256' : material.hash](values);
}

function sourcesOf(input: AppraisalInput): string {
  const { firmware } = input;
  if (input.log.from > 0) return partOf(input);
  const first = firmware === undefined ? 'no firmware log' : `the firmware log of ${firmware.events.length} events`;
  return `${first} and ${partOf(input)}`;
}

function partOf({ log }: AppraisalInput): string {
  return log.from === 0 ? `the log of ${log.count} events` : `events ${log.from} to ${log.count}`;
}

function denied(code: Finding['code'], detail: string): Outcome {
  return { affirms: [], findings: [{ code, detail }] };
}

/** A whole log of the accepted boot that replays but lacks the accepted events belongs to another holder of the identity (F-20). */
export function wholeLogHoldsAcceptedPrefix(input: AppraisalInput, { quote }: Examined): Outcome {
  const { log, previous } = input;
  if (quote === undefined) return NOTHING;
  if (previous === undefined || log.from > 0) return CONTINUES;
  if (compareBootIdentity(previous, quote.clockInfo) !== 0) return CONTINUES;
  const ima = imaFactsOf(input);
  const own =
    log.prefixPcrs !== undefined && samePcrs(log.prefixPcrs, previous.pcrs, ima === undefined ? [] : [IMA_PCR]);
  const list = ima === undefined || holdsEntries(ima, pcrOf(previous.pcrs, IMA_PCR));
  if (own && list) return CONTINUES;
  const detail = `the log of this boot lacks the ${previous.count} events accepted before`;
  return denied('identity.rolled-back', detail);
}

function holdsEntries({ prefix }: ImaFacts, accepted: Uint8Array): boolean {
  return prefix !== undefined && equalBytes(prefix, accepted);
}
