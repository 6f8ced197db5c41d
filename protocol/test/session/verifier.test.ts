import { expect } from 'chai';
import fc from 'fast-check';
import { MESSAGES, type MessageName } from '../../src/message/catalogue.ts';
import {
  stepVerifier,
  VERIFIER_INPUTS,
  VERIFIER_SESSION,
  VERIFIER_STATES,
  type VerifierInput,
  type VerifierState,
} from '../../src/session/verifier.ts';
import { expectRefusal, unlessRefused } from '../refusal.ts';

const SEED = 40_402;

/** SPEC.md 6.7 once more, a line for each allowed step. */
const ALLOWED: readonly string[] = [
  'greeting hello identifying',
  'greeting enrol enrolling',
  'enrolling challenge-sent enrol-challenged',
  'enrol-challenged evidence enrolment-quoted',
  'enrolment-quoted enrolled greeting',
  'identifying session-committed idle',
  'idle challenge-sent challenged',
  ...['idle', 'challenged'].flatMap((state) =>
    ['evidence', 'part', 'bootNew'].map((message) => `${state} ${message}-not-open ${state}`),
  ),
  'challenged evidence receiving',
  'challenged bootNew idle',
  'challenged deadline idle',
  'receiving part receiving',
  'receiving part-not-open receiving',
  'receiving evidence-complete appraising',
  'receiving deadline idle',
  'appraising want-sent receiving',
  'appraising result-sent idle',
  'appraising bootNew idle',
  ...['greeting', 'enrolling', 'enrol-challenged', 'enrolment-quoted', 'identifying'].map(
    (state) => `${state} deadline closed`,
  ),
  ...VERIFIER_STATES.filter((state) => state !== 'closed' && state !== 'appraising').map(
    (state) => `${state} refusal closed`,
  ),
];

/** States in which a hello has verified. */
const PROVEN: readonly VerifierState[] = ['idle', 'challenged', 'receiving', 'appraising'];

/** What only the terminal's own messages can bring about. */
const MESSAGES_IN: readonly VerifierInput[] = ['hello', 'enrol', 'evidence', 'part', 'bootNew', 'refusal'];

/** Long walks: what closes the connection comes seldom. */
const walks = fc.array(
  fc.oneof(
    { weight: 1, arbitrary: fc.constantFrom(...VERIFIER_INPUTS) },
    {
      weight: 19,
      arbitrary: fc.constantFrom(...VERIFIER_INPUTS.filter((input) => input !== 'deadline' && input !== 'refusal')),
    },
  ),
  { minLength: 20, maxLength: 100, size: 'max' },
);

/** Takes the steps that are allowed, and tells each of them. */
function walk(
  inputs: readonly VerifierInput[],
  taken: (before: VerifierState, input: VerifierInput, after: VerifierState) => void,
): void {
  let state: VerifierState = 'greeting';
  for (const input of inputs) {
    const next: VerifierState | undefined = unlessRefused(() => stepVerifier(state, input));
    if (next === undefined) continue;
    taken(state, input, next);
    state = next;
  }
}

describe('the session of a verifier', () => {
  it('knows every pair of state and input: it leads on, or is refused (F-59)', () => {
    const found: string[] = [];
    for (const state of VERIFIER_STATES) {
      for (const input of VERIFIER_INPUTS) {
        const next = unlessRefused(() => stepVerifier(state, input));
        if (next === undefined) expectRefusal(() => stepVerifier(state, input), 'session.unexpected-message');
        else found.push(`${state} ${input} ${next}`);
      }
    }
    expect(found).to.have.members(ALLOWED);
  });

  it('names in its table no state and no input that it does not have', () => {
    expect(Object.keys(VERIFIER_SESSION)).to.deep.equal([...VERIFIER_STATES]);
    for (const row of Object.values(VERIFIER_SESSION)) {
      expect(VERIFIER_INPUTS).to.include.members(Object.keys(row));
      expect(VERIFIER_STATES).to.include.members(Object.values(row));
    }
  });

  it('has an input for every message of the terminal', () => {
    const names = (Object.keys(MESSAGES) as MessageName[]).filter((name) => MESSAGES[name].from !== 'verifier');
    expect(VERIFIER_INPUTS).to.include.members(names);
  });

  it('is not led by a name that every object has (F-44)', () => {
    for (const name of ['constructor', 'toString', '__proto__']) {
      for (const state of VERIFIER_STATES) {
        expectRefusal(() => stepVerifier(state, name as VerifierInput), 'session.unexpected-message');
      }
    }
  });

  it('ends for good: nothing leads out of closed (F-59)', () => {
    for (const input of VERIFIER_INPUTS)
      expectRefusal(() => stepVerifier('closed', input), 'session.unexpected-message');
  });

  it('reaches every state', () => {
    const reached = new Set<VerifierState>(['greeting']);
    for (const state of reached) for (const next of Object.values(VERIFIER_SESSION[state])) reached.add(next);
    expect([...reached]).to.have.members([...VERIFIER_STATES]);
  });

  it('has nobody proven without a hello whose session is durable (F-59)', () => {
    const property = fc.property(walks, (inputs) => {
      const seen = new Set<VerifierInput>();
      walk(inputs, (_before, input, after) => {
        seen.add(input);
        if (PROVEN.includes(after)) expect([...seen]).to.include.members(['hello', 'session-committed']);
      });
    });
    fc.assert(property, { seed: SEED, numRuns: 400 });
  });

  it('takes two pieces of evidence for one challenge from nobody, and appraises each once (F-01, F-59)', () => {
    const property = fc.property(walks, (inputs) => {
      let open = 0;
      let pending = 0;
      walk(inputs, (before, input, after) => {
        if (input === 'challenge-sent') open = 1;
        if (input === 'deadline' && before === 'challenged') open = 0;
        if (input === 'evidence' || (input === 'bootNew' && before === 'challenged')) {
          expect(open).to.equal(1);
          open = 0;
        }
        if (input === 'evidence') pending = 1;
        if (input === 'evidence-complete') expect(pending).to.equal(1);
        if (input === 'result-sent') {
          expect(pending).to.equal(1);
          pending = 0;
        }
        if (after === 'idle') pending = 0;
      });
    });
    fc.assert(property, { seed: SEED, numRuns: 400 });
  });

  it('lets a stranger do no more than say hello, ask for enrolment, and leave (F-59)', () => {
    for (const state of ['greeting', 'enrolling', 'enrolment-quoted', 'identifying'] as const) {
      const allowed = MESSAGES_IN.filter((input) => unlessRefused(() => stepVerifier(state, input)) !== undefined);
      expect(allowed, state).to.have.members(state === 'greeting' ? ['hello', 'enrol', 'refusal'] : ['refusal']);
    }
    expect(MESSAGES_IN.filter((input) => Object.hasOwn(VERIFIER_SESSION['enrol-challenged'], input))).to.have.members([
      'evidence',
      'refusal',
    ]);
  });

  it('takes no message while it appraises: what came waits (F-59)', () => {
    for (const input of ['hello', 'enrol', 'evidence', 'part', 'evidence-not-open', 'part-not-open'] as const) {
      expectRefusal(() => stepVerifier('appraising', input), 'session.unexpected-message');
    }
  });
});
