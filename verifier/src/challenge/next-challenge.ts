import { equalBytes, type LogCursor, type Purpose } from '@mtm-attest/protocol';
import type { Condemnation } from '../appraisal/condemnation.ts';
import type { AcceptedState } from '../appraisal/input.ts';

/** What decides the next challenge; all of it stored, none of it the terminal's choice. */
export interface ChallengeSituation {
  readonly admitted: boolean;
  /** a new boot was announced and has not been appraised */
  readonly pending: boolean;
  readonly accepted: AcceptedState | undefined;
  readonly condemned: Condemnation | undefined;
  readonly referenceRevision: number;
  /** digest of the Reference Values of the accepted release as they are now; undefined where it is listed no more */
  readonly referenceDigest: Uint8Array | undefined;
}

export interface NextChallenge {
  readonly purpose: Extract<Purpose, 'gate' | 'runtime'>;
  /** where the log goes on; undefined asks for the whole log of whatever boot it is */
  readonly from: AcceptedState | undefined;
}

const WHOLE_LOG_AT_THE_GATE: NextChallenge = { purpose: 'gate', from: undefined };

/**
 * A terminal that is not admitted is at the gate; an admitted one is audited from the accepted events on. One that is untrusted goes on being
 * audited, so that a second holder of its identity shows (SPEC.md 7.3), and is asked at the gate again once its Reference Values changed.
 * Where the accepted release lists other components than it did, what lies behind the cursor is asked for once more.
 */
export function nextChallenge(situation: ChallengeSituation): NextChallenge {
  const { accepted, condemned } = situation;
  if (situation.pending || accepted === undefined) return WHOLE_LOG_AT_THE_GATE;
  const from = isOfTheseValues(accepted, situation.referenceDigest) ? accepted : undefined;
  if (condemned === undefined) return situation.admitted ? { purpose: 'runtime', from } : WHOLE_LOG_AT_THE_GATE;
  if (condemned.endsBy === 'reference' && situation.referenceRevision > condemned.referenceRevision) {
    return WHOLE_LOG_AT_THE_GATE;
  }
  if (condemned.codes.includes('log.replay')) return { purpose: 'runtime', from: undefined };
  return { purpose: 'runtime', from };
}

/** A release that is listed no more is refused whatever was measured. */
function isOfTheseValues(accepted: AcceptedState, present: Uint8Array | undefined): boolean {
  return present === undefined || equalBytes(accepted.referenceDigest, present);
}

const NO_EVENTS: LogCursor = { resetCount: 0, restartCount: 0, count: 0, prefix: new Uint8Array(16) };

/** @param prefix prefixDigest of the accepted events */
export function cursorOf(from: AcceptedState | undefined, prefix: (from: AcceptedState) => Uint8Array): LogCursor {
  if (from === undefined) return NO_EVENTS;
  const { resetCount, restartCount, count } = from;
  return { resetCount, restartCount, count, prefix: prefix(from) };
}
