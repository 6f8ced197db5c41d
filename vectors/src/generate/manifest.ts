import {
  encodeCanonical,
  encodeManifest,
  encodeSignedManifest,
  type Manifest,
  type MsgpackValue,
  manifestMessage,
  utf8,
} from '@mtm-attest/protocol';
import { toPlain } from '../format/plain.ts';
import { bytes, fill, flipped } from './bytes.ts';
import { type Draft, type DraftGroup, type DraftTest, invalid, note, valid } from './draft.ts';
import { EcdsaKey, EddsaKey, otherForm, sha256 } from './keys.ts';

const NOTES = {
  Form: note('TYPE_CONFUSION', 'a document of another form is read as a manifest', 'F-32', 'F-42'),
  Bounds: note('RANGE', 'a sequence, release or time outside its bounds', 'F-30', 'F-47'),
  Order: note('DUPLICATE', 'a release or component stands twice, and readers take different ones', 'F-34', 'F-40'),
  Component: note('CONFUSION', 'a component under a name, PCR or digest that nothing may have', 'F-39', 'F-93'),
  Event: note('APPRAISAL', 'events that nobody reviewed are taken', 'F-27'),
  File: note('APPRAISAL', 'files that nobody reviewed may run', 'F-24'),
  NotCanonical: note('MALLEABILITY', 'two encodings of one document', 'F-41'),
  Forged: note('VERIFICATION', 'a manifest that nobody trusted has signed', 'F-32', 'F-37'),
  KeyId: note('IDENTITY', 'the signature counts for another signer', 'F-35'),
  Confusion: note('DOMAIN_SEPARATION', 'a signature over something else is one over a manifest', 'F-32'),
  Malleability: note('MALLEABILITY', 'two signatures of one document by one key', 'F-61'),
};

const A = fill(32, 0xaa);
const B = fill(32, 0xbb);

const MANIFEST: Manifest = {
  issuer: 'maker',
  model: 'meter-3',
  sequence: 7,
  minimum: 2,
  releases: [
    { release: 2, version: '1.1.0', acceptedUntil: 1_800_000_000_000, components: [component('agent', 4, A, 'boot')] },
    {
      release: 3,
      version: '1.2.0',
      components: [component('agent', 4, B, 'boot'), component('app/meter', 12, A, 'runtime')],
    },
  ],
};

const WITH_PLATFORM: Manifest = {
  ...MANIFEST,
  releases: [
    {
      release: 3,
      version: '1.2.0',
      components: [component('agent', 4, B, 'boot')],
      platform: {
        firmware: [
          { pcr: 0, type: 8, digest: A, required: true, label: 'version of the CRTM' },
          { pcr: 1, type: 0x8000000c, required: false, label: 'boot order' },
        ],
        ima: {
          rule: 'per-bank',
          files: [
            { path: '/usr/bin/agent', digests: [A, B] },
            { path: '/usr/lib/libc.so.6', digests: [fill(48, 1)] },
          ],
          keys: [fill(91, 3)],
          excludes: ['/var/tmp/'],
          violations: true,
        },
      },
    },
  ],
};

type Part = Manifest['releases'][number]['components'][number];

function component(name: string, pcr: number, digest: Uint8Array, phase: Part['phase']): Part {
  return { name, pcr, digest, phase };
}

/** The arrays of a manifest with one part and one release, to be changed at one place. */
const PART: readonly MsgpackValue[] = ['agent', 4, A, 0];
const RELEASE: readonly MsgpackValue[] = [2, '1.1.0', 0, [PART]];
const DOCUMENT: readonly MsgpackValue[] = ['maker', 'meter-3', 7, 2, [RELEASE]];

function replaced(list: readonly MsgpackValue[], at: number, value: MsgpackValue): readonly MsgpackValue[] {
  return list.map((item, i) => (i === at ? value : item));
}

const withRelease = (...releases: readonly MsgpackValue[]): MsgpackValue => replaced(DOCUMENT, 4, releases);
const EVENT: readonly MsgpackValue[] = [4, 0x80000003, A, true, 'boot loader'];
const FIRMWARE: readonly MsgpackValue[] = [EVENT];
const IMA: readonly MsgpackValue[] = [1, [['/bin/a', [A]]], [], ['/tmp/'], 0];
const withPlatform = (platform: MsgpackValue): MsgpackValue => withRelease([...RELEASE, platform]);
const withPart = (...parts: readonly MsgpackValue[]): MsgpackValue => withRelease(replaced(RELEASE, 3, parts));

