import { expect } from 'chai';
import fc from 'fast-check';
import { toHex } from '../../src/bytes/text.ts';
import type { ProtocolCode } from '../../src/error.ts';
import {
  type AnyMessage,
  encodeMessage,
  MAX_MESSAGE_BYTES,
  MESSAGES,
  type MessageName,
  parseMessage,
} from '../../src/message/catalogue.ts';
import type { Field } from '../../src/message/field.ts';
import {
  decodeStrict,
  encodeCanonical,
  isMsgpackMap,
  type MsgpackMap,
  type MsgpackValue,
} from '../../src/msgpack/codec.ts';
import { flipped, followedBy } from '../mutation.ts';
import { expectRefusal, refusalOf, unlessRefused } from '../refusal.ts';
import { SAMPLES } from './samples.ts';

const SEED = 40_301;
const NAMES = Object.keys(MESSAGES) as MessageName[];
const ALL: readonly AnyMessage[] = NAMES.flatMap((name): readonly AnyMessage[] => SAMPLES[name]);

function sendersOf(name: MessageName): readonly ('terminal' | 'verifier')[] {
  const { from } = MESSAGES[name];
  return from === 'both' ? ['terminal', 'verifier'] : [from];
}

function parse(bytes: Uint8Array, from: 'terminal' | 'verifier'): AnyMessage {
  return from === 'terminal' ? parseMessage(bytes, 'terminal') : parseMessage(bytes, 'verifier');
}

/** The message as a map of the wire, to be spoilt. */
function wire(message: AnyMessage): MsgpackMap {
  const map = decodeStrict(encodeMessage(message));
  return isMsgpackMap(map) ? map : expect.fail('no map');
}

function expectCode(message: AnyMessage, map: MsgpackMap, code: ProtocolCode): void {
  for (const from of sendersOf(message.type)) expectRefusal(() => parse(encodeCanonical(map), from), code);
}

function fieldsOf(name: MessageName): readonly Field<unknown>[] {
  return Object.values<Field<unknown>>(MESSAGES[name].fields);
}

const VALUES: readonly (readonly [kind: string, value: MsgpackValue])[] = [
  ['number', 1],
  ['bigint', 2n ** 60n],
  ['bool', true],
  ['text', 'a.b'],
  ['bin', new Uint8Array(32)],
  ['array', []],
  ['map', {}],
];

/** The kind of value that a field takes on the wire, by its published form. */
function kindOf({ form }: Field<unknown>): string {
  if (form.startsWith('bin')) return 'bin';
  if (form.startsWith('array')) return 'array';
  if (form === 'bool') return 'bool';
  return form === 'id' || form === 'code' ? 'text' : 'number';
}

/** Least and most bytes of a `bin` form. */
function boundsOf({ form }: Field<unknown>): readonly [least: number, most: number] {
  const [least, most = least] = form.slice(4).split('..').map(Number);
  return [least ?? 0, most ?? 0];
}

