import { PROTOCOL_CODES, ProtocolError } from '@mtm-attest/protocol';
import { explainCode, type VERIFIER_CODES, type VerifierCode, VerifierError } from '../error.ts';

/** RFC 9457, with our code and what to do next. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail?: string;
  readonly next?: string;
}

export const PROBLEM_TYPE = 'application/problem+json';

/** Codes that a caller of the API can meet, by status; every other one is the verifier's own trouble. */
const STATUSES: Readonly<Partial<Record<VerifierCode, number>>> = {
  'request.invalid': 400,
  'request.unauthorized': 401,
  'request.not-found': 404,
  'request.too-large': 413,
  'token.class': 422,
  'terminal.unknown': 404,
  'terminal.not-connected': 409,
  'terminal.nothing-open': 409,
  'reference.signature': 422,
  'reference.sequence': 409,
  'reference.minimum': 409,
  'reference.conflict': 409,
  'reference.issuer': 409,
  'store.failed': 503,
  'verifier.draining': 503,
};

export function statusOf(code: VerifierCode): number {
  return STATUSES[code] ?? 500;
}

/** What a caller is told of an error. A defect tells nothing of itself. */
export function problemOf(error: unknown): Problem {
  if (error instanceof VerifierError) return verifierProblem(error.code, error.detail);
  if (error instanceof ProtocolError) {
    const detail = error.offset === undefined ? {} : { detail: `at byte ${error.offset}` };
    return { type: typeOf(error.code), title: PROTOCOL_CODES[error.code], status: 422, code: error.code, ...detail };
  }
  const status = statusOfFastify(error);
  if (status === 413) return verifierProblem('request.too-large');
  if (status !== undefined && status < 500) {
    return { ...verifierProblem('request.invalid', error instanceof Error ? error.message : undefined), status };
  }
  return verifierProblem('verifier.malfunction');
}

function verifierProblem(code: VerifierCode, detail?: string): Problem {
  const { meaning, next } = explainCode(code);
  const status = statusOf(code);
  const told = status === 500 ? undefined : detail;
  return { type: typeOf(code), title: meaning, status, code, ...(told === undefined ? {} : { detail: told }), next };
}

function typeOf(code: keyof typeof VERIFIER_CODES | keyof typeof PROTOCOL_CODES): string {
  return `urn:mtm-attest:problem:${code}`;
}

function statusOfFastify(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { statusCode } = error as { readonly statusCode?: unknown };
  return typeof statusCode === 'number' ? statusCode : undefined;
}
