import { encodeEvent, encodeRecord, LogReplay, prefixDigest } from '@mtm-attest/protocol';
import { bytes, fill, overwritten } from './bytes.ts';
import { type DraftGroup, type DraftTest, invalid, valid } from './draft.ts';
import { sha256 } from './keys.ts';

interface Reached {
  readonly count: number;
  readonly pcrs: Uint8Array;
}

function replayed(slices: readonly Uint8Array[], start?: Reached): Reached {
  const replay = new LogReplay(sha256, start);
  for (const slice of slices) replay.feed(slice);
  return { count: replay.count, pcrs: replay.values() };
}

function claimed({ count, pcrs }: Reached, at: Reached = { count, pcrs }): Readonly<Record<string, unknown>> {
  return { count, pcrs, prefix: prefixDigest(at.count, at.pcrs, sha256) };
}

/** The records of one boot: boot, release, component, ready, started, audit. */
type Records = readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];

/** @param events a record of each event, in the order of a boot */
export function replayGroup(events: readonly Uint8Array[]): DraftGroup {
  const records = events as Records;
  const whole = replayed(records);
  const early = replayed(records.slice(0, 4));
  const slice = bytes(...records.slice(4));
  return {
    type: 'LogReplay',
    tests: [
      valid('no event: reset values', { slices: [], ...claimed(replayed([])) }),
      valid('a whole boot in one slice', { slices: [bytes(...records)], ...claimed(whole) }),
      valid('in slices of one record', { slices: records, ...claimed(whole) }),
      valid('from an accepted point on', { start: early, slices: [slice], ...claimed(whole) }),
      ...changedLogs(records, whole),
      ...wrongPoints(records, whole, early),
      ...cutLogs(records, whole),
    ],
  };
}

function changedLogs(records: Records, whole: Reached): readonly DraftTest[] {
  const [boot, release, component, ready, started, audit] = records;
  const slice = bytes(started, audit);
  const wrong = (comment: string, slices: readonly Uint8Array[]): DraftTest =>
    invalid(comment, 'Replay', 'pcr.digest', { slices, ...claimed(whole) });
  const digest = fill(32, 0xd1);
  const relabelled = encodeRecord(12, encodeEvent({ type: 'component', name: 'app/meter', digest }));
  const renamed = encodeRecord(4, encodeEvent({ type: 'component', name: 'lib/cors', digest }));
  const moved = overwritten(component, 1, '07');
  return [
    wrong('the last event left out', [bytes(...records.slice(0, -1))]),
    wrong('an event left out in the middle', [bytes(boot, release, ready, slice)]),
    wrong('the first event left out', [bytes(...records.slice(1))]),
    wrong('an event twice', [bytes(...records, audit)]),
    wrong('two events of one PCR exchanged', [bytes(ready, release, component, boot, slice)]),
    wrong('relabelled as another event', [bytes(boot, release, component, ready, relabelled, audit)]),
    wrong('a component renamed', [bytes(boot, release, renamed, ready, slice)]),
    wrong('moved to another PCR', [bytes(boot, release, moved, ready, slice)]),
    wrong('an event of another boot', [
      bytes(encodeRecord(11, encodeEvent({ type: 'boot', resetCount: 2, restartCount: 0, agent: 'mtm-agent/0.1.0' }))),
      bytes(...records.slice(1)),
    ]),
  ];
}

/** The records are right, the point that they start from or lead to is not (F-28). */
function wrongPoints(records: Records, whole: Reached, early: Reached): readonly DraftTest[] {
  const slice = bytes(...records.slice(4));
  const log = { slices: [bytes(...records)] };
  const from = (comment: string, start: Reached | undefined, slices: readonly Uint8Array[]): DraftTest =>
    invalid(comment, 'Cursor', 'pcr.digest', { start, slices, ...claimed(whole) });
  return [
    from('a slice alone, without its start', undefined, [slice]),
    from('from one event too late', replayed(records.slice(0, 5)), [slice]),
    from('from the same values under another count', { ...early, count: 5 }, [slice]),
    from('the whole log from a point within it', early, [bytes(...records)]),
    invalid('the prefix of an earlier point', 'Cursor', 'pcr.digest', { ...log, ...claimed(whole, early) }),
    invalid('the values of an earlier point', 'Replay', 'pcr.digest', { ...log, ...claimed(early) }),
  ];
}

function cutLogs(records: Records, whole: Reached): readonly DraftTest[] {
  const [boot, , , , , audit] = records;
  return [
    invalid(
      'a slice cut within a record',
      'Truncated',
      'log.truncated',
      { slices: [bytes(...records).subarray(0, -1)], ...claimed(whole) },
      bytes(...records).length - audit.length,
    ),
    invalid(
      'a record across two slices',
      'Truncated',
      'log.truncated',
      {
        slices: [boot.subarray(0, 9), boot.subarray(9), bytes(...records.slice(1))],
        ...claimed(whole),
      },
      0,
    ),
  ];
}
