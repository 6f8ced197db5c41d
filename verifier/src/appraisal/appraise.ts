import {
  type AppraisedVerdict,
  type BootIdentity,
  clockBreak,
  compareBootIdentity,
  equalBytes,
  REASONS,
  type VerifiedQuote,
} from '@mtm-attest/protocol';
import { type Check, type Examined, NOTHING, type Outcome } from './check.ts';
import { CLAIMS, type Claim, type Finding } from './finding.ts';
import { firmwareFindings } from './firmware.ts';
import { imaFactsOf, imaFindings } from './ima.ts';
import type { AcceptedState, AppraisalInput, ModelReference, ReleaseReference } from './input.ts';
import { followedPcrs, quoteFollowsFromLog, wholeLogHoldsAcceptedPrefix } from './log.ts';
import { quoteIsOfEnrolledKey } from './quote.ts';
import { bootFindings, listFindings, releaseFindings, startedFindings } from './reference.ts';

export interface AttestationResult {
  readonly verdict: AppraisedVerdict;
  readonly findings: readonly Finding[];
  /** what is no fault and must be known: of kind *info* */
  readonly warnings: readonly Finding[];
  /** what the evidence established of the terminal's state; absent where its quote or its log did not hold */
  readonly state: AcceptedState | undefined;
  /** boot identity of a quote that verified */
  readonly boot: BootIdentity | undefined;
}

/** SPEC.md 7.2, in this order: cheap before costly, and nothing is read from bytes that were not authenticated before. */
export const CHECKS: readonly Check[] = [
  { name: 'the quote is by the enrolled key, for this challenge and channel', stops: true, run: quoteIsOfEnrolledKey },
  { name: 'the platform did not go back behind the accepted state', stops: true, run: platformMovedForward },
  { name: 'the quoted PCR values follow from the log', stops: true, run: quoteFollowsFromLog },
  {
    name: 'a whole log of the accepted boot contains the accepted events',
    stops: true,
    run: wholeLogHoldsAcceptedPrefix,
  },
  { name: 'the events are those of one complete boot', stops: false, run: eventsAreOfOneBoot },
  { name: 'the last audit was made for this challenge', stops: false, run: auditIsForThisChallenge },
  { name: 'the release may run', stops: true, run: releaseMayRun },
  { name: 'every boot component is the listed one', stops: false, run: bootComponentsAreListed },
  { name: 'everything started and audited is listed', stops: false, run: runningComponentsAreListed },
  { name: 'every event of the firmware is listed', stops: false, run: firmwareEventsAreListed },
  { name: 'every file that the kernel measured is listed', stops: false, run: measuredFilesAreListed },
];

/** Total and pure. A check that was skipped or that threw affirms nothing, so it denies (F-79). */
export function appraise(input: AppraisalInput, checks: readonly Check[] = CHECKS): AttestationResult {
  const affirmed = new Set<Claim>();
  const findings: Finding[] = [];
  const warnings: Finding[] = [];
  const examined: Examined = { quote: undefined, claims: undefined };
  for (const check of checks) {
    let outcome: Outcome;
    try {
      outcome = check.run(input, examined);
    } catch (cause) {
      outcome = malfunction(check, cause);
    }
    for (const claim of outcome.affirms) affirmed.add(claim);
    findings.push(...outcome.findings);
    warnings.push(...(outcome.warnings ?? []));
    if (check.stops && outcome.findings.length > 0) break;
  }
  const verdict = verdictOf(affirmed, findings);
  return {
    verdict,
    findings,
    warnings,
    state: verdict !== 'unknown' && stateHolds(affirmed, findings) ? stateOf(input, examined) : undefined,
    boot: examined.quote === undefined ? undefined : bootOf(examined.quote),
  };
}

/** Trusted = no finding and every claim affirmed. A finding about the verifier alone never condemns the terminal. */
function verdictOf(affirmed: ReadonlySet<Claim>, findings: readonly Finding[]): AppraisedVerdict {
  if (findings.some(({ code }) => REASONS[code].kind !== 'state')) return 'untrusted';
  return findings.length === 0 && CLAIMS.every((claim) => affirmed.has(claim)) ? 'trusted' : 'unknown';
}

/**
 * The log may be advanced even for a terminal that is untrusted, for only a whole log at the gate ends that; never onto the line of another
 * holder, and never past events that nobody could appraise (verdict unknown): they would not be looked at again.
 */