const FAULTS: readonly (readonly [comment: string, flag: keyof typeof NOTES, document: MsgpackValue])[] = [
  ['a map', 'Form', { issuer: 'maker' }],
  ['a field less', 'Form', DOCUMENT.slice(0, 4)],
  ['a field more', 'Form', [...DOCUMENT, 0]],
  ['issuer as bytes', 'Form', replaced(DOCUMENT, 0, utf8('maker'))],
  ['a model that is a path', 'Form', replaced(DOCUMENT, 1, '../meter')],
  ['a model that matches all', 'Form', replaced(DOCUMENT, 1, '*')],
  ['releases as a map', 'Form', replaced(DOCUMENT, 4, {})],
  ['sequence zero', 'Bounds', replaced(DOCUMENT, 2, 0)],
  ['a sequence above 2^53', 'Bounds', replaced(DOCUMENT, 2, 9007199254740992n)],
  ['minimum zero', 'Bounds', replaced(DOCUMENT, 3, 0)],
  ['no release', 'Bounds', withRelease()],
  ['257 releases', 'Bounds', withRelease(...Array.from({ length: 257 }, (_, i) => replaced(RELEASE, 0, i + 1)))],
  ['release zero', 'Bounds', withRelease(replaced(RELEASE, 0, 0))],
  ['no version', 'Bounds', withRelease(replaced(RELEASE, 1, ''))],
  ['a version of 65 characters', 'Bounds', withRelease(replaced(RELEASE, 1, '1'.repeat(65)))],
  ['accepted until a time above 2^53', 'Bounds', withRelease(replaced(RELEASE, 2, 9007199254740992n))],
  ['accepted until a text', 'Form', withRelease(replaced(RELEASE, 2, 'never'))],
  ['a release of three fields', 'Form', withRelease(RELEASE.slice(0, 3))],
  ['no component', 'Bounds', withPart()],
  ['one release twice', 'Order', withRelease(RELEASE, RELEASE)],
  ['descending releases', 'Order', withRelease(replaced(RELEASE, 0, 3), RELEASE)],
  ['one component twice', 'Order', withPart(PART, replaced(PART, 2, B))],
  ['descending components', 'Order', withPart(replaced(PART, 0, 'b'), replaced(PART, 0, 'a'))],
  ['a component of three fields', 'Form', withPart(PART.slice(0, 3))],
  ['a component that goes up', 'Component', withPart(replaced(PART, 0, '../agent'))],
  ['a boot component in the PCR of the release', 'Component', withPart(replaced(PART, 1, 5))],
  ['a boot component in the runtime PCR', 'Component', withPart(replaced(PART, 1, 12))],
  ['a runtime component in a boot PCR', 'Component', withPart(replaced(PART, 3, 1))],
  ['phase two', 'Component', withPart(replaced(PART, 3, 2))],
  ['phase true', 'Component', withPart(replaced(PART, 3, true))],
  ['a digest of SHA-1', 'Component', withPart(replaced(PART, 2, fill(20, 1)))],
  ['a digest as text', 'Component', withPart(replaced(PART, 2, 'a'.repeat(32)))],
  ['a platform of nothing', 'Form', withPlatform([0, 0])],
  ['a platform of three', 'Form', withPlatform([FIRMWARE, IMA, 0])],
  ['six fields of a release', 'Form', withRelease([...RELEASE, [FIRMWARE, 0], 0])],
  ['no event of the firmware', 'Bounds', withPlatform([[], 0])],
  ['an event of four fields', 'Form', withPlatform([[EVENT.slice(0, 4)], 0])],
  ['an event in PCR 24', 'Bounds', withPlatform([[replaced(EVENT, 0, 24)], 0])],
  ['an event with a digest of SHA-1', 'Event', withPlatform([[replaced(EVENT, 2, fill(20, 1))], 0])],
  ['required: 1', 'Event', withPlatform([[replaced(EVENT, 3, 1)], 0])],
  ['an event without a label', 'Bounds', withPlatform([[replaced(EVENT, 4, '')], 0])],
  ['one event twice', 'Order', withPlatform([[EVENT, EVENT], 0])],
  [
    'an event for any digest behind one with a digest',
    'Order',
    withPlatform([[EVENT, replaced(EVENT, 2, fill(0, 0))], 0]),
  ],
  ['rule three', 'Form', withPlatform([0, replaced(IMA, 0, 3)])],
  ['a file without digests', 'File', withPlatform([0, replaced(IMA, 1, [['/bin/a', []]])])],
  ['a file with a digest of SHA-1', 'File', withPlatform([0, replaced(IMA, 1, [['/bin/a', [fill(20, 1)]]])])],
  [
    'descending files',
    'Order',
    withPlatform([
      0,
      replaced(IMA, 1, [
        ['/b', [A]],
        ['/a', [A]],
      ]),
    ]),
  ],
  ['descending digests', 'Order', withPlatform([0, replaced(IMA, 1, [['/a', [B, A]]])])],
  ['one key twice', 'Order', withPlatform([0, replaced(IMA, 2, [fill(91, 1), fill(91, 1)])])],
  ['everything excluded', 'File', withPlatform([0, replaced(IMA, 3, ['/'])])],
  ['an exclude that is no path', 'File', withPlatform([0, replaced(IMA, 3, ['tmp'])])],
  ['flags two', 'File', withPlatform([0, replaced(IMA, 4, 2)])],
  [
    'a component in the PCR of IMA',
    'Component',
    withRelease([...replaced(RELEASE, 3, [replaced(PART, 1, 10)]), [0, IMA]]),
  ],
];

