import {
  AK_ATTRIBUTES,
  EK_ATTRIBUTES,
  fromHex,
  type Public,
  TPM_ALG,
  TPM_ECC_NIST_P256,
  writePublic,
} from '@mtm-attest/protocol';

/** Public areas that keys are made from. A primary key is a function of the hierarchy's seed and its template: the same again and again. */

const EMPTY = new Uint8Array();
const AES = { algorithm: TPM_ALG.AES, keyBits: 128, mode: TPM_ALG.CFB };
const NO_SCHEME = { algorithm: TPM_ALG.NULL, hash: undefined };
const ECDSA = { algorithm: TPM_ALG.ECDSA, hash: TPM_ALG.SHA256 };
const P256_ZEROS = new Uint8Array(32);
const RSA_ZEROS = new Uint8Array(256);

/** PolicySecret(endorsement hierarchy), TCG EK Credential Profile for TPM 2.0, B.3.3. */
const EK_POLICY = fromHex('837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa');

/** fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, noDA, restricted, decrypt */
const SRK_ATTRIBUTES = 0x00030472;
/** fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, noDA, sign: not restricted, since it signs digests made outside */
const SIGNING_ATTRIBUTES = 0x00040472;
/** fixedTPM, fixedParent: only the policy opens it */
const SEALED_ATTRIBUTES = 0x00000012;

function area(attributes: number, authPolicy: Uint8Array, parameters: Public['parameters']): Uint8Array {
  return writePublic({ nameAlg: TPM_ALG.SHA256, attributes, authPolicy, parameters });
}

function p256Storage(attributes: number, authPolicy: Uint8Array): Uint8Array {
  return area(attributes, authPolicy, {
    type: 'ecc',
    symmetric: AES,
    scheme: NO_SCHEME,
    curve: TPM_ECC_NIST_P256,
    kdf: NO_SCHEME,
    x: P256_ZEROS,
    y: P256_ZEROS,
  });
}

function p256Signing(attributes: number, unique: Uint8Array): Uint8Array {
  return area(attributes, EMPTY, {
    type: 'ecc',
    symmetric: undefined,
    scheme: ECDSA,
    curve: TPM_ECC_NIST_P256,
    kdf: NO_SCHEME,
    x: unique.subarray(0, 32),
    y: unique.subarray(32, 64),
  });
}

/** Endorsement keys of the TCG EK Credential Profile for TPM 2.0: templates L-1 and L-2, whose unique field is zeros, not empty. */
export const EK_TEMPLATES = {
  'rsa-2048': area(EK_ATTRIBUTES, EK_POLICY, {
    type: 'rsa',
    symmetric: AES,
    scheme: NO_SCHEME,
    keyBits: 2048,
    exponent: 0,
    modulus: RSA_ZEROS,
  }),
  'ecc-p256': p256Storage(EK_ATTRIBUTES, EK_POLICY),
} as const;

export type EkKind = keyof typeof EK_TEMPLATES;

/** NV index of the certificate of each (same profile, 2.2.1.4). */
export const EK_CERTIFICATES: Readonly<Record<EkKind, number>> = { 'rsa-2048': 0x01c00002, 'ecc-p256': 0x01c0000a };

/** Storage root key, P-256. */
export const SRK_TEMPLATE: Uint8Array = p256Storage(SRK_ATTRIBUTES, EMPTY);

/** @param unique 64 bytes: another one is another key */
export function akTemplate(unique: Uint8Array): Uint8Array {
  return p256Signing(AK_ATTRIBUTES, unique);
}

/** @param unique 64 bytes: another one is another key */
export function signingTemplate(unique: Uint8Array): Uint8Array {
  return p256Signing(SIGNING_ATTRIBUTES, unique);
}

/** @param authPolicy the only way to what is sealed */
export function sealedTemplate(authPolicy: Uint8Array): Uint8Array {
  return area(SEALED_ATTRIBUTES, authPolicy, { type: 'keyedhash', scheme: NO_SCHEME, unique: EMPTY });
}
