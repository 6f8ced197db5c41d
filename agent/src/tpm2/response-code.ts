import { type AgentCode, AgentError } from '../error.ts';

/** A response code taken apart (TPM 2.0 Library, Part 2, 6.6). */
export interface ResponseCode {
  /** as received, a layer above the TPM in its upper half */
  readonly code: number;
  /** without the number of what it blames */
  readonly name: string;
  readonly blames: { readonly kind: 'parameter' | 'handle' | 'session'; readonly number: number } | undefined;
}

const FORMAT_0 = 0x100;
const WARNING = 0x900;
const VENDOR = 0x400;
const FORMAT_1 = 0x080;
const PARAMETER = 0x040;
const SESSION = 0x800;
const TPM_CODE = 0xfff;

/** By number without format and subject: `base` and the names from there on, gaps empty. */
const ERRORS: Readonly<Record<number, string>> = {
  0: 'INITIALIZE',
  1: 'FAILURE',
  3: 'SEQUENCE',
  11: 'PRIVATE',
  25: 'HMAC',
  32: 'DISABLED',
  33: 'EXCLUSIVE',
  36: 'AUTH_TYPE',
  37: 'AUTH_MISSING',
  38: 'POLICY',
  39: 'PCR',
  40: 'PCR_CHANGED',
  45: 'UPGRADE',
  46: 'TOO_MANY_CONTEXTS',
  47: 'AUTH_UNAVAILABLE',
  48: 'REBOOT',
  49: 'UNBALANCED',
  66: 'COMMAND_SIZE',
  67: 'COMMAND_CODE',
  68: 'AUTHSIZE',
  69: 'AUTH_CONTEXT',
  70: 'NV_RANGE',
  71: 'NV_SIZE',
  72: 'NV_LOCKED',
  73: 'NV_AUTHORIZATION',
  74: 'NV_UNINITIALIZED',
  75: 'NV_SPACE',
  76: 'NV_DEFINED',
  80: 'BAD_CONTEXT',
  81: 'CPHASH',
  82: 'PARENT',
  83: 'NEEDS_TEST',
  84: 'NO_RESULT',
  85: 'SENSITIVE',
};

const SUBJECT_ERRORS: Readonly<Record<number, string>> = {
  1: 'ASYMMETRIC',
  2: 'ATTRIBUTES',
  3: 'HASH',
  4: 'VALUE',
  5: 'HIERARCHY',
  7: 'KEY_SIZE',
  8: 'MGF',
  9: 'MODE',
  10: 'TYPE',
  11: 'HANDLE',
  12: 'KDF',
  13: 'RANGE',
  14: 'AUTH_FAIL',
  15: 'NONCE',
  16: 'PP',
  18: 'SCHEME',
  21: 'SIZE',
  22: 'SYMMETRIC',
  23: 'TAG',
  24: 'SELECTOR',
  26: 'INSUFFICIENT',
  27: 'SIGNATURE',
  28: 'KEY',
  29: 'POLICY_FAIL',
  31: 'INTEGRITY',
  32: 'TICKET',
  33: 'RESERVED_BITS',
  34: 'BAD_AUTH',
  35: 'EXPIRED',
  36: 'POLICY_CC',
  37: 'BINDING',
  38: 'CURVE',
  39: 'ECC_POINT',
};

const WARNINGS: Readonly<Record<number, string>> = {
  1: 'CONTEXT_GAP',
  2: 'OBJECT_MEMORY',
  3: 'SESSION_MEMORY',
  4: 'MEMORY',
  5: 'SESSION_HANDLES',
  6: 'OBJECT_HANDLES',
  7: 'LOCALITY',
  8: 'YIELDED',
  9: 'CANCELED',
  10: 'TESTING',
  16: 'REFERENCE_H0',
  17: 'REFERENCE_H1',
  18: 'REFERENCE_H2',
  24: 'REFERENCE_S0',
  25: 'REFERENCE_S1',
  26: 'REFERENCE_S2',
  32: 'NV_RATE',
  33: 'LOCKOUT',
  34: 'RETRY',
  35: 'NV_UNAVAILABLE',
};

/** The command was put off: the same bytes again. */
const PUT_OFF: ReadonlySet<string> = new Set(['YIELDED', 'CANCELED', 'TESTING', 'NV_RATE', 'RETRY', 'NV_UNAVAILABLE']);

const CODES: Readonly<Record<string, AgentCode>> = {
  INITIALIZE: 'tpm.not-started',
  PCR_CHANGED: 'tpm.policy',
  POLICY: 'tpm.policy',
  POLICY_FAIL: 'tpm.policy',
  POLICY_CC: 'tpm.policy',
  EXPIRED: 'tpm.policy',
  AUTH_FAIL: 'tpm.authorisation',
  BAD_AUTH: 'tpm.authorisation',
  AUTH_UNAVAILABLE: 'tpm.authorisation',
  NV_AUTHORIZATION: 'tpm.authorisation',
  CONTEXT_GAP: 'tpm.memory',
  OBJECT_MEMORY: 'tpm.memory',
  SESSION_MEMORY: 'tpm.memory',
  MEMORY: 'tpm.memory',
  SESSION_HANDLES: 'tpm.memory',
  OBJECT_HANDLES: 'tpm.memory',
  LOCKOUT: 'tpm.lockout',
};

export function decodeResponseCode(code: number): ResponseCode {
  const own = code & TPM_CODE;
  if ((own & FORMAT_1) !== 0) {
    const name = SUBJECT_ERRORS[own & 0x3f] ?? 'UNKNOWN';
    if ((own & PARAMETER) !== 0) return { code, name, blames: { kind: 'parameter', number: (own >> 8) & 0xf } };
    const kind = (own & SESSION) !== 0 ? 'session' : 'handle';
    return { code, name, blames: { kind, number: (own >> 8) & 0x7 } };
  }
  if ((own & VENDOR) !== 0) return { code, name: 'VENDOR', blames: undefined };
  const names = (own & WARNING) === WARNING ? WARNINGS : (own & FORMAT_0) !== 0 ? ERRORS : {};
  return { code, name: names[own & 0x7f] ?? 'UNKNOWN', blames: undefined };
}

/** As people look it up: `0x99d POLICY_FAIL, session 1`. */
function describe({ code, name, blames }: ResponseCode): string {
  const hex = `0x${code.toString(16)}`;
  return blames === undefined || blames.number === 0
    ? `${hex} ${name}`
    : `${hex} ${name}, ${blames.kind} ${blames.number}`;
}

/** Whether the same command may be sent again as it is. */
export function isPutOff(code: number): boolean {
  return PUT_OFF.has(decodeResponseCode(code).name);
}

/** A command that the TPM refused, with what it said. */
export class TpmRefusal extends AgentError {
  readonly response: ResponseCode;

  /** @param command its name in Part 3 */
  constructor(command: string, code: number) {
    const response = decodeResponseCode(code);
    const known = isPutOff(code) ? 'tpm.busy' : CODES[response.name];
    super(known ?? 'tpm.refused', `${command}: ${describe(response)}`);
    this.response = response;
  }
}

/** Whether a TPM refused with a code of this name. */
export function isRefusal(error: unknown, ...names: readonly string[]): boolean {
  return error instanceof TpmRefusal && names.includes(error.response.name);
}