function manifestGroup(): DraftGroup {
  const input = encodeManifest(MANIFEST);
  const small = encodeCanonical(DOCUMENT);
  return {
    type: 'Manifest',
    tests: [
      valid('two releases, one of them limited', { input, value: toPlain(MANIFEST) }),
      valid('one release of one component', {
        input: small,
        value: {
          issuer: 'maker',
          model: 'meter-3',
          sequence: 7,
          minimum: 2,
          releases: [{ release: 2, version: '1.1.0', components: [component('agent', 4, A, 'boot')] }],
        },
      }),
      valid('firmware events, and files that IMA measures', {
        input: encodeManifest(WITH_PLATFORM),
        value: toPlain(WITH_PLATFORM),
      }),
      ...FAULTS.map(([comment, flag, document]) =>
        invalid(comment, flag, 'manifest.malformed', { input: encodeCanonical(document) }),
      ),
      invalid(
        'a byte behind it',
        'NotCanonical',
        'msgpack.trailing-bytes',
        { input: bytes(small, '00') },
        small.length,
      ),
      invalid(
        'an array header too long',
        'NotCanonical',
        'msgpack.not-canonical',
        { input: bytes('dc0005', small.subarray(1)) },
        0,
      ),
      invalid('nothing', 'NotCanonical', 'msgpack.truncated', { input: new Uint8Array() }, 0),
    ],
  };
}

const ED25519 = new EddsaKey('manifest');
const ECDSA = new EcdsaKey('manifest');
const PAYLOAD = encodeManifest(MANIFEST);

