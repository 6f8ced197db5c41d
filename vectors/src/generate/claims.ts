import { bytes, fill } from './bytes.ts';
import { type Draft, type DraftTest, invalid, note, valid } from './draft.ts';

const NOTES = {
  Field: note('TYPE_CONFUSION', 'a claim of another type or name is believed or overlooked', 'F-42'),
  Counter: note('RANGE', 'a counter that went back seems to have risen', 'F-47'),
  NotCanonical: note('MALLEABILITY', 'two encodings of one set of claims', 'F-40', 'F-41'),
  TrailingBytes: note('EXACT_CONSUMPTION', 'bytes behind the claims', 'F-41'),
};

const TOKEN = fill(32, 0x7e);
const ACTIVATION = fill(32, 0xac);

/** What no PCR covers. */
export function claimsDraft(): Draft {
  const field = (comment: string, ...input: readonly (string | Uint8Array)[]): DraftTest =>
    invalid(comment, 'Field', 'message.field', { input: bytes(...input) }, 0);
  const tests: readonly DraftTest[] = [
    valid('the first quote', { input: bytes('81 a161 01'), value: { auditCounter: '1' } }),
    valid('the largest counter', {
      input: bytes('81 a161 cfffffffffffffffff'),
      value: { auditCounter: '18446744073709551615' },
    }),
    valid('in an enrolment quote', {
      input: bytes('82 a161 02 a16b c420', TOKEN),
      value: { auditCounter: '2', tokenDigest: TOKEN },
    }),
    valid('in the enrolment quote of a TPM', {
      input: bytes('83 a161 02 a163 c420', ACTIVATION, 'a16b c420', TOKEN),
      value: { auditCounter: '2', tokenDigest: TOKEN, activation: ACTIVATION },
    }),
    field('no counter', '80'),
    field('an activation alone', '81 a163 c420', ACTIVATION),
    field('an activation of 31 bytes', '82 a161 01 a163 c41f', fill(31, 1)),
    field('an activation of 33 bytes', '82 a161 01 a163 c421', fill(33, 1)),
    field('an activation as text', '82 a161 01 a163 d920', fill(32, 0x61)),
    field('an activation that is true', '82 a161 01 a163 c3'),
    field('the token alone', '81 a16b c420', TOKEN),
    field('an unknown claim', '82 a161 01 a17a 01'),
    field('a token digest of 31 bytes', '82 a161 01 a16b c41f', fill(31, 1)),
    field('a token digest as text', '82 a161 01 a16b d920', fill(32, 0x61)),
    field('an array', '9101'),
    field('a number', '01'),
    invalid('the counter as text', 'Counter', 'message.field', { input: bytes('81 a161 a131') }, 0),
    invalid('a true counter', 'Counter', 'message.field', { input: bytes('81 a161 c3') }, 0),
    invalid('a negative counter', 'Counter', 'msgpack.type', { input: bytes('81 a161 ff') }, 3),
    invalid('a counter of int64', 'Counter', 'msgpack.type', { input: bytes('81 a161 d30000000100000000') }, 3),
    invalid('a counter as float64', 'Counter', 'msgpack.type', { input: bytes('81 a161 cb4270000000000000') }, 3),
    invalid('the counter twice', 'NotCanonical', 'msgpack.key-duplicate', { input: bytes('82 a161 01 a161 02') }, 4),
    invalid(
      'a counter of two bytes too many',
      'NotCanonical',
      'msgpack.not-canonical',
      { input: bytes('81 a161 cd0001') },
      3,
    ),
    invalid(
      'the token first',
      'NotCanonical',
      'msgpack.key-order',
      { input: bytes('82 a16b c420', TOKEN, 'a161 01') },
      37,
    ),
    invalid(
      'the activation behind the token',
      'NotCanonical',
      'msgpack.key-order',
      { input: bytes('83 a161 01 a16b c420', TOKEN, 'a163 c420', ACTIVATION) },
      40,
    ),
    invalid('a byte behind them', 'TrailingBytes', 'msgpack.trailing-bytes', { input: bytes('81 a161 01 00') }, 4),
  ];
  return { file: 'claims', notes: NOTES, groups: [{ type: 'Claims', tests }] };
}
