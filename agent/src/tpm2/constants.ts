/** Numbers of the TPM 2.0 Library, Part 2, that only who commands a TPM needs: command codes (6.5.2), tags (6.9), capabilities (6.12, 6.13). */
export const TPM_CC = {
  EvictControl: 0x120,
  NV_UndefineSpace: 0x122,
  Clear: 0x126,
  HierarchyChangeAuth: 0x129,
  NV_DefineSpace: 0x12a,
  CreatePrimary: 0x131,
  NV_Increment: 0x134,
  NV_Extend: 0x136,
  NV_Write: 0x137,
  PCR_Reset: 0x13d,
  SelfTest: 0x143,
  Startup: 0x144,
  Shutdown: 0x145,
  ActivateCredential: 0x147,
  Certify: 0x148,
  PolicyNV: 0x149,
  NV_Read: 0x14e,
  PolicySecret: 0x151,
  Create: 0x153,
  Load: 0x157,
  Quote: 0x158,
  Sign: 0x15d,
  Unseal: 0x15e,
  FlushContext: 0x165,
  LoadExternal: 0x167,
  MakeCredential: 0x168,
  NV_ReadPublic: 0x169,
  PolicyAuthorize: 0x16a,
  PolicyCommandCode: 0x16c,
  PolicyOR: 0x171,
  ReadPublic: 0x173,
  StartAuthSession: 0x176,
  VerifySignature: 0x177,
  GetCapability: 0x17a,
  GetRandom: 0x17b,
  PCR_Read: 0x17e,
  PolicyPCR: 0x17f,
  ReadClock: 0x181,
  PCR_Extend: 0x182,
  NV_Certify: 0x184,
  PolicyGetDigest: 0x189,
} as const;

/** Tag of a command or response without and with sessions. */
export const TAG = { NO_SESSIONS: 0x8001, SESSIONS: 0x8002 } as const;

/** Tags of tickets. */
export const TICKET = { CREATION: 0x8021, VERIFIED: 0x8022, AUTH_SECRET: 0x8023, HASHCHECK: 0x8024 } as const;

/** TPM_SU */
export const STARTUP = { CLEAR: 0x0000, STATE: 0x0001 } as const;

/** TPM_SE */
export const SESSION_TYPE = { HMAC: 0x00, POLICY: 0x01, TRIAL: 0x03 } as const;

/** TPMA_SESSION (8.4) */
export const SESSION_ATTRIBUTE = { CONTINUE: 0x01, DECRYPT: 0x20, ENCRYPT: 0x40 } as const;

/** TPM_CAP */
export const CAPABILITY = { HANDLES: 0x01, PCRS: 0x05, TPM_PROPERTIES: 0x06 } as const;

/** TPM_PT */
export const PROPERTY = {
  MANUFACTURER: 0x105,
  VENDOR_STRING_1: 0x106,
  VENDOR_STRING_2: 0x107,
  FIRMWARE_VERSION_1: 0x10b,
  MAX_DIGEST: 0x120,
  PERMANENT: 0x200,
  STARTUP_CLEAR: 0x201,
  HR_NV_INDEX: 0x202,
  HR_LOADED_AVAIL: 0x204,
  HR_TRANSIENT_AVAIL: 0x207,
  HR_PERSISTENT_AVAIL: 0x209,
  NV_COUNTERS: 0x20a,
  NV_COUNTERS_AVAIL: 0x20b,
  LOCKOUT_COUNTER: 0x20e,
} as const;

/** First handle of each kind, and the bits that tell the kind (7.2). */
export const HANDLE_KIND = {
  NV_INDEX: 0x01000000,
  LOADED_SESSION: 0x02000000,
  SAVED_SESSION: 0x03000000,
  TRANSIENT: 0x80000000,
  PERSISTENT: 0x81000000,
  MASK: 0xff000000,
} as const;

/** TPMA_NV (13.4), as far as it is used here. */
export const NV_ATTRIBUTE = {
  OWNERWRITE: 0x00000002,
  AUTHWRITE: 0x00000004,
  COUNTER: 0x00000010,
  EXTEND: 0x00000040,
  OWNERREAD: 0x00020000,
  AUTHREAD: 0x00040000,
  NO_DA: 0x02000000,
  WRITTEN: 0x20000000,
} as const;

/** TPM_EO: how PolicyNV compares; numbers are unsigned. */
export const COMPARISON = {
  EQ: 0x0000,
  NEQ: 0x0001,
  UNSIGNED_GT: 0x0003,
  UNSIGNED_LT: 0x0005,
  UNSIGNED_GE: 0x0007,
  UNSIGNED_LE: 0x0009,
} as const;
