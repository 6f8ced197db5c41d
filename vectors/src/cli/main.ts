import { Command, CommanderError } from 'commander';
import { packageVersion } from '../version.ts';
import { addReplayCommand, EXIT } from './replay.ts';

const program = new Command('mtm-vectors')
  .description('test vectors of mtm-attest.v1, and implementations held against them')
  .version(packageVersion())
  .exitOverride();

addReplayCommand(program);

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? EXIT.holds : EXIT.failed;
}
