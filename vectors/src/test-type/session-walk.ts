import { choice, listOf, text } from '../format/fragment.ts';
import type { Implementation, Side } from '../implementation/implementation.ts';
import { textOf, textsOf } from './fields.ts';
import { ACCEPTED, lacks, type TestType } from './test-type.ts';

/** In an invalid walk every input but the last is allowed. */
export const SESSION_WALK: TestType = {
  name: 'SessionWalk',
  about: 'inputs to a state machine and the state they lead to, or a refusal (SPEC.md 6.7)',
  group: { side: choice('whose state machine', ['terminal', 'verifier']), start: text('the state at the beginning') },
  test: {
    inputs: listOf('messages by name, and events of this side', text('one input')),
    state: text('where a valid walk ends; in an invalid one, where the last input is refused'),
  },
  decide: async (implementation, group, test) => {
    if (implementation.session === undefined) return lacks('SessionWalk');
    const [side, start] = [textOf(group, 'side') as Side, textOf(group, 'start')];
    const [inputs, state] = [textsOf(test, 'inputs'), textOf(test, 'state')];
    const allowed = test['result'] === 'invalid' ? inputs.slice(0, -1) : inputs;
    const reached = await endOf(implementation, side, start, allowed);
    if (reached !== state) return { kind: 'differs', detail: `${reached} after ${allowed.join(', ')}` };
    if (test['result'] === 'invalid') await implementation.session(side, start, inputs);
    return ACCEPTED;
  },
};

/** A refusal here would look like the one that is due at the last input. */
async function endOf(
  implementation: Implementation,
  side: Side,
  start: string,
  inputs: readonly string[],
): Promise<string> {
  try {
    return (await implementation.session?.(side, start, inputs)) ?? start;
  } catch (error) {
    return `refused (${String(error)})`;
  }
}
