import type { Role } from './cast.ts';

/** What a simulation tells, in the order it happens. Times are wall-clock milliseconds since 1970. */
export type FleetEvent =
  | {
      readonly event: 'terminal';
      readonly id: string;
      readonly operator: string;
      readonly scenario: string;
      readonly about: string;
      /** the verdict that the terminal deserves in the end */
      readonly expected: string;
      /** the verdict that must show before the attack; null where none must */
      readonly before: string | null;
      /** the first reason beside the verdict; null where there is none */
      readonly code: string | null;
      readonly codes: readonly string[];
      readonly honest: boolean;
      readonly trustedAfterAttack: boolean;
      readonly settling: string;
    }
  | { readonly event: 'cast'; readonly terminals: number }
  | { readonly event: 'step'; readonly id: string; readonly name: string; readonly at: number }
  | { readonly event: 'attack'; readonly id: string; readonly at: number }
  | { readonly event: 'last-step'; readonly id: string; readonly at: number }
  | { readonly event: 'check'; readonly id: string; readonly name: string; readonly ok: boolean };

export type Tell = (event: FleetEvent) => void;

export function announcement({ id, scenario }: Role, operator: string): FleetEvent {
  const { name, about, verdict, before, codes, honest, trustedAfterAttack, settling } = scenario;
  return {
    event: 'terminal',
    id,
    operator,
    scenario: name,
    about,
    expected: verdict,
    before: before ?? null,
    code: codes[0] ?? null,
    codes,
    honest,
    trustedAfterAttack,
    settling,
  };
}

/** One line for people. */
export function eventText(event: FleetEvent): string {
  switch (event.event) {
    case 'terminal':
      return `${event.id}: ${event.about}; deserves ${event.expected}${event.code === null ? '' : ` (${event.code})`}`;
    case 'cast':
      return `${event.terminals} terminals`;
    case 'step':
      return `${event.id}: ${event.name}`;
    case 'attack':
      return `${event.id}: attacked from now on`;
    case 'last-step':
      return `${event.id}: goes on as it is`;
    case 'check':
      return `${event.id}: ${event.ok ? 'holds' : 'DOES NOT HOLD'}: ${event.name}`;
  }
}
