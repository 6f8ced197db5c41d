import { ProtocolError } from '../error.ts';

/**
 * One connection as the verifier sees it. Messages of the terminal are inputs by their name; the rest are events of the verifier.
 * greeting: nobody yet. enrolling, enrolment-quoted: a token is being turned into an enrolment. identifying: a hello verified, its session is being
 * made durable. idle: nothing asked. challenged: one challenge open. receiving: evidence came, parts are due. appraising: all came.
 */
export const VERIFIER_STATES = [
  'greeting',
  'enrolling',
  'enrol-challenged',
  'enrolment-quoted',
  'identifying',
  'idle',
  'challenged',
  'receiving',
  'appraising',
  'closed',
] as const;

export type VerifierState = (typeof VERIFIER_STATES)[number];

export const VERIFIER_INPUTS = [
  'hello',
  'enrol',
  'challenge-sent',
  'evidence',
  'evidence-not-open',
  'part',
  'part-not-open',
  'evidence-complete',
  'want-sent',
  'bootNew',
  'bootNew-not-open',
  'enrolled',
  'session-committed',
  'result-sent',
  'deadline',
  'refusal',
] as const;

export type VerifierInput = (typeof VERIFIER_INPUTS)[number];

type Row = Readonly<Partial<Record<VerifierInput, VerifierState>>>;

/** The transition table (SPEC.md 6.7): what it does not name is `session.unexpected-message`. */
export const VERIFIER_SESSION: Readonly<Record<VerifierState, Row>> = {
  greeting: { hello: 'identifying', enrol: 'enrolling', deadline: 'closed', refusal: 'closed' },
  enrolling: { 'challenge-sent': 'enrol-challenged', deadline: 'closed', refusal: 'closed' },
  'enrol-challenged': { evidence: 'enrolment-quoted', deadline: 'closed', refusal: 'closed' },
  'enrolment-quoted': { enrolled: 'greeting', deadline: 'closed', refusal: 'closed' },
  identifying: { 'session-committed': 'idle', deadline: 'closed', refusal: 'closed' },
  idle: {
    'challenge-sent': 'challenged',
    'evidence-not-open': 'idle',
    'part-not-open': 'idle',
    'bootNew-not-open': 'idle',
    refusal: 'closed',
  },
  challenged: {
    evidence: 'receiving',
    bootNew: 'idle',
    'evidence-not-open': 'challenged',
    'part-not-open': 'challenged',
    'bootNew-not-open': 'challenged',
    deadline: 'idle',
    refusal: 'closed',
  },
  receiving: {
    part: 'receiving',
    'part-not-open': 'receiving',
    'evidence-complete': 'appraising',
    deadline: 'idle',
    refusal: 'closed',
  },
  appraising: { 'want-sent': 'receiving', 'result-sent': 'idle', bootNew: 'idle' },
  closed: {},
};

/**
 * Pure: socket, clock and nonces belong to the caller, who asks again after each await (F-59).
 * @throws ProtocolError `session.unexpected-message`
 */
export function stepVerifier(state: VerifierState, input: VerifierInput): VerifierState {
  const row = VERIFIER_SESSION[state];
  const next = Object.hasOwn(row, input) ? row[input] : undefined;
  if (next === undefined) throw new ProtocolError('session.unexpected-message');
  return next;
}
