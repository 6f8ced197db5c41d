import { expect } from 'chai';
import fc from 'fast-check';
import { toHex } from '../../src/bytes/text.ts';
import {
  encodeComponentList,
  isComponentName,
  MAX_LIST_BYTES,
  parseComponentList,
} from '../../src/event-log/component-list.ts';
import { encodeCanonical, type MsgpackValue } from '../../src/msgpack/codec.ts';
import { expectRefusal, refusalOf } from '../refusal.ts';

const SEED = 40_204;
const D = new Uint8Array(32).fill(9);

const lists = fc
  .uniqueArray(fc.stringMatching(/^[A-Za-z0-9_@+-]{1,12}(\/[a-z0-9.]{0,6}[a-z0-9]){0,2}$/), { maxLength: 30 })
  .map((names) => names.sort().map((name, i) => ({ name, digest: new Uint8Array(32).fill(i) })));

describe('a component list', () => {
  it('comes back from its bytes', () => {
    const property = fc.property(lists, (list) => {
      const bytes = encodeComponentList(list);
      expect(parseComponentList(bytes)).to.deep.equal(list);
      expect(toHex(encodeComponentList(parseComponentList(bytes)))).to.equal(toHex(bytes));
    });
    fc.assert(property, { seed: SEED });
  });

  it('cut anywhere is refused with an offset inside the input', () => {
    const property = fc.property(lists, fc.nat(), (list, cut) => {
      const bytes = encodeComponentList(list);
      const length = cut % bytes.length;
      const { code, offset } = refusalOf(() => parseComponentList(bytes.subarray(0, length)));
      expect(code).to.be.oneOf(['msgpack.truncated', 'msgpack.length']);
      expect(offset).to.be.within(0, length);
    });
    fc.assert(property, { seed: SEED });
  });

  it('has its names ascending, each once, so that one set has one digest (F-41)', () => {
    for (const names of [
      ['b', 'a'],
      ['a', 'a'],
      ['a', 'B'],
      ['a/b', 'a'],
    ]) {
      const bytes = encodeCanonical(names.map((name) => [name, D]));
      expectRefusal(() => parseComponentList(bytes), 'log.list', 0);
    }
    expect(
      parseComponentList(
        encodeCanonical([
          ['B', D],
          ['a', D],
          ['a/b', D],
        ]),
      ),
    ).to.have.length(3);
  });

  it('holds pairs of a name and 32 bytes, nothing else (F-42)', () => {
    const others: readonly MsgpackValue[] = [
      0,
      'a',
      D,
      { a: D },
      ['a'],
      [[]],
      [['a']],
      [['a', D, D]],
      [['a', D.subarray(1)]],
      [['a', toHex(D)]],
      [[D, D]],
      [[1, D]],
      [{ a: D }],
    ];
    for (const value of others) expectRefusal(() => parseComponentList(encodeCanonical(value)), 'log.list', 0);
  });

  it('longer than its bound is refused unread (F-46, F-56)', () => {
    expectRefusal(() => parseComponentList(new Uint8Array(MAX_LIST_BYTES + 1)), 'log.list', MAX_LIST_BYTES);
  });
});

describe('the name of a component', () => {
  it('is a relative path of plain characters that leads nowhere else (F-93)', () => {
    for (const name of ['a', 'A.so', 'usr/lib/x-1.2+b@3_4', '-', 'a/.b', 'x'.repeat(128)]) {
      expect(isComponentName(name), name).to.equal(true);
    }
    const others = [
      '',
      '.',
      '..',
      '/a',
      'a/',
      'a//b',
      'a/../b',
      './a',
      'a/.',
      '.a',
      'a b',
      'a\\b',
      'a:b',
      'é',
      'a\n',
      'a\0',
    ];
    for (const name of [...others, 'x'.repeat(129)])
      expect(isComponentName(name), JSON.stringify(name)).to.equal(false);
  });
});
