import { expect } from 'chai';
import fc from 'fast-check';
import { toHex, utf8 } from '../../src/bytes/text.ts';
import { TcgLogReader } from '../../src/tcg-log/log-reader.ts';
import type { TcgRecord } from '../../src/tcg-log/record.ts';
import type { HashName } from '../../src/tpm/constants.ts';
import { flipped } from '../mutation.ts';
import { expectRefusal, refusalOf, unlessRefused } from '../refusal.ts';
import { BOOT } from './boot.ts';
import {
  agileLog,
  agileRecord,
  concat,
  type Event,
  eventDigest,
  framed,
  header,
  le,
  locality,
  separator,
  sha1Record,
  specId,
  typeCode,
  unknownHeader,
} from './log-builder.ts';

const SEED = 40_401;
const TWO: readonly HashName[] = ['sha1', 'sha256'];

interface Read {
  readonly records: readonly TcgRecord[];
  readonly logs: number;
}

/** @param lengths of the pieces, over and over */
function read(file: Uint8Array, lengths: readonly number[] = [file.length]): Read {
  const records: TcgRecord[] = [];
  const reader = new TcgLogReader((record) => {
    const digests = record.digests.map(({ algorithm, digest }) => ({ algorithm, digest: digest.slice() }));
    records.push({ ...record, digests, data: record.data.slice() });
  });
  for (let at = 0, i = 0; at < file.length; i++) {
    const length = Math.max(1, lengths[i % lengths.length] ?? 1);
    reader.feed(file.subarray(at, at + length));
    at += length;
  }
  reader.end();
  return { records, logs: reader.logs };
}

/** What an event must come back as. */
function shape(event: Event, banks: readonly HashName[]): string {
  const digests = (event.banks ?? banks).map((bank) => `${bank}=${toHex(eventDigest(event, bank))}`);
  return [event.pcr, typeCode(event.type), digests.join(), toHex(event.data)].join(' ');
}

function shapeOf({ pcr, type, digests, data }: TcgRecord): string {
  const names: Readonly<Record<number, string>> = { 4: 'sha1', 11: 'sha256', 12: 'sha384', 13: 'sha512' };
  const shown = digests.map(({ algorithm, digest }) => `${names[algorithm] ?? algorithm}=${toHex(digest)}`);
  return [pcr, type, shown.join(), toHex(data)].join(' ');
}

const banksOf = fc.subarray(['sha1', 'sha256', 'sha384', 'sha512'] as const, { minLength: 1 });
const events = fc.array(
  fc.record({
    pcr: fc.nat(23),
    type: fc.constantFrom<Event['type'][]>('EV_POST_CODE', 'EV_IPL', 'EV_SEPARATOR', 0x1234, 0x800000ff),
    data: fc.uint8Array({ maxLength: 80 }),
  }),
  { maxLength: 8 },
);

