import { generateKeyPairSync, sign } from 'node:crypto';
import {
  attestationKey,
  equalBytes,
  nameOf,
  nvName,
  p256AkArea,
  parseAttest,
  parsePublic,
  parseSelectionText,
  parseSignature,
  policyDigest,
  primaryQualifiedName,
  TPM_ALG,
  TPM_RH,
  verifyQuote,
  Writer,
  writePcrSelection,
  writeSignature,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { expect } from 'chai';
import { Secret } from '../../src/secret.ts';
import { handlesOf } from '../../src/tpm2/capabilities.ts';
import type { TpmClient } from '../../src/tpm2/client.ts';
import { CERTIFY, NV_CERTIFY, QUOTE } from '../../src/tpm2/command/attestation.ts';
import { ENDORSEMENT, LOCKOUT, OWNER, permanent } from '../../src/tpm2/command/command.ts';
import { CLEAR, GET_RANDOM, HIERARCHY_CHANGE_AUTH, READ_CLOCK, SELF_TEST } from '../../src/tpm2/command/machine.ts';
import {
  NV_DEFINE_SPACE,
  NV_EXTEND,
  NV_INCREMENT,
  NV_READ,
  NV_READ_PUBLIC,
  NV_UNDEFINE_SPACE,
  NV_WRITE,
} from '../../src/tpm2/command/nv.ts';
import {
  ACTIVATE_CREDENTIAL,
  EVICT_CONTROL,
  LOAD_EXTERNAL,
  MAKE_CREDENTIAL,
  READ_PUBLIC,
  SIGN,
  VERIFY_SIGNATURE,
} from '../../src/tpm2/command/object.ts';
import { PCR_EXTEND, PCR_READ, PCR_RESET } from '../../src/tpm2/command/pcr.ts';
import {
  POLICY_AUTHORIZE,
  POLICY_COMMAND_CODE,
  POLICY_GET_DIGEST,
  POLICY_NV,
  POLICY_OR,
  POLICY_PCR,
  POLICY_SECRET,
} from '../../src/tpm2/command/policy.ts';
import { COMPARISON, HANDLE_KIND, NV_ATTRIBUTE, TPM_CC } from '../../src/tpm2/constants.ts';
import { createPrimary, withPrimary, withSession } from '../../src/tpm2/loaded.ts';
import { isRefusal } from '../../src/tpm2/response-code.ts';
import type { Session } from '../../src/tpm2/session.ts';
import { akTemplate, EK_TEMPLATES, SRK_TEMPLATE, signingTemplate } from '../../src/tpm2/templates.ts';
import { expectRefusal, refusalOf } from '../refusal.ts';
import { codeOf, Tap } from './fake-transport.ts';
import { holds } from './holds.ts';
import { Swtpm, swtpmIsInstalled } from './swtpm.ts';

const { sha256 } = nodeCrypto;
const NONCE = sha256(Buffer.from('nonce'));
const UNIQUE = new Uint8Array(64).fill(0x5a);
const INDEX = 0x01801000;
const EMPTY: Uint8Array = new Uint8Array();
const ZEROS: Uint8Array = new Uint8Array(32);
const { AUTHREAD, AUTHWRITE, COUNTER, EXTEND, NO_DA, WRITTEN } = NV_ATTRIBUTE;

describe('commands to a TPM emulator', () => {
  let tpm: Swtpm | undefined;
  let client: TpmClient;
  let tap: Tap;

  before(async function () {
    if (!swtpmIsInstalled()) this.skip();
    tpm = await Swtpm.started();
    client = await tpm.client((transport) => {
      tap = new Tap(transport);
      return tap;
    });
  });

  after(() => tpm?.remove());

  afterEach(async () => {
    for (const kind of [HANDLE_KIND.TRANSIENT, HANDLE_KIND.LOADED_SESSION]) {
      expect(await handlesOf(client, kind), 'left in the TPM').to.deep.equal([]);
    }
  });

  function index(attributes: number, dataSize = 8) {
    return { index: INDEX, nameAlg: TPM_ALG.SHA256, attributes: attributes | NO_DA, authPolicy: EMPTY, dataSize };
  }

  async function define(attributes: number, dataSize = 8, auth = EMPTY): Promise<void> {
    const parameters = { auth, area: index(attributes, dataSize) };
    await withPrimary(client, OWNER, { area: SRK_TEMPLATE }, (saltKey) =>
      withSession(client, { kind: 'hmac', saltKey }, (session) =>
        client.run(NV_DEFINE_SPACE, { handles: [OWNER], parameters, confidential: { session, command: true } }),
      ),
    );
  }

  async function undefine(): Promise<void> {
    const { name } = await client.run(NV_READ_PUBLIC, { handles: [permanent(INDEX)], parameters: undefined });
    await client.run(NV_UNDEFINE_SPACE, { handles: [OWNER, { handle: INDEX, name }], parameters: undefined });
  }

  it('quotes; what it signs verifies, and names the key', async () => {
    await client.run(SELF_TEST, { parameters: { full: false } });
    const selection = writePcrSelection(parseSelectionText('sha1:0+sha256:0,1,23'));
    await withPrimary(client, ENDORSEMENT, { area: akTemplate(UNIQUE) }, async (ak) => {
      const { qualifiedName } = await client.run(READ_PUBLIC, { handles: [ak], parameters: undefined });
      expect(qualifiedName).to.deep.equal(primaryQualifiedName(TPM_RH.ENDORSEMENT, ak.name, nodeCrypto));
      const quote = await client.run(QUOTE, { handles: [ak], parameters: { qualifyingData: NONCE, selection } });
      const key = nodeCrypto.importKey(attestationKey(parsePublic(ak.area)));
      const { clockInfo } = verifyQuote({
        ...quote,
        key,
        qualifiedSigner: qualifiedName,
        qualifyingData: NONCE,
        selection,
      });
      const { resetCount, restartCount } = await client.run(READ_CLOCK, { parameters: undefined });
      expect(clockInfo).to.include({ resetCount, restartCount });
    });
  });

  it('makes the same key from the same template, and another from another unique field', async () => {
    const names: Uint8Array[] = [];
    for (const unique of [UNIQUE, UNIQUE, Uint8Array.from(UNIQUE, (byte, i) => (i === 63 ? 0 : byte))]) {
      names.push(await withPrimary(client, ENDORSEMENT, { area: akTemplate(unique) }, async ({ name }) => name));
    }
    expect(names[0]).to.deep.equal(names[1]);
    expect(names[0]).not.to.deep.equal(names[2]);
  });

  it('certifies a key and a counter, signed by the AK', async () => {
    await define(AUTHREAD | AUTHWRITE | COUNTER);
    const unwritten = permanent(INDEX);
    const { name: before } = await client.run(NV_READ_PUBLIC, { handles: [unwritten], parameters: undefined });
    const entity = { handle: INDEX, name: before };
    await expectRefusal(
      () => client.run(NV_READ, { handles: [entity, entity], parameters: { size: 8, offset: 0 } }),
      'tpm.refused',
    );
    await client.run(NV_INCREMENT, { handles: [entity, entity], parameters: undefined });
    const { area, name } = await client.run(NV_READ_PUBLIC, { handles: [unwritten], parameters: undefined });
    expect(area.attributes & WRITTEN).to.equal(WRITTEN);
    expect(name).to.deep.equal(nvName(area, nodeCrypto));
    const counter = { handle: INDEX, name };
    await withPrimary(client, ENDORSEMENT, { area: akTemplate(UNIQUE) }, async (ak) => {
      const key = nodeCrypto.importKey(attestationKey(parsePublic(ak.area)));
      const nv = await client.run(NV_CERTIFY, {
        handles: [ak, counter, counter],
        parameters: { qualifyingData: NONCE, size: 8, offset: 0 },
      });
      expect(key.verify(nv.attest, parseSignature(nv.signature).signature)).to.equal(true);
      expect(parseAttest(nv.attest, 'nv')).to.deep.include({ extraData: NONCE });
      expect(parseAttest(nv.attest, 'nv').attested).to.deep.include({ indexName: name, offset: 0 });
      await withPrimary(client, ENDORSEMENT, { area: signingTemplate(UNIQUE) }, async (session) => {
        const made = await client.run(CERTIFY, { handles: [session, ak], parameters: { qualifyingData: NONCE } });
        expect(key.verify(made.attest, parseSignature(made.signature).signature)).to.equal(true);
        expect(parseAttest(made.attest, 'certify').attested).to.deep.include({ name: session.name });
      });
    });
    await undefine();
  });

  it('the AK signs nothing from outside, the session key does (F-14)', async () => {
    const digest = sha256(Buffer.from('message'));
    await withPrimary(client, ENDORSEMENT, { area: akTemplate(UNIQUE) }, (ak) =>
      expectRefusal(() => client.run(SIGN, { handles: [ak], parameters: { digest } }), 'tpm.refused'),
    );
    await withPrimary(client, ENDORSEMENT, { area: signingTemplate(UNIQUE) }, async (key) => {
      const { scheme, signature } = parseSignature(await client.run(SIGN, { handles: [key], parameters: { digest } }));
      const { parameters } = parsePublic(key.area);
      if (parameters.type !== 'ecc') return expect.fail('another kind of key');
      const { x, y } = parameters;
      const imported = nodeCrypto.importKey({ algorithm: 'ecdsa-p256', hash: 'sha256', x, y });
      expect(scheme).to.equal('ecdsa');
      expect(imported.verify(Buffer.from('message'), signature)).to.equal(true);
    });
  });

  for (const kind of ['rsa-2048', 'ecc-p256'] as const) {
    it(`activates a credential for the ${kind} endorsement key; one for another Name stays shut`, async () => {
      const credential = sha256(Buffer.from(kind));
      await withPrimary(client, ENDORSEMENT, { area: akTemplate(UNIQUE) }, (ak) =>
        withPrimary(client, ENDORSEMENT, { area: EK_TEMPLATES[kind] }, async (ek) => {
          const other = Uint8Array.from(ak.name, (byte, i) => (i === 33 ? byte ^ 1 : byte));
          for (const objectName of [ak.name, other]) {
            const made = await client.run(MAKE_CREDENTIAL, { handles: [ek], parameters: { credential, objectName } });
            const opened = withSession(client, { kind: 'hmac', saltKey: ek }, (hiding) =>
              withSession(client, { kind: 'policy' }, async (session) => {
                const handles = [ENDORSEMENT, permanent(session.handle)];
                await client.run(POLICY_SECRET, { handles, parameters: undefined });
                return client.run(ACTIVATE_CREDENTIAL, {
                  handles: [ak, ek],
                  auths: [{}, { session }],
                  parameters: made,
                  confidential: { session: hiding, command: true, response: true },
                });
              }),
            );
            if (objectName === ak.name) expect(await opened).to.deep.equal(credential);
            else {
              const refusal = await refusalOf(() => opened);
              expect(isRefusal(refusal, 'INTEGRITY'), refusal.message).to.equal(true);
            }
          }
          expect(tap.exchanges.some(({ response }) => holds(response, credential))).to.equal(false);
        }),
      );
    });
  }

  it('a password crosses the bus encrypted, opens by HMAC alone, and a wrong one does not (F-77)', async () => {
    const password = sha256(Buffer.from('password')).subarray(0, 20);
    tap.exchanges.length = 0;
    await define(AUTHREAD | AUTHWRITE, 4, password);
    const { name } = await client.run(NV_READ_PUBLIC, { handles: [permanent(INDEX)], parameters: undefined });
    const entity = { handle: INDEX, name };
    await withPrimary(client, OWNER, { area: SRK_TEMPLATE }, (saltKey) =>
      withSession(client, { kind: 'hmac', saltKey }, async (session) => {
        const auths = [{ session, password: new Secret(password) }];
        const data = Uint8Array.of(1, 2, 3, 4);
        await client.run(NV_WRITE, {
          handles: [entity, entity],
          auths,
          parameters: { data, offset: 0 },
          confidential: { session, command: true },
        });
        const written = await client.run(NV_READ_PUBLIC, { handles: [permanent(INDEX)], parameters: undefined });
        const after = { handle: INDEX, name: written.name };
        const read = await client.run(NV_READ, {
          handles: [after, after],
          auths,
          parameters: { size: 4, offset: 0 },
          confidential: { session, response: true },
        });
        expect(read).to.deep.equal(data);
        await expectRefusal(
          () =>
            client.run(NV_READ, {
              handles: [after, after],
              auths: [{ session, password: new Secret(Uint8Array.of(1)) }],
              parameters: { size: 4, offset: 0 },
            }),
          'tpm.authorisation',
        );
      }),
    );
    const all = tap.exchanges.flatMap(({ command, response }) => [command, response]);
    expect(all.some((bytes) => holds(bytes, password))).to.equal(false);
    await undefine();
  });

  it('one session authorises while another hides, or one policy session does both (Part 1, 19.6.5)', async () => {
    const password = new Secret(Uint8Array.of(1, 2, 3));
    await define(AUTHREAD | AUTHWRITE, 8, Uint8Array.of(1, 2, 3));
    const { name } = await client.run(NV_READ_PUBLIC, { handles: [permanent(INDEX)], parameters: undefined });
    const data = sha256(Buffer.from('data')).subarray(0, 8);
    tap.exchanges.length = 0;
    await withPrimary(client, OWNER, { area: SRK_TEMPLATE }, (saltKey) =>
      withSession(client, { kind: 'hmac', saltKey }, (hiding) =>
        withSession(client, { kind: 'hmac', saltKey }, async (session) => {
          const auths = [{ session, password }];
          const entity = { handle: INDEX, name };
          const written = { data, offset: 0 };
          const [command, response] = [
            { session: hiding, command: true },
            { session: hiding, response: true },
          ];
          await client.run(NV_WRITE, { handles: [entity, entity], auths, parameters: written, confidential: command });
          const after = await client.run(NV_READ_PUBLIC, { handles: [permanent(INDEX)], parameters: undefined });
          const index = { handle: INDEX, name: after.name };
          const read = { size: 8, offset: 0 };
          const handles = [index, index];
          expect(await client.run(NV_READ, { handles, auths, parameters: read, confidential: response })).to.deep.equal(
            data,
          );
          const random = { parameters: { length: 8 }, confidential: response };
          expect(await client.run(GET_RANDOM, random)).to.have.length(8);
        }),
      ),
    );
    const bus = tap.exchanges.flatMap(({ command, response }) => [command, response]);
    expect(bus.some((bytes) => holds(bytes, data))).to.equal(false);
    await undefine();
    await withPrimary(client, ENDORSEMENT, { area: akTemplate(UNIQUE) }, (ak) =>
      withPrimary(client, ENDORSEMENT, { area: EK_TEMPLATES['ecc-p256'] }, async (ek) => {
        const parameters = { credential: data, objectName: ak.name };
        const made = await client.run(MAKE_CREDENTIAL, { handles: [ek], parameters });
        await withSession(client, { kind: 'policy', saltKey: ek }, async (session) => {
          await client.run(POLICY_SECRET, { handles: [ENDORSEMENT, permanent(session.handle)], parameters: undefined });
          const opened = await client.run(ACTIVATE_CREDENTIAL, {
            handles: [ak, ek],
            auths: [{}, { session }],
            parameters: made,
            confidential: { session, command: true, response: true },
          });
          expect(opened).to.deep.equal(data);
        });
      }),
    );
  });

  it('an answer that was altered on the bus, anywhere, is refused', async () => {
    for (const at of [14, 15, 16, 31, 33, 40, 65, 68, 69, 99]) {
      tap.alter = (command, response) => {
        if (codeOf(command) !== TPM_CC.GetRandom) return response;
        return Uint8Array.from(response, (byte, i) => (i === at ? byte ^ 1 : byte));
      };
      const asked = withPrimary(client, OWNER, { area: SRK_TEMPLATE }, (saltKey) =>
        withSession(client, { kind: 'hmac', saltKey }, (session) =>
          client.run(GET_RANDOM, { parameters: { length: 16 }, confidential: { session, response: true } }),
        ),
      );
      await expectRefusal(() => asked, 'tpm.session', 'tpm.response');
    }
    tap.alter = (_command, response) => response;
  });

  it('policies come to the digest that was computed for them', async () => {
    const selection = parseSelectionText('sha256:0,16');
    const pcrDigest = sha256(new Uint8Array(64));
    const operand = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1);
    await define(AUTHREAD | AUTHWRITE | COUNTER);
    const undefinedName = await client.run(NV_READ_PUBLIC, { handles: [permanent(INDEX)], parameters: undefined });
    const first = { handle: INDEX, name: undefinedName.name };
    await client.run(NV_INCREMENT, { handles: [first, first], parameters: undefined });
    const { name: indexName } = await client.run(NV_READ_PUBLIC, {
      handles: [permanent(INDEX)],
      parameters: undefined,
    });
    const counter = { handle: INDEX, name: indexName };
    const operation = COMPARISON.UNSIGNED_GE;
    const secret = { type: 'secret', entityName: ENDORSEMENT.name, policyRef: EMPTY } as const;
    const pcr = { type: 'pcr', selection, pcrDigest } as const;
    const nv = { type: 'nv', indexName, operand, offset: 0, operation } as const;
    const code = { type: 'command-code', code: TPM_CC.Unseal } as const;
    const both = policyDigest([secret, pcr, nv, code], sha256);
    const or = { type: 'or', branches: [both, ZEROS] } as const;
    await withSession(client, { kind: 'policy' }, async (session: Session) => {
      const handle = permanent(session.handle);
      const digest = (): Promise<Uint8Array> =>
        client.run(POLICY_GET_DIGEST, { handles: [handle], parameters: undefined });
      await client.run(POLICY_SECRET, { handles: [ENDORSEMENT, handle], parameters: undefined });
      expect(await digest()).to.deep.equal(policyDigest([secret], sha256));
      await client.run(POLICY_PCR, { handles: [handle], parameters: { digest: pcrDigest, selection } });
      await client.run(POLICY_NV, {
        handles: [counter, counter, handle],
        parameters: { operand, offset: 0, operation },
      });
      await client.run(POLICY_COMMAND_CODE, { handles: [handle], parameters: { code: TPM_CC.Unseal } });
      expect(await digest()).to.deep.equal(both);
      await client.run(POLICY_OR, { handles: [handle], parameters: { branches: or.branches } });
      expect(await digest()).to.deep.equal(policyDigest([secret, pcr, nv, code, or], sha256));
      const authorize = POLICY_AUTHORIZE;
      await expectRefusal(
        () =>
          client.run(authorize, {
            handles: [handle],
            parameters: {
              approved: both,
              policyRef: EMPTY,
              keyName: indexName,
              ticket: { tag: 0x8022, hierarchy: TPM_RH.OWNER, digest: ZEROS },
            },
          }),
        'tpm.refused',
      );
    });
    await undefine();
  });

  it('PCRs: eight values a time, an extend of two banks at once, a reset of those that have one', async () => {
    const pcrs = Array.from({ length: 24 }, (_, i) => i);
    const read = await client.run(PCR_READ, { parameters: { selection: [{ bank: 'sha256', pcrs }] } });
    expect(read.values).to.have.length(8);
    const digests = [
      { algorithm: TPM_ALG.SHA1, digest: new Uint8Array(20).fill(1) },
      { algorithm: TPM_ALG.SHA256, digest: new Uint8Array(32).fill(1) },
    ];
    await client.run(PCR_EXTEND, { handles: [permanent(16)], parameters: { digests } });
    const both = parseSelectionText('sha1:16+sha256:16');
    const { values } = await client.run(PCR_READ, { parameters: { selection: both } });
    expect(values.map(({ length }) => length)).to.deep.equal([20, 32]);
    expect(values.every((value) => value.some((byte) => byte !== 0))).to.equal(true);
    await client.run(PCR_RESET, { handles: [permanent(16)], parameters: undefined });
    const reset = await client.run(PCR_READ, { parameters: { selection: both } });
    expect(reset.values.every((value) => value.every((byte) => byte === 0))).to.equal(true);
    await expectRefusal(() => client.run(PCR_RESET, { handles: [permanent(0)], parameters: undefined }), 'tpm.refused');
  });

  it('an index that is extended keeps the order of what was written', async () => {
    await define(AUTHREAD | AUTHWRITE | EXTEND, 32);
    let expected = ZEROS;
    for (const data of [Uint8Array.of(1), Uint8Array.of(2)]) {
      const { name } = await client.run(NV_READ_PUBLIC, { handles: [permanent(INDEX)], parameters: undefined });
      const entity = { handle: INDEX, name };
      await client.run(NV_EXTEND, { handles: [entity, entity], parameters: { data } });
      expected = sha256(Buffer.concat([expected, data]));
    }
    const { name } = await client.run(NV_READ_PUBLIC, { handles: [permanent(INDEX)], parameters: undefined });
    const entity = { handle: INDEX, name };
    expect(await client.run(NV_READ, { handles: [entity, entity], parameters: { size: 32, offset: 0 } })).to.deep.equal(
      expected,
    );
    await undefine();
  });

  it('a key made persistent is the same key, and goes when it is evicted', async () => {
    const persistent = 0x81010042;
    const area = await withPrimary(client, OWNER, { area: SRK_TEMPLATE }, async (root) => {
      await client.run(EVICT_CONTROL, { handles: [OWNER, root], parameters: { persistent } });
      return root.area;
    });
    const kept = await client.run(READ_PUBLIC, { handles: [permanent(persistent)], parameters: undefined });
    expect(equalBytes(kept.area, area)).to.equal(true);
    expect(kept.name).to.deep.equal(nameOf(area, nodeCrypto));
    expect(await handlesOf(client, HANDLE_KIND.PERSISTENT)).to.deep.equal([persistent]);
    const entity = { handle: persistent, name: kept.name };
    await client.run(EVICT_CONTROL, { handles: [OWNER, entity], parameters: { persistent } });
    expect(await handlesOf(client, HANDLE_KIND.PERSISTENT)).to.deep.equal([]);
  });

  it('refuses where its own objects fill the slots, and frees those that a dead program left behind', async () => {
    for (let i = 0; i < 3; i++) await createPrimary(client, OWNER, { area: SRK_TEMPLATE });
    await expectRefusal(() => createPrimary(client, OWNER, { area: SRK_TEMPLATE }), 'tpm.memory');
    // As if it had been killed: its objects stay.
    for (const handle of [0x80000000, 0x80000001, 0x80000002]) client.forget(handle);
    await withPrimary(client, OWNER, { area: SRK_TEMPLATE }, async () => undefined);
  });

  it('a password of the owner shuts counters out, and a Clear takes it away with them', async () => {
    await withPrimary(client, OWNER, { area: SRK_TEMPLATE }, (saltKey) =>
      withSession(client, { kind: 'hmac', saltKey }, (session) =>
        client.run(HIERARCHY_CHANGE_AUTH, {
          handles: [OWNER],
          parameters: { auth: Uint8Array.of(1, 2, 3) },
          confidential: { session, command: true },
        }),
      ),
    );
    const parameters = { auth: EMPTY, area: index(AUTHREAD | AUTHWRITE) };
    await expectRefusal(() => client.run(NV_DEFINE_SPACE, { handles: [OWNER], parameters }), 'tpm.authorisation');
    const { resetCount } = await client.run(READ_CLOCK, { parameters: undefined });
    expect(resetCount).to.equal(1);
    await client.run(CLEAR, { handles: [LOCKOUT], parameters: undefined });
    expect(await client.run(READ_CLOCK, { parameters: undefined })).to.include({ resetCount: 0, restartCount: 0 });
    await client.run(NV_DEFINE_SPACE, { handles: [OWNER], parameters });
    await undefine();
  });

  it('a ticket of a signature that a key from outside made authorises a policy', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const jwk = publicKey.export({ format: 'jwk' });
    const [x, y] = [jwk.x, jwk.y].map((text) => new Uint8Array(Buffer.from(text ?? '', 'base64url')));
    const area = p256AkArea(x ?? EMPTY, y ?? EMPTY, 0x00040040);
    const approved = policyDigest([{ type: 'command-code', code: TPM_CC.Unseal }], sha256);
    const message = new Writer(64).bytes(approved).done();
    const raw = new Uint8Array(sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' }));
    const signature = writeSignature({ scheme: 'ecdsa', hash: 'sha256', signature: raw });
    const loaded = await client.run(LOAD_EXTERNAL, { parameters: { area } });
    expect(loaded.name).to.deep.equal(nameOf(area, nodeCrypto));
    const ticket = await client.run(VERIFY_SIGNATURE, {
      handles: [loaded],
      parameters: { digest: sha256(message), signature },
    });
    await client.flush(loaded.handle);
    await withSession(client, { kind: 'policy' }, async ({ handle }) => {
      const session = permanent(handle);
      await client.run(POLICY_COMMAND_CODE, { handles: [session], parameters: { code: TPM_CC.Unseal } });
      const parameters = { approved, policyRef: EMPTY, keyName: loaded.name, ticket };
      await client.run(POLICY_AUTHORIZE, { handles: [session], parameters });
      const expected = policyDigest([{ type: 'authorize', keyName: loaded.name, policyRef: EMPTY }], sha256);
      expect(await client.run(POLICY_GET_DIGEST, { handles: [session], parameters: undefined })).to.deep.equal(
        expected,
      );
    });
  });
});
