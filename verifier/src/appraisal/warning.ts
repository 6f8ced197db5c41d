import type { ReasonCode } from '@mtm-attest/protocol';

const WARNINGS: ReadonlySet<ReasonCode> = new Set(['firmware.volatile', 'ima.excluded', 'ima.violations']);

/** Whether a code tells of something that a signer allowed without knowing what it would be. */
export function isWarning(code: ReasonCode): boolean {
  return WARNINGS.has(code);
}
