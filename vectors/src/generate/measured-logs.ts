import { nobleCrypto, type ProtocolCode, toHex, utf8, Writer } from '@mtm-attest/protocol';
import { bytes, fill } from './bytes.ts';
import { type Draft, type DraftGroup, type DraftTest, invalid, note, valid } from './draft.ts';

const NOTES = {
  Header: note('TYPE_CONFUSION', 'bytes that are no log are read as one', 'F-44'),
  Truncated: note('TRUNCATION', 'a log without its end, or a record that reaches beyond it', 'F-29', 'F-46'),
  Digests: note('ALGORITHM_CONFUSION', 'a bank is extended with nothing, twice, or with a digest of another', 'F-26'),
  Pcr: note('RANGE', 'a record is of no PCR, and so of none that is appraised', 'F-27'),
  Limit: note('RESOURCE', 'a declared length is believed', 'F-29', 'F-46'),
  Locality: note('STATE_CONFUSION', 'the value that PCR 0 starts at is changed after the fact', 'F-27'),
  Padding: note('MALLEABILITY', 'bytes that nobody reads stand behind the log', 'F-44'),
  Form: note('TYPE_CONFUSION', 'a list or log of another form hides what was measured', 'F-42'),
  Number: note('ORDER', 'records were left out, repeated or moved', 'F-26'),
};

function bad(comment: string, flag: keyof typeof NOTES, code: ProtocolCode, input: Uint8Array, at?: number): DraftTest {
  return invalid(comment, flag, code, { input }, at);
}

type Bank = 'sha1' | 'sha256';
const SIZES: Readonly<Record<Bank, number>> = { sha1: 20, sha256: 32 };
const le = (value: number): Uint8Array => Uint8Array.of(value, value >> 8, value >> 16, value >>> 24);
const be = (value: number): Uint8Array => le(value).toReversed();

/** By hand: the value of a PCR after these digests. */
function extended(bank: Bank, digests: readonly Uint8Array[], start = fill(SIZES[bank], 0)): string {
  return toHex(digests.reduce((value, digest) => nobleCrypto[bank](bytes(value, digest)), start));
}

// TCG event logs

const SEPARATOR = 4;
const NO_ACTION = 3;
const EV_ACTION = 5;
const SPEC_ID = bytes(utf8('Spec ID Event03'), '00 00000000 00 02 00 02 02000000 0400 1400 0b00 2000 00');
const HEADER = bytes(le(0), le(NO_ACTION), fill(20, 0), le(SPEC_ID.length), SPEC_ID);
const ZEROS = fill(4, 0);

function record(pcr: number, type: number, data: Uint8Array, digests?: Uint8Array): Uint8Array {
  const both = bytes('02000000 0400', nobleCrypto.sha1(data), '0b00', nobleCrypto.sha256(data));
  return bytes(le(pcr), le(type), digests ?? both, le(data.length), data);
}

function oldRecord(pcr: number, type: number, data: Uint8Array): Uint8Array {
  return bytes(le(pcr), le(type), nobleCrypto.sha1(data), le(data.length), data);
}

const locality = (value: number): Uint8Array =>
  record(0, NO_ACTION, bytes(utf8('StartupLocality'), '00', Uint8Array.of(value)), bytes('01000000 0b00', fill(32, 0)));

