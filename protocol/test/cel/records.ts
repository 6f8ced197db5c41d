import fc from 'fast-check';
import { CelNumbers } from '../../src/cel/numbering.ts';
import type { CelContent, CelDigest, CelEvent, CelIndex, CelRecord } from '../../src/cel/record.ts';
import { HASHES, type HashName } from '../../src/tpm/constants.ts';

const bytes = fc.uint8Array({ maxLength: 40 });
const banks = fc.subarray(Object.keys(HASHES) as HashName[], { minLength: 1 });

const digests = banks.chain((names) =>
  fc.tuple(
    ...names.map((name) => {
      const { algorithm, size } = HASHES[name];
      const digest = fc.uint8Array({ minLength: size, maxLength: size });
      return digest.map((value): CelDigest => ({ algorithm, digest: value }));
    }),
  ),
);

const events: fc.Arbitrary<CelEvent> = fc.oneof(
  fc.record({ type: fc.constant('cel_version'), major: fc.nat(0xffff), minor: fc.nat(0xffff) }),
  fc.constant<CelEvent>({ type: 'firmware_end' }),
  fc.record({ type: fc.constant('cel_timestamp'), timestamp: fc.bigInt({ min: 0n, max: 2n ** 53n - 1n }) }),
  fc.record({ type: fc.constant('state_trans'), transition: fc.constantFrom('suspend', 'hibernate', 'kexec') }),
);

const contents: fc.Arbitrary<CelContent> = fc.oneof(
  fc.record({ type: fc.constant('cel'), event: events }),
  fc.record({
    type: fc.constant('pcclient_std'),
    eventType: fc.oneof(fc.constantFrom(3, 13, 0x80000007), fc.integer({ min: 0, max: 0xffffffff })),
    eventData: bytes,
  }),
  fc.record({ type: fc.constant('ima_template'), name: fc.constantFrom('ima-ng', 'd-ng|n-ng'), data: bytes }),
  fc.constant<CelContent>({ type: 'ima_tlv', data: Uint8Array.of(0, 0, 0, 0, 1, 0x61, 7, 0, 0, 0, 0) }),
  fc.record({ type: fc.constant('systemd'), data: bytes }),
);

const indices: fc.Arbitrary<CelIndex> = fc.oneof(
  fc.record({ type: fc.constant('pcr'), pcr: fc.integer({ min: 0, max: 23 }) }),
  fc.record({ type: fc.constant('nv'), nvIndex: fc.integer({ min: 0x20000000, max: 0x20ffffff }) }),
);

/** Numbered per index. */
export function numbered(records: readonly Omit<CelRecord, 'recnum'>[]): readonly CelRecord[] {
  const numbers = new CelNumbers('per-index');
  return records.map((record) => ({ ...record, recnum: numbers.next(record.index) }));
}

export const celLogs: fc.Arbitrary<readonly CelRecord[]> = fc
  .array(fc.record({ index: indices, digests, content: contents }), { maxLength: 12 })
  .map(numbered);

/** A record whose TLV encoding is a known answer: PCR 10, SHA-256 of `event-1`, EV_EFI_ACTION. */
export const EVENT_1: CelRecord = {
  recnum: 0,
  index: { type: 'pcr', pcr: 10 },
  digests: [
    {
      algorithm: HASHES.sha256.algorithm,
      digest: new Uint8Array(Buffer.from('ce36863f51b6baf9d16397ffb3e9af506b284a816f72d487e55943c1fd974d6d', 'hex')),
    },
  ],
  content: { type: 'pcclient_std', eventType: 0x80000007, eventData: new Uint8Array(Buffer.from('event-1')) },
};

export const EVENT_1_TLV =
  '0000000008000000000000000001000000010a03000000250b00000020ce36863f51b6baf9d16397ffb3e9af506b284a816f72d487e55943c1fd974d6d050000001500000000048000000701000000076576656e742d31';
