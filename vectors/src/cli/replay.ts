import { relative } from 'node:path';
import type { Command } from 'commander';
import { VECTORS_CODES, type VectorsCode, VectorsError } from '../error.ts';
import { loadVectorFile } from '../format/load.ts';
import { BUILT_IN } from '../replay/built-in.ts';
import { DATA_FILES } from '../replay/data-files.ts';
import { replay } from '../replay/replay.ts';
import { reportText, totalTallies } from '../replay/report.ts';
import { loadImplementation } from './implementation-module.ts';

/** Exit codes: all agree; a disagreement or a malformed vector; bad options, a file or module that cannot be read, an error of our own. */
export const EXIT = { holds: 0, rejected: 1, failed: 2 } as const;

type ExitCode = (typeof EXIT)[keyof typeof EXIT];

interface ReplayOptions {
  readonly implementation?: string;
  readonly json?: true;
}

/** `mtm-vectors replay` */
export function addReplayCommand(program: Command): void {
  program
    .command('replay')
    .description('hold this implementation, and another one, against vectors')
    .argument('[files...]', 'vector files; without any, all of this package')
    .option('--implementation <module>', 'a module that exports `implementation`: replayed beside the built-in ones')
    .option('--json', 'print one JSON document')
    .action(async (files: readonly string[], options: ReplayOptions) => {
      process.exitCode = await run(files, options).catch((error: unknown) => tellFailure(error, options.json === true));
    });
}

async function run(files: readonly string[], { implementation, json }: ReplayOptions): Promise<ExitCode> {
  const paths = files.length === 0 ? DATA_FILES.map((path) => relative('.', path)) : files;
  const others = implementation === undefined ? [] : [await loadImplementation(implementation)];
  const loaded = paths.map(loadVectorFile);
  const report = await replay(
    loaded,
    [...BUILT_IN, ...others],
    BUILT_IN.map(({ name }) => name),
  );
  const text =
    json === true ? `${JSON.stringify({ ...report, totals: totalTallies(report.files) })}\n` : reportText(report);
  process.stdout.write(text);
  return report.ok ? EXIT.holds : EXIT.rejected;
}

const MALFORMED: ReadonlySet<VectorsCode> = new Set(['file.json', 'file.schema', 'file.lint']);

/** On standard error, or as the one JSON document on standard output. */
function tellFailure(error: unknown, json: boolean): ExitCode {
  const known = error instanceof VectorsError;
  const code = known ? error.code : 'vectors.malfunction';
  const detail = known ? error.detail : error instanceof Error ? error.message : String(error);
  if (json) process.stdout.write(`${JSON.stringify({ ok: false, code, detail })}\n`);
  else process.stderr.write(`${code}: ${known ? `${VECTORS_CODES[error.code]}: ` : ''}${detail}\n`);
  return known && MALFORMED.has(error.code) ? EXIT.rejected : EXIT.failed;
}
