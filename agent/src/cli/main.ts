import { type ParseArgsConfig, parseArgs } from 'node:util';
import { AgentError } from '../error.ts';
import { packageVersion } from '../version.ts';
import { doctorCommand } from './doctor.ts';
import { enrolCommand } from './enrol.ts';
import { tellFailure } from './outcome.ts';
import { quoteCommand } from './quote.ts';
import { runCommand } from './run.ts';
import { simulateCommand } from './simulate.ts';
import type { ExitCode, OptionValues, Subcommand } from './subcommand.ts';
import { treCommand } from './tre.ts';

type OptionForms = NonNullable<ParseArgsConfig['options']>;

const SUBCOMMANDS: readonly Subcommand[] = [
  runCommand,
  enrolCommand,
  treCommand,
  quoteCommand,
  doctorCommand,
  simulateCommand,
];

process.exitCode = await main(process.argv.slice(2));

async function main([name, ...args]: readonly string[]): Promise<ExitCode> {
  if (name === '--version') {
    process.stdout.write(`${packageVersion()}\n`);
    return 0;
  }
  const subcommand = SUBCOMMANDS.find((one) => one.name === name);
  if (subcommand === undefined) {
    const asked = name === '--help' || name === 'help';
    (asked ? process.stdout : process.stderr).write(overview());
    return asked ? 0 : 2;
  }
  if (args.includes('--help')) {
    process.stdout.write(helpOf(subcommand));
    return 0;
  }
  try {
    return await subcommand.run(readValues(subcommand, args));
  } catch (error) {
    return tellFailure(error, args.includes('--json'));
  }
}

/** @throws AgentError `option.invalid` */
function readValues({ name, options }: Subcommand, args: readonly string[]): OptionValues {
  const config: OptionForms = Object.fromEntries(
    Object.entries(options).map(([key, { type, multiple = false }]) => [key, { type, multiple }]),
  );
  const values = parsed(args, config);
  for (const [key, { required }] of Object.entries(options)) {
    if (required === true && values[key] === undefined)
      throw new AgentError('option.invalid', `${name} needs --${key}`);
  }
  return {
    text: (key) => {
      const value = values[key];
      if (typeof value !== 'string') throw new RangeError(`--${key} is not required`);
      return value;
    },
    optional: (key) => {
      const value = values[key];
      return typeof value === 'string' ? value : undefined;
    },
    list: (key) => {
      const value = values[key];
      return Array.isArray(value) ? value.map(String) : [];
    },
    flag: (key) => values[key] === true,
  };
}

function parsed(args: readonly string[], options: OptionForms): Readonly<Record<string, unknown>> {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (cause) {
    throw new AgentError('option.invalid', cause instanceof Error ? cause.message : undefined, { cause });
  }
}

function overview(): string {
  const lines = SUBCOMMANDS.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`);
  return `mtm-agent: remote attestation of terminals, the terminal's side\n\n${lines.join('\n')}\n\nmtm-agent COMMAND --help says more; --version names the version.\n`;
}

function helpOf({ name, summary, options }: Subcommand): string {
  const lines = Object.entries(options).map(([key, { type, value = 'value', about, required }]) => {
    const left = type === 'boolean' ? `--${key}` : `--${key} <${value}>`;
    return `  ${left.padEnd(28)} ${about}${required === true ? ' (required)' : ''}`;
  });
  return `mtm-agent ${name}: ${summary}\n\n${lines.join('\n')}\n`;
}
