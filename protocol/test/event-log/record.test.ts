import { expect } from 'chai';
import fc from 'fast-check';
import { fromHex, toHex } from '../../src/bytes/text.ts';
import { encodeRecord, MAX_CONTENT_BYTES, MAX_PCR, readRecords, readWholeRecords } from '../../src/event-log/record.ts';
import { decodeStrict } from '../../src/msgpack/codec.ts';
import { expectRefusal, refusalOf, unlessRefused } from '../refusal.ts';
import { logOf } from './events.ts';

const SEED = 40_201;

interface Record {
  readonly pcr: number;
  readonly content: string;
  readonly index: number;
}

function read(bytes: Uint8Array, first = 0): readonly Record[] {
  const records: Record[] = [];
  readRecords(bytes, first, (pcr, content, index) => records.push({ pcr, content: toHex(content), index }));
  return records;
}

const contents = fc.uint8Array({ minLength: 1, maxLength: 600 });
const logs = fc.array(fc.tuple(fc.nat(MAX_PCR), contents), { maxLength: 12 });

describe('a record of the event log', () => {
  it('is the canonical array of PCR and content', () => {
    const property = fc.property(fc.nat(MAX_PCR), contents, (pcr, content) => {
      expect(decodeStrict(encodeRecord(pcr, content))).to.deep.equal([pcr, content]);
    });
    fc.assert(property, { seed: SEED });
    expect(toHex(encodeRecord(13, fromHex('9104')))).to.equal('920dc4029104');
    expect(toHex(encodeRecord(0, new Uint8Array(256)).subarray(0, 5))).to.equal('9200c50100');
    expect(read(encodeRecord(23, new Uint8Array(MAX_CONTENT_BYTES)))).to.have.length(1);
  });

  it('outside its bounds is a defect of the caller', () => {
    for (const pcr of [-1, 24, 0.5]) expect(() => encodeRecord(pcr, Uint8Array.of(1))).to.throw(RangeError);
    for (const length of [0, MAX_CONTENT_BYTES + 1]) {
      expect(() => encodeRecord(0, new Uint8Array(length))).to.throw(RangeError);
    }
  });

  it('comes back in its place, its content a view on the input', () => {
    const property = fc.property(logs, fc.nat(1000), (records, first) => {
      const bytes = logOf(records.map(([pcr, content]) => encodeRecord(pcr, content)));
      const expected = records.map(([pcr, content], i) => ({ pcr, content: toHex(content), index: first + i }));
      expect(read(bytes, first)).to.deep.equal(expected);
      expect(readRecords(bytes, first, (_pcr, { buffer }) => expect(buffer).to.equal(bytes.buffer))).to.equal(
        records.length,
      );
    });
    fc.assert(property, { seed: SEED });
    expect(read(new Uint8Array())).to.deep.equal([]);
  });

  it('cut anywhere is refused as truncated at the record that is cut, or is a shorter log (F-26)', () => {
    const property = fc.property(logs, fc.nat(), (records, cut) => {
      const ends = [0];
      const bytes = logOf(
        records.map(([pcr, content]) => {
          const record = encodeRecord(pcr, content);
          ends.push((ends.at(-1) ?? 0) + record.length);
          return record;
        }),
      );
      const length = cut % (bytes.length + 1);
      const slice = bytes.subarray(0, length);
      const whole = ends.filter((end) => end <= length);
      if (whole.at(-1) === length) expect(read(slice)).to.have.length(whole.length - 1);
      else expectRefusal(() => read(slice), 'log.truncated', whole.at(-1));
      expect(readWholeRecords(slice, 0, () => undefined)).to.deep.equal({
        bytes: whole.at(-1),
        records: whole.length - 1,
      });
    });
    fc.assert(property, { seed: SEED });
  });

  it('is refused at the byte to blame, before anything of it is visited (F-19)', () => {
    const first = '9200c40111';
    const cases: readonly (readonly [hex: string, at: number])[] = [
      ['9100', 0],
      ['93', 0],
      ['c4', 0],
      ['9218c40111', 1],
      ['92ccffc40111', 1],
      ['9200c60000000111', 2],
      ['9200a111', 2],
      ['920090', 2],
      ['9200c400', 3],
      ['9200c500ff', 3],
      ['9200c51001', 3],
      ['9200c5ffff', 3],
      ['9200c520', 3],
      ['9200c500', 3],
    ];
    for (const [hex, at] of cases) {
      expectRefusal(() => read(fromHex(hex)), 'log.malformed', at);
      let visited = 0;
      expectRefusal(() => readRecords(fromHex(first + hex), 0, () => visited++), 'log.malformed', 5 + at);
      expect(visited).to.equal(1);
    }
  });

  it('has one form: what is read re-encodes identically (F-41)', () => {
    const bytes = fc.array(fc.constantFrom('92', '00', '17', '18', 'c4', 'c5', '01', '11', '0100'), { maxLength: 12 });
    const property = fc.property(bytes, (parts) => {
      const input = fromHex(parts.join(''));
      const records = unlessRefused(() => read(input));
      if (records === undefined) return;
      const again = logOf(records.map(({ pcr, content }) => encodeRecord(pcr, fromHex(content))));
      expect(toHex(again)).to.equal(toHex(input));
    });
    fc.assert(property, { seed: SEED, numRuns: 3000 });
  });

  it('meets any bytes with a code and an offset inside the input, or with records', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      if (unlessRefused(() => read(bytes)) !== undefined) return;
      const { code, offset } = refusalOf(() => read(bytes));
      expect(code).to.be.oneOf(['log.malformed', 'log.truncated']);
      expect(offset).to.be.within(0, bytes.length);
    });
    fc.assert(property, { seed: SEED, numRuns: 2000 });
  });
});
