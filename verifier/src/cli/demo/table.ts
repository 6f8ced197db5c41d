import type { Followed } from './judge.ts';

/** A followed terminal as a row of the table shows it. */
export interface ShownTerminal extends Followed {
  readonly settled: boolean;
}

interface Row {
  readonly terminal: string;
  readonly scenario: string;
  readonly expected: string;
  readonly verdict: string;
  readonly right: boolean;
  readonly why: string;
  readonly settled: boolean;
}

const COLOURS: Readonly<Record<string, string>> = {
  trusted: '\x1b[32m',
  untrusted: '\x1b[31m',
  stale: '\x1b[33m',
  unreachable: '\x1b[33m',
  unknown: '\x1b[36m',
};
const PLAIN = '\x1b[0m';
const HEADER: Row = {
  terminal: 'TERMINAL',
  scenario: 'SCENARIO',
  expected: 'DESERVES',
  verdict: 'VERDICT',
  right: true,
  why: 'WHY',
  settled: false,
};
const WIDTHS = { terminal: 24, scenario: 20, expected: 12, verdict: 12 } as const;

/**
 * The table's lines. Terminals of one scenario that stand alike share a row.
 * @param width columns of the screen
 */
export function tableLines(terminals: readonly ShownTerminal[], width: number, coloured: boolean): readonly string[] {
  const rows = collapsed(terminals);
  return [HEADER, ...rows].map((row) => line(row, width, coloured));
}

/** One line that says how many stand as they should. */
export function summaryLine(terminals: readonly ShownTerminal[], elapsedMs: number): string {
  const counts = new Map<string, number>();
  for (const one of terminals) counts.set(verdictOf(one), (counts.get(verdictOf(one)) ?? 0) + 1);
  const verdicts = [...counts].map(([verdict, count]) => `${count} ${verdict}`).join(', ');
  const settled = terminals.filter((one) => one.settled).length;
  const right = terminals.filter(isRight).length;
  const seconds = (elapsedMs / 1000).toFixed(1);
  return `${seconds} s: ${terminals.length} terminals; ${verdicts}; ${right} as deserved, ${settled} settled`;
}

function collapsed(terminals: readonly ShownTerminal[]): readonly Row[] {
  const groups = new Map<string, { readonly row: Row; count: number }>();
  for (const one of terminals) {
    const row = rowOf(one);
    const key = JSON.stringify([row.scenario, row.verdict, row.why, row.settled]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { row, count: 1 });
    else group.count += 1;
  }
  return [...groups.values()].map(({ row, count }) =>
    count === 1 ? row : { ...row, terminal: `${row.scenario} x ${count}` },
  );
}

function rowOf(terminal: ShownTerminal): Row {
  const { announced, settled } = terminal;
  return {
    terminal: announced.id,
    scenario: announced.scenario,
    expected: announced.expected,
    verdict: verdictOf(terminal),
    right: isRight(terminal),
    why: whyOf(terminal),
    settled,
  };
}

function verdictOf({ observed }: Followed): string {
  return observed?.verdict ?? '-';
}

function isRight({ announced, observed }: Followed): boolean {
  return observed?.verdict === announced.expected;
}

function whyOf({ announced, observed }: Followed): string {
  const [reason] = observed?.reasons ?? [];
  if (observed === undefined) return 'has not enrolled yet';
  if (reason !== undefined) return `${reason.code}: ${reason.detail}`;
  return announced.honest || observed.verdict !== 'trusted'
    ? 'Everything measured is what its release lists.'
    : `Everything measured is what its release lists. To come: ${announced.about}.`;
}

function line(row: Row, width: number, coloured: boolean): string {
  const left = [
    row.terminal.padEnd(WIDTHS.terminal),
    row.scenario.padEnd(WIDTHS.scenario),
    row.expected.padEnd(WIDTHS.expected),
  ].join(' ');
  const verdict = row.verdict.padEnd(WIDTHS.verdict);
  const mark = row === HEADER ? '  ' : row.settled ? (row.right ? '= ' : '! ') : '. ';
  const room = Math.max(0, width - left.length - verdict.length - mark.length - 2);
  const why = row.why.length > room ? `${row.why.slice(0, Math.max(0, room - 1))}…` : row.why;
  const colour = coloured && row !== HEADER ? (COLOURS[row.verdict] ?? '') : '';
  return `${mark}${left} ${colour}${verdict}${colour === '' ? '' : PLAIN} ${why}`.trimEnd();
}
