import {
  AK_ATTRIBUTES,
  activationProof,
  fromHex,
  type Message,
  type Public,
  p256AkArea,
  TERMINAL_CLASSES,
  type TerminalClass,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { expect } from 'chai';
import { TestTerminal } from '../appraisal/terminal.ts';
import { TestEndpoint } from '../endpoint/endpoint.ts';
import type { ReceivedChallenge, TerminalClient } from '../endpoint/terminal-client.ts';
import { DAY_MS } from '../store/fixture.ts';
import { TestEk } from './test-ek.ts';

const REFUSED = ['enrolment.refused', 1008];
const { sha256 } = nodeCrypto;

describe('an enrolment of a terminal with a TPM', () => {
  let endpoint: TestEndpoint;
  let terminal: TestTerminal;
  let ek: TestEk;
  let secret: Uint8Array;
  beforeEach(async () => {
    endpoint = await TestEndpoint.start();
    terminal = new TestTerminal().bootRelease();
    ek = new TestEk('ek of t-1');
    secret = await tokenOf('tpm-unproven');
  });
  afterEach(async () => {
    expect(endpoint.errors).to.deep.equal([]);
    await endpoint.stop();
  });

  const tokenOf = (terminalClass: TerminalClass, id = 't-1'): Promise<Uint8Array> =>
    endpoint.token(id, DAY_MS, terminalClass);

  /** A connection that asked for enrolment. */
  async function asked(changes: Partial<Message<'enrol'>> = {}, one = terminal): Promise<TerminalClient> {
    const client = await endpoint.connect();
    await client.expect('greeting');
    client.send({
      type: 'enrol',
      terminal: one.id,
      token: secret,
      akPublic: one.ak.akPublic(),
      sessionKey: one.session.spki(),
      ...changes,
    });
    return client;
  }

  /** What the TPM of this endorsement key finds in a challenge. */
  function opened({ message }: ReceivedChallenge, by = ek, akName = terminal.akName): Uint8Array | undefined {
    const { credential, encryptedSecret } = message;
    if (credential === undefined || encryptedSecret === undefined) return expect.fail('no credential');
    return by.open(credential, encryptedSecret, akName);
  }

  function proofOf(challenge: ReceivedChallenge): Uint8Array {
    return activationProof(opened(challenge) ?? expect.fail('not for this key'), sha256);
  }

  function answer(
    client: TerminalClient,
    challenge: ReceivedChallenge,
    activation: Uint8Array | undefined,
    one = terminal,
  ): void {
    const quote = one.quote(challenge, client.binding, { tokenDigest: sha256(secret), activation });
    client.send({ type: 'evidence', challenge: challenge.id, ...quote, log: new Uint8Array() });
  }

  async function enrolled(one = terminal): Promise<void> {
    const client = await asked({ ek: ek.area() }, one);
    const challenge = await client.challenge();
    answer(client, challenge, activationProof(opened(challenge, ek, one.akName) ?? expect.fail(), sha256), one);
    await client.expect('enrolled');
  }

  /** Nobody is enrolled, the token is still there, and the operator was told. */
  async function expectNothingBut(...alarms: readonly string[]): Promise<void> {
    const { db } = endpoint.store;
    expect(await db.selectFrom('terminals').select('terminal').execute()).to.deep.equal([]);
    expect(await db.selectFrom('tokens').select('ak_name').where('ak_name', 'is not', null).execute()).to.deep.equal(
      [],
    );
    expect((await endpoint.alarms()).map(([code]) => code)).to.deep.equal(alarms);
  }

  it('proves in one exchange that the AK lives beside the endorsement key, whose Name is kept', async () => {
    await enrolled();
    const row = await endpoint.row(terminal);
    expect([row.class, row.ekName]).to.deep.equal(['tpm-unproven', ek.name]);
    expect((await (await endpoint.proven(terminal)).audited(terminal)).verdict).to.equal('trusted');
  });

  it('has another credential in every challenge (F-02)', async () => {
    const challenges = [];
    for (let i = 0; i < 3; i++) challenges.push(await (await asked({ ek: ek.area() })).challenge());
    const secrets = challenges.map((challenge) => String(opened(challenge)));
    expect(new Set(secrets).size).to.equal(3);
    expect(opened(challenges[0] ?? expect.fail())).to.have.length(32);
  });

  it('challenges so that no other endorsement key, and the same one for no other AK, finds the secret (F-08)', async () => {
    const challenge = await (await asked({ ek: ek.area() })).challenge();
    expect(opened(challenge, new TestEk('another'))).to.equal(undefined);
    expect(opened(challenge, ek, new TestTerminal('t-1', 'other').akName)).to.equal(undefined);
  });

  describe('is refused, and the operator told, for an activation', () => {
    const wrong: readonly (readonly [string, (challenge: ReceivedChallenge) => Uint8Array | undefined])[] = [
      ['that is absent: the AK is in no TPM that is known (F-09)', () => undefined],
      ['that is guessed', () => new Uint8Array(32)],
      ['that is the secret itself (F-11)', (challenge) => opened(challenge)],
      ['that is a hash of the secret without its label', (challenge) => sha256(opened(challenge) ?? new Uint8Array())],
      ...[0, 17, 31].map(
        (at) =>
          [
            `with a bit of byte ${at} changed`,
            (challenge: ReceivedChallenge) => proofOf(challenge).map((byte, i) => (i === at ? byte ^ 0x10 : byte)),
          ] as const,
      ),
    ];
    for (const [what, activation] of wrong) {
      it(what, async () => {
        const client = await asked({ ek: ek.area() });
        const challenge = await client.challenge();
        answer(client, challenge, activation(challenge));
        expect(await client.refused()).to.deep.equal(REFUSED);
        await expectNothingBut('enrolment.unproven');
      });
    }

    it('that answers the credential of another challenge (F-01)', async () => {
      const first = await asked({ ek: ek.area() });
      const old = proofOf(await first.challenge());
      const second = await asked({ ek: ek.area() });
      answer(second, await second.challenge(), old);
      expect(await second.refused()).to.deep.equal(REFUSED);
      await expectNothingBut('enrolment.unproven');
    });

    it('that was made under the token of another terminal', async () => {
      const other = new TestTerminal('t-2').bootRelease();
      const token = await tokenOf('tpm-unproven', 't-2');
      const client = await asked({ ek: ek.area(), token }, other);
      const proof = activationProof(opened(await client.challenge(), ek, other.akName) ?? expect.fail(), sha256);
      const mine = await asked({ ek: ek.area() });
      answer(mine, await mine.challenge(), proof);
      expect(await mine.refused()).to.deep.equal(REFUSED);
      await expectNothingBut('enrolment.unproven');
    });
  });

  it('is refused where the proof stands in claims that the quote does not cover', async () => {
    const client = await asked({ ek: ek.area() });
    const challenge = await client.challenge();
    const context = { claimsDigest: sha256(new Uint8Array(1)) };
    const lies = { tokenDigest: sha256(secret), activation: proofOf(challenge), context };
    const quote = terminal.quote(challenge, client.binding, lies);
    client.send({ type: 'evidence', challenge: challenge.id, ...quote, log: new Uint8Array() });
    expect(await client.refused()).to.deep.equal(REFUSED);
    await expectNothingBut();
  });

  describe('is refused, and the operator told, for an endorsement key', () => {
    const areas: readonly (readonly [string, (key: TestEk) => Uint8Array])[] = [
      ['that signs (F-09)', (key) => key.area({ attributes: 0x000700b2 })],
      ['that is not restricted', (key) => key.area({ attributes: 0x000200b2 })],
      ['that can leave its TPM', (key) => key.area({ attributes: 0x000300b0 })],
      ['that a password opens', (key) => key.area({ attributes: 0x000300f2 })],
      ['with another policy', (key) => key.area({ authPolicy: new Uint8Array(32) })],
      ['with no policy', (key) => key.area({ authPolicy: new Uint8Array() })],
      ['that is no point (F-62)', (key) => withParameters(key, { y: new Uint8Array(32).fill(1) })],
      ['that is an attestation key', () => p256AkArea(new Uint8Array(32), new Uint8Array(32), AK_ATTRIBUTES)],
      ['with a byte behind it (F-19)', (key) => Uint8Array.of(...key.area(), 0)],
      ['that is cut off', (key) => key.area().subarray(0, 100)],
      ['of noise', () => new Uint8Array(1024).fill(0xff)],
      ['of RSA with exponent 3 (F-10)', (key) => rsa(key, 2048, 3)],
      ['of RSA 1024 (F-10)', (key) => rsa(key, 1024, 0)],
    ];
    for (const [what, area] of areas) {
      it(what, async () => {
        const client = await asked({ ek: area(ek) });
        expect(await client.refused()).to.deep.equal(REFUSED);
        await expectNothingBut('enrolment.unproven');
      });
    }
  });

  it('is refused for an AK whose Name no credential can be made for', async () => {
    const client = await asked({ ek: ek.area(), akPublic: withNameAlg(terminal.ak.akPublic()) });
    expect(await client.refused()).to.deep.equal(REFUSED);
    await expectNothingBut('enrolment.unproven');
  });

  describe('is of the class that the token says, and of no other', () => {
    it('a terminal without a TPM gets nowhere with a token for one', async () => {
      for (const changes of [{}, { ekCertificate: new Uint8Array(600) }]) {
        expect(await (await asked(changes)).refused()).to.deep.equal(REFUSED);
      }
      await expectNothingBut('enrolment.unproven');
    });

    for (const terminalClass of ['simulated', 'software'] as const) {
      it(`an endorsement key raises nobody above a token for ${terminalClass}`, async () => {
        secret = await tokenOf(terminalClass);
        for (const changes of [{ ek: ek.area() }, { ekCertificate: new Uint8Array(600) }]) {
          expect(await (await asked(changes)).refused()).to.deep.equal(REFUSED);
        }
        const client = await asked();
        const challenge = await client.challenge();
        expect(challenge.message).to.not.have.any.keys('credential', 'encryptedSecret');
        answer(client, challenge, new Uint8Array(32));
        expect(await client.refused(), 'a proof that nobody asked for').to.deep.equal(REFUSED);
        await expectNothingBut('enrolment.unproven');
      });
    }

    it('tpm-endorsed enrols nobody while no root is known, whatever is sent (F-07)', async () => {
      secret = await tokenOf('tpm-endorsed');
      for (const changes of [{}, { ek: ek.area() }, { ek: ek.area(), ekCertificate: new Uint8Array(600).fill(0x30) }]) {
        expect(await (await asked(changes)).refused()).to.deep.equal(['enrolment.not-endorsed', 1008]);
      }
      await expectNothingBut('enrolment.unproven');
    });

    it('there is no other class', () => {
      expect(TERMINAL_CLASSES).to.deep.equal(['simulated', 'software', 'tpm-unproven', 'tpm-endorsed']);
    });
  });

  it('is answered the same for the same keys, and is none with another endorsement key', async () => {
    await enrolled();
    const before = await endpoint.row(terminal);
    await enrolled();
    ek = new TestEk('another');
    const client = await asked({ ek: ek.area() });
    const challenge = await client.challenge();
    answer(client, challenge, proofOf(challenge));
    expect(await client.refused()).to.deep.equal(['enrolment.token-invalid', 1008]);
    expect(await endpoint.row(terminal)).to.deep.equal(before);
  });

  it('is refused under a second name: one TPM, or a copy of it, is one terminal (F-07)', async () => {
    await enrolled();
    const copy = new TestTerminal('t-2').bootRelease();
    secret = await tokenOf('tpm-unproven', 't-2');
    const client = await asked({ ek: ek.area() }, copy);
    const challenge = await client.challenge();
    answer(client, challenge, activationProof(opened(challenge, ek, copy.akName) ?? expect.fail(), sha256), copy);
    expect(await client.refused()).to.deep.equal(REFUSED);
    expect(await endpoint.alarms()).to.deep.equal([['enrolment.ek-reused', 't-2', 1]]);
    ek = new TestEk('its own');
    await enrolled(copy);
    expect((await endpoint.row(copy)).ekName).to.deep.equal(ek.name);
  });

  it('of the same terminal anew, with a new token, keeps the endorsement key or takes another one', async () => {
    await enrolled();
    secret = await tokenOf('tpm-unproven');
    terminal = new TestTerminal('t-1', 'new keys').bootRelease();
    await enrolled();
    secret = await tokenOf('tpm-unproven');
    ek = new TestEk('of a new board');
    await enrolled();
    expect((await endpoint.row(terminal)).ekName).to.deep.equal(ek.name);
    secret = await tokenOf('software');
    const client = await asked();
    answer(client, await client.challenge(), undefined);
    await client.expect('enrolled');
    const { class: terminalClass, ekName } = await endpoint.row(terminal);
    expect([terminalClass, ekName]).to.deep.equal(['software', undefined]);
  });
});

function withParameters(key: TestEk, change: { readonly y: Uint8Array }): Uint8Array {
  const { parameters } = key.public;
  if (parameters.type !== 'ecc') return expect.fail('another kind of key');
  return key.area({ parameters: { ...parameters, ...change } });
}

function rsa(key: TestEk, keyBits: number, exponent: number): Uint8Array {
  const { parameters } = key.public;
  if (parameters.type !== 'ecc') return expect.fail('another kind of key');
  const { symmetric, scheme } = parameters;
  const changed: Public['parameters'] = {
    type: 'rsa',
    symmetric,
    scheme,
    keyBits,
    exponent,
    modulus: new Uint8Array(keyBits / 8).fill(0xff),
  };
  return key.area({ parameters: changed });
}

/** The same key under a Name of SHA-384. */
function withNameAlg(area: Uint8Array): Uint8Array {
  return Uint8Array.of(...area.subarray(0, 2), ...fromHex('000c'), ...area.subarray(4));
}
