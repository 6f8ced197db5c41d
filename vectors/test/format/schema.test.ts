import { expect } from 'chai';
import { count, hex, listOf, mapOf, orNull, record, text } from '../../src/format/fragment.ts';
import type { Plain } from '../../src/format/plain.ts';
import { type Schema, schemaFault } from '../../src/format/schema.ts';

const SCHEMA: Schema = record(
  {
    kind: { const: 'test' },
    bytes: hex('bytes', 2),
    one: { enum: ['a', 'b'] },
    number: count('from 0'),
    list: listOf('texts', text('one')),
    perhaps: orNull(text('or null')),
    any: mapOf('by name', count('number')),
    flag: { type: 'boolean' },
  },
  ['flag'],
);

const GOOD = { kind: 'test', bytes: '00ff', one: 'a', number: 0, list: [], perhaps: null, any: { x: 1 } };

const FAULTS: readonly (readonly [what: string, change: Readonly<Record<string, Plain>>, fault: string])[] = [
  ['an unknown key', { more: 1 }, '$.more: unknown'],
  ['a key of every object', { constructor: 1 }, '$.constructor: unknown'],
  ['another constant', { kind: 'other' }, '$.kind: not test'],
  ['bytes of another length', { bytes: '00' }, '$.bytes: does not match ^[0-9a-f]{4}$'],
  ['capital digits', { bytes: '00FF' }, '$.bytes: does not match ^[0-9a-f]{4}$'],
  ['a line feed behind them', { bytes: '00ff\n' }, '$.bytes: does not match ^[0-9a-f]{4}$'],
  ['a value that is not listed', { one: 'c' }, '$.one: not one of the listed'],
  ['a negative number', { number: -1 }, '$.number: below 0'],
  ['a fraction', { number: 0.5 }, '$.number: not of type integer'],
  ['a number above 2^53', { number: 2 ** 53 }, '$.number: not of type integer'],
  ['a number as text', { number: '1' }, '$.number: not of type integer'],
  ['an item of another type', { list: ['a', 1] }, '$.list[1]: not of type string'],
  ['an object in place of a list', { list: {} }, '$.list: not of type array'],
  ['neither text nor null', { perhaps: 1 }, '$.perhaps: not of type string'],
  ['null where nothing allows it', { flag: null }, '$.flag: not of type boolean'],
  ['a named value of another type', { any: { x: 'y' } }, '$.any.x: not of type integer'],
];

describe('schemaFault', () => {
  it('takes what has the form, with and without what is optional', () => {
    expect(schemaFault(SCHEMA, GOOD)).to.equal(undefined);
    expect(schemaFault(SCHEMA, { ...GOOD, flag: false, perhaps: 'text' })).to.equal(undefined);
  });

  for (const [what, change, fault] of FAULTS) {
    it(`refuses ${what}, and says where`, () => {
      expect(schemaFault(SCHEMA, { ...GOOD, ...change })).to.equal(fault);
    });
  }

  it('refuses an object without one of its fields, and what is no object', () => {
    const rest = Object.fromEntries(Object.entries(GOOD).filter(([name]) => name !== 'one'));
    expect(schemaFault(SCHEMA, rest)).to.equal('$.one: missing');
    expect(schemaFault(SCHEMA, [])).to.equal('$: not of type object');
    expect(schemaFault({ type: 'array', minItems: 1 }, [])).to.equal('$: fewer than 1 items');
  });

  it('names the fault of the alternative that was meant', () => {
    const [a, b] = [
      record({ type: { const: 'a' }, x: count('x') }),
      record({ type: { const: 'b' }, y: record({ z: count('z') }) }),
    ];
    expect(schemaFault({ anyOf: [a, b] }, { type: 'b', y: { z: 'no' } })).to.equal('$.y.z: not of type integer');
  });
});
