import {
  equalBytes,
  ProtocolError,
  p256Spki,
  parsePublic,
  parseSignature,
  TPM_ECC_NIST_P256,
  withLowS,
  writeSignature,
} from '@mtm-attest/protocol';
import { AgentError } from '../../error.ts';
import type { Secret } from '../../secret.ts';
import type { TpmClient } from '../../tpm2/client.ts';
import { ENDORSEMENT } from '../../tpm2/command/command.ts';
import type { Made } from '../../tpm2/command/object.ts';
import { createPrimary, withPrimary } from '../../tpm2/loaded.ts';
import { akTemplate, signingTemplate } from '../../tpm2/templates.ts';
import type { Tpm2State } from './state.ts';

const COORDINATE_BYTES = 32;

/** A loaded AK. @param unique 64 bytes that its template has */
export function createAk(client: TpmClient, unique: Secret): Promise<Made> {
  return unique.use((bytes) => createPrimary(client, ENDORSEMENT, { area: akTemplate(bytes) }));
}

/** The AK of a state, loaded. @throws AgentError `platform.other-tpm` where this TPM makes another one */
export async function loadAk(client: TpmClient, { akUnique, akName }: Tpm2State): Promise<Made> {
  const ak = await createAk(client, akUnique);
  if (equalBytes(ak.name, akName)) return ak;
  await client.flush(ak.handle);
  throw new AgentError('platform.other-tpm');
}

/** The session key signs once in a connection: it does not occupy a slot between. */
export function withSessionKey<T>(client: TpmClient, unique: Secret, use: (key: Made) => Promise<T>): Promise<T> {
  return unique.use((bytes) => withPrimary(client, ENDORSEMENT, { area: signingTemplate(bytes) }, use));
}

/** SubjectPublicKeyInfo (DER) of a P-256 key, 91 bytes. @throws ProtocolError `key.parameters` for another key */
export function spkiOf(area: Uint8Array): Uint8Array {
  const { parameters } = parsePublic(area);
  if (parameters.type !== 'ecc' || parameters.curve !== TPM_ECC_NIST_P256) throw new ProtocolError('key.parameters');
  return p256Spki(padded(parameters.x), padded(parameters.y));
}

/** A coordinate may have lost leading zeros. */
function padded(coordinate: Uint8Array): Uint8Array {
  if (coordinate.length > COORDINATE_BYTES) throw new ProtocolError('key.parameters');
  const bytes = new Uint8Array(COORDINATE_BYTES);
  bytes.set(coordinate, COORDINATE_BYTES - coordinate.length);
  return bytes;
}

/** TPMT_SIGNATURE of a quote with s in the lower half: a TPM does not care which, one signature has one form here (F-61). */
export function quoteSignature(bytes: Uint8Array): Uint8Array {
  const signature = parseSignature(bytes);
  if (signature.scheme !== 'ecdsa') throw new ProtocolError('signature.algorithm');
  return writeSignature({ ...signature, signature: withLowS(signature.signature) });
}
