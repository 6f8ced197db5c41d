import type { CelNumbering, HashName, ImaRule } from '@mtm-attest/protocol';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { VerifierError } from '../error.ts';
import { type CelConversion, convertToCel } from '../log-check/cel-convert.ts';
import { BANKS } from '../log-check/checked-log.ts';
import { writeFile } from './file.ts';
import { openLog } from './log-file.ts';
import { EXIT, type ExitCode, settle, tell } from './outcome.ts';

const ENCODINGS = { 'cel-tlv': 'tlv', 'cel-cbor': 'cbor', 'cel-json': 'json' } as const;

interface ConvertOptions {
  readonly from: CelConversion['from'];
  readonly to: keyof typeof ENCODINGS;
  readonly log: string;
  readonly out: string;
  readonly celRecnum: CelNumbering;
  readonly imaTemplateHash?: ImaRule;
  readonly imaBanks: readonly HashName[];
  readonly json?: true;
}

/** `mtm-verifier log convert` */
export function addLogCommand(program: Command): void {
  program
    .command('log')
    .description('event logs in other forms')
    .command('convert')
    .description('convert an event log to the Canonical Event Log, or that to another encoding')
    .addOption(new Option('--from <format>', 'format of the log').choices(['tcg', 'ima', 'cel']).makeOptionMandatory())
    .addOption(new Option('--to <format>', 'encoding to write').choices(Object.keys(ENCODINGS)).makeOptionMandatory())
    .requiredOption('--log <file>', 'the event log')
    .requiredOption('--out <file>', 'file to write')
    .addOption(
      new Option('--cel-recnum <rule>', 'how records are numbered')
        .choices(['per-index', 'global'])
        .default('per-index'),
    )
    .addOption(new Option('--ima-template-hash <rule>', 'see check-log').choices(['per-bank', 'padded']))
    .option('--ima-banks <names>', 'banks that IMA entries get a digest for, as in sha1,sha256', banksArgument, [
      'sha1',
    ])
    .option('--json', 'print one JSON document')
    .action(async (options: ConvertOptions) => {
      await settle(options.json === true, () => run(options));
    });
}

function run({ from, to, log, out, celRecnum, imaTemplateHash, imaBanks, json }: ConvertOptions): ExitCode {
  const dependent = from === 'ima' ? imaBanks.find((bank) => bank !== 'sha1') : undefined;
  if (dependent !== undefined && imaTemplateHash === undefined)
    throw new VerifierError('option.ima-template-hash', dependent);
  const { read, close } = openLog(log);
  try {
    const ima = { banks: imaBanks, rule: imaTemplateHash ?? 'per-bank' } as const;
    const { bytes, records, leftOut } = convertToCel(read, { from, to: ENCODINGS[to], numbering: celRecnum, ima });
    writeFile(out, bytes);
    const left = leftOut === 0 ? '' : `, ${leftOut} records without a PCR left out: they extend nothing`;
    tell(
      json === true,
      { ok: true, records, bytes: bytes.length, leftOut },
      `${records} records, ${bytes.length} bytes${left}`,
    );
    return EXIT.holds;
  } finally {
    close();
  }
}

function banksArgument(text: string): readonly HashName[] {
  const names = text.split(',');
  const banks = BANKS.filter((bank) => names.includes(bank));
  if (banks.length !== names.length) throw new InvalidArgumentError(`banks are ${BANKS.join(', ')}, each once.`);
  return banks;
}