function tcgGroup(): DraftGroup {
  const action = utf8('Calling EFI Application from Boot Option');
  const separator = record(0, SEPARATOR, ZEROS);
  const two = bytes(HEADER, separator, record(4, EV_ACTION, action));
  const onlySha256 = bytes('01000000 0b00', nobleCrypto.sha256(action));
  const ofBoth = (pcr: number, ...data: readonly Uint8Array[]): readonly (readonly [Bank, number, string])[] =>
    (['sha1', 'sha256'] as const).map((bank) => [bank, pcr, extended(bank, data.map(nobleCrypto[bank]))] as const);
  const sorted = (all: readonly (readonly [Bank, number, string])[]): unknown =>
    all.toSorted((a, b) => (a[0] === b[0] ? a[1] - b[1] : a[0] < b[0] ? -1 : 1));
  const agile = (records: number, pcrs: unknown, logs = 1): unknown => ({
    format: 'crypto-agile',
    logs,
    records,
    pcrs,
  });
  const end = HEADER.length;
  return {
    type: 'TcgLog',
    tests: [
      valid('two records in two banks', {
        input: two,
        value: agile(3, sorted([...ofBoth(0, ZEROS), ...ofBoth(4, action)])),
      }),
      valid('padding of zeros behind it', {
        input: bytes(two, fill(511, 0)),
        value: agile(3, sorted([...ofBoth(0, ZEROS), ...ofBoth(4, action)])),
      }),
      valid('a record without one of the banks: that PCR does not follow in it', {
        input: bytes(HEADER, record(4, EV_ACTION, action, onlySha256)),
        value: agile(2, [['sha256', 4, extended('sha256', [nobleCrypto.sha256(action)])]]),
      }),
      valid('PCR 0 started at locality 3', {
        input: bytes(HEADER, locality(3), separator),
        value: agile(3, [
          ['sha1', 0, extended('sha1', [nobleCrypto.sha1(ZEROS)], bytes(fill(19, 0), '03'))],
          ['sha256', 0, extended('sha256', [nobleCrypto.sha256(ZEROS)], bytes(fill(31, 0), '03'))],
        ]),
      }),
      valid('two logs with their lengths: the newest counts', {
        input: bytes(le(two.length), two, le(end + separator.length), HEADER, separator),
        value: agile(2, sorted(ofBoth(0, ZEROS)), 2),
      }),
      valid('the format of TPM 1.2', {
        input: bytes(oldRecord(4, EV_ACTION, action), oldRecord(4, SEPARATOR, ZEROS)),
        value: {
          format: 'sha1',
          logs: 1,
          records: 2,
          pcrs: [['sha1', 4, extended('sha1', [nobleCrypto.sha1(action), nobleCrypto.sha1(ZEROS)])]],
        },
      }),
      bad('nothing', 'Header', 'tcg-log.empty', new Uint8Array(), 0),
      bad(
        'a Spec ID event without its last byte',
        'Header',
        'tcg-log.header',
        bytes(le(0), le(NO_ACTION), fill(20, 0), le(SPEC_ID.length - 1), SPEC_ID.subarray(0, -1)),
        32,
      ),
      bad('a second header', 'Header', 'tcg-log.header', bytes(HEADER, record(0, NO_ACTION, SPEC_ID)), end),
      bad('the last byte missing', 'Truncated', 'tcg-log.truncated', two.subarray(0, -1), end + separator.length),
      bad('the header cut', 'Truncated', 'tcg-log.truncated', HEADER.subarray(0, 40), 0),
      bad(
        'a length shorter than any log',
        'Truncated',
        'tcg-log.length',
        bytes(le(two.length), two, le(5), fill(5, 1)),
        4 + two.length,
      ),
      bad('PCR 24', 'Pcr', 'tcg-log.pcr', bytes(HEADER, record(24, SEPARATOR, ZEROS)), end),
      bad('no digest', 'Digests', 'tcg-log.digests', bytes(HEADER, record(4, EV_ACTION, action, le(0))), end + 8),
      bad(
        'more digests than the header has banks',
        'Digests',
        'tcg-log.digests',
        bytes(HEADER, record(4, EV_ACTION, action, le(3))),
        end + 8,
      ),
      bad(
        'one bank twice',
        'Digests',
        'tcg-log.digests',
        bytes(HEADER, record(4, EV_ACTION, action, bytes(le(2), '0b00', fill(32, 1), '0b00', fill(32, 1)))),
        end + 46,
      ),
      bad(
        'a bank that the header does not list',
        'Digests',
        'tcg-log.digests',
        bytes(HEADER, record(4, EV_ACTION, action, bytes(le(1), '0c00', fill(48, 1)))),
        end + 12,
      ),
      bad(
        'data of more than 1 MiB, as declared',
        'Limit',
        'tcg-log.event-size',
        bytes(HEADER, le(4), le(EV_ACTION), onlySha256, le(0x100001), fill(16, 1)),
        end + 46,
      ),
      bad('a byte behind the padding', 'Padding', 'tcg-log.padding', bytes(two, fill(40, 0), '01'), two.length + 40),
      bad(
        'StartupLocality after PCR 0 was extended',
        'Locality',
        'tcg-log.startup-locality',
        bytes(HEADER, separator, locality(3)),
        end + separator.length,
      ),
      bad(
        'StartupLocality twice',
        'Locality',
        'tcg-log.startup-locality',
        bytes(HEADER, locality(3), locality(3)),
        end + locality(3).length,
      ),
      bad('a locality that no startup has', 'Locality', 'tcg-log.startup-locality', bytes(HEADER, locality(9)), end),
    ],
  };
}

