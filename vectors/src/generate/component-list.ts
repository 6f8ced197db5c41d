import { encodeCanonical, type MsgpackValue, utf8 } from '@mtm-attest/protocol';
import { bytes, fill } from './bytes.ts';
import { type Draft, type DraftTest, invalid, note, valid } from './draft.ts';

const NOTES = {
  Form: note('TYPE_CONFUSION', 'a list of another form hides what was measured', 'F-42'),
  Order: note('MALLEABILITY', 'one component stands twice, or two lists say the same', 'F-40', 'F-41'),
  Name: note('PATH', 'a name leaves the place of the component, or shows as another one', 'F-50', 'F-93'),
  NotCanonical: note('MALLEABILITY', 'two encodings of one list', 'F-41'),
  Digest: note('ALGORITHM_CONFUSION', 'a digest of another length is compared', 'F-39'),
};

const A = fill(32, 0xaa);
const B = fill(32, 0xbb);

const NAMES: readonly (readonly [comment: string, name: string])[] = [
  ['an empty name', ''],
  ['an absolute path', '/etc/shadow'],
  ['a part that goes up', 'lib/../../etc/shadow'],
  ['one dot', './agent'],
  ['an empty part', 'lib//agent'],
  ['a slash at the end', 'lib/'],
  ['a space', 'lib/a b'],
  ['a letter that looks like another', 'аgent'],
  ['a line feed', 'agent\n'],
  ['a dot first', '.agent'],
  ['129 characters', 'a'.repeat(129)],
];

const VALID: readonly DraftTest[] = [
  valid('no component', { input: bytes('90'), value: [] }),
  valid('two components', {
    input: bytes('92 92 a5', utf8('agent'), 'c420', A, '92 a8', utf8('lib/core'), 'c420', B),
    value: [
      { name: 'agent', digest: A },
      { name: 'lib/core', digest: B },
    ],
  }),
  valid('a name of every kind of character, absent: zeros', {
    input: bytes('91 92 ac', utf8('@a-Z_0+9/x.y'), 'c420', fill(32, 0)),
    value: [{ name: '@a-Z_0+9/x.y', digest: fill(32, 0) }],
  }),
  valid('the longest name', {
    input: bytes('91 92 d980', fill(128, 0x61), 'c420', A),
    value: [{ name: 'a'.repeat(128), digest: A }],
  }),
];

const NOT_CANONICAL: readonly DraftTest[] = [
  invalid(
    'an array header too long',
    'NotCanonical',
    'msgpack.not-canonical',
    { input: bytes('dc0001 92 a161 c420', A) },
    0,
  ),
  invalid('a byte behind it', 'NotCanonical', 'msgpack.trailing-bytes', { input: bytes('90 00') }, 1),
  invalid('cut', 'NotCanonical', 'msgpack.length', { input: bytes('91 92 a161 c420', A.subarray(1)) }, 6),
  invalid('nothing', 'NotCanonical', 'msgpack.truncated', { input: new Uint8Array() }, 0),
];

/** What one audit measured. */
export function componentListDraft(): Draft {
  const refused = (comment: string, flag: keyof typeof NOTES, list: MsgpackValue): DraftTest =>
    invalid(comment, flag, 'log.list', { input: encodeCanonical(list) }, 0);
  const tests: readonly DraftTest[] = [
    ...VALID,
    refused('a map', 'Form', { agent: A }),
    refused('a text', 'Form', 'agent'),
    refused('an entry that is no array', 'Form', ['agent', A]),
    refused('an entry without digest', 'Form', [['agent']]),
    refused('an entry of three', 'Form', [['agent', A, 0]]),
    refused('an empty entry', 'Form', [[]]),
    refused('name and digest exchanged', 'Form', [[A, 'agent']]),
    refused('descending names', 'Order', [
      ['b', A],
      ['a', B],
    ]),
    refused('one name twice', 'Order', [
      ['a', A],
      ['a', B],
    ]),
    refused('lower case before upper case', 'Order', [
      ['a', A],
      ['B', B],
    ]),
    ...NAMES.map(([comment, name]) => refused(comment, 'Name', [[name, A]])),
    refused('a digest of 31 bytes', 'Digest', [['agent', fill(31, 1)]]),
    refused('a digest of SHA-1', 'Digest', [['agent', fill(20, 1)]]),
    refused('a digest of SHA-384', 'Digest', [['agent', fill(48, 1)]]),
    refused('a digest as text', 'Digest', [['agent', 'a'.repeat(32)]]),
    ...NOT_CANONICAL,
  ];
  return { file: 'component-list', notes: NOTES, groups: [{ type: 'ComponentList', tests }] };
}
