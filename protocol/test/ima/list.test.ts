import { expect } from 'chai';
import fc from 'fast-check';
import { readImaAscii } from '../../src/ima/ascii-list.ts';
import { readImaBinary } from '../../src/ima/binary-list.ts';
import { detectImaForm } from '../../src/ima/detect.ts';
import type { ImaEntry, ImaVisitor } from '../../src/ima/entry.ts';
import type { HashName } from '../../src/tpm/constants.ts';
import { expectRefusal, unlessRefused } from '../refusal.ts';
import { AGENT, asciiOf, binaryOf, dataOf, EVERY_TEMPLATE, field, listOf, shownDigest, type Written } from './lists.ts';

const SEED = 40_301;
const FORMS = ['ascii', 'binary'] as const;
const BANKS: readonly HashName[] = ['sha1', 'sha256', 'sha384', 'sha512'];
const READERS = { ascii: readImaAscii, binary: readImaBinary } as const;
const ignore: ImaVisitor = () => undefined;

function entriesOf(form: keyof typeof READERS, list: Uint8Array, bank: HashName = 'sha1'): ImaEntry[] {
  const entries: ImaEntry[] = [];
  const read = READERS[form](list, bank, (entry) =>
    entries.push({ ...entry, digest: entry.digest.slice(), data: entry.data.slice() }),
  );
  expect(read).to.deep.equal({ bytes: list.length, entries: entries.length });
  return entries;
}

/** What both readers should find. */
function expected(entries: readonly Written[], form: keyof typeof READERS, bank: HashName): ImaEntry[] {
  let offset = 0;
  return entries.map((entry, index) => {
    const found = {
      index,
      offset,
      pcr: entry.pcr,
      digest: new Uint8Array(shownDigest(entry, bank)),
      template: entry.template,
      data: new Uint8Array(dataOf(entry)),
    };
    offset += listOf([entry], form, bank).length;
    return found;
  });
}

const names = fc
  .array(fc.integer({ min: 1, max: 255 }), { maxLength: 40 })
  .map((bytes) => String.fromCharCode(...bytes.filter((byte) => byte !== 0x0a && byte !== 0x20)));
const byteStrings = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes));
const algorithms = fc.constantFrom('md5', 'sha1', 'sha256', 'sm3-256', 'streebog-512');
const fullDigests = fc.uint8Array({ minLength: 1, maxLength: 64 }).map((bytes) => Buffer.from(bytes));
const digestFields = fc.tuple(algorithms, fullDigests).map(([algorithm, digest]) => field.digest(algorithm, digest));
const written: fc.Arbitrary<Written> = fc.oneof(
  fc.record({
    pcr: fc.integer({ min: 0, max: 23 }),
    violation: fc.boolean(),
    template: fc.constantFrom('ima-sig', 'ima-buf'),
    fields: fc.tuple(digestFields, names.map(field.name), byteStrings.map(field.hex)),
  }),
  fc.record({
    pcr: fc.integer({ min: 0, max: 23 }),
    template: fc.constant('ima-ng'),
    fields: fc.tuple(digestFields, names.map(field.name)),
  }),
  fc.record({
    pcr: fc.integer({ min: 0, max: 23 }),
    template: fc.constant('ima'),
    fields: fc.tuple(
      fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => field.bareDigest(Buffer.from(bytes))),
      names.map(field.name),
    ),
  }),
);
const lists = fc.array(written, { maxLength: 12 });

