import fc from 'fast-check';
import { EVENTS, encodeEvent, type LogEvent } from '../../src/event-log/event.ts';
import { encodeRecord } from '../../src/event-log/record.ts';

const digests = fc.uint8Array({ minLength: 32, maxLength: 32 });
const u32 = fc.nat(0xffffffff);
const names = fc.stringMatching(/^[A-Za-z0-9_@+-]{1,10}(\/[a-z0-9]{1,10}){0,3}$/);

/** Any event that the log can hold. */
export const logEvents: fc.Arbitrary<LogEvent> = fc.oneof(
  fc.record({
    type: fc.constant('boot' as const),
    resetCount: u32,
    restartCount: u32,
    agent: fc.stringMatching(/^[!-~]{1,64}$/),
  }),
  fc.record({ type: fc.constant('release' as const), release: u32, manifestDigest: digests }),
  fc.record({ type: fc.constant('component' as const), name: names, digest: digests }),
  fc.record({ type: fc.constant('ready' as const) }),
  fc.record({ type: fc.constant('started' as const), name: names, digest: digests }),
  fc.record({ type: fc.constant('audit' as const), nonce: digests, listDigest: digests }),
);

/** An event with one of the PCRs it may stand in. */
export const placedEvents: fc.Arbitrary<readonly [pcr: number, event: LogEvent]> = fc
  .tuple(fc.nat(5), logEvents)
  .map(([choice, event]) => {
    const { pcrs } = EVENTS[event.type];
    return [pcrs[choice % pcrs.length] ?? 0, event] as const;
  });

export function recordOf([pcr, event]: readonly [pcr: number, event: LogEvent]): Uint8Array {
  return encodeRecord(pcr, encodeEvent(event));
}

export function logOf(records: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(records));
}

/** A short boot with two audits, in the order of a boot. */
export const BOOT: readonly (readonly [pcr: number, event: LogEvent])[] = [
  [11, { type: 'boot', resetCount: 7, restartCount: 0, agent: 'mtm-agent/0.1.0' }],
  [5, { type: 'release', release: 3, manifestDigest: new Uint8Array(32).fill(1) }],
  [0, { type: 'component', name: 'boot/loader', digest: new Uint8Array(32).fill(2) }],
  [4, { type: 'component', name: 'kernel', digest: new Uint8Array(32).fill(3) }],
  [11, { type: 'ready' }],
  [12, { type: 'started', name: 'meter', digest: new Uint8Array(32).fill(4) }],
  [13, { type: 'audit', nonce: new Uint8Array(32).fill(5), listDigest: new Uint8Array(32).fill(6) }],
  [13, { type: 'audit', nonce: new Uint8Array(32).fill(7), listDigest: new Uint8Array(32).fill(6) }],
];