// IMA lists

const PATH = utf8('/usr/bin/agent\0');
const NG_DATA = bytes(le(40), utf8('sha256:\0'), fill(32, 0xab), le(PATH.length), PATH);

function binaryEntry(pcr: number, digest: Uint8Array, data: Uint8Array, template = utf8('ima-ng')): Uint8Array {
  return bytes(le(pcr), digest, le(template.length), template, le(data.length), data);
}

function imaGroups(): readonly DraftGroup[] {
  const digest = nobleCrypto.sha1(NG_DATA);
  const entry = binaryEntry(10, digest, NG_DATA);
  const line = utf8(`10 ${toHex(digest)} ima-ng sha256:${toHex(fill(32, 0xab))} /usr/bin/agent\n`);
  const violation = binaryEntry(10, fill(20, 0), NG_DATA);
  const sha1 = (...digests: readonly Uint8Array[]): unknown => ['sha1', 10, extended('sha1', digests)];
  const sha256 = (...digests: readonly Uint8Array[]): unknown => ['sha256', 10, extended('sha256', digests)];
  const own = nobleCrypto.sha256(NG_DATA);
  const of = (form: string, entries: number, ...pcrs: readonly unknown[]): unknown => ({ form, entries, pcrs });
  const refused = [
    bad('nothing', 'Truncated', 'ima.truncated', new Uint8Array(), 0),
    bad('the last byte missing', 'Truncated', 'ima.truncated', entry.subarray(0, -1), 0),
    bad('a line without its end', 'Truncated', 'ima.truncated', line.subarray(0, -1), 0),
    bad('an entry in PCR 24', 'Pcr', 'ima.pcr', bytes(entry, binaryEntry(24, digest, NG_DATA)), entry.length),
    bad(
      'data of more than 1 MiB, as declared',
      'Limit',
      'ima.limit',
      bytes(le(10), digest, le(6), utf8('ima-ng'), le(0x100001)),
      34,
    ),
    bad(
      'a line of a template that nobody knows',
      'Form',
      'ima.template',
      utf8(`10 ${toHex(digest)} unheard-of x y\n`),
      44,
    ),
    bad('a digest that is none', 'Form', 'ima.malformed', utf8(`10 ${'x'.repeat(40)} ima-ng sha256:00 /a\n`), 3),
    bad(
      'fields that reach beyond the data',
      'Form',
      'ima.malformed',
      binaryEntry(10, digest, bytes(le(41), fill(40, 1))),
      38,
    ),
  ];
  return [
    {
      type: 'ImaList',
      fields: { rule: 'per-bank' },
      tests: [
        valid('a binary entry', { input: entry, value: of('binary', 1, sha1(digest), sha256(own)) }),
        valid('the same entry as a line', { input: line, value: of('ascii', 1, sha1(digest), sha256(own)) }),
        valid('a violation extends ones', {
          input: violation,
          value: of('binary', 1, sha1(fill(20, 0xff)), sha256(fill(32, 0xff))),
        }),
        ...refused,
      ],
    },
    {
      type: 'ImaList',
      fields: { rule: 'padded' },
      tests: [
        valid('a binary entry, its SHA-1 digest and zeros in the other bank', {
          input: entry,
          value: of('binary', 1, sha1(digest), sha256(bytes(digest, fill(12, 0)))),
        }),
        bad('cut', 'Truncated', 'ima.truncated', entry.subarray(0, 20), 0),
        bad('PCR 24', 'Pcr', 'ima.pcr', binaryEntry(24, digest, NG_DATA), 0),
        bad('a line of text', 'Form', 'ima.malformed', utf8('This is no list of measurements.\n'), 0),
      ],
    },
    {
      type: 'ImaSignature',
      tests: [
        valid('version 2, SHA-256', {
          input: bytes('03 02 04 01020304 0008', fill(8, 0x5a)),
          value: { hash: 'sha256', keyId: 0x01020304, signature: fill(8, 0x5a) },
        }),
        bad('another type', 'Form', 'ima.signature', bytes('02 02 04 01020304 0008', fill(8, 0x5a)), 0),
        bad('another version', 'Form', 'ima.signature', bytes('03 01 04 01020304 0008', fill(8, 0x5a)), 1),
        bad('a byte behind it', 'Padding', 'ima.signature', bytes('03 02 04 01020304 0008', fill(9, 0x5a)), 17),
      ],
    },
  ];
}

