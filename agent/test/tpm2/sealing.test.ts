import { generateKeyPairSync, sign } from 'node:crypto';
import {
  nameOf,
  type PcrSelection,
  p256AkArea,
  parseSelectionText,
  TPM_ALG,
  Writer,
  writeSignature,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { expect } from 'chai';
import { Secret } from '../../src/secret.ts';
import type { TpmClient } from '../../src/tpm2/client.ts';
import { type Entity, OWNER, permanent } from '../../src/tpm2/command/command.ts';
import { NV_DEFINE_SPACE, NV_INCREMENT, NV_READ, NV_READ_PUBLIC } from '../../src/tpm2/command/nv.ts';
import type { Blob } from '../../src/tpm2/command/object.ts';
import { PCR_EXTEND, PCR_READ, PCR_RESET } from '../../src/tpm2/command/pcr.ts';
import { NV_ATTRIBUTE } from '../../src/tpm2/constants.ts';
import {
  type Approval,
  type Approver,
  approvedPolicyDigest,
  type SealPolicy,
  seal,
  sealPolicyDigest,
  unseal,
} from '../../src/tpm2/sealing.ts';
import { expectRefusal } from '../refusal.ts';
import { Tap } from './fake-transport.ts';
import { holds } from './holds.ts';
import { Swtpm, swtpmIsInstalled } from './swtpm.ts';

const { sha256 } = nodeCrypto;
const SELECTION: PcrSelection = parseSelectionText('sha256:16');
const SECRET = sha256(Buffer.from('key of the storage'));
const INDEX = 0x01801001;
const EMPTY: Uint8Array = new Uint8Array();

describe('sealing in a TPM emulator', () => {
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

  beforeEach(() => client.run(PCR_RESET, { handles: [permanent(16)], parameters: undefined }));

  async function extend(): Promise<void> {
    const digests = [{ algorithm: TPM_ALG.SHA256, digest: sha256(Buffer.from('event')) }];
    await client.run(PCR_EXTEND, { handles: [permanent(16)], parameters: { digests } });
  }

  async function stateNow(): Promise<SealPolicy> {
    const { values } = await client.run(PCR_READ, { parameters: { selection: SELECTION } });
    return { selection: SELECTION, pcrDigest: sha256(values[0] ?? EMPTY) };
  }

  async function counter(): Promise<Entity> {
    const { name } = await client.run(NV_READ_PUBLIC, { handles: [permanent(INDEX)], parameters: undefined });
    return { handle: INDEX, name };
  }

  async function increment(): Promise<void> {
    const entity = await counter();
    await client.run(NV_INCREMENT, { handles: [entity, entity], parameters: undefined });
  }

  async function valueOfCounter(): Promise<bigint> {
    const entity = await counter();
    const bytes = await client.run(NV_READ, { handles: [entity, entity], parameters: { size: 8, offset: 0 } });
    return Buffer.from(bytes).readBigUInt64BE();
  }

  async function opened(blob: Blob, policy: SealPolicy, approval?: Approval): Promise<Uint8Array> {
    const secret = await unseal(client, blob, policy, approval);
    return secret.use((bytes) => Uint8Array.from(bytes));
  }

  it('opens in the state that it was sealed to, in no other, and shows nothing on the bus (F-77)', async () => {
    tap.exchanges.length = 0;
    const policy = await stateNow();
    const blob = await seal(client, new Secret(SECRET), sealPolicyDigest(policy));
    expect(await opened(blob, policy)).to.deep.equal(SECRET);
    await extend();
    await expectRefusal(() => unseal(client, blob, policy), 'tpm.policy');
    // Saying that the state is the present one leads to another policy than the sealed one.
    await expectRefusal(async () => unseal(client, blob, await stateNow()), 'tpm.policy');
    const all = tap.exchanges.flatMap(({ command, response }) => [command, response]);
    expect(all.some((bytes) => holds(bytes, SECRET))).to.equal(false);
  });

  it('an old blob stays shut once the counter has risen (F-73)', async () => {
    const { AUTHREAD, AUTHWRITE, COUNTER, NO_DA } = NV_ATTRIBUTE;
    const attributes = AUTHREAD | AUTHWRITE | COUNTER | NO_DA;
    const area = { index: INDEX, nameAlg: TPM_ALG.SHA256, attributes, authPolicy: EMPTY, dataSize: 8 };
    await client.run(NV_DEFINE_SPACE, { handles: [OWNER], parameters: { auth: EMPTY, area } });
    await increment();
    const value = await valueOfCounter();
    const policy = { ...(await stateNow()), counter: { index: await counter(), value } };
    const blob = await seal(client, new Secret(SECRET), sealPolicyDigest(policy));
    expect(await opened(blob, policy)).to.deep.equal(SECRET);
    await increment();
    await expectRefusal(() => unseal(client, blob, policy), 'tpm.policy');
    const next = { ...policy, counter: { ...policy.counter, value: value + 1n } };
    await expectRefusal(() => unseal(client, blob, next), 'tpm.policy');
    const { selection, pcrDigest } = policy;
    await expectRefusal(() => unseal(client, blob, { selection, pcrDigest }), 'tpm.policy');
  });

  it('opens in a state that its approver signed, without being sealed anew, and in none that he did not', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
    const area = p256AkArea(
      new Uint8Array(Buffer.from(x, 'base64url')),
      new Uint8Array(Buffer.from(y, 'base64url')),
      0x00040040,
    );
    const approver: Approver = { area, name: nameOf(area, nodeCrypto), policyRef: Buffer.from('release') };
    const approve = (policy: SealPolicy): Uint8Array => {
      const message = new Writer(64).bytes(sealPolicyDigest(policy)).bytes(approver.policyRef).done();
      const raw = sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' });
      return writeSignature({ scheme: 'ecdsa', hash: 'sha256', signature: new Uint8Array(raw) });
    };
    const blob = await seal(client, new Secret(SECRET), approvedPolicyDigest(approver));
    const before = await stateNow();
    const approval = { ...approver, signature: approve(before) };
    expect(await opened(blob, before, approval)).to.deep.equal(SECRET);
    await extend();
    const after = await stateNow();
    await expectRefusal(() => unseal(client, blob, after, approval), 'tpm.refused');
    expect(await opened(blob, after, { ...approver, signature: approve(after) })).to.deep.equal(SECRET);
  });

  it('refuses a storage root key other than the one it knows, and secrets of a length that no TPM takes', async () => {
    const policy = await stateNow();
    const other = new Uint8Array(34);
    await expectRefusal(() => seal(client, new Secret(SECRET), sealPolicyDigest(policy), other), 'platform.other-tpm');
    const blob = await seal(client, new Secret(SECRET), sealPolicyDigest(policy));
    await expectRefusal(() => unseal(client, blob, policy, undefined, other), 'platform.other-tpm');
    for (const length of [0, 129]) {
      expect(() => seal(client, new Secret(new Uint8Array(length)), sealPolicyDigest(policy))).to.throw(RangeError);
    }
  });

  it('a blob that was altered does not load', async () => {
    const policy = await stateNow();
    const blob = await seal(client, new Secret(SECRET), sealPolicyDigest(policy));
    const wrapped = Uint8Array.from(blob.wrapped, (byte, i) => (i === 40 ? byte ^ 1 : byte));
    await expectRefusal(() => unseal(client, { ...blob, wrapped }, policy), 'tpm.refused');
  });
});
