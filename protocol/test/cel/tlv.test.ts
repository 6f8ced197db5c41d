import { expect } from 'chai';
import fc from 'fast-check';
import { fromHex, toHex } from '../../src/bytes/text.ts';
import type { CelRecord } from '../../src/cel/record.ts';
import { encodeCelTlv } from '../../src/cel/tlv-export.ts';
import { type CelRead, readCelTlv } from '../../src/cel/tlv-import.ts';
import type { ProtocolCode } from '../../src/error.ts';
import { expectRefusal, unlessRefused } from '../refusal.ts';
import { celLogs, EVENT_1, EVENT_1_TLV } from './records.ts';

const SEED = 40_401;
const BYTES = fromHex(EVENT_1_TLV);

function tlvOf(records: readonly CelRecord[]): Uint8Array {
  return new Uint8Array(Buffer.concat(records.map(encodeCelTlv)));
}

function read(bytes: Uint8Array): { records: CelRecord[]; read: CelRead; offsets: (number | undefined)[] } {
  const records: CelRecord[] = [];
  const offsets: (number | undefined)[] = [];
  const whole = readCelTlv(bytes, (record, offset) => {
    records.push(structuredClone(record));
    offsets.push(offset);
  });
  return { records, read: whole, offsets };
}

function refused(hex: string, code: ProtocolCode, offset?: number): void {
  expectRefusal(() => read(fromHex(hex)), code, offset);
}

describe('CEL-TLV', () => {
  it('is written as in a known answer, and read back', () => {
    expect(toHex(encodeCelTlv(EVENT_1))).to.equal(EVENT_1_TLV);
    expect(read(BYTES).records).to.deep.equal([EVENT_1]);
  });

  it('gives back every record that it writes, and the same bytes for it again', () => {
    const property = fc.property(celLogs, (log) => {
      const bytes = tlvOf(log);
      const found = read(bytes);
      expect(found.records).to.deep.equal(log);
      expect(found.read).to.deep.equal({ bytes: bytes.length, records: log.length });
      expect(tlvOf(found.records)).to.deep.equal(bytes);
    });
    fc.assert(property, { seed: SEED });
  });

  it('is read in whole records, wherever it is cut', () => {
    const log = tlvOf([EVENT_1, EVENT_1]);
    for (let cut = 0; cut <= log.length; cut++) {
      const records = Math.floor(cut / BYTES.length);
      expect(read(log.subarray(0, cut)).read).to.deep.equal({ records, bytes: records * BYTES.length });
    }
    expect(read(log).offsets).to.deep.equal([0, BYTES.length]);
  });

  it('takes integers of the lengths that encoders use', () => {
    const short = EVENT_1_TLV.replace('00000000080000000000000000', '000000000400000000').replace(
      '01000000010a',
      '01000000040000000a',
    );
    expect(read(fromHex(short)).records).to.deep.equal([EVENT_1]);
    refused(EVENT_1_TLV.replace('00000000080000000000000000', '0000000000'), 'cel.malformed', 5);
    refused(EVENT_1_TLV.replace('00000000080000000000000000', '00000000080100000000000000'), 'cel.recnum', 5);
    refused(EVENT_1_TLV.replace('01000000010a', '0100000005000000000a'), 'cel.malformed', 14);
  });

  it('refuses fields in another order, missing or reserved, with the offset (F-19)', () => {
    refused(EVENT_1_TLV.slice(26), 'cel.malformed', 0);
    refused(EVENT_1_TLV.replace('01000000010a', '04000000010a'), 'cel.malformed', 13);
    const content = EVENT_1_TLV.indexOf('0500000015') / 2;
    for (const type of ['06', '0a', '0b', 'ff'])
      refused(EVENT_1_TLV.replace('0500000015', `${type}00000015`), 'cel.content-type', content);
    refused(EVENT_1_TLV.replace('0500000015', '0300000015'), 'cel.malformed', content);
    refused(EVENT_1_TLV.replace('0500000015', '0500100001'), 'cel.limit', content + 1);
    refused(EVENT_1_TLV.replace('01000000076576', '01000000086576'), 'cel.malformed');
    refused(EVENT_1_TLV.replace('01000000076576', '02000000076576'), 'cel.malformed', content + 5);
  });

  it('refuses a PCR above 23 and an NV index outside its range', () => {
    refused(EVENT_1_TLV.replace('01000000010a', '010000000118'), 'cel.index', 18);
    refused(EVENT_1_TLV.replace('01000000010a', '02000000041fffffff'), 'cel.index', 18);
    refused(EVENT_1_TLV.replace('01000000010a', '020000000421000000'), 'cel.index', 18);
  });

  it('refuses a record without a digest, with one twice, or of another length', () => {
    const list = '03000000250b00000020ce36863f51b6baf9d16397ffb3e9af506b284a816f72d487e55943c1fd974d6d';
    const digest = list.slice(10);
    refused(EVENT_1_TLV.replace(list, '0300000000'), 'cel.digests');
    refused(EVENT_1_TLV.replace(list, `030000004a${digest}${digest}`), 'cel.digests');
    refused(
      EVENT_1_TLV.replace(list, `0300000024${digest.slice(0, -2)}`.replace('0b00000020', '0b0000001f')),
      'cel.digests',
    );
    expectRefusal(
      () => encodeCelTlv({ ...EVENT_1, digests: [{ algorithm: 0x100, digest: new Uint8Array(32) }] }),
      'cel.digests',
    );
  });

  it('refuses management events that are none, and IMA fields out of order', () => {
    const head = EVENT_1_TLV.slice(0, EVENT_1_TLV.indexOf('0500000015'));
    const event = (hex: string): string => `${head}04${(hex.length / 2).toString(16).padStart(8, '0')}${hex}`;
    expect(read(fromHex(event('0200000000'))).records[0]?.content).to.deep.equal({
      type: 'cel',
      event: { type: 'firmware_end' },
    });
    refused(event(''), 'cel.malformed');
    refused(event('02000000000200000000'), 'cel.malformed');
    refused(event('020000000100'), 'cel.malformed');
    refused(event('0300000000'), 'cel.content-type');
    refused(event('510000000103'), 'cel.malformed');
    refused(event('010000000600000000010100'.slice(0, 22)), 'cel.malformed');
    const ima = (hex: string): string => event(hex).replace(`${head}04`, `${head}08`);
    expect(read(fromHex(ima('00000000000700000000'))).records).to.have.length(1);
    refused(ima('07000000000000000000'), 'cel.malformed');
    refused(ima('0800000000'), 'cel.malformed');
  });

  it('ends with whole records or a code on bytes of any kind (F-29)', () => {
    const log = tlvOf([EVENT_1, { ...EVENT_1, recnum: 1, content: { type: 'systemd', data: new Uint8Array(3) } }]);
    const property = fc.property(fc.nat(log.length - 1), fc.nat(255), (at, byte) => {
      unlessRefused(() => read(log.with(at, byte)));
    });
    fc.assert(property, { seed: SEED, numRuns: 2000 });
  });
});
