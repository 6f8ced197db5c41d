import { nobleCrypto } from '../../src/crypto/noble.ts';
import { type ReplayedTcgLog, replayTcgLog, TcgLogFold, type TcgVisitor } from '../../src/tcg-log/replayed-log.ts';
import type { MemoryVector } from '../memory/vectors.ts';
import { agileRecord, concat, type Event, header, le, separator, sha1Record, unknownHeader } from './log-builder.ts';

const RECORDS = 3000;
const SHORTEST: Event = { pcr: 8, type: 0x7777, data: new Uint8Array() };

function repeated(head: Uint8Array, record: Uint8Array): Uint8Array {
  return concat(head, ...Array.from({ length: RECORDS }, () => record));
}

/** Records with 16 digests of the shortest kind, of algorithms that nobody knows. */
function manyDigests(): Uint8Array {
  const digests = Array.from({ length: 16 }, (_, i) => concat(le(0x7000 + i, 2), new Uint8Array(20).fill(1)));
  const record = concat(le(8, 4), le(13, 4), le(16, 4), ...digests, le(0, 4));
  return repeated(unknownHeader(16, 20), record);
}

function keepAll(input: Uint8Array): readonly [ReplayedTcgLog, unknown] {
  const kept: Parameters<TcgVisitor>[] = [];
  return [replayTcgLog(input, nobleCrypto, (...seen) => kept.push(seen)), kept];
}

/** What the reader holds while the record that it waits for has not come: it must not follow the length that the record declares. */
function waiting(input: Uint8Array): TcgLogFold {
  const fold = new TcgLogFold(nobleCrypto);
  fold.feed(input);
  return fold;
}

function declaring(): Uint8Array {
  const record = agileRecord(separator(1), ['sha256']);
  const cut = concat(record.subarray(0, record.length - 8), le(1_048_576, 4), new Uint8Array(3000).fill(1));
  return concat(header(3, ['sha256']), cut);
}

export const TCG_LOGS: readonly MemoryVector[] = [
  {
    name: 'a SHA-1 log of the shortest records, all kept',
    input: repeated(header(2), sha1Record(SHORTEST)),
    parse: keepAll,
  },
  { name: 'a TCG log of many digests, all kept', input: manyDigests(), parse: keepAll },
  {
    name: 'a TCG log of odd records',
    input: repeated(header(3, ['sha1']), agileRecord(SHORTEST, ['sha1'])),
    parse: (input) => replayTcgLog(input, nobleCrypto),
  },
  { name: 'a TCG log that waits for 1 MiB', input: declaring(), parse: waiting },
];