// Canonical event logs

const tlv = (type: number, value: Uint8Array): Uint8Array => bytes(Uint8Array.of(type), be(value.length), value);

function celRecord(recnum: number, pcr: number, content?: Uint8Array, digests?: Uint8Array): Uint8Array {
  const data = utf8('measured');
  const event = bytes(tlv(0, be(EV_ACTION)), tlv(1, data));
  return bytes(
    tlv(0, be(recnum)),
    tlv(1, be(pcr)),
    tlv(3, digests ?? tlv(0x0b, nobleCrypto.sha256(data))),
    content ?? tlv(5, event),
  );
}

function celJson(recnum: number, more = ''): Uint8Array {
  const digest = toHex(nobleCrypto.sha256(utf8('measured')));
  return utf8(
    `[{"recnum":${recnum},"pcr":4,"digests":[{"hashAlg":"sha256","digest":"${digest}"}],"content_type":"systemd","content":"${toHex(utf8('measured'))}"${more}}]`,
  );
}

function celGroups(): readonly DraftGroup[] {
  const one = celRecord(0, 4);
  const digest = nobleCrypto.sha256(utf8('measured'));
  const reached = (records: number, pcrs: unknown): unknown => ({ records, nvRecords: 0, pcrs });
  const value4 = ['sha256', 4, extended('sha256', [digest])];
  const big = new Writer(0).bytes(bytes(tlv(0, be(0)), tlv(1, be(4)), tlv(3, tlv(0x0b, digest)), '09 00100001')).done();
  return [
    {
      type: 'CelLog',
      fields: { encoding: 'tlv', numbering: 'per-index' },
      tests: [
        valid('one record', { input: one, value: reached(1, [value4]) }),
        valid('numbered by index', {
          input: bytes(one, celRecord(0, 7)),
          value: reached(2, [value4, ['sha256', 7, extended('sha256', [digest])]]),
        }),
        bad('nothing', 'Truncated', 'cel.truncated', new Uint8Array(), 0),
        bad('the last byte missing', 'Truncated', 'cel.truncated', one.subarray(0, -1), 0),
        bad('numbered as a whole', 'Number', 'cel.recnum', bytes(one, celRecord(1, 7)), one.length),
        bad('a number twice', 'Number', 'cel.recnum', bytes(one, one), one.length),
        bad('it begins with a PCR', 'Form', 'cel.malformed', one.subarray(9), 0),
        bad('PCR 24', 'Pcr', 'cel.index', celRecord(0, 24), 14),
        bad('no digest', 'Digests', 'cel.digests', celRecord(0, 4, undefined, new Uint8Array()), 23),
        bad('a reserved content type', 'Form', 'cel.content-type', celRecord(0, 4, tlv(6, fill(2, 1))), 60),
        bad('content of more than 1 MiB, as declared', 'Limit', 'cel.limit', big, 61),
      ],
    },
    {
      type: 'CelLog',
      fields: { encoding: 'tlv', numbering: 'global' },
      tests: [
        valid('numbered as a whole', {
          input: bytes(one, celRecord(1, 7)),
          value: reached(2, [value4, ['sha256', 7, extended('sha256', [digest])]]),
        }),
        bad('numbered by index', 'Number', 'cel.recnum', bytes(one, celRecord(0, 7)), one.length),
        bad('it begins at one', 'Number', 'cel.recnum', celRecord(1, 4), 0),
        bad('cut', 'Truncated', 'cel.truncated', one.subarray(0, 10), 0),
      ],
    },
    {
      type: 'CelLog',
      fields: { encoding: 'json', numbering: 'per-index' },
      tests: [
        valid('one record', { input: celJson(0), value: reached(1, [value4]) }),
        bad('no JSON', 'Form', 'cel.json', utf8('[{')),
        bad('another member', 'Form', 'cel.json', celJson(0, ',"type":"x"')),
        bad('it begins at one', 'Number', 'cel.recnum', celJson(1)),
      ],
    },
  ];
}

/** Logs that other software writes, each peculiarity once. */
export function measuredLogsDraft(): Draft {
  return { file: 'measured-logs', notes: NOTES, groups: [tcgGroup(), ...imaGroups(), ...celGroups()] };
}
