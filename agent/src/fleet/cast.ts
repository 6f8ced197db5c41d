import { AgentError } from '../error.ts';
import { findScenario, SCENARIOS, type Scenario, TPM_SCENARIO } from './scenarios.ts';

/** One terminal and what happens to it. */
export interface Role {
  readonly id: string;
  readonly scenario: Scenario;
}

/** Enough honest terminals that an attacked one stands among many. */
export const LEAST_TERMINALS = 40;
/** How often each of these plays in a fleet that nobody composed. */
const SEVERAL: Readonly<Record<string, number>> = {
  'honest-reboot': 2,
  'honest-update': 2,
  'slow-link': 2,
  reconnecting: 2,
};

/**
 * Who plays what. Without wishes every scenario plays, the honest ones several times, and at least LEAST_TERMINALS terminals take part;
 * with wishes exactly those, and both are filled up to `terminals` with honest ones.
 *
 * @param wishes `NAME=COUNT`
 * @throws AgentError `option.invalid`
 */
export function castOf(terminals: number, wishes: readonly string[]): readonly Role[] {
  const counts =
    wishes.length === 0
      ? new Map(SCENARIOS.map(({ name }) => [name, SEVERAL[name] ?? 1]))
      : new Map(wishes.map(readWish));
  const total = wishes.length === 0 ? Math.max(terminals, LEAST_TERMINALS) : terminals;
  const asked = [...counts.values()].reduce((sum, count) => sum + count, 0);
  if (asked > total) throw new AgentError('option.invalid', `${asked} terminals in scenarios, ${total} in all`);
  counts.set('honest', (counts.get('honest') ?? 0) + total - asked);
  const digits = String(total).length;
  return SCENARIOS.flatMap((scenario) =>
    Array.from({ length: counts.get(scenario.name) ?? 0 }, (_, i) => ({
      id: `${scenario.name}-${String(i + 1).padStart(digits, '0')}`,
      scenario,
    })),
  );
}

/** One terminal with a TPM emulator beside the others. */
export const TPM_ROLE: Role = { id: `${TPM_SCENARIO.name}-1`, scenario: TPM_SCENARIO };

function readWish(text: string): [string, number] {
  const [, name = '', count = ''] = /^([a-z-]+)=(\d{1,6})$/.exec(text) ?? [];
  if (findScenario(name) === undefined) {
    throw new AgentError('option.invalid', `--scenario ${text}: NAME=COUNT with a scenario's name`);
  }
  return [name, Number(count)];
}
