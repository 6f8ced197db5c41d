import { expect } from 'chai';
import fc from 'fast-check';
import { toHex, utf8 } from '../../src/bytes/text.ts';
import type { ProtocolCode } from '../../src/error.ts';
import { HASHES, type HashName } from '../../src/tpm/constants.ts';
import { type PcrSelection, type PcrValues, parseSelectionText } from '../../src/tpm/pcr.ts';
import { parsePcrFile } from '../../src/tpm2-tools/pcr-file.ts';
import { writePcrFile } from '../../src/tpm2-tools/serialized-pcrs.ts';
import { flipped, followedBy } from '../mutation.ts';
import { expectRefusal, refusalOf, unlessRefused } from '../refusal.ts';

const SEED = 20_822;

/** A value for each PCR of a selection, all different. */
function valuesOf(selection: PcrSelection): PcrValues {
  const values: Partial<Record<HashName, Map<number, Uint8Array>>> = {};
  for (const { bank, pcrs } of selection) {
    values[bank] ??= new Map();
    for (const pcr of pcrs) values[bank].set(pcr, new Uint8Array(HASHES[bank].size).fill(pcr + HASHES[bank].size));
  }
  return values;
}

function concatenated(selection: PcrSelection, values: PcrValues): Uint8Array {
  return Uint8Array.from(
    selection.flatMap(({ bank, pcrs }) => pcrs.flatMap((pcr) => [...(values[bank]?.get(pcr) ?? [])])),
  );
}

function jsonOf(values: PcrValues): string {
  const banks = Object.entries(values).map(([bank, map]) => {
    return [bank, Object.fromEntries([...map].map(([pcr, value]) => [pcr, toHex(value)]))];
  });
  return JSON.stringify(Object.fromEntries(banks));
}

const SELECTION = parseSelectionText('sha256:0,1,2,3,4,5,6,7,16,23+sha1:0');
const VALUES = valuesOf(SELECTION);
const SERIALIZED = writePcrFile(SELECTION, VALUES);

