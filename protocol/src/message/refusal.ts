import type { ProtocolCode } from '../error.ts';

/** WebSocket close codes (RFC 6455, 7.4.1) by which a connection of this protocol ends, and when. */
export const CLOSES = {
  goingAway: { code: 1001, when: 'the verifier stops' },
  protocol: { code: 1002, when: 'any code of 10.1: bytes that are no message, a message at the wrong time' },
  unsupported: { code: 1003, when: 'a text message' },
  policy: { code: 1008, when: 'a code of 6.6, or the other side refused' },
  tooLarge: { code: 1009, when: 'a message above the limit' },
} as const satisfies Readonly<Record<string, { readonly code: number; readonly when: string }>>;

interface RefusalForm {
  readonly from: 'verifier' | 'terminal';
  readonly meaning: string;
  /** WebSocket close code; there is no refusal after which the connection goes on */
  readonly close: number;
}

function refusal(from: RefusalForm['from'], meaning: string): RefusalForm {
  return { from, meaning, close: CLOSES.policy.code };
}

/**
 * What `refusal` can say beside a ProtocolCode (SPEC.md 6.6). A code is never renamed. What a verifier says is the same for every peer;
 * nothing in it can be measured (F-69).
 */
export const REFUSALS = {
  'session.unproven': refusal(
    'verifier',
    'the hello does not verify, or no such terminal is enrolled: the answer is the same for both',
  ),
  'session.deadline': refusal('verifier', 'nothing was proven, or no enrolment was completed, in time (F-54)'),
  'session.superseded': refusal('verifier', 'a newer connection proved to be the same terminal'),
  'limit.rate': refusal('verifier', 'messages came faster than the verifier takes them (F-54)'),
  'limit.connections': refusal(
    'verifier',
    'a newer connection needed the place of this one, which had proven nothing (F-54)',
  ),
  'enrolment.token-invalid': refusal('verifier', 'the token is unknown, has expired, or belongs to another terminal'),
  'enrolment.token-reused': refusal('verifier', 'the token was used already, with another attestation key'),
  'enrolment.refused': refusal(
    'verifier',
    "the keys are not allowed, the quote does not prove them, or they are not what the token's class asks for",
  ),
  'enrolment.not-endorsed': refusal(
    'verifier',
    'the token asks for a certificate of the endorsement key that leads to a root of this verifier, which knows none',
  ),
  'enrolment.same-ak': refusal('verifier', 'after a break of identity only another attestation key can be enrolled'),
  'enrolment.ak-in-use': refusal(
    'verifier',
    'the attestation key is, or was, that of another terminal: a trusted environment has one name',
  ),
  'log.full': refusal('terminal', 'the log of this boot is full: no evidence comes until the terminal reboots (F-29)'),
  'verifier.malfunction': refusal('verifier', 'the verifier met a defect of its own'),
} as const;

export type RefusalCode = ProtocolCode | keyof typeof REFUSALS;

/** @returns the close code that follows a refusal with this code */
export function closeCodeOf(code: RefusalCode): number {
  return isOwn(code) ? REFUSALS[code].close : CLOSES.protocol.code;
}

function isOwn(code: RefusalCode): code is keyof typeof REFUSALS {
  return Object.hasOwn(REFUSALS, code);
}
