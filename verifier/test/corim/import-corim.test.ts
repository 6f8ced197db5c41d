import { createHash } from 'node:crypto';
import { encode } from 'cborg';
import { expect } from 'chai';
import fc from 'fast-check';
import { type CorimConditions, type ImportedCorim, importCorim } from '../../src/corim/import-corim.ts';
import { type VerifierCode, VerifierError } from '../../src/error.ts';
import { signer } from '../ear/fixture.ts';
import { flipped, followedBy } from '../mutation.ts';
import { expectVerifierRefusal } from '../verifier-refusal.ts';
import {
  comid,
  corim,
  ENVIRONMENT,
  HEADER,
  MEASUREMENT,
  map,
  measurement,
  NOT_AFTER,
  NOT_BEFORE,
  REFERENCE,
  SHA256,
  signed,
  TPM_PROFILE,
  tagged,
  UUID,
  UUID_TEXT,
  withTriples,
  withValues,
} from './builder.ts';

const SEED = 90_210;
const AT = (NOT_BEFORE + 1000) * 1000;
const TRIPLES = 'tags[0].triples';
const CLAIMS = `${TRIPLES}.reference-triples[0][1]`;

const read = (bytes: Uint8Array, conditions: Partial<CorimConditions> = {}): ImportedCorim =>
  importCorim(bytes, { at: AT, ...conditions });

function without(header: Readonly<Record<number, unknown>>, key: number): Readonly<Record<number, unknown>> {
  return Object.fromEntries(Object.entries(header).filter(([name]) => Number(name) !== key));
}

async function refuses(bytes: Uint8Array, code: VerifierCode, path: string): Promise<void> {
  await expectVerifierRefusal(() => read(bytes), code, path);
}

