import type { AcceptedState, ModelReference, PlatformAllowed } from '../appraisal/input.ts';
import { type SelectionAsked, selectionAsked } from './open-challenge.ts';

/** What a challenge asks of the platform's logs, and the PCRs that the Reference Values for them speak of. */
export interface PlatformAsked {
  /** the whole firmware log */
  readonly firmware: boolean;
  /** the IMA list from this entry on */
  readonly ima: number | undefined;
  /** ascending */
  readonly pcrs: readonly number[];
}

const NOTHING: PlatformAsked = { firmware: false, ima: undefined, pcrs: [] };

/**
 * Behind a cursor the accepted release says what is asked for; a whole log may be of any release of the model (SPEC.md 6.3).
 * @param from accepted state that the log goes on from; undefined for the whole log
 */
export function platformAsked(reference: ModelReference | undefined, from: AcceptedState | undefined): PlatformAsked {
  if (from !== undefined) {
    const release = reference?.releases.get(from.release);
    // Listed no more: the list is still what PCR 10 follows from, so that the release is blamed and not the log.
    if (release === undefined) return from.imaCount > 0 ? { ...NOTHING, ima: from.imaCount } : NOTHING;
    const { platform } = release;
    if (platform === undefined) return NOTHING;
    return { firmware: false, ima: platform.ima === undefined ? undefined : from.imaCount, pcrs: platform.pcrs };
  }
  const platforms = [...(reference?.releases.values() ?? [])].flatMap(({ platform }): readonly PlatformAllowed[] =>
    platform === undefined ? [] : [platform],
  );
  return {
    firmware: platforms.some(({ firmware }) => firmware !== undefined),
    ima: platforms.some(({ ima }) => ima !== undefined) ? 0 : undefined,
    pcrs: [...new Set(platforms.flatMap(({ pcrs }) => pcrs))],
  };
}

/** The configured selection, and the PCRs that Reference Values speak of: what a quote does not cover nobody can appraise (spec-digest D.6.4). */
export function selectionWith(selection: SelectionAsked, pcrs: readonly number[]): SelectionAsked {
  if (pcrs.every((pcr) => selection.pcrs.includes(pcr))) return selection;
  const all = [...new Set([...selection.pcrs, ...pcrs])].sort((a, b) => a - b);
  return selectionAsked([{ bank: 'sha256', pcrs: all }]);
}