describe('a serialized PCR file', () => {
  it('has the layout of the C structures that tpm2-tools writes', () => {
    const view = new DataView(SERIALIZED.buffer);
    expect(SERIALIZED).to.have.length(132 + 4 + 2 * 532);
    expect(toHex(SERIALIZED.subarray(0, 24))).to.equal(
      '02000000' + '0b0003ff00810000' + '0400030100000000' + '00000000',
    );
    expect(view.getUint32(132, true)).to.equal(2);
    expect(view.getUint32(136, true)).to.equal(8);
    expect(view.getUint32(136 + 532, true)).to.equal(3);
    expect(toHex(SERIALIZED.subarray(136 + 4 + 66, 136 + 4 + 66 + 34))).to.equal(`2000${'21'.repeat(32)}`);
    expect(toHex(SERIALIZED.subarray(136 + 532 + 4 + 2 * 66).subarray(0, 22))).to.equal(`1400${'14'.repeat(20)}`);
  });

  it('is read as it was written', () => {
    expect(parsePcrFile(SERIALIZED)).to.deep.equal({ form: 'serialized', selection: SELECTION, values: VALUES });
    expect(parsePcrFile(SERIALIZED, parseSelectionText('sha1:3')).form).to.equal('serialized');
    for (const text of ['sha256:all', 'sha512:all', 'sha1:7', 'sha1:all+sha256:all+sha384:all+sha512:all']) {
      const selection = parseSelectionText(text);
      const file = parsePcrFile(writePcrFile(selection, valuesOf(selection)));
      expect(file).to.deep.equal({ form: 'serialized', selection, values: valuesOf(selection) });
    }
  });

  it('may have lists that are not full', () => {
    const one = parseSelectionText('sha256:0');
    const two = parseSelectionText('sha256:0,1');
    const first = writePcrFile(one, valuesOf(two));
    const second = writePcrFile([{ bank: 'sha256', pcrs: [1] }], valuesOf(two));
    const file = Uint8Array.from([...first, ...second.subarray(136)]);
    file[4 + 3] = 3;
    file[132] = 2;
    expect(parsePcrFile(file)).to.deep.equal({ form: 'serialized', selection: two, values: valuesOf(two) });
  });

  it('never gives the same content with one bit flipped: it is refused, or a value is another', () => {
    for (let bit = 0; bit < 8 * SERIALIZED.length; bit++) {
      const changed = flipped(SERIALIZED, bit);
      const file = unlessRefused(() => parsePcrFile(changed));
      if (file === undefined) continue;
      expect(file.selection, `bit ${bit}`).to.deep.equal(SELECTION);
      expect(writePcrFile(SELECTION, file.values), `bit ${bit}`).to.deep.equal(changed);
    }
  });

  it('is refused where padding is not zero', () => {
    const unusedBank = 4 + 2 * 8;
    const afterBitmap = 4 + 7;
    const afterSha1 = 136 + 532 + 4 + 2 * 66 + 2 + 20;
    const unusedDigest = 136 + 532 + 4 + 3 * 66;
    for (const at of [unusedBank, afterBitmap, 131, 136 + 4 + 34, afterSha1, unusedDigest, SERIALIZED.length - 1]) {
      const { code, offset } = refusalOf(() => parsePcrFile(flipped(SERIALIZED, 8 * at)));
      expect(code, `byte ${at}`).to.equal('file.pcrs-padding');
      expect(offset).to.be.within(at - 1, at);
    }
  });

  it('is refused cut anywhere and with a byte behind it (F-19)', () => {
    for (let length = 0; length < SERIALIZED.length; length++) {
      expectRefusal(() => parsePcrFile(SERIALIZED.subarray(0, length)), 'file.pcrs');
    }
    expectRefusal(() => parsePcrFile(followedBy(SERIALIZED, 0)), 'file.pcrs');
  });

  it('is refused where one PCR has two values', () => {
    const twice: PcrSelection = [...SELECTION, { bank: 'sha1', pcrs: [0] }];
    expectRefusal(() => parsePcrFile(writePcrFile(twice, VALUES)), 'file.pcrs');
  });

  it('is not written without a value for every PCR', () => {
    expectRefusal(() => writePcrFile(parseSelectionText('sha256:8'), VALUES), 'pcr.value-missing');
    const short: PcrValues = { sha256: new Map([[0, new Uint8Array(31)]]) };
    expectRefusal(() => writePcrFile(parseSelectionText('sha256:0'), short), 'pcr.value-length');
    expect(() => writePcrFile([{ bank: 'sha256', pcrs: [24] }], VALUES)).to.throw(RangeError);
  });
});

describe('a PCR file of values', () => {
  const bytes = concatenated(SELECTION, VALUES);

  it('is told by the size that its selection says', () => {
    expect(parsePcrFile(bytes, SELECTION)).to.deep.equal({ form: 'values', selection: SELECTION, values: VALUES });
  });

  it('may begin with any byte, the brace of JSON too', () => {
    const selection = parseSelectionText('sha256:0');
    const value = utf8('{ "sha256": { "0": "0123456" } }');
    expect(parsePcrFile(value, selection).values).to.deep.equal({ sha256: new Map([[0, value]]) });
  });

  it('may be as long as a serialized one', () => {
    const selection = parseSelectionText('sha1:0,1,2+sha256:all').map((one) => ({
      ...one,
      pcrs: one.pcrs.slice(0, 19),
    }));
    const values = valuesOf(selection);
    const file = concatenated(selection, values);
    expect(file).to.have.length(136 + 532);
    expect(parsePcrFile(file, selection)).to.deep.equal({ form: 'values', selection, values });
  });

  it('is refused without its selection, or with one of another size', () => {
    expectRefusal(() => parsePcrFile(bytes), 'file.pcrs');
    expectRefusal(() => parsePcrFile(bytes, parseSelectionText('sha256:0')), 'file.pcrs');
    expectRefusal(() => parsePcrFile(followedBy(bytes, 0), SELECTION), 'file.pcrs');
    expectRefusal(() => parsePcrFile(bytes.subarray(1), SELECTION), 'file.pcrs');
  });

  it('is copied out of its file (F-48)', () => {
    const file = Buffer.from(bytes);
    const { values } = parsePcrFile(file, SELECTION);
    file.fill(0);
    expect(values).to.deep.equal(VALUES);
  });
});

