import type { Announced, Course, Decision, Followed, Observed } from '../../../src/cli/demo/judge.ts';

/** The attack of every made-up history, and the last step after it; wall-clock milliseconds. */
export const ATTACK_AT = 10_000;
export const LAST_STEP_AT = 11_000;

export function decision(verdict: string, at: number, challengedAt: number | undefined = at - 5): Decision {
  return { verdict, code: verdict === 'trusted' ? null : 'component.digest', at, challengedAt };
}

/** A change that time alone made. */
export function change(verdict: string, at: number): Decision {
  return { verdict, code: 'challenge.unanswered', at };
}

export const HONEST: Announced = {
  id: 'honest-1',
  operator: 'operator',
  scenario: 'honest',
  about: 'nothing',
  expected: 'trusted',
  before: null,
  codes: [],
  honest: true,
  trustedAfterAttack: true,
  settling: 'decisions',
};

export const ALTERED: Announced = {
  ...HONEST,
  id: 'runtime-altered-1',
  scenario: 'runtime-altered',
  about: 'a listed file is altered after boot',
  expected: 'untrusted',
  before: 'trusted',
  codes: ['component.digest'],
  honest: false,
  trustedAfterAttack: false,
};

export function followed(
  announced: Announced,
  verdict: string,
  history: readonly Decision[],
  more: { readonly course?: Partial<Course>; readonly reasons?: Observed['reasons'] } = {},
): Followed {
  const attackAt = announced.honest ? undefined : ATTACK_AT;
  const reasons = more.reasons ?? announced.codes.map((code) => ({ code, detail: `about ${code}` }));
  return {
    announced,
    course: { attackAt, lastStepAt: LAST_STEP_AT, checks: [], ...more.course },
    observed: { verdict, reasons, history },
  };
}

/** Trusted before the attack, untrusted three times after the last step. */
export const DESERVED_HISTORY: readonly Decision[] = [
  decision('trusted', 9000),
  decision('untrusted', 10_500),
  decision('untrusted', 11_500),
  decision('untrusted', 12_500),
  decision('untrusted', 13_500),
];

export const HONEST_HISTORY: readonly Decision[] = [9000, 11_500, 12_500, 13_500].map((at) => decision('trusted', at));
