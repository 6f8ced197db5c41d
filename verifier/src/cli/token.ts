import { TERMINAL_CLASSES } from '@mtm-attest/protocol';
import { type Command, Option } from 'commander';
import * as v from 'valibot';
import { VerifierError } from '../error.ts';
import { apiAccess, post } from './api-client.ts';
import { writeFile } from './file.ts';
import { idArgument } from './init.ts';
import { EXIT, type ExitCode, settle, tell } from './outcome.ts';
import { collect } from './serve.ts';

interface CreateOptions {
  readonly config: string;
  readonly set: readonly string[];
  readonly terminal: string;
  readonly class: string;
  readonly model: string;
  readonly api?: string;
  readonly apiToken?: string;
  readonly out?: string;
  readonly json?: true;
}

const answer = v.object({ token: v.string(), terminal: v.string(), expiresAt: v.number() });

/** `mtm-verifier token create` */
export function addTokenCommand(program: Command): void {
  program
    .command('token')
    .description('enrolment tokens')
    .command('create')
    .description('make an enrolment token; it is a secret and shown once')
    .requiredOption('--config <file>', 'configuration of the verifier')
    .option('--set <key=value>', 'set one key of the configuration', collect, [])
    .requiredOption('--terminal <id>', 'the terminal that may enrol with it', idArgument)
    .addOption(
      new Option(
        '--class <class>',
        "what the terminal's trusted environment is; tpm-endorsed is refused as long as no root of endorsement certificates can be configured",
      )
        .choices(TERMINAL_CLASSES)
        .makeOptionMandatory(),
    )
    .requiredOption('--model <id>', 'the model whose Reference Values apply', idArgument)
    .option('--api <url>', 'address of the API, where it is not the one in the configuration')
    .option('--api-token <file>', 'the API token (default: api-token beside the configuration)')
    .option('--out <file>', 'write the token to a new file with mode 0600 instead of standard output')
    .option('--json', 'print one JSON document')
    .action(async (options: CreateOptions) => {
      await settle(options.json === true, () => create(options));
    });
}

async function create(options: CreateOptions): Promise<ExitCode> {
  const { terminal, class: terminalClass, model, out, json } = options;
  const body = { terminal, class: terminalClass, model };
  const created = v.safeParse(answer, await post(apiAccess(options), '/v1/tokens', body));
  if (!created.success) throw new VerifierError('api.unreachable', 'an answer of another form');
  const { token, expiresAt } = created.output;
  const until = new Date(expiresAt).toISOString();
  if (out === undefined) {
    tell(json === true, created.output, token);
    return EXIT.holds;
  }
  writeFile(out, `${token}\n`, true);
  tell(json === true, { terminal, expiresAt, file: out }, `${out}: for ${terminal}, to be used before ${until}`);
  return EXIT.holds;
}
