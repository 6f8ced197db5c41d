import { Command, CommanderError } from 'commander';
import type { Assemble } from '../daemon/daemon.ts';
import { packageVersion } from '../daemon/version.ts';
import { addCheckLogCommand } from './check-log.ts';
import { addCheckQuoteCommand } from './check-quote.ts';
import { addInitCommand } from './init.ts';
import { addLogCommand } from './log-convert.ts';
import { addManifestCommand } from './manifest.ts';
import { EXIT } from './outcome.ts';
import { addReferenceCommand } from './reference.ts';
import { addResultsCommand } from './results.ts';
import { addServeCommand } from './serve.ts';
import { addTokenCommand } from './token.ts';

/** Loaded only by the daemon: the other commands start without it. */
const assembleWhenAsked: Assemble = async (config, log) => {
  const { assemble } = await import('../daemon/assemble.ts');
  return await assemble(config, log);
};

const program = new Command('mtm-verifier')
  .description('remote attestation of terminals: the verifier')
  .version(packageVersion())
  .exitOverride();

addInitCommand(program);
addServeCommand(program, assembleWhenAsked);
addTokenCommand(program);
addManifestCommand(program);
addResultsCommand(program);
addReferenceCommand(program);
addCheckQuoteCommand(program);
addCheckLogCommand(program);
addLogCommand(program);

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? EXIT.holds : EXIT.failed;
}
