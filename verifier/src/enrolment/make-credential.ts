import { createCipheriv } from 'node:crypto';
import {
  EK_ATTRIBUTES,
  encryptSecret,
  equalBytes,
  fromHex,
  kdfA,
  ProtocolError,
  type Public,
  parsePublic,
  type SecretCrypto,
  TPM_ALG,
  Writer,
} from '@mtm-attest/protocol';
import { nodeHmac, nodeSecretCrypto } from '@mtm-attest/protocol/crypto/node';

/** Contents of TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET, as TPM2_ActivateCredential takes them. */
export interface MadeCredential {
  readonly idObject: Uint8Array;
  readonly secret: Uint8Array;
}

/** PolicySecret of the endorsement hierarchy (TCG EK Credential Profile for TPM 2.0, B.3.3). */
const EK_POLICY = fromHex('837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa');
const NAME_BYTES = 34;
const MAX_CREDENTIAL_BYTES = 32;
const KEY_BITS = 128;
const DIGEST_BITS = 256;
const ZERO_IV = new Uint8Array(16);
const EMPTY = new Uint8Array();
const mac = nodeHmac('sha256');

/**
 * TPM2_MakeCredential without a TPM: what it makes opens only in a TPM that holds the endorsement key and, beside it, an object of this Name. That
 * proves nothing of the endorsement key itself (its certificate does), nor of the attestation key's attributes, unless the Name was computed from a
 * public area that was inspected.
 *
 * @param ek TPMT_PUBLIC as received: it must be made from one of the two standard templates, RSA 2048 or P-256
 * @param akName Name of the attestation key: SHA-256 and its digest, 34 bytes
 * @param credential the secret, 1 to 32 bytes
 * @param crypto fresh randomness unless given
 * @throws ProtocolError `tpm.*` with the offset, `key.attributes`, `key.parameters`: the endorsement key is none, or is weak
 * @see TPM 2.0 Library, Part 1, 24 and B.10.4
 */
export function makeCredential(
  ek: Uint8Array,
  akName: Uint8Array,
  credential: Uint8Array,
  crypto: SecretCrypto = nodeSecretCrypto,
): MadeCredential {
  if (akName.length !== NAME_BYTES) throw new RangeError('a Name of 34 bytes');
  if (credential.length === 0 || credential.length > MAX_CREDENTIAL_BYTES) {
    throw new RangeError('a credential of 1 to 32 bytes');
  }
  const { seed, encrypted } = encryptSecret(endorsementKey(ek), 'IDENTITY', crypto);
  const symmetric = kdfA(mac, seed, 'STORAGE', akName, EMPTY, KEY_BITS);
  const hmacKey = kdfA(mac, seed, 'INTEGRITY', EMPTY, EMPTY, DIGEST_BITS);
  // The size is encrypted with what it is the size of.
  const clear = new Writer(MAX_CREDENTIAL_BYTES + 2).sized(credential).done();
  const identity = new Uint8Array(createCipheriv('aes-128-cfb', symmetric, ZERO_IV).update(clear));
  const integrity = mac(hmacKey, new Writer(80).bytes(identity).bytes(akName).done());
  for (const secret of [seed, symmetric, hmacKey, clear]) secret.fill(0);
  return { idObject: new Writer(80).sized(integrity).bytes(identity).done(), secret: encrypted };
}

/** Only the standard templates: a key that signs, leaves its TPM or opens by a password could be anybody's. */
function endorsementKey(bytes: Uint8Array): Public {
  const area = parsePublic(bytes);
  const { parameters } = area;
  if (area.attributes !== EK_ATTRIBUTES) throw new ProtocolError('key.attributes');
  if (parameters.type !== 'rsa' && parameters.type !== 'ecc') throw new ProtocolError('key.parameters');
  const { symmetric, scheme } = parameters;
  const isStandard =
    area.nameAlg === TPM_ALG.SHA256 &&
    equalBytes(area.authPolicy, EK_POLICY) &&
    scheme.algorithm === TPM_ALG.NULL &&
    symmetric?.algorithm === TPM_ALG.AES &&
    symmetric.keyBits === KEY_BITS &&
    symmetric.mode === TPM_ALG.CFB &&
    (parameters.type === 'rsa' || parameters.kdf.algorithm === TPM_ALG.NULL);
  if (!isStandard) throw new ProtocolError('key.parameters');
  return area;
}
