import {
  type CelContent,
  type CelRecord,
  fromHex,
  type ProtocolCode,
  ProtocolError,
  toHex,
} from '@mtm-attest/protocol';
import { encode } from 'cborg';
import { expect } from 'chai';
import fc from 'fast-check';
import { celCborHead, encodeCelCbor } from '../../src/cel-cbor/encode-cel-cbor.ts';
import { readCelCbor } from '../../src/cel-cbor/read-cel-cbor.ts';

const SEED = 40_403;

/** The example of the TCG Canonical Event Log Format 1.1, 5.1.7: a Spec ID event and an EV_S_CRTM_VERSION. */
const EXAMPLE =
  '82a5000001000381a200040154000000000000000000000000000000000000000009050aa2000301582553706563204944204576656e74303300000000000002000202000000040014000b00200000a5000101000382a200040154c42fedad268200cb1d15f97841c344e79dae3320a2000b015820d4720b4009438213b803568017f903093f6bea8ab47d283db32b6eabedbbf15509050aa2000801501efb6b540c1d5540a4ad4ef4bf17b83a';

function read(bytes: Uint8Array): CelRecord[] {
  const records: CelRecord[] = [];
  expect(readCelCbor(bytes, (record) => records.push(record))).to.equal(records.length);
  return records;
}

function cborOf(records: readonly CelRecord[]): Uint8Array {
  return new Uint8Array(Buffer.concat([celCborHead(records.length), ...records.map(encodeCelCbor)]));
}

function refusal(bytes: Uint8Array): readonly [ProtocolCode, number | undefined] {
  try {
    read(bytes);
  } catch (error) {
    if (error instanceof ProtocolError) return [error.code, error.offset];
    throw error;
  }
  return expect.fail('nothing was refused');
}

const digest = { algorithm: 11, digest: new Uint8Array(32).fill(1) };
const CONTENTS: readonly CelContent[] = [
  { type: 'cel', event: { type: 'cel_version', major: 1, minor: 1 } },
  { type: 'cel', event: { type: 'firmware_end' } },
  { type: 'cel', event: { type: 'cel_timestamp', timestamp: 1_758_000_000_000n } },
  { type: 'cel', event: { type: 'state_trans', transition: 'hibernate' } },
  { type: 'pcclient_std', eventType: 0x80000001, eventData: Uint8Array.of(1) },
  { type: 'ima_template', name: 'ima-ng', data: new Uint8Array(300) },
  { type: 'ima_tlv', data: Uint8Array.of(0, 0, 0, 0, 0) },
  { type: 'systemd', data: new Uint8Array() },
];
const RECORDS = CONTENTS.map(
  (content, recnum): CelRecord => ({ recnum, index: { type: 'pcr', pcr: 15 }, digests: [digest], content }),
);
const [FIRST] = RECORDS as [CelRecord];

