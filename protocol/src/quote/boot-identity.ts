/** Which boot of a terminal: (resetCount, restartCount) of TPMS_CLOCK_INFO (TPM 2.0 Library Part 2, 10.11.1). */
export interface BootIdentity {
  readonly resetCount: number;
  readonly restartCount: number;
}

/** Lexicographic: negative where `a` is the earlier boot, 0 where it is the same, positive where it is the later (F-22). */
export function compareBootIdentity(a: BootIdentity, b: BootIdentity): number {
  return a.resetCount === b.resetCount ? a.restartCount - b.restartCount : a.resetCount - b.resetCount;
}

export interface ClockReading extends BootIdentity {
  /** milliseconds of powered time */
  readonly clock: bigint;
  readonly safe: boolean;
}

export type ClockBreak = 'reset-count' | 'restart-count' | 'clock';

/**
 * What shows that the platform went back behind an accepted reading: a lower resetCount or, at an equal one, a lower restartCount or a
 * lower clock that is safe. Only a TPM Reset after an unclean stop lets a clock lag, and it raises resetCount; over a TPM Restart or
 * Resume, which raise restartCount, the clock goes on.
 *
 * @returns undefined where nothing went back
 * @see SPEC.md 7.3; TPM 2.0 Library Part 1, 36
 */
export function clockBreak(accepted: ClockReading, seen: ClockReading): ClockBreak | undefined {
  if (seen.resetCount < accepted.resetCount) return 'reset-count';
  if (seen.resetCount > accepted.resetCount) return undefined;
  if (seen.restartCount < accepted.restartCount) return 'restart-count';
  return seen.safe && seen.clock < accepted.clock ? 'clock' : undefined;
}