function stateHolds(affirmed: ReadonlySet<Claim>, findings: readonly Finding[]): boolean {
  return (
    affirmed.has('identity') && affirmed.has('log') && findings.every(({ code }) => REASONS[code].kind !== 'enrolment')
  );
}

function malfunction(check: Check, cause: unknown): Outcome {
  const detail = `${check.name}: ${cause instanceof Error ? cause.message : String(cause)}`;
  return { affirms: [], findings: [{ code: 'verifier.malfunction', detail }] };
}

function stateOf(input: AppraisalInput, { quote, claims }: Examined): AcceptedState | undefined {
  const { log, previous, reference } = input;
  if (quote === undefined || claims === undefined) return undefined;
  const { clock, resetCount, restartCount, safe } = quote.clockInfo;
  const behind = log.from === 0 ? listed(reference, log.release)?.digest : previous?.referenceDigest;
  return {
    clock,
    resetCount,
    restartCount,
    safe,
    count: log.count,
    pcrs: followedPcrs(input),
    auditCounter: claims.auditCounter,
    release: log.release ?? previous?.release ?? 0,
    listDigest: log.lastAudit?.listDigest ?? previous?.listDigest ?? new Uint8Array(32),
    referenceDigest: behind ?? new Uint8Array(32),
    ...imaProgress(input, quote),
  };
}

/** What was seen of a list stays owed by the quotes of its boot (F-28). */
function imaProgress(input: AppraisalInput, { clockInfo }: VerifiedQuote): Pick<AcceptedState, 'imaCount' | 'imaSeen'> {
  const { log, previous } = input;
  const facts = imaFactsOf(input);
  const before = previous !== undefined && compareBootIdentity(previous, clockInfo) === 0 ? previous : undefined;
  if (facts === undefined)
    return log.from === 0 ? NO_LIST : { imaCount: before?.imaCount ?? 0, imaSeen: before?.imaSeen ?? 0 };
  return { imaCount: facts.covered ?? facts.from, imaSeen: Math.max(facts.seen, before?.imaSeen ?? 0) };
}

const NO_LIST = { imaCount: 0, imaSeen: 0 };

function bootOf({ clockInfo: { resetCount, restartCount } }: VerifiedQuote): BootIdentity {
  return { resetCount, restartCount };
}

const BREAKS = {
  'reset-count': 'resetCount is lower than the accepted one',
  'restart-count': 'restartCount is lower than the accepted one, at the same resetCount',
  clock: 'the clock is lower than the accepted one, at the same resetCount, and says that it is safe',
} as const;

/** SPEC.md 7.3 (F-20 to F-23). */
function platformMovedForward({ previous }: AppraisalInput, { quote, claims }: Examined): Outcome {
  if (quote === undefined || claims === undefined) return NOTHING;
  if (previous === undefined) return { affirms: ['identity'], findings: [] };
  const went = clockBreak(previous, quote.clockInfo);
  if (went !== undefined) return rolledBack(BREAKS[went]);
  if (claims.auditCounter <= previous.auditCounter) {
    return rolledBack(`audit counter ${claims.auditCounter}; ${previous.auditCounter} was accepted before`);
  }
  return { affirms: ['identity'], findings: [] };
}

function rolledBack(detail: string): Outcome {
  return { affirms: [], findings: [{ code: 'identity.rolled-back', detail }] };
}

function eventsAreOfOneBoot({ log, challenge }: AppraisalInput, { quote }: Examined): Outcome {
  if (quote === undefined) return NOTHING;
  const findings = [...log.problems];
  if (log.unread) return { affirms: [], findings };
  const quoted = bootOf(quote);
  if (log.boot === undefined ? log.from === 0 : compareBootIdentity(log.boot, quoted) !== 0) {
    const named = log.boot === undefined ? 'none' : `${log.boot.resetCount}.${log.boot.restartCount}`;
    const detail = `the log names boot ${named}; the quote is of boot ${quoted.resetCount}.${quoted.restartCount}`;
    findings.push({ code: 'log.order', detail });
  }
  if (!log.ready) findings.push({ code: 'boot.incomplete', detail: 'no event ends the boot' });
  const unquoted = [...log.extended].filter((pcr) => !challenge.selectedPcrs.includes(pcr));
  if (unquoted.length > 0) {
    const detail = `the quote that was asked for does not cover PCR ${unquoted.join(', ')}, into which the log has events`;
    findings.push({ code: 'verifier.malfunction', detail });
  }
  return { affirms: findings.length === 0 ? ['boot'] : [], findings };
}

