import {
  encodeCanonical,
  encodeEvent,
  encodeRecord,
  type LogEvent,
  type MsgpackValue,
  utf8,
} from '@mtm-attest/protocol';
import { toPlain } from '../format/plain.ts';
import { bytes, fill } from './bytes.ts';
import { type Draft, type DraftGroup, type DraftTest, invalid, note, valid } from './draft.ts';
import { sha256 } from './keys.ts';
import { replayGroup } from './log-replay.ts';

const NOTES = {
  Record: note('FORMAT', 'bytes that are no record are skipped or read as one', 'F-27', 'F-29'),
  Truncated: note('BOUNDS', 'a torn record is read past its end', 'F-29'),
  EventType: note('TYPE_CONFUSION', 'an event that nobody knows is overlooked', 'F-27'),
  EventPcr: note('TYPE_CONFUSION', 'an event counts in a PCR that is not its own', 'F-27'),
  EventFields: note(
    'TYPE_CONFUSION',
    'an event with other fields says something else to another reader',
    'F-27',
    'F-42',
  ),
  NotCanonical: note('MALLEABILITY', 'two contents for one event', 'F-41'),
  Replay: note('VERIFICATION', 'a log passes that does not lead to the quoted values', 'F-26', 'F-27'),
  Cursor: note('VERIFICATION', 'a slice is joined to a point of the log where it does not belong', 'F-26', 'F-28'),
};

const DIGEST = fill(32, 0xd1);
const NONCE = fill(32, 0x0e);

/** Every event, and the PCR that it stands in. */
const EVENTS: readonly (readonly [comment: string, pcr: number, event: LogEvent])[] = [
  ['boot', 11, { type: 'boot', resetCount: 3, restartCount: 0xffffffff, agent: 'mtm-agent/0.1.0' }],
  ['release', 5, { type: 'release', release: 4, manifestDigest: DIGEST }],
  ['component', 4, { type: 'component', name: 'lib/core', digest: DIGEST }],
  ['ready', 11, { type: 'ready' }],
  ['started', 12, { type: 'started', name: 'app/meter', digest: DIGEST }],
  ['audit', 13, { type: 'audit', nonce: NONCE, listDigest: DIGEST }],
];

function recordsGroup(): DraftGroup {
  const content = encodeEvent({ type: 'ready' });
  const ready = bytes('92 0b c402 91 04');
  const long = bytes('92 00 c50100', fill(256, 0x01));
  const value = (pcr: number, of: Uint8Array): unknown => ({ pcr, content: of, digest: sha256(of) });
  const malformed = (comment: string, input: Uint8Array, at: number): DraftTest =>
    invalid(comment, 'Record', 'log.malformed', { input }, at);
  const cut = (comment: string, input: Uint8Array, at: number): DraftTest =>
    invalid(comment, 'Truncated', 'log.truncated', { input }, at);
  return {
    type: 'LogRecords',
    tests: [
      valid('no record', { input: new Uint8Array(), value: [] }),
      valid('one record', { input: ready, value: [value(11, content)] }),
      valid('two records, the first one long', {
        input: bytes(long, ready),
        value: [value(0, fill(256, 1)), value(11, content)],
      }),
      valid('the longest content, the highest PCR', {
        input: bytes('92 17 c51000', fill(4096, 2)),
        value: [value(23, fill(4096, 2))],
      }),
      malformed('an array of one', bytes('91 0b'), 0),
      malformed('an array of three', bytes('93 0b c402 9104 00'), 0),
      malformed('a map', bytes('82 0b c402 9104'), 0),
      malformed('PCR 24', bytes('92 18 c402 9104'), 1),
      malformed('a PCR in two bytes', bytes('92 cc0b c402 9104'), 1),
      malformed('content as text', bytes('92 0b a2 9104'), 2),
      malformed('content as bytes behind a five-byte header', bytes('92 0b c600000002 9104'), 2),
      malformed('no content', bytes('92 0b c400'), 3),
      malformed('short content behind a three-byte header', bytes('92 0b c50002 9104'), 3),
      malformed('content of 4097 bytes', bytes('92 00 c51001', fill(4097, 1)), 3),
      malformed('half a length that is too long already', bytes('92 00 c520'), 3),
      malformed('half a length that is too short already', bytes('92 00 c500'), 3),
      malformed('another value behind a record', bytes(ready, 'c0'), 6),
      malformed('a wrong second record', bytes(ready, '92 18 c402 9104'), 7),
      cut('the first byte alone', bytes('92'), 0),
      cut('without its content', bytes('92 0b'), 0),
      cut('without the length of its content', bytes('92 0b c4'), 0),
      cut('half a length', bytes('92 0b c501'), 0),
      cut('the last byte missing', ready.subarray(0, -1), 0),
      cut('the second record cut', bytes(ready, ready.subarray(0, 5)), 6),
      cut('a long record cut', long.subarray(0, -1), 0),
    ],
  };
}

