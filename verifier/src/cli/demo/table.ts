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
const WIDTHS = { terminal: 23, scenario: 19, expected: 11, verdict: 11 } as const;
/** The id begins with the scenario: on a narrow screen it says enough. */
const WIDE = 120;
const COLUMNS = ['terminal', 'scenario', 'expected'] as const;
const NARROW_COLUMNS = ['terminal', 'expected'] as const;

/** How a table is drawn. */
export interface TableForm {
  /** columns of the screen */
  readonly width: number;
  readonly coloured: boolean;
  /** true where reasons go on in further lines; otherwise they are cut at the edge */
  readonly whole: boolean;
}

/** The table's lines. Terminals of one scenario that stand alike share a row. */
export function tableLines(terminals: readonly ShownTerminal[], form: TableForm): readonly string[] {
  return [HEADER, ...collapsed(terminals)].flatMap((row) => rowLines(row, form));
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

function rowLines(row: Row, { width, coloured, whole }: TableForm): readonly string[] {
  const names = width < WIDE ? NARROW_COLUMNS : COLUMNS;
  const left = names.map((name) => `${row[name].padEnd(WIDTHS[name])} `).join('');
  const verdict = row.verdict.padEnd(WIDTHS.verdict);
  const mark = row === HEADER ? '  ' : row.settled ? (row.right ? '= ' : '! ') : '. ';
  const room = Math.max(1, width - mark.length - left.length - verdict.length - 1);
  const colour = coloured && row !== HEADER ? (COLOURS[row.verdict] ?? '') : '';
  const start = `${mark}${left}${colour}${verdict}${colour === '' ? '' : PLAIN}`;
  if (!whole) return [`${start} ${cut(row.why, room)}`.trimEnd()];
  const [first = '', ...rest] = wrapped(row.why, room);
  return [`${start} ${first}`.trimEnd(), ...rest.map((text) => ' '.repeat(width - room) + text)];
}

function cut(text: string, room: number): string {
  return text.length > room ? `${text.slice(0, room - 1)}…` : text;
}

/** Lines of whole words; a word longer than the room stands alone and is cut. */
function wrapped(text: string, room: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= room) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(cut(word, room));
  }
  return lines;
}