describe('the reading of an IMA list', () => {
  for (const form of FORMS) {
    for (const bank of BANKS) {
      it(`finds every template in the ${form} form, digests as long as those of ${bank}`, () => {
        const list = listOf(EVERY_TEMPLATE, form, bank);
        expect(entriesOf(form, list, bank)).to.deep.equal(expected(EVERY_TEMPLATE, form, bank));
        expect(detectImaForm(list)).to.deep.equal({ form, shown: bank });
      });
    }

    it(`gives back what was written, whatever it was (${form})`, () => {
      const property = fc.property(lists, fc.constantFrom(...BANKS), (entries, bank) => {
        const list = listOf(entries, form, bank);
        expect(entriesOf(form, list, bank)).to.deep.equal(expected(entries, form, bank));
        if (entries.length > 0) expect(detectImaForm(list)).to.deep.equal({ form, shown: bank });
      });
      fc.assert(property, { seed: SEED });
    });

    it(`reads whole entries alone, wherever the list is cut (${form})`, () => {
      const list = listOf(EVERY_TEMPLATE, form);
      const ends = EVERY_TEMPLATE.map((_, i) => listOf(EVERY_TEMPLATE.slice(0, i + 1), form).length);
      for (let cut = 0; cut <= list.length; cut++) {
        const entries = ends.filter((end) => end <= cut).length;
        const read = READERS[form](list.subarray(0, cut), 'sha1', ignore);
        expect(read).to.deep.equal({ entries, bytes: entries === 0 ? 0 : ends[entries - 1] });
      }
    });

    it(`ends with whole entries or a code on bytes of any kind (${form}) (F-29)`, () => {
      const list = listOf(EVERY_TEMPLATE, form);
      const changes = fc.array(fc.tuple(fc.nat(list.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
      const property = fc.property(changes, (pairs) => {
        const changed = list.slice();
        for (const [at, byte] of pairs) changed[at] = byte;
        const read = unlessRefused(() => READERS[form](changed, 'sha1', ignore));
        if (read !== undefined) expect(read.bytes).to.be.at.most(changed.length);
        unlessRefused(() => detectImaForm(changed));
      });
      fc.assert(property, { seed: SEED, numRuns: 2000 });
      const noise = fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(...BANKS), (bytes, bank) => {
        unlessRefused(() => READERS[form](bytes, bank, ignore));
        unlessRefused(() => detectImaForm(bytes));
      });
      fc.assert(noise, { seed: SEED, numRuns: 2000 });
    });

    it(`names offsets and positions from the start of the whole list (${form})`, () => {
      const list = listOf([AGENT], form);
      const seen: number[] = [];
      READERS[form](list, 'sha1', ({ index, offset }) => seen.push(index, offset), { offset: 1000, index: 7 });
      expect(seen).to.deep.equal([7, 1000]);
      const broken = listOf([{ ...AGENT, pcr: 24 }], form);
      expectRefusal(() => READERS[form](broken, 'sha1', ignore, { offset: 1000, index: 7 }), 'ima.pcr', 1000);
    });
  }

  it('keeps a path with spaces where it stands last, as kernels before 3.13 wrote it', () => {
    const entry = { ...AGENT, fields: [...AGENT.fields.slice(0, 1), field.name('/a b  c ')] };
    expect(entriesOf('ascii', new Uint8Array(asciiOf(entry)))[0]?.data).to.deep.equal(new Uint8Array(dataOf(entry)));
  });

  it('gives the data of an unknown template in the binary form, and refuses it in the ASCII form', () => {
    const entry: Written = { ...AGENT, template: 'ima-future' };
    expect(entriesOf('binary', new Uint8Array(binaryOf(entry)))[0]?.data).to.deep.equal(new Uint8Array(dataOf(entry)));
    expectRefusal(() => readImaAscii(asciiOf(entry), 'sha1', ignore), 'ima.template', 44);
    const mixed = listOf([AGENT, entry], 'binary');
    expect(detectImaForm(mixed)).to.deep.equal({ form: 'binary', shown: 'sha1' });
  });

  it('refuses a line that a kernel does not write, with its offset', () => {
    const line = asciiOf(AGENT).toString('latin1');
    const refused = (text: string, code: 'ima.malformed' | 'ima.pcr', offset: number): void => {
      expectRefusal(() => readImaAscii(Buffer.from(text, 'latin1'), 'sha1', ignore), code, offset);
    };
    refused(`${line}${line.replace('10 ', '24 ')}`, 'ima.pcr', line.length);
    refused(line.replace('10 ', '1x '), 'ima.malformed', 0);
    refused(line.replace('10 ', '09 '), 'ima.malformed', 0);
    refused(line.replace(/^(10 .)./, '$1A'), 'ima.malformed', 3);
    refused(line.replace(' ima-ng', '  ima-ng'), 'ima.malformed', 44);
    refused(line.replace('sha256:', 'sha256:0'), 'ima.malformed', 122);
    refused(line.replace('sha256:', ''), 'ima.malformed', 51);
    refused(line.replace('sha256:', ':'), 'ima.malformed', 51);
    refused('10\n', 'ima.malformed', 0);
    refused(`${line}\n`, 'ima.malformed', line.length);
    refused(line.replace(/ sha256.*/, ''), 'ima.malformed', 44);
    refused(line.replace(/ \/usr.*/, ''), 'ima.malformed', 122);
    refused(asciiOf({ ...AGENT, template: 'ima-sig' }).toString('latin1'), 'ima.malformed', 138);
  });

  it('refuses numbers that are not written as a kernel writes them', () => {
    const entry = (mode: string): Written => ({
      ...AGENT,
      template: 'd-ng|n-ng|imode',
      fields: [...AGENT.fields, { bytes: Buffer.alloc(2), shown: mode }],
    });
    for (const mode of ['65536', '00', '-1', '1a', '99999999999999999999']) {
      expectRefusal(() => readImaAscii(asciiOf(entry(mode)), 'sha1', ignore), 'ima.malformed');
    }
  });

  it('refuses binary fields that do not fill the data of a known template', () => {
    const good = binaryOf(AGENT);
    const dataAt = 4 + 20 + 4 + 6 + 4;
    for (const length of [0, 39, 41, 0xffffffff]) {
      const broken = Buffer.from(good);
      broken.writeUInt32LE(length, dataAt);
      expectRefusal(() => readImaBinary(broken, 'sha1', ignore), 'ima.malformed');
    }
    const longer = binaryOf({ ...AGENT, fields: [...AGENT.fields, field.absent] });
    expectRefusal(() => readImaBinary(longer, 'sha1', ignore), 'ima.malformed', good.length);
  });

  it('refuses declared lengths above the bounds before anything is read (F-29)', () => {
    const good = binaryOf(AGENT);
    const at = { pcr: 0, name: 24, data: 34 };
    const broken = (offset: number, value: number): Uint8Array => {
      const bytes = Buffer.from(good);
      bytes.writeUInt32LE(value, offset);
      return bytes;
    };
    expectRefusal(() => readImaBinary(broken(at.pcr, 0x0a000000), 'sha1', ignore), 'ima.pcr', 0);
    expectRefusal(() => readImaBinary(broken(at.name, 0), 'sha1', ignore), 'ima.malformed', at.name);
    expectRefusal(() => readImaBinary(broken(at.name, 129), 'sha1', ignore), 'ima.malformed', at.name);
    expectRefusal(() => readImaBinary(broken(at.data, 1_048_577), 'sha1', ignore), 'ima.limit', at.data);
    const ima = binaryOf({ ...AGENT, template: 'ima', fields: [field.bareDigest(Buffer.alloc(20)), field.name('x')] });
    ima.writeUInt32LE(256, 4 + 20 + 4 + 3 + 20);
    expectRefusal(() => readImaBinary(ima, 'sha1', ignore), 'ima.malformed', 51);
    const endless = new Uint8Array(2 * 1_048_576 + 2048).fill(0x20);
    expectRefusal(() => readImaAscii(endless, 'sha1', ignore), 'ima.limit', 0);
  });

  it('is told apart from anything else by the first entry', () => {
    expectRefusal(() => detectImaForm(new Uint8Array()), 'ima.malformed', 0);
    expectRefusal(() => detectImaForm(Buffer.from('{"json": true}')), 'ima.malformed', 0);
    expectRefusal(() => detectImaForm(Buffer.from(`10 ${'a'.repeat(50)} ima-ng`)), 'ima.malformed', 0);
  });
});
