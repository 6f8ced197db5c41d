import type { Command } from 'commander';
import { readConfiguredFiles } from '../config/files.ts';
import { loadConfig } from '../config/load.ts';
import type { Assemble } from '../daemon/daemon.ts';
import { createLog } from '../daemon/log.ts';
import { untilSignal } from '../daemon/shutdown.ts';
import { EXIT, type ExitCode, settle, tell } from './outcome.ts';

interface ServeOptions {
  readonly config: string;
  readonly set: readonly string[];
  readonly checkConfig?: true;
  readonly json?: true;
}

/** `mtm-verifier serve`: the daemon, or with `--check-config` only a look at its configuration. */
export function addServeCommand(program: Command, assemble: Assemble): void {
  program
    .command('serve')
    .description('run the verifier')
    .requiredOption('--config <file>', 'configuration in TOML')
    .option('--set <key=value>', 'set one key; stands above file and environment', collect, [])
    .option('--check-config', 'check the configuration and the files it names, then exit')
    .option('--json', 'print one JSON document once terminals can connect')
    .action(async (options: ServeOptions) => {
      await settle(options.json === true, () =>
        options.checkConfig === true ? check(options) : serve(options, assemble),
      );
    });
}

export function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function check({ config: file, set, json }: ServeOptions): ExitCode {
  const config = loadConfig({ file, environment: process.env, set });
  readConfiguredFiles(config, Date.now());
  tell(json === true, { ok: true }, 'ok');
  return EXIT.holds;
}

async function serve({ config: file, set, json }: ServeOptions, assemble: Assemble): Promise<ExitCode> {
  const config = loadConfig({ file, environment: process.env, set });
  const log = createLog(config.log.level);
  const daemon = await assemble(config, log);
  const { listenUrl, apiUrl } = daemon;
  // Whoever was told that it is ready may stop it at once.
  const ended = untilSignal(daemon, { deadlineMs: config.shutdown.deadlineMs, log });
  log.info({ listenUrl, apiUrl }, 'ready');
  if (json === true) tell(true, { ok: true, listenUrl, apiUrl }, '');
  // Whatever is still open after the deadline must not keep the process.
  process.exit(await ended);
}