function eventGroups(): readonly DraftGroup[] {
  return EVENTS.map(([comment, pcr, event]) => ({
    type: 'LogEvent',
    fields: { pcr },
    tests: [
      valid(comment, { input: encodeEvent(event), value: toPlain(event) }),
      ...faultsOf(event.type).map(([what, content]) =>
        invalid(`${comment}: ${what}`, 'EventFields', 'log.event-fields', { input: encodeCanonical(content) }, 0),
      ),
      invalid(
        `${comment}: a byte behind it`,
        'NotCanonical',
        'msgpack.trailing-bytes',
        { input: bytes(encodeEvent(event), '00') },
        encodeEvent(event).length,
      ),
    ],
  }));
}

type Faults = readonly (readonly [what: string, content: MsgpackValue])[];

function faultsOf(type: LogEvent['type']): Faults {
  switch (type) {
    case 'boot':
      return [
        ['resetCount above 2^32', [1, 0x100000000, 0, 'agent']],
        ['a count as text', [1, '3', 0, 'agent']],
        ['without agent', [1, 3, 0]],
        ['no agent', [1, 3, 0, '']],
        ['an agent of 65 characters', [1, 3, 0, 'a'.repeat(65)]],
        ['a space in the agent', [1, 3, 0, 'mtm agent']],
        ['a field more', [1, 3, 0, 'agent', 0]],
      ];
    case 'release':
      return [
        ['a digest of 31 bytes', [2, 4, fill(31, 1)]],
        ['a digest as text', [2, 4, 'd'.repeat(32)]],
        ['a field more', [2, 4, DIGEST, 0]],
      ];
    case 'component':
      return componentFaults(3);
    case 'started':
      return componentFaults(5);
    case 'ready':
      return [
        ['a field', [4, 0]],
        ['an empty field', [4, '']],
        ['two fields', [4, 0, 0]],
      ];
    case 'audit':
      return [
        ['a nonce of 31 bytes', [6, fill(31, 1), DIGEST]],
        ['without list', [6, NONCE]],
        ['a field more', [6, NONCE, DIGEST, DIGEST]],
        ['a list in place of its digest', [6, NONCE, [['agent', DIGEST]]]],
      ];
  }
}

function componentFaults(number: number): Faults {
  return [
    ['a name that goes up', [number, '../core', DIGEST]],
    ['a name as bytes', [number, utf8('core'), DIGEST]],
    ['a digest of SHA-1', [number, 'core', fill(20, 1)]],
    ['name and digest exchanged', [number, DIGEST, 'core']],
  ];
}

/** One group for each PCR that an event was found in. */
function strayGroups(): readonly DraftGroup[] {
  const stray = (pcr: number, tests: readonly DraftTest[]): DraftGroup => ({
    type: 'LogEvent',
    fields: { pcr },
    tests,
  });
  const inPcr = (comment: string, event: LogEvent): DraftTest =>
    invalid(comment, 'EventPcr', 'log.event-pcr', { input: encodeEvent(event) }, 0);
  const ofType = (comment: string, content: MsgpackValue): DraftTest =>
    invalid(comment, 'EventType', 'log.event-type', { input: encodeCanonical(content) }, 0);
  const [boot, release, component, ready, started, audit] = EVENTS.map(([, , event]) => event) as [
    LogEvent,
    LogEvent,
    LogEvent,
    LogEvent,
    LogEvent,
    LogEvent,
  ];
  return [
    stray(12, [inPcr('boot among what was started', boot), inPcr('a boot component after boot', component)]),
    stray(4, [inPcr('a start in a boot PCR', started), inPcr('the release in a boot PCR', release)]),
    stray(13, [inPcr('ready in the PCR of audits', ready)]),
    stray(16, [inPcr('an audit in the PCR for debugging', audit)]),
    stray(11, [
      ofType('an unknown number', [7, DIGEST]),
      ofType('number zero', [0]),
      ofType('a number as text', ['4']),
      ofType('no number', []),
      ofType('a map', { t: 4 }),
      ofType('a number alone', 4),
      invalid('no content', 'EventType', 'msgpack.truncated', { input: new Uint8Array() }, 0),
      invalid('nil', 'EventType', 'msgpack.type', { input: bytes('c0') }, 0),
      invalid('a number in two bytes', 'NotCanonical', 'msgpack.not-canonical', { input: bytes('91 cc04') }, 1),
      invalid('an array header too long', 'NotCanonical', 'msgpack.not-canonical', { input: bytes('dc0001 04') }, 0),
    ]),
  ];
}

/** Records, events, and what a log leads to. */
export function eventLogDraft(): Draft {
  return {
    file: 'event-log',
    notes: NOTES,
    groups: [
      recordsGroup(),
      ...eventGroups(),
      ...strayGroups(),
      replayGroup(EVENTS.map(([, pcr, event]) => encodeRecord(pcr, encodeEvent(event)))),
    ],
  };
}
