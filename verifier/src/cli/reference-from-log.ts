import { type ImaRule, shownText } from '@mtm-attest/protocol';
import { type Command, Option } from 'commander';
import { VerifierError } from '../error.ts';
import { type GoldenList, goldenList } from '../reference/golden-list.ts';
import { type GoldenLog, goldenLog } from '../reference/golden-log.ts';
import { readFile, writeFile } from './file.ts';
import { EXIT, type ExitCode, settle, tell } from './outcome.ts';

interface FromLogOptions {
  readonly firmware?: string;
  readonly ima?: string;
  readonly imaTemplateHash: ImaRule;
  readonly out: string;
  readonly json?: true;
}

/** `mtm-verifier reference from-log` */
export function addFromLogCommand(reference: Command): void {
  reference
    .command('from-log')
    .description(
      'make the part `platform` of a release from the logs of a machine in order, to be reviewed by a person',
    )
    .option('--firmware <file>', 'its firmware log (TCG)')
    .option('--ima <file>', 'its IMA list, ASCII or binary')
    .addOption(
      new Option('--ima-template-hash <rule>', 'what its kernel extends into the SHA-256 bank')
        .choices(['per-bank', 'padded'])
        .default('per-bank'),
    )
    .requiredOption('--out <file>', 'the part, in JSON')
    .option('--json', 'print one JSON document')
    .action(async (options: FromLogOptions) => {
      await settle(options.json === true, () => fromLog(options));
    });
}

function fromLog({ firmware: firmwareFile, ima: imaFile, imaTemplateHash: rule, out, json }: FromLogOptions): ExitCode {
  if (firmwareFile === undefined && imaFile === undefined)
    throw new VerifierError('reference.golden', '--firmware or --ima names a log');
  const firmware = firmwareFile === undefined ? undefined : goldenLog(new Uint8Array(readFile(firmwareFile)));
  const list = imaFile === undefined ? undefined : goldenList(new Uint8Array(readFile(imaFile)), rule);
  const part = {
    ...(firmware === undefined ? {} : { firmware: [...firmware.exact, ...firmware.volatile] }),
    ...(list === undefined ? {} : { ima: { rule, files: list.files, keys: [], excludes: [], violations: false } }),
  };
  writeFile(out, `${JSON.stringify(part, undefined, 2)}\n`);
  const told = {
    ok: true,
    file: out,
    exact: firmware?.exact.length ?? 0,
    toReview: firmware?.volatile ?? [],
    files: list?.files.length ?? 0,
    notListed: list?.notListed ?? [],
  };
  tell(json === true, told, text(out, firmware, list));
  return EXIT.holds;
}

function text(out: string, firmware: GoldenLog | undefined, list: GoldenList | undefined): string {
  const lines = [
    `${out}: ${firmware?.exact.length ?? 0} events with their digests, ${list?.files.length ?? 0} files`,
    ...(firmware?.volatile ?? []).flatMap(({ pcr, type, volatile, seen }) => [
      `To review: PCR ${pcr}, ${type}: ${volatile}`,
      ...seen.map(({ event, digest, text: said }) => `  event ${event}, ${digest}: ${said}`),
    ]),
    ...(list?.notListed ?? []).map((entry) => `Not listed: ${entry}`),
  ];
  return lines.map(shownText).join('\n');
}
