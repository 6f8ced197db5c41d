import type { Check, Decision, Followed, Reason } from './judge.ts';
import { judge } from './judge.ts';

/** One terminal at the end of a demonstration. */
export interface ReportedTerminal {
  readonly id: string;
  readonly operator: string;
  readonly scenario: string;
  readonly expected: string;
  readonly verdict: string;
  readonly reasons: readonly Reason[];
  readonly history: readonly Pick<Decision, 'verdict' | 'code' | 'at'>[];
  /** all hold where the terminal got the verdict that it deserves */
  readonly checks: readonly Check[];
}

export interface Report {
  readonly schema: typeof REPORT_SCHEMA;
  readonly terminals: readonly ReportedTerminal[];
}

export const REPORT_SCHEMA = 'demo.v1.json';

/** @param settled whether the daemon had its last word about it */
export function reportOf(followed: readonly (Followed & { readonly settled: boolean })[]): Report {
  return { schema: REPORT_SCHEMA, terminals: followed.map(reportedTerminal) };
}

function reportedTerminal(followed: Followed & { readonly settled: boolean }): ReportedTerminal {
  const { announced, observed, settled } = followed;
  const { id, operator, scenario, expected } = announced;
  return {
    id,
    operator,
    scenario,
    expected,
    verdict: observed?.verdict ?? 'unknown',
    reasons: (observed?.reasons ?? []).map(({ code, detail }) => ({ code, detail })),
    history: (observed?.history ?? []).map(({ verdict, code, at }) => ({ verdict, code, at })),
    checks: [...judge(followed), { name: 'the terminal has settled', ok: settled }],
  };
}

export function isDeserved({ checks }: ReportedTerminal): boolean {
  return checks.every(({ ok }) => ok);
}