describe('a TCG event log', () => {
  it('of the crypto-agile format comes back record by record, each with its place in the file', () => {
    const property = fc.property(banksOf, events, (banks, list) => {
      const file = agileLog(banks, list);
      const { records, logs } = read(file);
      expect(logs).to.equal(1);
      expect(records.slice(1).map(shapeOf)).to.deep.equal(list.map((event) => shape(event, banks)));
      expect(records.map(({ index }) => index)).to.deep.equal([...list.keys(), list.length]);
      const parts = [header(3, banks), ...list.map((event) => agileRecord(event, banks))];
      const offsets = parts.map((_, i) => concat(...parts.slice(0, i)).length);
      expect(records.map(({ offset }) => offset)).to.deep.equal(offsets);
    });
    fc.assert(property, { seed: SEED });
  });

  it('of the TPM 1.2 format begins with a header of either version, with an ordinary event, or is one EV_NO_ACTION alone', () => {
    for (const first of [header(0), header(2), header(2, [], utf8('vendor')), sha1Record(separator(0))]) {
      const { records } = read(concat(first, ...BOOT.map(sha1Record)));
      expect(records.slice(1).map(shapeOf)).to.deep.equal(BOOT.map((event) => shape(event, ['sha1'])));
    }
    expect(read(sha1Record(locality(3))).records).to.have.length(1);
  });

  it('says in its header what it is', () => {
    const { records } = read(concat(header(3, TWO, utf8('vendor')), agileRecord(separator(0), TWO)));
    expect(records[0]?.specId).to.deep.equal({
      version: 3,
      platformClass: 0,
      specVersion: '2.0.105',
      uintnBytes: 8,
      algorithms: [
        { algorithm: 4, size: 20 },
        { algorithm: 11, size: 32 },
      ],
    });
    expect(records[1]?.specId).to.equal(undefined);
    expect(read(header(2)).records[0]?.specId).to.deep.include({ version: 2, specVersion: '1.2.0', uintnBytes: 8 });
    expect(read(header(0)).records[0]?.specId).to.deep.include({ version: 0, uintnBytes: 0 });
  });

  it('has the banks of each record in any order, and may leave some out', () => {
    const turned = { ...separator(0), banks: ['sha256', 'sha1'] } as const;
    const lacking = { ...separator(1), banks: ['sha256'] } as const;
    const { records } = read(agileLog(TWO, [turned, lacking]));
    expect(records.slice(1).map(shapeOf)).to.deep.equal([shape(turned, TWO), shape(lacking, TWO)]);
  });

  it('carries digests of a bank that we do not know, as long as its header says', () => {
    const sm3 = concat(le(0x12, 2), le(32, 2));
    const data = specId(3, ['sha1']);
    const head = concat(data.subarray(0, 24), le(2, 4), data.subarray(28, 32), sm3, data.subarray(32));
    const digests = concat(le(0x12, 2), new Uint8Array(32).fill(7), le(4, 2), new Uint8Array(20).fill(8));
    const record = concat(le(9, 4), le(13, 4), le(2, 4), digests, le(1, 4), utf8('x'));
    const { records } = read(concat(sha1Record({ pcr: 0, type: 'EV_NO_ACTION', data: head }), record));
    expect(records[1]?.digests.map(({ algorithm, digest }) => [algorithm, digest.length])).to.deep.equal([
      [0x12, 32],
      [4, 20],
    ]);
  });

  it('ends as Windows ends it: records of no PCR, often 511 bytes long, with a digest that is not zero', () => {
    const trailing: Event = {
      pcr: 0xffffffff,
      type: 'EV_NO_ACTION',
      data: new Uint8Array(511 - 12 - 34 - 4),
      banks: ['sha256'],
      digests: { sha256: new Uint8Array(32).fill(9) },
    };
    expect(agileRecord(trailing, TWO)).to.have.length(511);
    const { records } = read(agileLog(TWO, [separator(0), trailing, trailing]));
    expect(records.slice(2).map(({ pcr }) => pcr)).to.deep.equal([0xffffffff, 0xffffffff]);
  });

  it('may be padded with any number of zeros, which are no records', () => {
    for (const log of [agileLog(TWO, [separator(0)]), concat(header(2), sha1Record(separator(0)))]) {
      for (const length of [1, 3, 4, 8, 11, 12, 15, 16, 31, 32, 33, 511, 4096]) {
        expect(read(concat(log, new Uint8Array(length))).records, `${length} zeros`).to.have.length(2);
        expectRefusal(
          () => read(concat(log, new Uint8Array(length + 32), Uint8Array.of(1))),
          'tcg-log.padding',
          log.length + length + 32,
        );
      }
    }
  });

  it('may be one of several in a file, each behind its length; zeros may follow the last', () => {
    const [boot, resume] = [agileLog(TWO, BOOT), concat(header(2), sha1Record(separator(0)))];
    for (const file of [framed(boot, resume), concat(framed(boot, resume), new Uint8Array(7))]) {
      const { records, logs } = read(file);
      expect(logs).to.equal(2);
      expect(records.filter(({ log }) => log === 1).map(({ offset }) => offset - 8 - boot.length)).to.deep.equal([
        0,
        header(2).length,
      ]);
      expect(records.filter(({ log }) => log === 0)).to.have.length(BOOT.length + 1);
    }
    expect(read(framed(boot)).logs).to.equal(1);
  });

  it('is read alike in pieces of any lengths, refusals included', () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 5 });
    const files = [
      agileLog(TWO, BOOT),
      concat(header(2), ...BOOT.map(sha1Record), new Uint8Array(40)),
      concat(framed(agileLog(['sha384'], BOOT), sha1Record(locality(3))), new Uint8Array(9)),
    ];
    const property = fc.property(fc.constantFrom(...files), lengths, fc.nat(), fc.nat(), (file, pieces, bit, cut) => {
      for (const input of [file, flipped(file, bit % (8 * file.length)), file.subarray(0, cut % file.length)]) {
        const whole = outcome(() => read(input));
        expect(outcome(() => read(input, pieces))).to.deep.equal(whole);
      }
    });
    fc.assert(property, { seed: SEED });
    for (const file of files) expect(read(file, [1])).to.deep.equal(read(file));
  });
});