describe('CEL-CBOR', () => {
  it('is read and written as the example of the specification', () => {
    const records = read(fromHex(EXAMPLE));
    expect(records.map(({ recnum, index }) => [recnum, index])).to.deep.equal([
      [0, { type: 'pcr', pcr: 0 }],
      [1, { type: 'pcr', pcr: 0 }],
    ]);
    expect(records[1]?.content).to.deep.include({ type: 'pcclient_std', eventType: 8 });
    expect(toHex(cborOf(records))).to.equal(EXAMPLE);
  });

  it('gives back records of every content type and index', () => {
    expect(read(cborOf(RECORDS))).to.deep.equal(RECORDS);
    const nv = RECORDS.map((record): CelRecord => ({ ...record, index: { type: 'nv', nvIndex: 0x20ffffff } }));
    expect(read(cborOf(nv))).to.deep.equal(nv);
    const many = Array.from({ length: 300 }, () => FIRST);
    expect(read(cborOf(many))).to.have.length(300);
    expect(read(cborOf([]))).to.deep.equal([]);
  });

  it('takes event types by name', () => {
    const content = new Map<number, unknown>([
      [0, 'EV_S_CRTM_VERSION'],
      [1, Uint8Array.of(1)],
    ]);
    expect(read(recordOf({ 9: 5, 10: content }))[0]?.content).to.deep.include({ eventType: 8 });
  });

  function recordOf(change: Readonly<Record<number, unknown>>): Uint8Array {
    const members = new Map<number, unknown>([
      [0, 0],
      [1, 15],
      [
        3,
        [
          new Map<number, unknown>([
            [0, 11],
            [1, digest.digest],
          ]),
        ],
      ],
      [9, 9],
      [10, new Uint8Array()],
    ]);
    for (const [key, value] of Object.entries(change)) {
      if (value === undefined) members.delete(Number(key));
      else members.set(Number(key), value);
    }
    return new Uint8Array(Buffer.concat([Buffer.of(0x81), encode(members)]));
  }

  it('refuses records that are none, with the offset of the record', () => {
    expect(read(recordOf({}))).to.have.length(1);
    for (const [change, code] of [
      [{ 0: undefined }, 'cel.malformed'],
      [{ 0: 'x' }, 'cel.malformed'],
      [{ 1: undefined }, 'cel.malformed'],
      [{ 2: 0x20000000 }, 'cel.malformed'],
      [{ 1: 24 }, 'cel.index'],
      [{ 3: [] }, 'cel.digests'],
      [{ 3: 5 }, 'cel.malformed'],
      [{ 4: 0 }, 'cel.malformed'],
      [{ 9: 6 }, 'cel.content-type'],
      [{ 9: 10 }, 'cel.content-type'],
      [{ 10: 'text' }, 'cel.malformed'],
      [{ 9: 4, 10: new Map([[0, 3]]) }, 'cel.content-type'],
      [
        {
          9: 4,
          10: new Map([
            [0, 81],
            [1, 3],
          ]),
        },
        'cel.malformed',
      ],
      [
        {
          9: 5,
          10: new Map<number, unknown>([
            [0, 'EV_UNHEARD_OF'],
            [1, new Uint8Array()],
          ]),
        },
        'cel.malformed',
      ],
      [{ 9: 8, 10: Uint8Array.of(8, 0, 0, 0, 0) }, 'cel.malformed'],
      [{ 10: new Uint8Array(1_048_577) }, 'cel.limit'],
    ] as const) {
      expect(refusal(recordOf(change)), JSON.stringify(change)).to.deep.equal([code, 1]);
    }
  });

  it('refuses every other encoding of the same log (F-41)', () => {
    const other = (from: string, to: string): void => {
      expect(refusal(fromHex(EXAMPLE.replace(from, to)))[0], to).to.equal('cel.malformed');
    };
    other('82a5', '9802a5');
    other('82a5', '9fa5');
    other('82a50000', '82a5180000');
    other('82a500000100', '82a501000000');
    other('82a5', '82bf');
    other('82a5', '82c0a5');
    other('82a50000', '82a500fb0000000000000000');
    other('82a50000', '82a500f6');
    expect(refusal(Uint8Array.from([...fromHex(EXAMPLE), 0]))).to.deep.equal(['cel.malformed', EXAMPLE.length / 2]);
  });

  it('refuses a log that is cut off anywhere (F-19)', () => {
    const bytes = fromHex(EXAMPLE);
    for (let length = 0; length < bytes.length; length++)
      expect(refusal(bytes.subarray(0, length))[0]).to.equal('cel.truncated');
  });

  it('is not taken in by depth, by many small parts, or by declared lengths (F-45, F-46)', () => {
    const deep = Uint8Array.from([0x81, ...new Array<number>(100_000).fill(0x81)]);
    expect(refusal(deep)).to.deep.equal(['cel.malformed', 9]);
    const wide = Uint8Array.from([0x81, 0x9a, 0, 1, 0, 0, ...new Array<number>(65_536).fill(0xa0)]);
    expect(refusal(wide)[0]).to.equal('cel.malformed');
    for (const head of ['9bffffffffffffffff', '9a7fffffff', '815bffffffffffffffff', '815a7fffffff'])
      expect(refusal(fromHex(head))[0], head).to.be.oneOf(['cel.malformed', 'cel.limit', 'cel.truncated']);
  });

  it('ends with records or a code on bytes of any kind', () => {
    const bytes = cborOf(RECORDS);
    const property = fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, byte) => {
      try {
        read(bytes.with(at, byte));
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
      }
    });
    fc.assert(property, { seed: SEED, numRuns: 2000 });
  });
});
