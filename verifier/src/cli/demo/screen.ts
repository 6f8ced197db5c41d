import { type ShownTerminal, summaryLine, tableLines } from './table.ts';

/** Where a demonstration is shown: the parts of a terminal's output stream that matter. */
export interface Output {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  write(text: string): unknown;
}

const PLAIN_EVERY_MS = 5000;
const PLAIN_WIDTH = 120;
const DEFAULT_ROWS = 24;
const LEGEND = '. in progress   = settled as deserved   ! settled otherwise';

/** A table that rewrites itself on a screen; on anything else a line now and then, and the table at the end. */
export class Screen {
  readonly #output: Output;
  readonly #coloured: boolean;
  #drawn = 0;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(output: Output, coloured: boolean) {
    this.#output = output;
    this.#coloured = coloured;
  }

  show(terminals: readonly ShownTerminal[], elapsedMs: number): void {
    const summary = summaryLine(terminals, elapsedMs);
    if (this.#output.isTTY !== true) {
      if (elapsedMs - this.#toldAt < PLAIN_EVERY_MS) return;
      this.#toldAt = elapsedMs;
      this.#output.write(`${summary}\n`);
      return;
    }
    const { columns = PLAIN_WIDTH, rows = DEFAULT_ROWS } = this.#output;
    const room = Math.max(1, rows - 4);
    const form = { width: columns, coloured: this.#coloured };
    const whole = tableLines(terminals, { ...form, whole: true });
    const lines = whole.length <= room ? whole : tableLines(terminals, { ...form, whole: false });
    const shown = lines.slice(0, room);
    if (shown.length < lines.length) shown.push(`  … and ${lines.length - shown.length} more rows`);
    this.#draw([...shown, LEGEND, summary.slice(0, columns)]);
  }

  /** What stays when it is over: the whole table. */
  end(terminals: readonly ShownTerminal[], elapsedMs: number): void {
    const { columns = PLAIN_WIDTH, isTTY } = this.#output;
    const form = { width: columns, coloured: isTTY === true && this.#coloured, whole: true };
    const lines = tableLines(terminals, form);
    this.#draw([...lines, LEGEND, summaryLine(terminals, elapsedMs)]);
    this.#drawn = 0;
  }

  #draw(lines: readonly string[]): void {
    const back = this.#drawn === 0 ? '' : `\x1b[${this.#drawn}A\x1b[J`;
    this.#output.write(`${back}${lines.join('\n')}\n`);
    if (this.#output.isTTY === true) this.#drawn = lines.length;
  }
}
