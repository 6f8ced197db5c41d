import { activationProof } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { Secret } from '../../secret.ts';
import type { TpmClient } from '../../tpm2/client.ts';
import { ENDORSEMENT, type Entity, OWNER, permanent } from '../../tpm2/command/command.ts';
import { NV_READ, NV_READ_PUBLIC } from '../../tpm2/command/nv.ts';
import { ACTIVATE_CREDENTIAL } from '../../tpm2/command/object.ts';
import { POLICY_SECRET } from '../../tpm2/command/policy.ts';
import { NV_ATTRIBUTE } from '../../tpm2/constants.ts';
import { withPrimary, withSession } from '../../tpm2/loaded.ts';
import { isRefusal } from '../../tpm2/response-code.ts';
import { EK_CERTIFICATES, EK_TEMPLATES, type EkKind } from '../../tpm2/templates.ts';
import type { Credential, EndorsementKey } from '../platform.ts';

/** Every TPM can read so many bytes at once. */
const NV_CHUNK = 512;
/** P-256 first: an RSA key takes a chip seconds to make. */
const KINDS = ['ecc-p256', 'rsa-2048'] as const satisfies readonly EkKind[];

/** Which endorsement key this TPM is known by: the one that its maker certified; P-256 where both are, or none is. */
export async function endorsementKind(client: TpmClient): Promise<EkKind> {
  for (const kind of KINDS) {
    if ((await endorsementCertificate(client, kind)) !== undefined) return kind;
  }
  return KINDS[0];
}

/** The endorsement key of a kind, made from the standard template, and its certificate. */
export async function endorsementKey(client: TpmClient, kind: EkKind): Promise<EndorsementKey> {
  const certificate = await endorsementCertificate(client, kind);
  return withPrimary(client, ENDORSEMENT, { area: EK_TEMPLATES[kind] }, async ({ area }) => ({ area, certificate }));
}

/** @returns undefined where the maker left none, or what is there is none */
export async function endorsementCertificate(client: TpmClient, kind: EkKind): Promise<Uint8Array | undefined> {
  const index = EK_CERTIFICATES[kind];
  try {
    const { area, name } = await client.run(NV_READ_PUBLIC, { handles: [permanent(index)], parameters: undefined });
    const entity: Entity = { handle: index, name };
    const reader = (area.attributes & NV_ATTRIBUTE.AUTHREAD) !== 0 ? entity : OWNER;
    const certificate = new Uint8Array(area.dataSize);
    for (let offset = 0; offset < area.dataSize; offset += NV_CHUNK) {
      const size = Math.min(NV_CHUNK, area.dataSize - offset);
      const parameters = { size, offset };
      certificate.set((await client.run(NV_READ, { handles: [reader, entity], parameters })).subarray(0, size), offset);
    }
    return unpadded(certificate);
  } catch (error) {
    if (isRefusal(error, 'HANDLE', 'NV_UNINITIALIZED')) return undefined;
    throw error;
  }
}

/** One DER SEQUENCE with a length of two bytes, without what an index holds behind it. */
function unpadded(bytes: Uint8Array): Uint8Array | undefined {
  const [tag, form, high = 0, low = 0] = bytes;
  const length = 4 + 256 * high + low;
  return tag === 0x30 && form === 0x82 && length <= bytes.length ? bytes.slice(0, length) : undefined;
}

/**
 * Opens a credential that was made for this AK and the endorsement key of this TPM. It crosses the bus encrypted and is not told to anybody.
 *
 * @param ak loaded
 * @returns activationProof of the secret, 32 bytes
 * @throws TpmRefusal `tpm.refused` with INTEGRITY where it was made for another key or was altered
 */
export async function activateCredential(
  client: TpmClient,
  ak: Entity,
  kind: EkKind,
  credential: Credential,
): Promise<Uint8Array> {
  const secret = await openCredential(client, ak, kind, credential);
  try {
    return secret.use((bytes) => activationProof(bytes, nodeCrypto.sha256));
  } finally {
    secret.destroy();
  }
}

function openCredential(client: TpmClient, ak: Entity, kind: EkKind, credential: Credential): Promise<Secret> {
  return withPrimary(client, ENDORSEMENT, { area: EK_TEMPLATES[kind] }, (ek) =>
    withSession(client, { kind: 'hmac', saltKey: ek }, (hiding) =>
      withSession(client, { kind: 'policy' }, async (session) => {
        await client.run(POLICY_SECRET, { handles: [ENDORSEMENT, permanent(session.handle)], parameters: undefined });
        return Secret.taking(
          await client.run(ACTIVATE_CREDENTIAL, {
            handles: [ak, ek],
            auths: [{}, { session }],
            parameters: credential,
            confidential: { session: hiding, response: true },
          }),
        );
      }),
    ),
  );
}