function outcome(action: () => Read): unknown {
  const done = unlessRefused(action);
  if (done !== undefined) return done;
  const { code, offset } = refusalOf(action);
  return { code, offset };
}

describe('what is no TCG event log', () => {
  const log = agileLog(TWO, [separator(0)]);
  const body = header(3, TWO).length;

  it('is refused where nothing is in it: no bytes, zeros alone, a log without records among several', () => {
    for (const length of [0, 1, 4, 31, 32, 65_536]) {
      expectRefusal(() => read(new Uint8Array(length)), 'tcg-log.empty');
    }
    expectRefusal(() => read(framed(log, new Uint8Array(64))), 'tcg-log.empty');
  });

  it('is refused where the first record is none: text, another kind of log (F-19)', () => {
    expectRefusal(() => read(utf8('this is not a log, it is only a text')), 'tcg-log.header', 4);
    expectRefusal(() => read(concat(le(200, 4), log)), 'tcg-log.truncated');
  });

  it('is refused where a record names a PCR above 23, but for EV_NO_ACTION of no PCR (F-27)', () => {
    for (const pcr of [24, 0x7fffffff, 0xfffffffe]) {
      expectRefusal(() => read(concat(log, agileRecord(separator(pcr), TWO))), 'tcg-log.pcr', log.length);
      const silent: Event = { pcr, type: 'EV_NO_ACTION', data: new Uint8Array(4) };
      expectRefusal(() => read(concat(log, agileRecord(silent, TWO))), 'tcg-log.pcr', log.length);
    }
    expectRefusal(() => read(concat(log, agileRecord(separator(0xffffffff), TWO))), 'tcg-log.pcr', log.length);
  });

  it('is refused for digests that cannot be: none, one twice, one that the header does not list (F-27)', () => {
    const none = { ...separator(1), banks: [] };
    const twice = { ...separator(1), banks: ['sha1', 'sha1'] } as const;
    const unlisted = { ...separator(1), banks: ['sha512'] } as const;
    const three = { ...separator(1), banks: ['sha1', 'sha256', 'sha1'] } as const;
    for (const [event, at] of [
      [none, 8],
      [twice, 12 + 22],
      [unlisted, 12],
      [three, 8],
    ] as const) {
      expectRefusal(() => read(concat(log, agileRecord(event, TWO))), 'tcg-log.digests', log.length + at);
    }
  });

  it('is refused where a size goes beyond the file or beyond 1 MiB, and allocates nothing for it (F-29, F-46)', () => {
    const record = agileRecord(separator(1), TWO);
    const size = record.length - 8;
    for (const [declared, code, at] of [
      [5, 'tcg-log.truncated', 0],
      [1_048_576, 'tcg-log.truncated', 0],
      [1_048_577, 'tcg-log.event-size', size],
      [0xffffffff, 'tcg-log.event-size', size],
    ] as const) {
      const changed = concat(log, record.subarray(0, size), le(declared, 4), record.subarray(size + 4));
      expectRefusal(() => read(changed), code, log.length + at);
    }
  });

  it('is refused after 1,000,000 records (F-29)', () => {
    const record = sha1Record({ pcr: 8, type: 'EV_IPL', data: new Uint8Array() });
    const thousand = concat(...Array.from({ length: 1000 }, () => record));
    let records = 0;
    const reader = new TcgLogReader(() => records++);
    for (let i = 0; i < 1000; i++) reader.feed(thousand);
    expectRefusal(() => reader.feed(record), 'tcg-log.too-long', 1_000_000 * record.length);
    expect(records).to.equal(1_000_000);
  });

  it('is refused cut anywhere but behind a record, and with the offset of the record that is cut (F-26)', () => {
    const file = agileLog(TWO, BOOT);
    const starts = read(file).records.map(({ offset }) => offset);
    for (let length = 4; length < file.length; length++) {
      const start = starts.findLast((offset) => offset <= length) ?? 0;
      if (start === length) expect(read(file.subarray(0, length)).records).to.have.length(starts.indexOf(start));
      else if (file.subarray(start, length).some((byte) => byte !== 0)) {
        expectRefusal(() => read(file.subarray(0, length)), 'tcg-log.truncated', start);
      }
    }
  });

  it('is refused for a header that is not exactly one: other versions, sizes, counts, bytes left over, a second one', () => {
    const data = specId(3, TWO);
    const change = (at: number, ...bytes: readonly number[]): Uint8Array => {
      const changed = data.slice();
      changed.set(bytes, at);
      return changed;
    };
    for (const wrong of [
      change(14, 0x31),
      change(14, 0x34),
      change(15, 1),
      change(24, 0, 0, 0, 0),
      change(24, 17, 0, 0, 0),
      change(24, 1, 0, 0, 0),
      change(24, 0xff, 0xff, 0xff, 0xff),
      change(28, 11),
      change(30, 19),
      change(36, 5),
      concat(data, Uint8Array.of(0)),
      data.subarray(0, data.length - 1),
      data.subarray(0, 20),
    ]) {
      const file = concat(sha1Record({ pcr: 0, type: 'EV_NO_ACTION', data: wrong }), agileRecord(separator(0), TWO));
      expectRefusal(() => read(file), 'tcg-log.header', 32);
    }
    expect(read(unknownHeader(16, 20)).records).to.have.length(1);
    for (const wrong of [unknownHeader(17, 20), unknownHeader(1, 19), unknownHeader(1, 65)]) {
      expectRefusal(() => read(wrong), 'tcg-log.header', 32);
    }
    const elsewhere = sha1Record({ pcr: 1, type: 'EV_NO_ACTION', data });
    const hashed = sha1Record({ pcr: 0, type: 'EV_NO_ACTION', data, hashed: data });
    for (const file of [elsewhere, hashed]) expectRefusal(() => read(file), 'tcg-log.header', 0);
    const second = agileRecord({ pcr: 0, type: 'EV_NO_ACTION', data }, TWO);
    expectRefusal(() => read(concat(log, second)), 'tcg-log.header', log.length);
    expect(body).to.equal(32 + data.length);
  });

  it('is refused for a length before a log that no log has, or that the log does not fill', () => {
    const two = framed(log, log);
    expectRefusal(() => read(concat(framed(log), le(31, 4), log)), 'tcg-log.length', 4 + log.length);
    expectRefusal(() => read(concat(le(log.length + 1, 4), log, Uint8Array.of(5))), 'tcg-log.truncated');
    expectRefusal(() => read(two.subarray(0, two.length - 1)), 'tcg-log.truncated');
    expectRefusal(() => read(two.subarray(0, 4 + log.length + 3)), 'tcg-log.truncated');
    expectRefusal(() => read(concat(framed(log), new Uint8Array(4), Uint8Array.of(1))), 'tcg-log.padding');
  });

  it('is met with a code and an offset inside the file, whatever the bytes', () => {
    const words = fc.constantFrom(...[0, 1, 3, 4, 7, 20, 32, 64, 0x000b0000, 0xffffffff].map((n) => le(n, 4)));
    const tail = fc.array(fc.oneof(words, fc.uint8Array({ maxLength: 24 })), { maxLength: 20 });
    const heads = fc.constantFrom(new Uint8Array(), header(3, TWO), header(2), le(120, 4));
    const property = fc.property(heads, tail, (head, parts) => {
      const file = concat(head, ...parts);
      if (unlessRefused(() => read(file)) !== undefined) return;
      const { code, offset } = refusalOf(() => read(file));
      expect(code).to.match(/^tcg-log\./);
      expect(offset).to.be.within(0, file.length);
    });
    fc.assert(property, { seed: SEED, numRuns: 3000 });
  });
});
