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

export interface EndorsementKey {
  readonly kind: EkKind;
  /** TPMT_PUBLIC */
  readonly area: Uint8Array;
  /** certificate of the maker (DER) as it stands in NV memory, padding and all, or undefined where there is none */
  readonly certificate: Uint8Array | undefined;
}

/** Of TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET, the contents. */
export interface Credential {
  readonly idObject: Uint8Array;
  readonly secret: Uint8Array;
}

/** Every TPM can read so many bytes at once. */
const NV_CHUNK = 512;

/** The endorsement key of a kind, made from the standard template, and its certificate. */
export async function endorsementKey(client: TpmClient, kind: EkKind): Promise<EndorsementKey> {
  const certificate = await endorsementCertificate(client, kind);
  return withPrimary(client, ENDORSEMENT, { area: EK_TEMPLATES[kind] }, async ({ area }) => ({
    kind,
    area,
    certificate,
  }));
}

/** @returns undefined where the maker left none */
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
    return certificate;
  } catch (error) {
    if (isRefusal(error, 'HANDLE', 'NV_UNINITIALIZED')) return undefined;
    throw error;
  }
}

/**
 * Opens a credential that was made for this AK and the endorsement key of this TPM. It crosses the bus encrypted.
 *
 * @param ak loaded
 * @throws TpmRefusal `tpm.refused` with INTEGRITY where it was made for another key or was altered
 */
export function activateCredential(
  client: TpmClient,
  ak: Entity,
  kind: EkKind,
  credential: Credential,
): Promise<Secret> {
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
