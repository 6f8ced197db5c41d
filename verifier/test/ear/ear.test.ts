import { createHmac, sign } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import { signEar } from '../../src/ear/ear-jwt.ts';
import { makeEar, type TerminalStanding } from '../../src/ear/make-ear.ts';
import { readPublicJwk } from '../../src/ear/public-jwk.ts';
import { type Ear, type ReadEar, readEar } from '../../src/ear/read-ear.ts';
import { VerifierError } from '../../src/error.ts';
import { flipped } from '../mutation.ts';
import { expectVerifierRefusal } from '../verifier-refusal.ts';
import { type Signer, signer } from './fixture.ts';

const SEED = 7_331;
const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const NOW_SECONDS = Math.floor(NOW / 1000);

const TRUSTED: TerminalStanding = {
  terminal: 'meter-7',
  compartment: 'mrtm',
  verdict: 'trusted',
  codes: ['boot.new'],
  class: 'tpm-endorsed',
};
const CONTEXT = { now: NOW, lifeSeconds: 300, build: 'mtm-verifier 1.2.3', nonce: new Uint8Array(32).fill(7) };

const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const segment = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A JWT with any header, rightly signed with ECDSA over P-256. */
function jwt(header: unknown, claims: unknown, { privateKey }: Signer): string {
  const input = `${segment(header)}.${segment(claims)}`;
  return `${input}.${sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

const MINIMAL = {
  eat_profile: 'tag:ietf.org,2026:rats/ear#03',
  iat: NOW_SECONDS,
  ear_verifier_id: { developer: 'somebody', build: '1' },
  submods: { one: { ear_status: 'warning', ear_trustworthiness_vector: { executables: 33 } } },
};

const bare = (claims: unknown): Promise<ReadEar> => readEar(bytesOf(JSON.stringify(claims)), { at: NOW });

describe('EAR', () => {
  const verifier = signer();

  const exported = (...standings: readonly TerminalStanding[]): Promise<string> =>
    signEar(makeEar(standings, CONTEXT), verifier.privateKey);

  const read = async (token: string, at = NOW): Promise<Ear> => {
    const { ear, signature } = await readEar(bytesOf(token), { key: verifier.key, at });
    expect(signature).to.equal('verified');
    return ear;
  };

  it('what is exported reads as what was known, under the profile of the draft', async () => {
    const untrusted = { ...TRUSTED, terminal: 'meter-8', verdict: 'untrusted', codes: ['component.digest'] } as const;
    const ear = await read(await exported(TRUSTED, untrusted));
    expect(ear).to.deep.include({
      profile: 'tag:ietf.org,2026:rats/ear#03',
      issuedAt: NOW_SECONDS,
      expiresAt: NOW_SECONDS + 300,
      verifier: { developer: 'mtm-attest', build: 'mtm-verifier 1.2.3' },
      nonces: [Buffer.alloc(32, 7).toString('base64url')],
    });
    expect(Object.fromEntries(ear.submodules)).to.deep.equal({
      'meter-7/mrtm': {
        status: 'affirming',
        vector: { 'instance-identity': 2, executables: 2, hardware: 2 },
        policies: ['mtm-attest.v1/appraisal'],
      },
      'meter-8/mrtm': {
        status: 'contraindicated',
        vector: { 'instance-identity': 0, executables: 96 },
        policies: ['mtm-attest.v1/appraisal'],
      },
    });
  });

  it('carries our own words in one extension, which is a map', () => {
    const { submods } = makeEar([TRUSTED], CONTEXT) as { submods: Record<string, Record<string, unknown>> };
    expect(submods['meter-7/mrtm']?.['mtm_attest']).to.deep.equal({
      verdict: 'trusted',
      codes: ['boot.new'],
      class: 'tpm-endorsed',
    });
  });

  it('no signature holds under another key, nor with any bit of the token changed', async () => {
    const token = await exported(TRUSTED);
    const other = signer();
    await expectVerifierRefusal(() => readEar(bytesOf(token), { key: other.key, at: NOW }), 'ear.signature');
    const bytes = bytesOf(token);
    for (let bit = 0; bit < bytes.length * 8; bit += 37) {
      const refused = await readEar(flipped(bytes, bit), { key: verifier.key, at: NOW }).catch(
        (error: unknown) => error,
      );
      expect(refused, `bit ${bit}`).to.be.instanceOf(VerifierError);
    }
  });

  it('the key says which algorithm: none, HS256 with the public key as secret, and ES384 are refused (F-68)', async () => {
    const claims = makeEar([TRUSTED], CONTEXT);
    await expectVerifierRefusal(() => read(jwt({ alg: 'none' }, claims, verifier)), 'ear.algorithm');
    await expectVerifierRefusal(() => read(jwt({ alg: 'ES384' }, claims, verifier)), 'ear.algorithm');
    const input = `${segment({ alg: 'HS256' })}.${segment(claims)}`;
    const mac = createHmac('sha256', verifier.jwk).update(input).digest('base64url');
    await expectVerifierRefusal(() => read(`${input}.${mac}`), 'ear.algorithm');
    await expectVerifierRefusal(
      () => readEar(bytesOf(jwt({ alg: 'ES256' }, claims, verifier)), { key: signer('P-384').key, at: NOW }),
      'ear.algorithm',
    );
  });

  it('a header with a critical extension that nobody knows is refused', async () => {
    await expectVerifierRefusal(() => read(jwt({ alg: 'ES256', crit: ['x'], x: 1 }, MINIMAL, verifier)), 'ear.form');
  });

  it('has three segments, each in the one base64url form', async () => {
    const token = await exported(TRUSTED);
    const [header = '', claims = '', signature = ''] = token.split('.');
    const wrong = [
      `.${token}`,
      `${token}.x`,
      `${header}.${claims}`,
      `${token}=`,
      `${header}.${claims} .${signature}`,
      '',
    ];
    for (const one of wrong) await expectVerifierRefusal(() => read(one), 'ear.form');
    for (const one of wrong) await expectVerifierRefusal(() => readEar(bytesOf(one), { at: NOW }), 'ear.form');
    expect((await read(` ${token}\n`)).submodules.size).to.equal(1);
  });

  it('is valid until exp, from nbf', async () => {
    const token = await exported(TRUSTED);
    const end = (NOW_SECONDS + 300) * 1000;
    expect((await read(token, end - 1)).submodules.size).to.equal(1);
    await expectVerifierRefusal(() => read(token, end), 'ear.expired', 'exp');
    await expectVerifierRefusal(() => bare({ ...MINIMAL, nbf: NOW_SECONDS + 1 }), 'ear.expired', 'nbf');
  });

  it('bare claims are read and called unverified; with a key they are refused', async () => {
    expect(await bare(MINIMAL)).to.have.property('signature', 'notChecked');
    const withKey = (): unknown => readEar(bytesOf(JSON.stringify(MINIMAL)), { key: verifier.key, at: NOW });
    await expectVerifierRefusal(withKey, 'ear.signature');
    const unchecked = await readEar(bytesOf(await exported(TRUSTED)), { at: NOW });
    expect(unchecked).to.have.property('signature', 'notChecked');
  });

  it('names the claim that is missing or of another form', async () => {
    const wrong: readonly (readonly [string, unknown])[] = [
      ['eat_profile', { ...MINIMAL, eat_profile: undefined }],
      ['iat', { ...MINIMAL, iat: undefined }],
      ['iat', { ...MINIMAL, iat: 1.5 }],
      ['exp', { ...MINIMAL, exp: 'soon' }],
      ['eat_nonce', { ...MINIMAL, eat_nonce: 'short' }],
      ['ear_verifier_id', { ...MINIMAL, ear_verifier_id: undefined }],
      ['ear_verifier_id.build', { ...MINIMAL, ear_verifier_id: { developer: 'x' } }],
      ['submods', { ...MINIMAL, submods: undefined }],
      ['submods', { ...MINIMAL, submods: {} }],
      ['submods', { ...MINIMAL, submods: [] }],
      ['submods.one', { ...MINIMAL, submods: { one: 'affirming' } }],
      ['submods.one.ear_status', { ...MINIMAL, submods: { one: {} } }],
      ['submods.one.ear_status', { ...MINIMAL, submods: { one: { ear_status: 2 } } }],
      [
        'submods.one.ear_trustworthiness_vector.hardware',
        { ...MINIMAL, submods: { one: { ear_status: 'none', ear_trustworthiness_vector: { hardware: 128 } } } },
      ],
      [
        'submods.one.ear_appraisal_policy_ids',
        { ...MINIMAL, submods: { one: { ear_status: 'none', ear_appraisal_policy_ids: [] } } },
      ],
    ];
    for (const [path, claims] of wrong) await expectVerifierRefusal(() => bare(claims), 'ear.claims', path);
    await expectVerifierRefusal(
      () => bare({ ...MINIMAL, eat_profile: 'tag:ietf.org,2026:rats/ear#04' }),
      'ear.profile',
    );
  });

  it('a status never claims more than its vector, nor the whole more than its worst part', async () => {
    const part = { ear_status: 'affirming', ear_trustworthiness_vector: { executables: 33 } };
    const path = 'submods.one.ear_status';
    await expectVerifierRefusal(() => bare({ ...MINIMAL, submods: { one: part } }), 'ear.status', path);
    await expectVerifierRefusal(() => bare({ ...MINIMAL, ear_status: 'affirming' }), 'ear.status', 'ear_status');
    expect(await bare({ ...MINIMAL, ear_status: 'warning' })).to.have.nested.property('ear.status', 'warning');
  });

  it('a submodule counts whatever it is called', async () => {
    const submods =
      '{"good":{"ear_status":"affirming"},"__proto__":{"ear_status":"contraindicated"},"constructor":{"ear_status":"none"}}';
    const text = JSON.stringify({ ...MINIMAL, submods: 0 }).replace('"submods":0', `"submods":${submods}`);
    const { ear } = await readEar(bytesOf(text), { at: NOW });
    expect([...ear.submodules.keys()]).to.have.members(['good', '__proto__', 'constructor']);
    expect(ear.submodules.get('__proto__')?.status).to.equal('contraindicated');
  });

  it('any bytes and any altered claims are read or refused with a code; nesting without end is no stack', async () => {
    const depths = ['['.repeat(500_000), '{"a":'.repeat(200_000), `{"submods":${'['.repeat(500_000)}`];
    for (const text of depths) await expectVerifierRefusal(() => readEar(bytesOf(text), { at: NOW }), 'ear.form');
    const deep = JSON.stringify({ ...MINIMAL, other: 0 }).replace(
      '"other":0',
      `"other":${'['.repeat(9000)}${']'.repeat(9000)}`,
    );
    expect(await readEar(bytesOf(deep), { at: NOW })).to.have.property('signature', 'notChecked');
    const token = bytesOf(jwt({ alg: 'ES256' }, MINIMAL, verifier));
    const claims = bytesOf(JSON.stringify(MINIMAL));
    const altered = fc
      .tuple(fc.constantFrom(token, claims), fc.nat(100_000))
      .map(([bytes, bit]) => flipped(bytes, bit % (bytes.length * 8)));
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 200 }), altered), async (bytes) => {
        const key = bytes[0] === 0x7b ? undefined : verifier.key;
        const outcome = await readEar(bytes, { key, at: NOW }).catch((error: unknown) => error);
        if (outcome instanceof Error) expect(outcome).to.be.instanceOf(VerifierError);
      }),
      { seed: SEED, numRuns: 2000 },
    );
  });
});

describe('a public JWK', () => {
  it('on P-256 or P-384 fixes the algorithm (F-68)', () => {
    expect(signer().key.algorithm).to.equal('ES256');
    expect(signer('P-384').key.algorithm).to.equal('ES384');
  });

  it('of another kind, off its curve, or for another algorithm is refused', async () => {
    const good = JSON.parse(signer().jwk) as Record<string, string>;
    const wrong = [
      '',
      '[]',
      '{}',
      JSON.stringify({ kty: 'oct', k: 'c2VjcmV0' }),
      JSON.stringify({ kty: 'OKP', crv: 'Ed25519', x: Buffer.alloc(32).toString('base64url') }),
      JSON.stringify({ ...good, crv: 'secp256k1' }),
      JSON.stringify({ ...good, alg: 'HS256' }),
      JSON.stringify({ ...good, x: Buffer.alloc(32, 1).toString('base64url') }),
      JSON.stringify({ ...good, y: undefined }),
    ];
    for (const text of wrong) await expectVerifierRefusal(() => readPublicJwk(text), 'key.jwk');
  });
});