describe('every message', () => {
  it('has its own number, one-letter keys, each once, and a form that is published', () => {
    const numbers = NAMES.map((name) => MESSAGES[name].type);
    expect(numbers).to.deep.equal(NAMES.map((_, i) => i + 1));
    for (const name of NAMES) {
      const keys = fieldsOf(name).map(({ key }) => key);
      expect(new Set([...keys, 't']).size).to.equal(keys.length + 1);
      for (const field of fieldsOf(name)) {
        expect(field.key).to.match(/^[a-z]$/);
        expect(field.form).to.not.equal('');
        expect(field.about).to.not.equal('');
      }
    }
  });

  it('comes back as it was sent, and re-encodes identically (F-41)', () => {
    for (const message of ALL) {
      for (const from of sendersOf(message.type)) {
        const bytes = encodeMessage(message);
        const read = parse(bytes, from);
        expect(read).to.deep.equal(message);
        expect(toHex(encodeMessage(read))).to.equal(toHex(bytes));
      }
    }
  });

  it('is refused from the side that does not send it (F-59)', () => {
    for (const message of ALL) {
      const senders = sendersOf(message.type);
      for (const from of ['terminal', 'verifier'] as const) {
        if (!senders.includes(from)) expectRefusal(() => parse(encodeMessage(message), from), 'message.direction', 0);
      }
    }
  });

  it('is refused with a key that its form does not name (F-42, F-44)', () => {
    for (const message of ALL) {
      for (const key of ['x', '', 'T', 'tt', 'toString', 'nonce', '0', 'type']) {
        expectCode(message, { ...wire(message), [key]: 1 }, 'message.field');
      }
    }
  });

  it('is refused without a field that it needs, and taken without one that it does not (F-42)', () => {
    for (const message of ALL) {
      const map = wire(message);
      for (const { key, optional } of fieldsOf(message.type)) {
        if (!Object.hasOwn(map, key)) continue;
        const rest = Object.fromEntries(Object.entries(map).filter(([one]) => one !== key));
        if (!optional) expectCode(message, rest, 'message.field');
        else for (const from of sendersOf(message.type)) parse(encodeCanonical(rest), from);
      }
    }
  });

  it('is refused with a field of another type, nothing being coerced (F-42)', () => {
    for (const message of ALL) {
      for (const field of fieldsOf(message.type)) {
        for (const [kind, value] of VALUES) {
          if (kind !== kindOf(field)) expectCode(message, { ...wire(message), [field.key]: value }, 'message.field');
        }
      }
    }
  });

  it('holds byte strings to their bounds exactly (F-42)', () => {
    for (const message of ALL) {
      for (const field of fieldsOf(message.type).filter((one) => kindOf(one) === 'bin')) {
        const [least, most] = boundsOf(field);
        for (const length of [least, most]) {
          const bytes = encodeCanonical({ ...wire(message), [field.key]: new Uint8Array(length) });
          if (bytes.length <= MAX_MESSAGE_BYTES) for (const from of sendersOf(message.type)) parse(bytes, from);
        }
        for (const length of [least - 1, most + 1].filter((one) => one >= 0)) {
          expectCode(message, { ...wire(message), [field.key]: new Uint8Array(length) }, 'message.field');
        }
      }
    }
  });

  it('holds numbers, names and codes to their bounds (F-42, F-50)', () => {
    const many = (count: number): string[] => new Array<string>(count).fill('a.b');
    const spoilt: readonly (readonly [message: AnyMessage, key: string, values: readonly MsgpackValue[]])[] = [
      [SAMPLES.greeting[0], 'b', [0, 3]],
      [SAMPLES.greeting[0], 'a', ['', 'A', 'a b', '../a', 'x'.repeat(65)]],
      [SAMPLES.hello[0], 'i', ['', 'Terminal', '-', 'x'.repeat(65), 'é']],
      [SAMPLES.challenge[0], 'p', [0, 4, 5, 6, 7, 8]],
      [SAMPLES.challenge[0], 'c', [[], [1, 2, 3], [1, 2, 3, new Uint8Array(15)], [1, 2, 2 ** 32, new Uint8Array(16)]]],
      [
        SAMPLES.challenge[0],
        'c',
        [
          [1, 2, 3, new Uint8Array(16), 0],
          [true, 2, 3, new Uint8Array(16)],
        ],
      ],
      [SAMPLES.evidence[0], 'z', [65, 2 ** 32, 2n ** 53n + 1n]],
      [SAMPLES.part[0], 'k', [0, 5]],
      [SAMPLES.challenge[0], 'f', [1, 0]],
      [SAMPLES.challenge[0], 'm', [1_000_001, true]],
      [SAMPLES.evidence[0], 'p', [new Uint8Array(31), new Uint8Array(769), 0]],
      [SAMPLES.evidence[0], 'f', [1]],
      [SAMPLES.evidence[0], 'm', [0]],
      [SAMPLES.bootNew[0], 'b', [[1], [1, 2, 3], [1, 2 ** 32], [1, '2']]],
      [SAMPLES.result[0], 'v', [0, 6]],
      [SAMPLES.result[0], 'n', [2n ** 53n + 1n]],
      [SAMPLES.result[0], 'c', [[], many(17), ['trusted'], ['A.b'], ['a.b', 1], ['a..b']]],
      [
        SAMPLES.noResult[0],
        'c',
        ['', 'state', 'state.', '.conflict', 'State.conflict', 'a.b\n', `a.${'b'.repeat(49)}`],
      ],
    ];
    for (const [message, key, values] of spoilt) {
      for (const value of values) expectCode(message, { ...wire(message), [key]: value }, 'message.field');
    }
    const codes = encodeCanonical({ ...wire(SAMPLES.result[0]), c: many(16) });
    expect(parseMessage(codes, 'verifier')).to.have.property('codes').with.length(16);
  });

  it('takes only the purposes of this version, which never mix (F-05)', () => {
    const purposes = [1, 2, 3].map((p) =>
      parseMessage(encodeCanonical({ ...wire(SAMPLES.challenge[0]), p }), 'verifier'),
    );
    expect(purposes.map((message) => 'purpose' in message && message.purpose)).to.deep.equal([
      'enrol',
      'gate',
      'runtime',
    ]);
  });

  it('is refused where it is no map, or its type is none (F-42)', () => {
    for (const value of [0, 'hello', true, new Uint8Array(8), [], [2], {}] satisfies MsgpackValue[]) {
      expectRefusal(() => parseMessage(encodeCanonical(value), 'terminal'), 'message.type', 0);
    }
    for (const t of [0, 13, 255, '2', true, [2], new Uint8Array(1), 2n ** 60n] satisfies MsgpackValue[]) {
      expectRefusal(
        () => parseMessage(encodeCanonical({ ...wire(SAMPLES.hello[0]), t }), 'terminal'),
        'message.type',
        0,
      );
    }
  });

  it('longer than 64 KiB is refused unread (F-56)', () => {
    const long = new Uint8Array(MAX_MESSAGE_BYTES + 1);
    expectRefusal(() => parseMessage(long, 'terminal'), 'message.too-long', MAX_MESSAGE_BYTES);
    expectRefusal(() => parseMessage(long.subarray(1), 'terminal'), 'msgpack.trailing-bytes', 1);
  });

  it('cut anywhere or continued is refused with an offset inside the input (F-46, F-19)', () => {
    const short = ALL.map((message) => [message, encodeMessage(message)] as const).filter(
      ([, { length }]) => length < 2000,
    );
    for (const [message, bytes] of short) {
      const [from = 'terminal'] = sendersOf(message.type);
      for (let length = 0; length < bytes.length; length++) {
        const { code, offset } = refusalOf(() => parse(bytes.subarray(0, length), from));
        expect(code).to.be.oneOf(['msgpack.truncated', 'msgpack.length']);
        expect(offset).to.be.within(0, length);
      }
      expectRefusal(() => parse(followedBy(bytes, 0), from), 'msgpack.trailing-bytes', bytes.length);
    }
  });

  it('with bits flipped is refused by a code, or is another message that re-encodes identically', () => {
    const samples = fc.constantFrom(...ALL.filter((message) => encodeMessage(message).length < 2000));
    const property = fc.property(samples, fc.array(fc.nat(), { minLength: 1, maxLength: 3 }), (message, bits) => {
      const good = encodeMessage(message);
      const bytes = bits.reduce((changed, bit) => flipped(changed, bit % (8 * good.length)), good);
      for (const from of ['terminal', 'verifier'] as const) {
        const read = unlessRefused(() => parse(bytes, from));
        if (read !== undefined) expect(toHex(encodeMessage(read))).to.equal(toHex(bytes));
      }
    });
    fc.assert(property, { seed: SEED, numRuns: 2000 });
  });

  it('keeps what it holds when the receive buffer is used again (F-48)', () => {
    const bytes = Buffer.from(encodeMessage(SAMPLES.want[0]));
    const read = parseMessage(bytes, 'verifier');
    bytes.fill(0xee);
    expect(read).to.deep.equal(SAMPLES.want[0]);
  });
});

describe('a steady re-attestation', () => {
  it('takes at most 512 bytes: challenge, evidence of one audit event, result', () => {
    const audit = new Uint8Array(4 + 70);
    const cursor = { resetCount: 9, restartCount: 1, count: 99_999, prefix: new Uint8Array(16) };
    const messages: readonly AnyMessage[] = [
      { ...SAMPLES.challenge[0], selection: new Uint8Array(10), cursor },
      {
        type: 'evidence',
        challenge: new Uint8Array(8),
        attest: new Uint8Array(145),
        signature: new Uint8Array(72),
        claims: new Uint8Array(6),
        log: audit,
      },
      {
        type: 'result',
        challenge: new Uint8Array(8),
        verdict: 'trusted',
        ledgerIndex: 1_000_000,
        leafHash: new Uint8Array(32),
      },
    ];
    const bytes = messages.reduce((sum, message) => sum + encodeMessage(message).length, 0);
    expect(bytes).to.be.at.most(512);
  });
});
