// `npm run test:testdata -- DIR`: holds the code against a folder of real evidence, whose expected.json says what must come out.
import * as v from 'valibot';
import { corimCase, corimFault } from './corim.ts';
import { earCase, earFault } from './ear.ts';
import { Folder } from './folder.ts';
import { isCovered, logCase, logFault } from './logs.ts';
import { nameCase, nameFault, quoteCase, quoteFault } from './quotes.ts';

const list = v.optional(v.array(v.unknown()), []);

const expectations = v.object({
  quotes: v.array(quoteCase),
  names: v.array(nameCase),
  logs: v.array(logCase),
  certificates: list,
  ear: v.array(earCase),
  corim: v.array(corimCase),
});

class Report {
  readonly #outcomes: boolean[] = [];

  add(id: string, fault: string | undefined): void {
    this.#outcomes.push(fault === undefined);
    process.stdout.write(fault === undefined ? `ok   ${id}\n` : `FAIL ${id}: ${fault}\n`);
  }

  /** @returns whether every case came out as expected */
  end(): boolean {
    const failed = this.#outcomes.filter((passed) => !passed).length;
    process.stdout.write(`${this.#outcomes.length - failed} passed, ${failed} failed\n`);
    return failed === 0 && this.#outcomes.length > 0;
  }
}

async function run(folder: Folder): Promise<boolean> {
  const expected: unknown = JSON.parse(folder.read('expected.json').toString('utf8'));
  const { quotes, names, logs, ear, corim, ...later } = v.parse(expectations, expected);
  const report = new Report();
  for (const one of quotes) report.add(one.id, quoteFault(one, folder));
  for (const one of names) report.add(one.id, nameFault(one, folder));
  for (const one of logs.filter(isCovered)) report.add(one.id, logFault(one, folder));
  for (const one of ear) report.add(one.id, await earFault(one, folder));
  for (const one of corim) report.add(one.id, corimFault(one, folder));
  const open = { logs: logs.filter((one) => !isCovered(one)), ...later };
  const counts = Object.entries(open).map(([kind, cases]) => `${cases.length} ${kind}`);
  process.stdout.write(`not yet covered: ${counts.join(', ')}\n`);
  return report.end();
}

const [directory] = process.argv.slice(2);
if (directory === undefined) {
  process.stderr.write('usage: npm run test:testdata -- DIR\n');
  process.exitCode = 2;
} else {
  process.exitCode = (await run(new Folder(directory))) ? 0 : 1;
}
