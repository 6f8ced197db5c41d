import { type Message, toHex, utf8 } from '@mtm-attest/protocol';
import type { DurableFiles } from '../storage/durable-files.ts';

/** A result as it was acknowledged: what the verifier must be able to show again at that index. */
export interface FiledResult {
  readonly ledgerIndex: number;
  /** hexadecimal */
  readonly leafHash: string;
  readonly verdict: string;
  readonly codes: readonly string[];
}

const NAME = 'results.jsonl';
const LINE_FEED = 0x0a;

/** The results received last, one JSON object a line. */
export class ResultsFile {
  readonly #files: DurableFiles;
  readonly #kept: number;
  #lines: number | undefined;

  /** @param kept so many at least are kept, twice as many at most */
  constructor(files: DurableFiles, kept: number) {
    this.#files = files;
    this.#kept = kept;
  }

  /** Durable before it returns. */
  async file({ ledgerIndex, leafHash, verdict, codes = [] }: Message<'result'>): Promise<void> {
    const line = lineOf({ ledgerIndex, leafHash: toHex(leafHash), verdict, codes });
    this.#lines ??= await this.#mend();
    if (this.#lines < 2 * this.#kept) {
      await this.#files.append(NAME, utf8(line));
      this.#lines += 1;
      return;
    }
    const newest = (await this.read()).slice(1 - this.#kept).map((result) => lineOf(result));
    await this.#files.replace(NAME, utf8(newest.join('') + line));
    this.#lines = newest.length + 1;
  }

  /** What a crash cut off must not run into the next line. @returns how many lines there are */
  async #mend(): Promise<number> {
    const bytes = await this.#files.read(NAME);
    if (bytes === undefined) return 0;
    const whole = bytes.lastIndexOf(LINE_FEED) + 1;
    if (whole < bytes.length) await this.#files.truncate(NAME, whole);
    return (await this.read()).length;
  }

  /** Oldest first. A last line that was cut off is no result. */
  async read(): Promise<readonly FiledResult[]> {
    const bytes = await this.#files.read(NAME);
    const lines = Buffer.from(bytes ?? [])
      .toString('utf8')
      .split('\n');
    return lines.slice(0, -1).flatMap((line) => {
      const result = parse(line);
      return result === undefined ? [] : [result];
    });
  }
}

function lineOf(result: FiledResult): string {
  return `${JSON.stringify(result)}\n`;
}

function parse(line: string): FiledResult | undefined {
  try {
    return JSON.parse(line) as FiledResult;
  } catch {
    return undefined;
  }
}
