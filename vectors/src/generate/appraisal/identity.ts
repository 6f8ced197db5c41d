import { encodeClaims } from '@mtm-attest/protocol';
import { fill } from '../bytes.ts';
import type { DraftTest } from '../draft.ts';
import { audit, bootEvents, fileDigest, listOf, RUNTIME_COMPONENT, started } from './boot.ts';
import { AT_THE_GATE, acceptedAt, type Scene } from './scene.ts';
import { AUDIT, gate, runtime } from './verdicts.ts';

/** The platform went back behind what was accepted (SPEC.md 7.3). */
export function identityTests(): readonly DraftTest[] {
  const before = acceptedAt(AT_THE_GATE.extended.slice(0, 7));
  const back = (comment: string, change: Partial<Scene>): DraftTest =>
    gate(comment, 'RolledBack', 'identity.rolled-back', { previous: before, ...change });
  const { reading } = AT_THE_GATE;
  const diverged = [
    ...bootEvents(3),
    started(RUNTIME_COMPONENT, fileDigest(RUNTIME_COMPONENT, 3)),
    audit(listOf(3), fill(32, 9)),
  ];
  return [
    back('resetCount lower', { previous: { ...before, resetCount: 4 } }),
    back('resetCount lower, restartCount higher', {
      previous: { ...before, resetCount: 4 },
      reading: { ...reading, restartCount: 7 },
    }),
    back('restartCount lower at the same resetCount', { previous: { ...before, restartCount: 1 } }),
    back('the clock lower in the same boot, and safe', { reading: { ...reading, clock: 1_799_999n } }),
    ...[1_799_999n, 0n].map((clock) =>
      back(`the clock lower after a restart, and safe: ${clock}`, {
        extended: [...bootEvents(3, 3, 1), audit(listOf(3))],
        reading: { ...reading, clock, restartCount: 1 },
      }),
    ),
    back('the audit counter not raised', { claims: encodeClaims({ auditCounter: 41n }) }),
    back('the audit counter lower', { claims: encodeClaims({ auditCounter: 7n }) }),
    back('the audit counter lower after a reboot', {
      claims: encodeClaims({ auditCounter: 40n }),
      extended: [...bootEvents(3, 4), audit(listOf(3))],
      reading: { ...reading, resetCount: 4 },
    }),
    back('a whole log of this boot without the accepted audit', { previous: acceptedAt(diverged) }),
    back('a whole log of this boot shorter than what was accepted', {
      previous: acceptedAt([...AT_THE_GATE.extended, AUDIT]),
    }),
    runtime('the clock lower in a runtime audit', 'RolledBack', 'identity.rolled-back', {
      reading: { ...reading, clock: 0n },
    }),
  ];
}
