import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { VerifierError } from '../error.ts';
import { isSettled } from './demo/judge.ts';
import { isDeserved, reportOf } from './demo/report.ts';
import { Screen } from './demo/screen.ts';
import { DEADLINES, Stage } from './demo/stage.ts';
import type { ShownTerminal } from './demo/table.ts';
import { EXIT, tellFailure } from './outcome.ts';

const LOOK_MS = 700;
const DEADLINE_MS = 120_000;
const DEFAULT_TERMINALS = 44;
const SWTPM = 'swtpm';

const HELP = `npm start -- [options]: a verifier and a fleet of simulated terminals, honest and attacked

  --until-settled       end once the daemon had its last word about every terminal: exit 0 if each got the verdict it deserves, else 1
  --json <file>         with --until-settled: write what was found as one JSON document
  --terminals <number>  how many terminals (default: ${DEFAULT_TERMINALS})
  --seed <text>         chooses what varies between the terminals (default: 1)
  --tpm swtpm           one terminal more, with a TPM emulator, where swtpm is installed
  --from-sources        run the commands from their sources even where they are built
  --help                this text
`;

interface Options {
  readonly untilSettled: boolean;
  readonly json: string | undefined;
  readonly terminals: number;
  readonly seed: string;
  readonly swtpm: boolean;
  readonly fromSources: boolean;
}

async function main(): Promise<number> {
  try {
    const options = readOptions(process.argv.slice(2));
    if (options === undefined) {
      process.stdout.write(HELP);
      return EXIT.holds;
    }
    return await demonstrate(options);
  } catch (error) {
    return tellFailure(error, false);
  }
}

async function demonstrate(options: Options): Promise<number> {
  const signal = new FirstSignal();
  let stage: Stage | undefined;
  try {
    stage = await Stage.open(options);
    const watching = options.untilSettled ? untilSettled(stage, options) : forEver(stage);
    return await Promise.race([watching, signal.came, stage.failed]);
  } catch (error) {
    // A signal from the keyboard ends the commands too, perhaps before the first look.
    if (signal.code !== undefined) return signal.code;
    throw error;
  } finally {
    await stage?.close();
  }
}

class FirstSignal {
  code: 130 | 143 | undefined;
  readonly came: Promise<130 | 143>;

  constructor() {
    this.came = new Promise((resolve) => {
      const caught = (code: 130 | 143) => () => {
        this.code ??= code;
        resolve(this.code);
      };
      process.on('SIGINT', caught(130));
      process.on('SIGTERM', caught(143));
    });
  }
}

async function forEver(stage: Stage): Promise<never> {
  const screen = newScreen();
  const startedAt = Date.now();
  for (;;) {
    screen.show(await look(stage), Date.now() - startedAt);
    await delay(LOOK_MS);
  }
}

async function untilSettled(stage: Stage, { json }: Options): Promise<number> {
  const screen = newScreen();
  const startedAt = Date.now();
  let terminals = await look(stage);
  while (!isOver(stage, terminals) && Date.now() - startedAt < DEADLINE_MS) {
    screen.show(terminals, Date.now() - startedAt);
    await delay(LOOK_MS);
    terminals = await look(stage);
  }
  const report = reportOf(terminals);
  screen.end(terminals, Date.now() - startedAt);
  if (json !== undefined) await writeReport(json, report);
  const wrong = report.terminals.filter((one) => !isDeserved(one));
  for (const { id, checks } of wrong) {
    const broken = checks.filter(({ ok }) => !ok).map(({ name }) => name);
    process.stderr.write(`${id}: does not hold: ${broken.join('; ')}\n`);
  }
  return wrong.length === 0 && stage.events.complete ? EXIT.holds : EXIT.rejected;
}

function isOver({ events }: Stage, terminals: readonly ShownTerminal[]): boolean {
  return events.complete && terminals.every(({ settled }) => settled);
}

async function look({ events, api }: Stage): Promise<readonly ShownTerminal[]> {
  const seen = await api.observe();
  const now = Date.now();
  return events.played.map((one) => {
    const followed = { ...one, observed: seen.get(one.announced.id) };
    return { ...followed, settled: isSettled(followed, DEADLINES, now) };
  });
}

function newScreen(): Screen {
  const coloured = process.env['NO_COLOR'] === undefined || process.env['NO_COLOR'] === '';
  return new Screen(process.stdout, coloured);
}

async function writeReport(file: string, report: object): Promise<void> {
  try {
    await writeFile(file, `${JSON.stringify(report, undefined, 2)}\n`);
  } catch (cause) {
    throw new VerifierError('file.unwritable', file, { cause });
  }
}

/** @returns undefined where help is asked for @throws VerifierError `request.invalid` */
function readOptions(args: readonly string[]): Options | undefined {
  const values = parsed(args);
  const terminals = Number(values.terminals ?? DEFAULT_TERMINALS);
  if (!Number.isSafeInteger(terminals) || terminals < 1) throw new VerifierError('option.invalid', '--terminals');
  if (values.json !== undefined && values['until-settled'] !== true) {
    throw new VerifierError('option.invalid', '--json needs --until-settled');
  }
  if (values.tpm !== undefined && values.tpm !== SWTPM) throw new VerifierError('option.invalid', `--tpm ${SWTPM}`);
  if (values.help === true) return undefined;
  return {
    untilSettled: values['until-settled'] === true,
    json: values.json,
    terminals,
    seed: values.seed ?? '1',
    swtpm: values.tpm !== undefined && findsSwtpm(),
    fromSources: values['from-sources'] === true,
  };
}

/** Says so where it is not: the fleet plays without that terminal. */
function findsSwtpm(): boolean {
  if (spawnSync(SWTPM, ['--version'], { stdio: 'ignore' }).status === 0) return true;
  process.stderr.write('swtpm is not installed: the fleet has no terminal with a TPM\n');
  return false;
}

const OPTIONS = {
  'until-settled': { type: 'boolean' },
  json: { type: 'string' },
  terminals: { type: 'string' },
  seed: { type: 'string' },
  tpm: { type: 'string' },
  'from-sources': { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

function parsed(args: readonly string[]): ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'] {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true, allowPositionals: false }).values;
  } catch (cause) {
    throw new VerifierError('option.invalid', cause instanceof Error ? cause.message : undefined, { cause });
  }
}

process.exitCode = await main();
