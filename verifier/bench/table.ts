import type { Estimate } from './pairs.ts';

/** What a figure should be; a benchmark never fails for it. */
export interface Target {
  readonly bound: 'at least' | 'at most';
  readonly value: number;
  /** the interval's end on the bad side has to keep it, not only the median */
  readonly of?: 'interval';
}

/** One line of the table. */
export interface Figure {
  readonly benchmark: string;
  readonly what: string;
  readonly unit: string;
  readonly value: number;
  readonly interval?: Pick<Estimate, 'low' | 'high' | 'samples'>;
  readonly target?: Target;
  readonly note?: string;
}

export function figureOf(estimate: Estimate, rest: Omit<Figure, 'value' | 'interval'>): Figure {
  const { median, low, high, samples } = estimate;
  return { ...rest, value: median, interval: { low, high, samples } };
}

/** @returns undefined where there is no target */
export function isMet({ target, value, interval }: Figure): boolean | undefined {
  if (target === undefined) return undefined;
  const least = target.bound === 'at least';
  const end = target.of === 'interval' ? (least ? interval?.low : interval?.high) : undefined;
  const decides = end ?? value;
  return least ? decides >= target.value : decides <= target.value;
}

const HEADINGS = ['', 'what', 'figure', '95 % interval', 'n', 'target', ''];

/** The figures as lines of equal columns. */
export function tableOf(figures: readonly Figure[]): string {
  const rows = [HEADINGS, ...figures.map(cellsOf)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  const notes = figures.filter(({ note }) => note !== undefined);
  const noted = notes.map(({ benchmark, what, note }) => `${benchmark}  ${what}: ${note ?? ''}`);
  return [...lines.map((line) => line.trimEnd()), ...(noted.length === 0 ? [] : ['', ...noted])].join('\n');
}

function cellsOf(figure: Figure): readonly string[] {
  const { benchmark, what, unit, value, interval, target } = figure;
  const met = isMet(figure);
  return [
    benchmark,
    what,
    `${textOf(value)} ${unit}`.trim(),
    interval === undefined ? '' : `${textOf(interval.low)} .. ${textOf(interval.high)}`,
    interval === undefined ? '' : String(interval.samples),
    target === undefined ? '' : `${target.bound} ${target.value}${target.of === 'interval' ? ' (interval)' : ''}`,
    met === undefined ? '' : met ? 'met' : 'MISSED',
  ];
}

function textOf(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(3);
}
