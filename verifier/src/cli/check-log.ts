import {
  type CelNumbering,
  type HashName,
  type ImaRule,
  type PcrFile,
  type PcrSelection,
  type PcrValues,
  ProtocolError,
  parsePcrFile,
} from '@mtm-attest/protocol';
import { type Command, Option } from 'commander';
import { VerifierError } from '../error.ts';
import { CEL_LOG } from '../log-check/cel-log.ts';
import { BANKS, type CheckedLog, type LogFormat } from '../log-check/checked-log.ts';
import { imaKeys } from '../log-check/ima-keys.ts';
import { IMA_LOG } from '../log-check/ima-log.ts';
import type { ImaOptions } from '../log-check/ima-options.ts';
import { MTM_LOG } from '../log-check/mtm-log.ts';
import { TCG_LOG } from '../log-check/tcg-log.ts';
import { pcrFileFault } from '../tpm2-tools/quote-pcrs.ts';
import { readFile } from './file.ts';
import { openLog } from './log-file.ts';
import { EXIT, type ExitCode, settle, tell } from './outcome.ts';
import { selectionArgument } from './selection-argument.ts';

const FORMATS = { mtm: MTM_LOG, tcg: TCG_LOG, ima: IMA_LOG, cel: CEL_LOG } as const satisfies Readonly<
  Record<string, LogFormat>
>;

interface CheckLogOptions {
  readonly format: keyof typeof FORMATS;
  readonly log: string;
  readonly pcrs?: string;
  readonly selection?: PcrSelection;
  readonly bank?: HashName;
  readonly imaTemplateHash?: ImaRule;
  readonly imaKexec?: true;
  readonly imaKey?: readonly string[];
  readonly celRecnum: CelNumbering;
  readonly json?: true;
}

/** `mtm-verifier check-log` */
export function addCheckLogCommand(program: Command): void {
  program
    .command('check-log')
    .description('replay an event log and hold PCR values against it')
    .addOption(new Option('--format <name>', 'format of the log').choices(Object.keys(FORMATS)).makeOptionMandatory())
    .requiredOption('--log <file>', 'the event log')
    .option('--pcrs <file>', 'PCR values: serialized, values (with --selection), or JSON {bank: {index: hex}}')
    .option('--selection <banks>', 'the PCRs that count, as in sha256:0,1,7+sha1:0; all in the file', selectionArgument)
    .addOption(new Option('--bank <name>', 'the one bank that counts; all of the log').choices(BANKS))
    .addOption(
      new Option('--ima-template-hash <rule>', 'what an IMA kernel extends into banks other than sha1').choices([
        'per-bank',
        'padded',
      ]),
    )
    .option('--ima-kexec', 'a second boot aggregate is expected in an IMA list')
    .option('--ima-key <file...>', 'public keys (PEM) that may sign the files of an IMA list')
    .addOption(
      new Option('--cel-recnum <rule>', 'how the records of a CEL are numbered')
        .choices(['per-index', 'global'])
        .default('per-index'),
    )
    .option('--json', 'print one JSON document, without the list of events')
    .action(async (options: CheckLogOptions) => {
      await settle(options.json === true, () => run(options));
    });
}

function run({ format, log, pcrs, selection, bank, celRecnum, json, ...ima }: CheckLogOptions): ExitCode {
  const checker = FORMATS[format];
  const banks = checker.banks.filter((one) => bank === undefined || one === bank);
  if (banks.length === 0)
    throw new VerifierError('option.invalid', `a log of the format ${format} has no bank ${bank}`);
  const known = pcrs === undefined ? undefined : parsePcrFile(new Uint8Array(readFile(pcrs)), selection);
  const given = known && countingPcrs(known, selection, banks);
  const { read, close } = openLog(log);
  try {
    const tellEvent = (line: string): void => {
      if (json !== true) process.stdout.write(`${line}\n`);
    };
    const { facts, factsText, ...checked } = checker.check(read, {
      given,
      known: known?.values,
      bank,
      tell: tellEvent,
      ima: imaOptions(ima),
      celNumbering: celRecnum,
    });
    tell(json === true, { format, ...checked, ...facts }, summaryText({ facts, factsText, ...checked }));
    return checked.ok ? EXIT.holds : EXIT.rejected;
  } finally {
    close();
  }
}

function imaOptions({
  imaTemplateHash,
  imaKexec,
  imaKey,
}: Pick<CheckLogOptions, 'imaTemplateHash' | 'imaKexec' | 'imaKey'>): ImaOptions {
  const keys = imaKey?.flatMap((file) => imaKeys(new Uint8Array(readFile(file))));
  return { templateHash: imaTemplateHash, kexec: imaKexec === true, keys };
}

/**
 * The values of a file that count.
 * @throws ProtocolError `file.pcrs` where the file does not hold the selection, or no value of the banks
 */
function countingPcrs(read: PcrFile, selection: PcrSelection | undefined, banks: readonly HashName[]): PcrValues {
  if (selection !== undefined && pcrFileFault(read, selection) !== undefined) throw new ProtocolError('file.pcrs');
  const values: Partial<Record<HashName, ReadonlyMap<number, Uint8Array>>> = {};
  for (const bank of banks) {
    const counts = (pcr: number): boolean =>
      selection?.some((one) => one.bank === bank && one.pcrs.includes(pcr)) ?? true;
    const counting = [...(read.values[bank] ?? [])].filter(([pcr]) => counts(pcr));
    if (counting.length > 0) values[bank] = new Map(counting);
  }
  if (Object.keys(values).length === 0) throw new ProtocolError('file.pcrs');
  return values;
}

function summaryText({ events, factsText, pcrs, anomalies, compared, firstMismatch }: CheckedLog): string {
  return [
    `${events} events; ${factsText.join('\n')}`,
    ...Object.entries(pcrs).flatMap(([bank, values]) => bankText(bank, values)),
    ...anomalies.map(({ code, detail, event }) => `${code}: ${detail}${event === undefined ? '' : `, event ${event}`}`),
    comparisonText(compared, firstMismatch),
  ].join('\n');
}

/** The PCRs that are not at a reset value. */
function bankText(bank: string, values: Readonly<Record<string, string | null>>): string[] {
  const touched = Object.entries(values).filter(([, value]) => value === null || !/^(?:0+|f+)$/.test(value));
  return [`${bank}:`, ...touched.map(([pcr, value]) => `  PCR ${pcr.padStart(2)}  ${value ?? 'does not follow'}`)];
}

function comparisonText(compared: CheckedLog['compared'], mismatch: CheckedLog['firstMismatch']): string {
  const lists = Object.entries(compared).map(([bank, pcrs]) => `${bank}:${pcrs.join(',')}`);
  if (lists.length === 0) return 'Not checked: PCR values (no --pcrs)';
  if (mismatch === undefined) return `The PCRs ${lists.join('+')} follow from the log.`;
  const { bank, pcr, given, replayed } = mismatch;
  const led =
    replayed === null ? 'events that extended it have no digest of this bank' : `the log leads to ${replayed}`;
  return `log.replay: PCR ${pcr} of ${bank} is ${given}; ${led}. Next: read log and PCRs of the same boot, the log last; if they still differ, events were left out, changed or added.`;
}
