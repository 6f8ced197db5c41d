import { ProtocolError } from '../error.ts';

/**
 * One connection as the terminal sees it. connected: the greeting is due. greeted: the verifier is known, nothing is proven yet.
 * enrolling, enrol-quoting, enrol-quoted: towards an enrolment. idle: proven, waiting. answering: evidence is being made. answered: the result is due.
 */
export const TERMINAL_STATES = [
  'connected',
  'greeted',
  'enrolling',
  'enrol-quoting',
  'enrol-quoted',
  'idle',
  'answering',
  'answered',
  'closed',
] as const;

export type TerminalState = (typeof TERMINAL_STATES)[number];

export const TERMINAL_INPUTS = [
  'greeting',
  'hello-sent',
  'enrol-sent',
  'challenge',
  'evidence-sent',
  'bootNew-sent',
  'want',
  'result',
  'noResult',
  'enrolled',
  'deadline',
  'refusal',
] as const;

export type TerminalInput = (typeof TERMINAL_INPUTS)[number];

type Row = Readonly<Partial<Record<TerminalInput, TerminalState>>>;

/** The transition table (SPEC.md 6.7): what it does not name is `session.unexpected-message`. */
export const TERMINAL_SESSION: Readonly<Record<TerminalState, Row>> = {
  connected: { greeting: 'greeted', deadline: 'closed', refusal: 'closed' },
  greeted: { 'hello-sent': 'idle', 'enrol-sent': 'enrolling', deadline: 'closed', refusal: 'closed' },
  enrolling: { challenge: 'enrol-quoting', deadline: 'closed', refusal: 'closed' },
  'enrol-quoting': { 'evidence-sent': 'enrol-quoted', deadline: 'closed', refusal: 'closed' },
  'enrol-quoted': { enrolled: 'greeted', deadline: 'closed', refusal: 'closed' },
  idle: { challenge: 'answering', noResult: 'idle', deadline: 'closed', refusal: 'closed' },
  answering: { 'evidence-sent': 'answered', 'bootNew-sent': 'idle', deadline: 'closed', refusal: 'closed' },
  answered: {
    result: 'idle',
    noResult: 'idle',
    want: 'answered',
    challenge: 'answering',
    deadline: 'closed',
    refusal: 'closed',
  },
  closed: {},
};

/**
 * Pure; the caller asks again after each await (F-59).
 * @throws ProtocolError `session.unexpected-message`
 */
export function stepTerminal(state: TerminalState, input: TerminalInput): TerminalState {
  const row = TERMINAL_SESSION[state];
  const next = Object.hasOwn(row, input) ? row[input] : undefined;
  if (next === undefined) throw new ProtocolError('session.unexpected-message');
  return next;
}
