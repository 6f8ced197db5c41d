import { equalBytes } from '@mtm-attest/protocol';
import { count, hex, listOf, record } from '../format/fragment.ts';
import type { Schema } from '../format/schema.ts';
import { byteStringsOf, bytesOf, numberOf, optionalRecordOf } from './fields.ts';
import { ACCEPTED, lacks, refused, type TestType } from './test-type.ts';

const PCRS: Schema = hex('the 24 values of the SHA-256 bank, PCR 0 first', 768);

/** The slices lead from the start to values and to the digest that names this point of the log in a cursor. */
export const LOG_REPLAY: TestType = {
  name: 'LogReplay',
  about: 'what a log or the part of it after a cursor leads to (SPEC.md 4.2)',
  group: {},
  test: {
    start: record({ count: count('events accepted before'), pcrs: PCRS }),
    slices: listOf('from the start on, in order', hex('whole records')),
    count: count('events after the last slice, as claimed'),
    pcrs: PCRS,
    prefix: hex('prefixDigest claimed', 16),
  },
  optional: ['start'],
  decide: async (implementation, _group, test) => {
    const start = optionalRecordOf(test, 'start');
    const reached = await implementation.replay?.({
      start: start === undefined ? undefined : { count: numberOf(start, 'count'), pcrs: bytesOf(start, 'pcrs') },
      slices: byteStringsOf(test, 'slices'),
    });
    if (reached === undefined) return lacks('LogReplay');
    const same = reached.count === numberOf(test, 'count') && equalBytes(reached.pcrs, bytesOf(test, 'pcrs'));
    return same && equalBytes(reached.prefix, bytesOf(test, 'prefix')) ? ACCEPTED : refused('pcr.digest');
  },
};
