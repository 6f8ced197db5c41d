import {
  TERMINAL_INPUTS,
  TERMINAL_SESSION,
  TERMINAL_STATES,
  VERIFIER_INPUTS,
  VERIFIER_SESSION,
  VERIFIER_STATES,
} from '@mtm-attest/protocol';
import { type Draft, type DraftGroup, type DraftTest, invalid, note, valid } from './draft.ts';

const NOTES = {
  Unexpected: note('STATE', 'a message out of order is handled: evidence twice, a result nobody asked for', 'F-59'),
  Closed: note('STATE', 'a connection goes on after its end', 'F-57', 'F-59'),
};

type Table = Readonly<Record<string, Readonly<Partial<Record<string, string>>>>>;

interface Machine {
  readonly side: 'terminal' | 'verifier';
  readonly table: Table;
  readonly states: readonly string[];
  readonly inputs: readonly string[];
  /** walks of whole connections */
  readonly stories: readonly (readonly [comment: string, inputs: string])[];
}

const TERMINAL: Machine = {
  side: 'terminal',
  table: TERMINAL_SESSION,
  states: TERMINAL_STATES,
  inputs: TERMINAL_INPUTS,
  stories: [
    [
      'enrolment, then the gate',
      'greeting enrol-sent challenge evidence-sent enrolled hello-sent challenge evidence-sent result',
    ],
    ['two audits', 'greeting hello-sent challenge evidence-sent result challenge evidence-sent result'],
    ['a list asked for', 'greeting hello-sent challenge evidence-sent want want result'],
    ['a new boot', 'greeting hello-sent challenge bootNew-sent challenge evidence-sent result'],
    [
      'evidence that came too late',
      'greeting hello-sent challenge evidence-sent challenge evidence-sent noResult noResult',
    ],
    ['a verifier that is silent after its greeting', 'greeting deadline'],
    ['refused while answering', 'greeting hello-sent challenge refusal'],
    ['nobody greets', 'deadline'],
  ],
};

const VERIFIER: Machine = {
  side: 'verifier',
  table: VERIFIER_SESSION,
  states: VERIFIER_STATES,
  inputs: VERIFIER_INPUTS,
  stories: [
    [
      'enrolment, then the gate',
      'enrol challenge-sent evidence enrolled hello session-committed challenge-sent evidence evidence-complete result-sent',
    ],
    ['evidence in parts', 'hello session-committed challenge-sent evidence part part evidence-complete result-sent'],
    [
      'a list asked for',
      'hello session-committed challenge-sent evidence evidence-complete want-sent part evidence-complete result-sent',
    ],
    [
      'a new boot',
      'hello session-committed challenge-sent bootNew challenge-sent evidence evidence-complete result-sent',
    ],
    [
      'another boot found while appraising',
      'hello session-committed challenge-sent evidence evidence-complete bootNew',
    ],
    [
      'an answer after its challenge has expired',
      'hello session-committed challenge-sent deadline evidence-not-open part-not-open',
    ],
    [
      'recorded evidence played again',
      'hello session-committed evidence-not-open challenge-sent evidence-not-open part-not-open bootNew-not-open evidence part-not-open evidence-complete result-sent',
    ],
    ['a stranger who says nothing', 'deadline'],
    ['refused', 'hello refusal'],
  ],
};

/** A shortest sequence of inputs from the first state to every other, found breadth first in the order of the table. */
function shortestWalks({ table, states }: Machine): ReadonlyMap<string, readonly string[]> {
  const [start] = states;
  const walks = new Map<string, readonly string[]>([[start ?? '', []]]);
  for (const [state, walk] of walks) {
    for (const [input, next] of Object.entries(table[state] ?? {})) {
      if (next !== undefined && !walks.has(next)) walks.set(next, [...walk, input]);
    }
  }
  return walks;
}

function endOf({ table, states }: Machine, inputs: readonly string[]): string {
  return inputs.reduce((state, input) => {
    const next = table[state]?.[input];
    if (next === undefined) throw new RangeError(`${input} in ${state}`);
    return next;
  }, states[0] ?? '');
}

function groupOf(machine: Machine): DraftGroup {
  const { side, table, states, inputs, stories } = machine;
  const walks = shortestWalks(machine);
  const refused: readonly DraftTest[] = states.flatMap((state) =>
    inputs
      .filter((input) => table[state]?.[input] === undefined)
      .map((input) =>
        invalid(`${input} in ${state}`, state === 'closed' ? 'Closed' : 'Unexpected', 'session.unexpected-message', {
          inputs: [...(walks.get(state) ?? []), input],
          state,
        }),
      ),
  );
  const told = stories.map(([comment, text]) => valid(comment, walked(machine, text.split(' '))));
  return {
    type: 'SessionWalk',
    fields: { side, start: states[0] },
    tests: [...told, ...transitionsLeft(machine, walks), ...refused],
  };
}

function walked(machine: Machine, inputs: readonly string[]): Readonly<Record<string, unknown>> {
  return { inputs, state: endOf(machine, inputs) };
}

/** One walk for each transition that no story takes: with them every row of the table is walked. */
function transitionsLeft(machine: Machine, walks: ReadonlyMap<string, readonly string[]>): readonly DraftTest[] {
  const taken = new Set(machine.stories.flatMap(([, text]) => transitionsOf(machine, text.split(' '))));
  return Object.entries(machine.table).flatMap(([state, row]) =>
    Object.keys(row)
      .filter((input) => !taken.has(`${input} in ${state}`))
      .map((input) => valid(`${input} in ${state}`, walked(machine, [...(walks.get(state) ?? []), input]))),
  );
}

function transitionsOf(machine: Machine, inputs: readonly string[]): readonly string[] {
  return inputs.map((input, i) => `${input} in ${endOf(machine, inputs.slice(0, i))}`);
}

/** Walks through both state machines: every pair of state and input that is refused, and whole connections. */
export function sessionDraft(): Draft {
  return { file: 'session', notes: NOTES, groups: [groupOf(TERMINAL), groupOf(VERIFIER)] };
}