function auditIsForThisChallenge({ log, challenge }: AppraisalInput): Outcome {
  if (log.unread) return NOTHING;
  const audit = log.lastAudit;
  if (audit !== undefined && equalBytes(audit.nonce, challenge.nonce)) return { affirms: ['freshness'], findings: [] };
  const detail =
    audit === undefined ? 'there is no audit event' : `the audit at event ${audit.event} names another nonce`;
  return { affirms: [], findings: [{ code: 'audit.not-fresh', detail }] };
}

function releaseMayRun({ log, previous, reference, now }: AppraisalInput): Outcome {
  if (reference === undefined) return noReference();
  const release = log.release ?? (log.from === 0 ? undefined : previous?.release);
  if (release === undefined) {
    return { affirms: [], findings: [{ code: 'log.order', detail: 'the log does not name the release' }] };
  }
  const findings = releaseFindings(reference, release, now);
  return { affirms: findings.length === 0 ? ['release'] : [], findings };
}

function bootComponentsAreListed(input: AppraisalInput): Outcome {
  const { log, previous } = input;
  const found = runningRelease(input);
  if (found === undefined || log.unread) return NOTHING;
  if (log.from > 0) return componentsBehindCursor(found.release, previous);
  const findings = bootFindings(found.reference, found.release, log.components);
  return { affirms: findings.length === 0 ? ['components'] : [], findings };
}

/** They were appraised before, and stay so as long as the release lists what it listed then (SPEC.md 7.4). */
function componentsBehindCursor(release: ReleaseReference, previous: AcceptedState | undefined): Outcome {
  if (previous !== undefined && equalBytes(previous.referenceDigest, release.digest)) {
    return { affirms: ['components'], findings: [] };
  }
  const detail = `the Reference Values of release ${release.release} changed since the events before were appraised`;
  return { affirms: [], findings: [{ code: 'state.conflict', detail }] };
}

/** Earlier audits of the slice may name any nonce, but what they measured is appraised like everything else (SPEC.md 7.4). */
function runningComponentsAreListed(input: AppraisalInput): Outcome {
  const { log, lists } = input;
  const found = runningRelease(input);
  if (found === undefined || log.unread) return NOTHING;
  const findings = [...startedFindings(found.reference, found.release, log.started)];
  for (const hex of log.listDigests.keys()) {
    const list = lists.get(hex);
    if (list === undefined) findings.push({ code: 'list.missing', detail: `component list ${hex}` });
    else findings.push(...listFindings(found.reference, found.release, list));
  }
  return { affirms: findings.length === 0 && log.lastAudit !== undefined ? ['runtime'] : [], findings: once(findings) };
}

function firmwareEventsAreListed(input: AppraisalInput): Outcome {
  const found = runningRelease(input);
  return found === undefined ? NOTHING : firmwareFindings(input, found.reference, found.release);
}

function measuredFilesAreListed(input: AppraisalInput, examined: Examined): Outcome {
  const found = runningRelease(input);
  return found === undefined ? NOTHING : imaFindings(input, examined, found.reference, found.release);
}

/** What is kept for an operator of all the lists of one answer (F-54). */
const MAX_TOLD = 64;

/** The same change shows in every list that measured it; an operator reads it once. */
function once(findings: readonly Finding[]): readonly Finding[] {
  const seen = new Set<string>();
  const told = findings.filter(({ code, detail, found }) => {
    const key = `${code} ${detail} ${found ?? ''}`;
    return !seen.has(key) && seen.add(key);
  });
  return told.slice(0, MAX_TOLD);
}

/** The release that the log names, or behind a cursor the accepted one, where it is listed. */
function runningRelease({
  log,
  previous,
  reference,
}: AppraisalInput): { readonly reference: ModelReference; readonly release: ReleaseReference } | undefined {
  const release = listed(reference, log.release ?? previous?.release);
  return reference === undefined || release === undefined ? undefined : { reference, release };
}

function listed(reference: ModelReference | undefined, release: number | undefined): ReleaseReference | undefined {
  return release === undefined ? undefined : reference?.releases.get(release);
}

function noReference(): Outcome {
  return {
    affirms: [],
    findings: [{ code: 'reference.missing', detail: 'no manifest for the model of this terminal' }],
  };
}
