// `npm run test:testdata -- DIR`: holds the code against a folder of real quotes, whose expected.json says what must come out.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromHex, nameOf, parseSelectionText, publicArea, toHex } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import * as v from 'valibot';
import { checkQuote, type QuoteFails, type QuoteHolds } from '../../src/tpm2-tools/quote-check.ts';

const facts = v.strictObject({
  scheme: v.string(),
  hash: v.string(),
  qualifiedSigner: v.string(),
  clock: v.number(),
  resetCount: v.number(),
  restartCount: v.number(),
  safe: v.picklist([0, 1]),
  firmwareVersion: v.string(),
  pcrDigest: v.string(),
  selection: v.string(),
});

const quote = v.object({
  id: v.string(),
  public: v.string(),
  message: v.string(),
  signature: v.string(),
  pcrs: v.optional(v.string()),
  selection: v.optional(v.string()),
  qualification: v.optional(v.string()),
  expected: v.picklist(['accept', 'reject']),
  facts: v.optional(facts),
});

const name = v.object({ id: v.string(), public: v.string(), name: v.string() });

const list = v.optional(v.array(v.unknown()), []);

const expectations = v.object({
  quotes: v.array(quote),
  names: v.array(name),
  logs: list,
  certificates: list,
  ear: list,
  corim: list,
});

type Quote = v.InferOutput<typeof quote>;
type Name = v.InferOutput<typeof name>;

class TestData {
  readonly #directory: string;
  readonly #outcomes: boolean[] = [];

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @returns whether every case came out as expected */
  run(): boolean {
    const { quotes, names, ...later } = v.parse(expectations, JSON.parse(this.#read('expected.json').toString('utf8')));
    for (const one of quotes) this.#report(one.id, this.#quoteFault(one));
    for (const one of names) this.#report(one.id, this.#nameFault(one));
    const counts = Object.entries(later).map(([kind, cases]) => `${cases.length} ${kind}`);
    const failed = this.#outcomes.filter((passed) => !passed).length;
    process.stdout.write(`not yet covered: ${counts.join(', ')}\n`);
    process.stdout.write(`${this.#outcomes.length - failed} passed, ${failed} failed\n`);
    return failed === 0 && this.#outcomes.length > 0;
  }

  #report(id: string, fault: string | undefined): void {
    this.#outcomes.push(fault === undefined);
    process.stdout.write(fault === undefined ? `ok   ${id}\n` : `FAIL ${id}: ${fault}\n`);
  }

  #quoteFault(one: Quote): string | undefined {
    const { selection, qualification, pcrs } = one;
    const files = {
      public: this.#read(one.public),
      message: this.#read(one.message),
      signature: this.#read(one.signature),
      ...(pcrs === undefined ? {} : { pcrs: this.#read(pcrs) }),
    };
    const checked = checkQuote(files, {
      ...(selection === undefined ? {} : { selection: parseSelectionText(selection) }),
      ...(qualification === undefined ? {} : { qualification: fromHex(qualification) }),
    });
    if (!checked.ok) return one.expected === 'reject' ? undefined : `rejected: ${checked.code} ${checked.detail ?? ''}`;
    return one.expected === 'accept' ? factsFault(one, checked) : 'accepted';
  }

  #nameFault(one: Name): string | undefined {
    const found = toHex(nameOf(publicArea(this.#read(one.public)), nodeCrypto));
    return found === one.name ? undefined : `the Name is ${found}, not ${one.name}`;
  }

  #read(file: string): Buffer {
    return readFileSync(join(this.#directory, file));
  }
}

function factsFault({ facts: wanted }: Quote, checked: QuoteHolds | QuoteFails): string | undefined {
  if (!checked.ok || wanted === undefined) return undefined;
  const found = { ...checked.quote, clock: Number(checked.quote.clock), safe: checked.quote.safe ? 1 : 0 };
  const wrong = Object.entries(wanted).filter(([key, value]) => found[key as keyof typeof wanted] !== value);
  return wrong.length === 0 ? undefined : `other facts: ${wrong.map(([key]) => key).join(', ')}`;
}

const [directory] = process.argv.slice(2);
if (directory === undefined) {
  process.stderr.write('usage: npm run test:testdata -- DIR\n');
  process.exitCode = 2;
} else {
  process.exitCode = new TestData(directory).run() ? 0 : 1;
}