describe('a PCR file in JSON', () => {
  const text = jsonOf(VALUES);
  const parse = (json: string): PcrValues => parsePcrFile(utf8(json)).values;

  it('is read, indented or not, and may end its last line', () => {
    expect(parsePcrFile(utf8(text))).to.deep.equal({ form: 'json', values: VALUES });
    expect(parse(`${JSON.stringify(JSON.parse(text), undefined, 2)}\n`)).to.deep.equal(VALUES);
    expect(parse('{}')).to.deep.equal({});
  });

  it('is read at any size, that of a serialized file too', () => {
    const padding = ' '.repeat(136 + 2 * 532 - text.length);
    expect(parse(`{${padding}${text.slice(1)}`)).to.deep.equal(VALUES);
  });

  it('is refused with a key that stands twice (F-40)', () => {
    const zero = `"0":"${'00'.repeat(20)}"`;
    expect(parse(`{"sha1":{${zero}}}`)).to.deep.equal({ sha1: new Map([[0, new Uint8Array(20)]]) });
    for (const json of [`{"sha1":{${zero},${zero}}}`, `{"sha1":{},"sha1":{${zero}}}`]) {
      expectRefusal(() => parse(json), 'file.pcrs');
    }
  });

  it('is refused with other banks, indices, values and types', () => {
    const zeros = '00'.repeat(20);
    const bad = [
      'null',
      '[]',
      '1',
      '""',
      '{"sha1":[]}',
      '{"sha1":null}',
      `{"sha1":"${zeros}"}`,
      `{"sm3":{"0":"${zeros}"}}`,
    ];
    const keys = ['24', '-1', '00', '1.0', '', 'x', '__proto__'].map((key) => `{"sha1":{"${key}":"${zeros}"}}`);
    const values = [
      `"${zeros}00"`,
      `"${zeros.slice(2)}"`,
      `"${'0A'.repeat(20)}"`,
      '0',
      'null',
      `"0x${zeros.slice(2)}"`,
    ];
    const behind = ['{} ', '{}\n\n', '{}{}', '{}\0', ' {}x'];
    for (const json of [
      ...bad,
      ...keys,
      ...values.map((value) => `{"sha1":{"0":${value}}}`),
      ...behind,
      '',
      '{"__proto__":{}}',
    ]) {
      expectRefusal(() => parse(json), 'file.pcrs');
    }
  });

  it('is refused where it is not UTF-8 (F-50)', () => {
    expectRefusal(() => parsePcrFile(Uint8Array.of(0x7b, 0xff, 0x7d)), 'file.pcrs');
  });
});

describe('any PCR file', () => {
  it('is read or refused with a code, whatever the bytes', () => {
    const codes = new Set<ProtocolCode>(['file.pcrs', 'file.pcrs-padding']);
    const files = fc
      .constantFrom(0, 1, 136, 668, 1200)
      .chain((size) => fc.uint8Array({ minLength: size, maxLength: size, size: 'max' }));
    const property = fc.property(files, (bytes) => {
      const lists = (bytes.length - 136) / 532;
      if (lists > 0) bytes.set([lists, 0, 0, 0], 132);
      try {
        parsePcrFile(bytes, SELECTION);
      } catch (error) {
        expect(error)
          .to.have.property('code')
          .that.satisfies((code: ProtocolCode) => codes.has(code));
      }
    });
    fc.assert(property, { seed: SEED, numRuns: 300 });
  });
});
