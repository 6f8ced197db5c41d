import { parseSignature, utf8, writeSignature } from '@mtm-attest/protocol';
import type { DraftTest } from '../draft.ts';
import { otherForm, sha256 } from '../keys.ts';
import { audit, bootEvents, EXPIRY, listOf } from './boot.ts';
import { AT_THE_GATE, acceptedAt, evidenceOf, type Scene, sliceOf } from './scene.ts';
import { AUDIT, RUNTIME, trusted } from './verdicts.ts';

/** What an honest terminal does, and must never be condemned for. */
export function honest(): readonly DraftTest[] {
  const rebooted = { ...AT_THE_GATE.reading, clock: 5_000n, safe: false, resetCount: 4 };
  const boot4 = [...bootEvents(3, 4), audit(listOf(3))];
  const good = evidenceOf(AT_THE_GATE);
  const { signature } = parseSignature(good['signature'] as Uint8Array);
  const high = writeSignature({ scheme: 'ecdsa', hash: 'sha256', signature: otherForm(signature) });
  const records = AT_THE_GATE.extended.map((entry) => sliceOf([entry]));
  const earlier = audit(listOf(3), sha256(utf8('a nonce whose evidence was lost')));
  const sameBoot = { ...AT_THE_GATE, previous: acceptedAt(AT_THE_GATE.extended.slice(0, 7)) };
  const restarted = (reading: Partial<Scene['reading']>): Scene => ({
    ...sameBoot,
    extended: [...bootEvents(3, 3, 1), audit(listOf(3))],
    reading: { ...AT_THE_GATE.reading, restartCount: 1, ...reading },
  });
  const lagging = { ...RUNTIME, reading: { ...RUNTIME.reading, clock: 1n, safe: false } };
  return [
    trusted('the first gate appraisal', AT_THE_GATE),
    trusted('the same, with the high s', AT_THE_GATE, ['HighS'], { signature: high }),
    trusted('the log in slices of one record', AT_THE_GATE, [], { slices: records }),
    trusted('a runtime audit from the accepted events on', RUNTIME),
    trusted('a reboot; the clock lags after an unclean stop', {
      ...AT_THE_GATE,
      extended: boot4,
      reading: rebooted,
      previous: acceptedAt(AT_THE_GATE.extended),
    }),
    trusted('the gate once more in the same boot', sameBoot),
    trusted('an earlier audit whose evidence was lost', { ...RUNTIME, extended: [earlier, AUDIT] }, ['Slow']),
    trusted('a clock that is not safe and lags', lagging, ['Slow']),
    trusted('a restart; the clock stands where it stood', restarted({ clock: 1_800_000n })),
    trusted('a restart; the clock is not safe and lags', restarted({ clock: 1n, safe: false }), ['Slow']),
    trusted('release 2 on its last day', {
      ...AT_THE_GATE,
      extended: [...bootEvents(2), audit(listOf(2))],
      lists: [listOf(2)],
      now: EXPIRY,
    }),
    trusted('an update to release 4 and a restart', {
      ...AT_THE_GATE,
      extended: [...bootEvents(4, 3, 1), audit(listOf(4))],
      lists: [listOf(4)],
      reading: { ...AT_THE_GATE.reading, restartCount: 1 },
      previous: acceptedAt(AT_THE_GATE.extended),
    }),
  ];
}