describe('an unsigned CoRIM', () => {
  it('gives its environments and their digests', () => {
    const bytes = corim();
    const { corim: document, digest, signature } = read(bytes);
    expect(signature).to.equal('absent');
    expect(digest).to.equal(createHash('sha256').update(bytes).digest('hex'));
    expect(document).to.deep.include({ id: 'a document', profile: undefined, notImported: [] });
    const [reference] = document.tags[0]?.references ?? [];
    expect(reference?.environment).to.deep.include({ classId: UUID_TEXT, vendor: undefined, instance: undefined });
    expect(reference?.measurements[0]?.key).to.equal(4);
    expect(reference?.measurements[0]?.digests).to.deep.equal(
      new Map([
        ['sha-256', '01'.repeat(32)],
        ['sha-384', '02'.repeat(48)],
      ]),
    );
  });

  it('reads every kind of value, and says by path what it does not import', () => {
    const values = {
      0: map({ 0: '1.0', 1: 16_384 }),
      1: tagged(553, 3),
      3: map({ 3: false }),
      4: tagged(560, SHA256),
      6: new Uint8Array(6),
      7: new Uint8Array(4),
      8: '1234',
      9: new Uint8Array(7),
      10: new Uint8Array(16),
      11: 'name',
      14: new Map<unknown, unknown>([
        [0, [['sha-256', SHA256]]],
        ['rtmr', [[1, SHA256]]],
      ]),
      15: 7,
    };
    const [reference] = read(withValues(values)).corim.tags[0]?.references ?? [];
    expect([...(reference?.measurements[0]?.registers?.keys() ?? [])]).to.deep.equal([0, 'rtmr']);
    const { notImported } = read(
      corim({
        1: [tagged(505, new Uint8Array(3)), comid(map({ 0: [REFERENCE], 1: [REFERENCE] }))],
        2: [map({ 0: 'x' })],
      }),
    ).corim;
    expect(notImported).to.deep.equal(['dependent-rims', 'tags[0]', 'tags[1].triples.endorsed-triples']);
  });

  const schema: readonly (readonly [string, Uint8Array])[] = [
    ['document', encode(tagged(501, [0]))],
    ['document', corim({ 9: 1 })],
    ['id', corim({ 0: 7 })],
    ['tags', corim({ 1: [] })],
    ['tags', encode(tagged(501, map({ 0: 'no tags' })))],
    ['tags[1]', corim({ 1: [comid(), new Uint8Array(3)] })],
    ['rim-validity.not-after', corim({ 4: map({ 0: tagged(1, 0) }) })],
    ['rim-validity.not-after', corim({ 4: map({ 1: 5 }) })],
    ['entities[0].role[0]', corim({ 5: [map({ 0: 'x', 2: [0] })] })],
    ['tags[0].tag-identity', corim({ 1: [tagged(506, encode(map({ 4: map({ 0: [REFERENCE] }) })))] })],
    ['tags[0]', corim({ 1: [comid(map({ 0: [REFERENCE] }), { 9: 0 })] })],
    [TRIPLES, withTriples({})],
    [TRIPLES, withTriples({ 7: [REFERENCE] })],
    [`${TRIPLES}.reference-triples`, withTriples({ 0: [] })],
    [`${TRIPLES}.reference-triples[1]`, withTriples({ 0: [REFERENCE, [ENVIRONMENT]] })],
    [`${TRIPLES}.reference-triples[0][0]`, withTriples({ 0: [[map({}), [MEASUREMENT]]] })],
    [
      `${TRIPLES}.reference-triples[0][0].class.class-id`,
      withTriples({ 0: [[map({ 0: map({ 0: 'x' }) }), [MEASUREMENT]]] }),
    ],
    [
      `${TRIPLES}.reference-triples[0][0].instance`,
      withTriples({ 0: [[map({ 1: tagged(554, 'key') }), [MEASUREMENT]]] }),
    ],
    [CLAIMS, withTriples({ 0: [[ENVIRONMENT, []]] })],
    [`${CLAIMS}[0].mval`, withTriples({ 0: [[ENVIRONMENT, [map({ 0: 1 })]]] })],
    [`${CLAIMS}[0].mkey`, withTriples({ 0: [[ENVIRONMENT, [measurement(-1, [1, SHA256])]]] })],
    [`${CLAIMS}[0].mval`, withValues({ 12: 1 })],
    [`${CLAIMS}[0].mval.digests[0][0]`, withValues({ 2: [[99, SHA256]] })],
    [`${CLAIMS}[0].mval.digests[0][1]`, withValues({ 2: [[7, SHA256]] })],
    [
      `${CLAIMS}[0].mval.digests[1]`,
      withValues({
        2: [
          [1, SHA256],
          ['sha-256', SHA256],
        ],
      }),
    ],
    [`${CLAIMS}[0].mval.integrity-registers.3`, withValues({ 14: map({ 3: [] }) })],
    [`${CLAIMS}[0].mval.integrity-registers.register`, withValues({ 14: map({ [-1]: [[1, SHA256]] }) })],
    [`${CLAIMS}[0].mval.flags.3`, withValues({ 3: map({ 3: 1 }) })],
    [`${CLAIMS}[0].mval.svn`, withValues({ 1: -1 })],
    [`${TRIPLES}.attest-key-triples[0][1][0]`, withTriples({ 3: [[ENVIRONMENT, [tagged(554, 'no key')]]] })],
    [`${TRIPLES}.attest-key-triples[0][1][0]`, withTriples({ 3: [[ENVIRONMENT, [tagged(558, map({ 1: 2 }))]]] })],
  ];
  for (const [path, bytes] of schema) {
    it(`is refused at ${path} (${createHash('sha256').update(bytes).digest('hex').slice(0, 8)})`, async () => {
      await refuses(bytes, 'corim.schema', path);
    });
  }

  it('is refused outside its validity', async () => {
    const bytes = corim({ 4: map({ 0: tagged(1, NOT_BEFORE), 1: tagged(1, NOT_AFTER) }) });
    expect(read(bytes, { at: NOT_BEFORE * 1000 }).corim.validity).to.deep.equal({
      notBefore: NOT_BEFORE * 1000,
      notAfter: NOT_AFTER * 1000,
    });
    expect(read(bytes, { at: NOT_AFTER * 1000 }).signature).to.equal('absent');
    for (const at of [NOT_BEFORE * 1000 - 1, NOT_AFTER * 1000 + 1]) {
      await expectVerifierRefusal(() => read(bytes, { at }), 'corim.validity', 'rim-validity');
    }
  });

  it('is refused where a key is given, under a profile that nobody knows, and without its tag', async () => {
    await expectVerifierRefusal(() => read(corim(), { key: signer().key }), 'corim.signature', 'document');
    await refuses(corim({ 3: tagged(32, 'http://profile.example'), [-1]: 0 }), 'corim.profile', 'profile');
    await refuses(encode(map({ 0: 'a document', 1: [comid()] })), 'corim.form', 'document');
    await refuses(new Uint8Array(1_048_577), 'corim.limit', 'document');
  });

  it('a broken tag inside is refused with its place and the byte', async () => {
    await refuses(corim({ 1: [tagged(506, new Uint8Array([0xa1, 0x00]))] }), 'corim.cbor', 'tags[0]');
  });
});

