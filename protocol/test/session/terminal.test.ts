import { expect } from 'chai';
import fc from 'fast-check';
import { MESSAGES, type MessageName } from '../../src/message/catalogue.ts';
import {
  stepTerminal,
  TERMINAL_INPUTS,
  TERMINAL_SESSION,
  TERMINAL_STATES,
  type TerminalInput,
  type TerminalState,
} from '../../src/session/terminal.ts';
import { expectRefusal, unlessRefused } from '../refusal.ts';

const SEED = 40_401;

/** SPEC.md 6.7 once more, a line for each allowed step. */
const ALLOWED: readonly string[] = [
  'connected greeting greeted',
  'greeted hello-sent idle',
  'greeted enrol-sent enrolling',
  'enrolling challenge enrol-quoting',
  'enrol-quoting evidence-sent enrol-quoted',
  'enrol-quoted enrolled greeted',
  'idle challenge answering',
  'idle noResult idle',
  'answering evidence-sent answered',
  'answering bootNew-sent idle',
  'answered result idle',
  'answered noResult idle',
  'answered want answered',
  'answered challenge answering',
  ...TERMINAL_STATES.filter((state) => state !== 'closed').flatMap((state) => [
    `${state} deadline closed`,
    `${state} refusal closed`,
  ]),
];

function walk(inputs: readonly TerminalInput[]): TerminalState {
  return inputs.reduce<TerminalState>(
    (state, input) => unlessRefused(() => stepTerminal(state, input)) ?? state,
    'connected',
  );
}

describe('the session of a terminal', () => {
  it('knows every pair of state and input: it leads on, or is refused (F-59)', () => {
    const found: string[] = [];
    for (const state of TERMINAL_STATES) {
      for (const input of TERMINAL_INPUTS) {
        const next = unlessRefused(() => stepTerminal(state, input));
        if (next === undefined) expectRefusal(() => stepTerminal(state, input), 'session.unexpected-message');
        else found.push(`${state} ${input} ${next}`);
      }
    }
    expect(found).to.have.members(ALLOWED);
  });

  it('names in its table no state and no input that it does not have', () => {
    expect(Object.keys(TERMINAL_SESSION)).to.deep.equal([...TERMINAL_STATES]);
    for (const row of Object.values(TERMINAL_SESSION)) {
      expect(TERMINAL_INPUTS).to.include.members(Object.keys(row));
      expect(TERMINAL_STATES).to.include.members(Object.values(row));
    }
  });

  it('has an input for every message of the verifier', () => {
    const names = (Object.keys(MESSAGES) as MessageName[]).filter((name) => MESSAGES[name].from !== 'terminal');
    expect(TERMINAL_INPUTS).to.include.members(names);
  });

  it('is not led by a name that every object has (F-44)', () => {
    for (const name of ['constructor', 'toString', '__proto__']) {
      for (const state of TERMINAL_STATES) {
        expectRefusal(() => stepTerminal(state, name as TerminalInput), 'session.unexpected-message');
      }
    }
  });

  it('ends for good: nothing leads out of closed (F-59)', () => {
    for (const input of TERMINAL_INPUTS)
      expectRefusal(() => stepTerminal('closed', input), 'session.unexpected-message');
  });

  it('can always be ended, and reaches every state', () => {
    for (const state of TERMINAL_STATES.filter((one) => one !== 'closed')) {
      expect(stepTerminal(state, 'refusal')).to.equal('closed');
      expect(stepTerminal(state, 'deadline')).to.equal('closed');
    }
    const reached = new Set<TerminalState>(['connected']);
    for (const state of reached) for (const next of Object.values(TERMINAL_SESSION[state])) reached.add(next);
    expect([...reached]).to.have.members([...TERMINAL_STATES]);
  });

  it('sends no evidence that nobody asked for, and takes a result for evidence only (F-01, F-59)', () => {
    const property = fc.property(fc.array(fc.constantFrom(...TERMINAL_INPUTS), { maxLength: 40 }), (inputs) => {
      let state: TerminalState = 'connected';
      let asked = 0;
      let answered = 0;
      for (const input of inputs) {
        const next: TerminalState | undefined = unlessRefused(() => stepTerminal(state, input));
        if (next === undefined) continue;
        state = next;
        if (input === 'challenge') asked += 1;
        if (input === 'evidence-sent' || input === 'bootNew-sent') answered += 1;
        expect(answered).to.be.at.most(asked);
        if (input === 'result') expect(answered).to.be.above(0);
      }
    });
    fc.assert(property, { seed: SEED, numRuns: 1000 });
  });

  it('gets out of enrolling only by way of an enrolment', () => {
    const property = fc.property(fc.array(fc.constantFrom(...TERMINAL_INPUTS), { maxLength: 12 }), (rest) => {
      const inputs: readonly TerminalInput[] = ['greeting', 'enrol-sent', ...rest];
      if (!rest.includes('enrolled')) {
        expect(walk(inputs)).to.be.oneOf(['enrolling', 'enrol-quoting', 'enrol-quoted', 'closed']);
      }
    });
    fc.assert(property, { seed: SEED });
  });
});
