import { expect } from 'chai';
import fc from 'fast-check';
import { fromHex, toHex } from '../../src/bytes/text.ts';
import { decodeEvent, EVENTS, type EventType, encodeEvent, type LogEvent } from '../../src/event-log/event.ts';
import { encodeCanonical, type MsgpackValue } from '../../src/msgpack/codec.ts';
import { expectRefusal, unlessRefused } from '../refusal.ts';
import { BOOT, logEvents, placedEvents } from './events.ts';

const SEED = 40_203;
const D = new Uint8Array(32).fill(1);
const TYPES = Object.keys(EVENTS) as EventType[];

/** The content of fields that belong to no event. */
function content(...values: readonly MsgpackValue[]): Uint8Array {
  return encodeCanonical(values);
}

describe('an event of the log', () => {
  it('comes back from its content, in every PCR that it may stand in', () => {
    const property = fc.property(placedEvents, ([pcr, event]) => {
      expect(decodeEvent(pcr, encodeEvent(event))).to.deep.equal(event);
    });
    fc.assert(property, { seed: SEED });
  });

  it('has its number first, so that its digest covers what it is (F-27)', () => {
    const numbers = BOOT.map(([, event]) => encodeEvent(event)[1]);
    expect(numbers).to.deep.equal(BOOT.map(([, { type }]) => EVENTS[type].number));
    expect(new Set(TYPES.map((type) => EVENTS[type].number)).size).to.equal(TYPES.length);
    expect(toHex(encodeEvent({ type: 'ready' }))).to.equal('9104');
  });

  it('cannot be relabelled: no two events share a content (F-27)', () => {
    const property = fc.property(logEvents, logEvents, (a, b) => {
      if (toHex(encodeEvent(a)) === toHex(encodeEvent(b))) expect(a).to.deep.equal(b);
      else expect(a).to.not.deep.equal(b);
    });
    fc.assert(property, { seed: SEED });
  });

  it('is refused in a PCR that is not its own (F-27)', () => {
    for (const [, event] of BOOT) {
      for (let pcr = 0; pcr < 24; pcr++) {
        if (EVENTS[event.type].pcrs.includes(pcr)) expect(decodeEvent(pcr, encodeEvent(event))).to.deep.equal(event);
        else expectRefusal(() => decodeEvent(pcr, encodeEvent(event)), 'log.event-pcr', 0);
      }
    }
  });

  it('is refused where its number is unknown or it has none (F-27)', () => {
    for (const value of [[], [0], [7, D], ['boot'], [true], [[1]], 4, 'ready', D, { a: 4 }] satisfies MsgpackValue[]) {
      expectRefusal(() => decodeEvent(11, encodeCanonical(value)), 'log.event-type', 0);
    }
  });

  it('is refused with a field missing, added, of another type or out of bounds (F-27, F-42)', () => {
    const wrong: Readonly<Record<EventType, readonly (readonly MsgpackValue[])[]>> = {
      boot: [
        [1, 0],
        [1, 0, 'a', 0],
        ['1', 0, 'a'],
        [2 ** 32, 0, 'a'],
        [1, 0, ''],
        [1, 0, 'a b'],
        [1, 0, 'é'],
        [1, 0, 'a'.repeat(65)],
        [1, 0, D],
      ],
      release: [[1], [1, D, 0], [true, D], [2 ** 32, D], [1, D.subarray(1)], [1, toHex(D)]],
      component: [['a'], ['a', D, 0], [D, D], ['', D], ['../a', D], ['/a', D], ['a', D.subarray(1)], ['a', 'b']],
      ready: [[0], [[]]],
      started: [['a'], ['a', D, D], ['a//b', D], ['a\\b', D], ['a', new Uint8Array(33)]],
      audit: [[D], [D, D, D], [D, D.subarray(1)], [new Uint8Array(), D], [1, D], [toHex(D), D]],
    };
    for (const type of TYPES) {
      const { number, pcrs } = EVENTS[type];
      for (const fields of wrong[type]) {
        expectRefusal(() => decodeEvent(pcrs[0] ?? 0, content(number, ...fields)), 'log.event-fields', 0);
      }
    }
  });

  it('is refused in any other encoding (F-41)', () => {
    expectRefusal(() => decodeEvent(11, fromHex('91cc04')), 'msgpack.not-canonical', 1);
    expectRefusal(() => decodeEvent(11, fromHex('910400')), 'msgpack.trailing-bytes', 2);
    expectRefusal(() => decodeEvent(11, new Uint8Array()), 'msgpack.truncated', 0);
  });

  it('that decodes re-encodes identically', () => {
    const bytes = fc.uint8Array({ maxLength: 3 });
    const property = fc.property(placedEvents, fc.nat(), bytes, ([pcr, event], at, change) => {
      const input = encodeEvent(event);
      input.set(change.subarray(0, input.length), at % Math.max(1, input.length - change.length + 1));
      const read: LogEvent | undefined = unlessRefused(() => decodeEvent(pcr, input));
      if (read !== undefined) expect(toHex(encodeEvent(read))).to.equal(toHex(input));
    });
    fc.assert(property, { seed: SEED, numRuns: 1000 });
  });
});