describe('the Parsec TPM profile', () => {
  const key = tagged(554, signer().privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const instance = map({ 0: map({ 0: UUID }), 1: tagged(560, SHA256) });

  it('takes PCR numbers as keys, and one key for each instance', () => {
    const { corim: document } = read(withTriples({ 0: [REFERENCE], 3: [[instance, [key]]] }, TPM_PROFILE));
    expect(document.profile).to.equal('tag:github.com/parallaxsecond,2023-03-03:tpm');
    expect(document.tags[0]?.attestKeys[0]?.keys[0]?.form).to.equal('pkix-key');
  });

  const oid = map({ 0: map({ 0: tagged(111, new Uint8Array([1, 2])) }), 1: tagged(560, SHA256) });
  const broken: readonly (readonly [string, Readonly<Record<number, unknown>>])[] = [
    [`${TRIPLES}.reference-triples[0][0].class.class-id`, { 0: [[oid, [MEASUREMENT]]] }],
    [`${CLAIMS}[0].mkey`, { 0: [[ENVIRONMENT, [measurement(UUID, [1, SHA256])]]] }],
    [`${CLAIMS}[1].mkey`, { 0: [[ENVIRONMENT, [MEASUREMENT, measurement(24, [1, SHA256])]]] }],
    [`${CLAIMS}[0].mkey`, { 0: [[ENVIRONMENT, [measurement(undefined, [1, SHA256])]]] }],
    [`${CLAIMS}[0].mval.digests`, { 0: [[ENVIRONMENT, [map({ 0: 1, 1: map({ 8: '1' }) })]]] }],
    [`${TRIPLES}.attest-key-triples[0][0].instance`, { 3: [[ENVIRONMENT, [key]]] }],
    [`${TRIPLES}.attest-key-triples[0][1]`, { 3: [[instance, [key, key]]] }],
    [`${TRIPLES}.attest-key-triples[0][1][0]`, { 3: [[instance, [tagged(560, SHA256)]]] }],
  ];
  for (const [path, triples] of broken) {
    it(`is broken at ${path} (${Object.keys(triples).join()})`, async () => {
      await refuses(withTriples(triples, TPM_PROFILE), 'corim.profile', path);
      expect(read(withTriples(triples)).corim.tags).to.have.length(1);
    });
  }
});

describe('a signed CoRIM', () => {
  const maker = signer();

  it('is read under the key of its signer, with who signed and until when', () => {
    const { signature, header } = read(signed(maker), { key: maker.key });
    expect(signature).to.equal('verified');
    expect(header).to.deep.equal({
      algorithm: 'ES256',
      keyId: '0102',
      signer: 'a signer',
      validities: [{ notBefore: NOT_BEFORE * 1000, notAfter: NOT_AFTER * 1000 }],
    });
    const p384 = signer('P-384');
    expect(read(signed(p384, corim(), { ...HEADER, 1: -35 }), { key: p384.key }).signature).to.equal('verified');
    expect(read(signed(maker)).signature).to.equal('notChecked');
  });

  it('may name its signer by CWT claims, and then both times must hold', async () => {
    const claims: Readonly<Record<number, unknown>> = { ...HEADER, 15: map({ 1: 'issuer', 4: NOT_BEFORE + 10 }) };
    const bytes = signed(maker, corim(), claims);
    expect(read(bytes, { at: (NOT_BEFORE + 9) * 1000 }).header?.validities).to.have.length(2);
    await expectVerifierRefusal(() => read(bytes, { at: (NOT_BEFORE + 11) * 1000 }), 'corim.validity', 'protected');
    expect(read(signed(maker, corim(), without(claims, 8)), { at: NOT_BEFORE * 1000 }).header?.signer).to.equal(
      'issuer',
    );
  });

  it('is refused under another key, another algorithm than the key has, or with any bit changed (F-68)', async () => {
    const bytes = signed(maker);
    await expectVerifierRefusal(() => read(bytes, { key: signer().key }), 'corim.signature', 'signature');
    await expectVerifierRefusal(() => read(bytes, { key: signer('P-384').key }), 'corim.algorithm', 'protected.alg');
    for (let bit = 0; bit < bytes.length * 8; bit += 7) {
      expect(() => read(flipped(bytes, bit), { key: maker.key }), `bit ${bit}`).to.throw(VerifierError);
    }
    expect(() => read(followedBy(bytes, 0), { key: maker.key })).to.throw(VerifierError);
  });

  it('does not decode a payload that nobody signed', async () => {
    const [head, unprotected, , signature] = [encode(map(HEADER)), map({}), 0, new Uint8Array(64).fill(1)];
    const bytes = encode(tagged(18, [head, unprotected, new Uint8Array([0xff]), signature]));
    await expectVerifierRefusal(() => read(bytes, { key: maker.key }), 'corim.signature', 'signature');
    await expectVerifierRefusal(() => read(bytes), 'corim.cbor', 'payload');
  });

  const headers: readonly (readonly [string, VerifierCode, Readonly<Record<number, unknown>>])[] = [
    ['protected.alg', 'corim.header', { ...HEADER, 1: -257 }],
    ['protected.alg', 'corim.header', without(HEADER, 1)],
    ['protected.content-type', 'corim.header', { ...HEADER, 3: 'application/cbor' }],
    ['protected.crit', 'corim.header', { ...HEADER, 2: [99] }],
    ['protected.payload-hash-alg', 'corim.header', { ...HEADER, 258: -16 }],
    ['protected', 'corim.header', without(HEADER, 8)],
    ['protected.corim-meta', 'corim.schema', { ...HEADER, 8: map({}) }],
    ['protected.corim-meta', 'corim.cbor', { ...HEADER, 8: new Uint8Array([0xff]) }],
    ['protected.corim-meta.signer', 'corim.schema', { ...HEADER, 8: encode(map({ 1: map({ 1: tagged(1, 1) }) })) }],
  ];
  for (const [path, code, header] of headers) {
    it(`is refused with ${code} at ${path} (${Object.keys(header).join()})`, async () => {
      await refuses(signed(maker, corim(), header), code, path);
    });
  }

  it('has nothing that decides outside the signature', async () => {
    const outside = signed(maker, corim(), HEADER, map({ 8: HEADER[8] }));
    await refuses(outside, 'corim.header', 'unprotected.corim-meta');
    expect(read(signed(maker, corim(), HEADER, map({ 4: SHA256, 99: 1 })), { key: maker.key }).signature).to.equal(
      'verified',
    );
  });

  it('holds a tagged CoRIM, in four parts', async () => {
    await refuses(signed(maker, encode(map({ 0: 'x', 1: [comid()] }))), 'corim.schema', 'payload');
    await refuses(encode(tagged(18, [encode(map(HEADER)), map({}), corim()])), 'corim.schema', 'document');
    await refuses(
      encode(tagged(18, [encode(map(HEADER)), map({}), null, new Uint8Array(64)])),
      'corim.schema',
      'payload',
    );
  });

  it('any bytes and any altered document are read or refused with a code', () => {
    const documents = [corim(), signed(maker), withTriples({ 0: [REFERENCE] }, TPM_PROFILE)];
    const altered = fc
      .tuple(fc.constantFrom(...documents), fc.array(fc.nat(100_000), { minLength: 1, maxLength: 4 }))
      .map(([bytes, bits]) => bits.reduce((before, bit) => flipped(before, bit % (bytes.length * 8)), bytes));
    const cut = fc
      .tuple(fc.constantFrom(...documents), fc.nat(1000))
      .map(([bytes, length]) => bytes.subarray(0, length % bytes.length));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), altered, cut), (bytes) => {
        try {
          read(bytes);
        } catch (error) {
          expect(error).to.be.instanceOf(VerifierError);
        }
      }),
      { seed: SEED, numRuns: 10_000 },
    );
  });
});