function envelopeGroup(): DraftGroup {
  const keyId = sha256(ED25519.spki);
  const signature = ED25519.sign(manifestMessage(PAYLOAD));
  const one = { keyId, algorithm: 'ed25519', signature } as const;
  const other = {
    keyId: sha256(ECDSA.spki),
    algorithm: 'ecdsa-p256',
    signature: ECDSA.sign(manifestMessage(PAYLOAD)),
  } as const;
  const entry: readonly MsgpackValue[] = [keyId, 1, signature];
  const malformed = (comment: string, document: MsgpackValue): DraftTest =>
    invalid(comment, 'Form', 'manifest.malformed', { input: encodeCanonical(document) });
  const good = { payload: PAYLOAD, signatures: [one] };
  const input = encodeSignedManifest(good);
  const two = { payload: PAYLOAD, signatures: [one, other] };
  return {
    type: 'SignedManifest',
    tests: [
      valid('one signature', { input, value: toPlain(good) }),
      valid('two signatures', { input: encodeSignedManifest(two), value: toPlain(two) }),
      malformed('a map', { payload: PAYLOAD }),
      malformed('no signatures at all', [PAYLOAD]),
      malformed('an empty list of signatures', [PAYLOAD, []]),
      malformed('nine signatures', [PAYLOAD, Array<MsgpackValue>(9).fill(entry)]),
      malformed('a field more', [PAYLOAD, [entry], 0]),
      malformed('the payload not wrapped', [DOCUMENT, [entry]]),
      malformed('algorithm zero', [PAYLOAD, [replaced(entry, 1, 0)]]),
      malformed('algorithm three', [PAYLOAD, [replaced(entry, 1, 3)]]),
      malformed('the algorithm as text', [PAYLOAD, [replaced(entry, 1, 'ed25519')]]),
      malformed('a key id of 20 bytes', [PAYLOAD, [replaced(entry, 0, fill(20, 1))]]),
      malformed('a signature of 63 bytes', [PAYLOAD, [replaced(entry, 2, fill(63, 1))]]),
      malformed('a signature entry of two', [PAYLOAD, [entry.slice(0, 2)]]),
      invalid(
        'a byte behind it',
        'NotCanonical',
        'msgpack.trailing-bytes',
        { input: bytes(input, '00') },
        input.length,
      ),
      invalid('cut', 'NotCanonical', 'msgpack.length', { input: input.subarray(0, -1) }, input.length - 64),
    ],
  };
}

interface Signer {
  readonly spki: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

function signatureGroup(algorithm: 'ed25519' | 'ecdsa-p256', key: Signer, other: Signer): DraftGroup {
  const keyId = sha256(key.spki);
  const signature = key.sign(manifestMessage(PAYLOAD));
  const good = { payload: PAYLOAD, keyId, signature };
  const wrong = (comment: string, flag: keyof typeof NOTES, change: Partial<typeof good>): DraftTest =>
    invalid(comment, flag, 'signature.invalid', { ...good, ...change });
  const highS = wrong('with the high s', 'Malleability', { signature: otherForm(signature) });
  return {
    type: 'ManifestSignature',
    fields: { algorithm, spki: key.spki },
    tests: [
      valid('by the trusted key', good),
      wrong('a bit of the payload flipped', 'Forged', { payload: flipped(PAYLOAD, 8 * 20) }),
      wrong('a byte behind the payload', 'Forged', { payload: bytes(PAYLOAD, '00') }),
      wrong('a bit of the signature flipped', 'Forged', { signature: flipped(signature, 100) }),
      wrong('by another key', 'Forged', { signature: other.sign(manifestMessage(PAYLOAD)) }),
      wrong('the id of another key', 'KeyId', { keyId: sha256(other.spki) }),
      wrong('an id chosen by the issuer', 'KeyId', { keyId: fill(32, 1) }),
      wrong('over the payload alone', 'Confusion', { signature: key.sign(PAYLOAD) }),
      wrong('over a hello', 'Confusion', { signature: key.sign(bytes(utf8('mtm-attest/v1 hello\0'), PAYLOAD)) }),
      ...(algorithm === 'ecdsa-p256' ? [highS] : []),
    ],
  };
}

/** Reference Values and who signed them. */
export function manifestDraft(): Draft {
  const p1363 = signatureGroup('ecdsa-p256', ECDSA, new EcdsaKey('manifest, other'));
  const named = {
    type: 'ManifestSignature',
    fields: { algorithm: 'ed25519', spki: ECDSA.spki },
    tests: [
      invalid('another algorithm than the key has', 'Confusion', 'signature.invalid', {
        payload: PAYLOAD,
        keyId: sha256(ECDSA.spki),
        signature: ECDSA.sign(manifestMessage(PAYLOAD)),
      }),
    ],
  };
  return {
    file: 'manifest',
    notes: NOTES,
    groups: [
      manifestGroup(),
      envelopeGroup(),
      signatureGroup('ed25519', ED25519, new EddsaKey('manifest, other')),
      p1363,
      named,
    ],
  };
}
