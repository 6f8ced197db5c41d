import { equalBytes, type PcrSelection, type PolicyAssertion, policyDigest, Writer } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { AgentError } from '../error.ts';
import { Secret } from '../secret.ts';
import type { TpmClient } from './client.ts';
import { type Entity, OWNER, permanent, type Ticket } from './command/command.ts';
import { type Blob, CREATE, LOAD, LOAD_EXTERNAL, type Made, UNSEAL, VERIFY_SIGNATURE } from './command/object.ts';
import { POLICY_AUTHORIZE, POLICY_NV, POLICY_PCR } from './command/policy.ts';
import { COMPARISON } from './constants.ts';
import { flushedAfter, withPrimary, withSession } from './loaded.ts';
import { isRefusal } from './response-code.ts';
import type { Session } from './session.ts';
import { SRK_TEMPLATE, sealedTemplate } from './templates.ts';

/** The state of the machine that a secret opens in. */
export interface SealPolicy {
  readonly selection: PcrSelection;
  /** SHA-256 over the selected values */
  readonly pcrDigest: Uint8Array;
  /** an NV counter that must have this value: older blobs stay shut once it has risen (F-73) */
  readonly counter?: { readonly index: Entity; readonly value: bigint };
}

/** Who may approve of states that are not known yet when a secret is sealed. */
export interface Approver {
  /** TPMT_PUBLIC of the key that signs */
  readonly area: Uint8Array;
  /** Name of that key */
  readonly name: Uint8Array;
  readonly policyRef: Uint8Array;
}

/** What an approver signed: SHA-256 of the policy's digest and the policyRef. */
export interface Approval extends Approver {
  /** TPMT_SIGNATURE */
  readonly signature: Uint8Array;
}

const MAX_SEALED_BYTES = 128;
const OFFSET = 0;

/** @returns the digest that an approver signs, or that a secret is sealed to: 32 bytes */
export function sealPolicyDigest({ selection, pcrDigest, counter }: SealPolicy): Uint8Array {
  const assertions: PolicyAssertion[] = [{ type: 'pcr', selection, pcrDigest }];
  if (counter !== undefined) {
    const { index, value } = counter;
    assertions.push({
      type: 'nv',
      indexName: index.name,
      operand: operandOf(value),
      offset: OFFSET,
      operation: COMPARISON.EQ,
    });
  }
  return policyDigest(assertions, nodeCrypto.sha256);
}

/** The policy of secrets that open in whatever state the approver signs (PolicyAuthorize). */
export function approvedPolicyDigest({ name, policyRef }: Approver): Uint8Array {
  return policyDigest([{ type: 'authorize', keyName: name, policyRef }], nodeCrypto.sha256);
}

/**
 * Seals under the storage root key, with no password: the policy is the only way in. The secret crosses the bus encrypted.
 *
 * @param secret 1 to 128 bytes: seal a key, not what it protects
 * @param authPolicy of `sealPolicyDigest` or `approvedPolicyDigest`
 * @param rootName Name of the storage root key as it is known; another is refused: whoever sits on the bus would offer his own
 * @throws AgentError `platform.other-tpm`, `tpm.*`
 */
export function seal(client: TpmClient, secret: Secret, authPolicy: Uint8Array, rootName?: Uint8Array): Promise<Blob> {
  if (secret.length === 0 || secret.length > MAX_SEALED_BYTES) throw new RangeError('1 to 128 bytes can be sealed');
  return withRoot(client, rootName, (root) =>
    withSession(client, { kind: 'hmac', saltKey: root }, (session) =>
      lent(secret, (data) =>
        client.run(CREATE, {
          handles: [root],
          auths: [{ session }],
          parameters: { data, area: sealedTemplate(authPolicy) },
          confidential: { session, command: true },
        }),
      ),
    ),
  );
}

/**
 * @param policy the state that the secret was sealed to, or that was approved
 * @throws AgentError `tpm.policy` where the machine is in another state, `platform.other-tpm`, `tpm.*`
 */
export function unseal(
  client: TpmClient,
  blob: Blob,
  policy: SealPolicy,
  approval?: Approval,
  rootName?: Uint8Array,
): Promise<Secret> {
  return withRoot(client, rootName, (root) =>
    withSession(client, { kind: 'hmac', saltKey: root }, (hiding) =>
      withSession(client, { kind: 'policy' }, async (session) => {
        await satisfy(client, session, policy);
        if (approval !== undefined) await authorize(client, session, policy, approval);
        const loaded = await client.run(LOAD, { handles: [root], parameters: blob });
        return flushedAfter(client, loaded, async () =>
          Secret.taking(
            await client.run(UNSEAL, {
              handles: [loaded],
              auths: [{ session }],
              parameters: undefined,
              confidential: { session: hiding, response: true },
            }),
          ),
        );
      }),
    ),
  );
}

/** The storage root key for one use. @throws AgentError `platform.other-tpm` */
function withRoot<T>(client: TpmClient, rootName: Uint8Array | undefined, use: (root: Made) => Promise<T>): Promise<T> {
  return withPrimary(client, OWNER, { area: SRK_TEMPLATE }, async (root) => {
    if (rootName !== undefined && !equalBytes(rootName, root.name)) {
      throw new AgentError('platform.other-tpm', 'another storage root key');
    }
    return use(root);
  });
}

async function satisfy(client: TpmClient, session: Session, policy: SealPolicy): Promise<void> {
  const { selection, pcrDigest, counter } = policy;
  const entity = permanent(session.handle);
  await demanding(client.run(POLICY_PCR, { handles: [entity], parameters: { digest: pcrDigest, selection } }));
  if (counter === undefined) return;
  const { index, value } = counter;
  await client.run(POLICY_NV, {
    handles: [index, index, entity],
    parameters: { operand: operandOf(value), offset: OFFSET, operation: COMPARISON.EQ },
  });
}

async function authorize(client: TpmClient, session: Session, policy: SealPolicy, approval: Approval): Promise<void> {
  const { area, name, policyRef, signature } = approval;
  const approved = sealPolicyDigest(policy);
  const digest = nodeCrypto.sha256(new Writer(96).bytes(approved).bytes(policyRef).done());
  const loaded = await client.run(LOAD_EXTERNAL, { parameters: { area } });
  const ticket: Ticket = await flushedAfter(client, loaded, (key) =>
    client.run(VERIFY_SIGNATURE, { handles: [key], parameters: { digest, signature } }),
  );
  await demanding(
    client.run(POLICY_AUTHORIZE, {
      handles: [permanent(session.handle)],
      parameters: { approved, policyRef, keyName: name, ticket },
    }),
  );
}

/** A policy command says VALUE where the state is not the one that it was told. */
async function demanding(command: Promise<undefined>): Promise<void> {
  try {
    await command;
  } catch (error) {
    if (isRefusal(error, 'VALUE')) throw new AgentError('tpm.policy', undefined, { cause: error });
    throw error;
  }
}

/** A copy for a use that takes a while, overwritten at its end. */
async function lent<T>(secret: Secret, use: (bytes: Uint8Array) => Promise<T>): Promise<T> {
  const copy = secret.use((bytes) => Uint8Array.from(bytes));
  try {
    return await use(copy);
  } finally {
    copy.fill(0);
  }
}

/** As a counter stands in NV memory. */
function operandOf(value: bigint): Uint8Array {
  return new Writer(8).u64(value).done();
}
