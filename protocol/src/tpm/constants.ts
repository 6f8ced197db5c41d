/** Numbers of the TPM 2.0 Library, Part 2: algorithms (6.3), curves (6.4), structure tags (6.9), handles (7.4), attributes (8.3). */
export const TPM_ALG = {
  RSA: 0x0001,
  SHA1: 0x0004,
  AES: 0x0006,
  KEYEDHASH: 0x0008,
  XOR: 0x000a,
  HMAC: 0x0005,
  SHA256: 0x000b,
  SHA384: 0x000c,
  SHA512: 0x000d,
  NULL: 0x0010,
  RSASSA: 0x0014,
  RSAES: 0x0015,
  RSAPSS: 0x0016,
  OAEP: 0x0017,
  ECDSA: 0x0018,
  ECDH: 0x0019,
  ECC: 0x0023,
  SYMCIPHER: 0x0025,
  CFB: 0x0043,
} as const;

export const TPM_ECC_NIST_P256 = 0x0003;

/** TPM_GENERATED_VALUE: what only a TPM puts before what it signs with a restricted key. */
export const TPM_GENERATED_VALUE = 0xff544347;

export const TPM_ST = {
  ATTEST_NV: 0x8014,
  ATTEST_COMMAND_AUDIT: 0x8015,
  ATTEST_SESSION_AUDIT: 0x8016,
  ATTEST_CERTIFY: 0x8017,
  ATTEST_QUOTE: 0x8018,
  ATTEST_TIME: 0x8019,
  ATTEST_CREATION: 0x801a,
  ATTEST_NV_DIGEST: 0x801c,
} as const;

export const TPM_RH = {
  OWNER: 0x40000001,
  NULL: 0x40000007,
  /** TPM_RS_PW: a password instead of a session */
  PASSWORD: 0x40000009,
  LOCKOUT: 0x4000000a,
  ENDORSEMENT: 0x4000000b,
  PLATFORM: 0x4000000c,
} as const;

/** TPMA_OBJECT of an attestation key: fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, restricted, sign. */
export const AK_ATTRIBUTES = 0x00050072;

/** TPMA_OBJECT of an endorsement key: fixedTPM, fixedParent, sensitiveDataOrigin, adminWithPolicy, restricted, decrypt. */
export const EK_ATTRIBUTES = 0x000300b2;

/** TPMA_OBJECT noDA: the key is not subject to dictionary attack protection. */
export const NO_DA = 0x00000400;

export type HashName = 'sha1' | 'sha256' | 'sha384' | 'sha512';

interface HashForm {
  readonly algorithm: number;
  /** bytes */
  readonly size: number;
}

export const HASHES: Readonly<Record<HashName, HashForm>> = {
  sha1: { algorithm: TPM_ALG.SHA1, size: 20 },
  sha256: { algorithm: TPM_ALG.SHA256, size: 32 },
  sha384: { algorithm: TPM_ALG.SHA384, size: 48 },
  sha512: { algorithm: TPM_ALG.SHA512, size: 64 },
};

const BY_ALGORITHM: ReadonlyMap<number, HashName> = new Map(
  (Object.keys(HASHES) as HashName[]).map((name) => [HASHES[name].algorithm, name]),
);

/** The hash behind a TPM_ALG_ID, or undefined for one that we do not know. */
export function hashName(algorithm: number): HashName | undefined {
  return BY_ALGORITHM.get(algorithm);
}
