import { closeSync, openSync, readSync } from 'node:fs';
import { type PcrValues, ProtocolError, parsePcrFile } from '@mtm-attest/protocol';
import { type Command, Option } from 'commander';
import { VerifierError } from '../error.ts';
import { type CheckedLog, checkMtmLog, type ReadPiece } from '../log-check/mtm-log.ts';
import { readFile } from './file.ts';
import { EXIT, type ExitCode, settle, tell } from './outcome.ts';

interface CheckLogOptions {
  readonly format: 'mtm' | 'tcg' | 'ima' | 'cel';
  readonly log: string;
  readonly pcrs?: string;
  readonly bank: 'sha256';
  readonly json?: true;
}

/** `mtm-verifier check-log` */
export function addCheckLogCommand(program: Command): void {
  program
    .command('check-log')
    .description('replay an event log and hold PCR values against it')
    .addOption(
      new Option('--format <name>', 'format of the log').choices(['mtm', 'tcg', 'ima', 'cel']).makeOptionMandatory(),
    )
    .requiredOption('--log <file>', 'the event log')
    .option('--pcrs <file>', 'PCR values: serialized by tpm2-tools, or JSON {bank: {index: hex}}')
    .addOption(new Option('--bank <name>', 'bank to replay').choices(['sha256']).default('sha256'))
    .option('--json', 'print one JSON document, without the list of events')
    .action(async (options: CheckLogOptions) => {
      await settle(options.json === true, () => run(options));
    });
}

function run({ format, log, pcrs, bank, json }: CheckLogOptions): ExitCode {
  if (format !== 'mtm') throw new VerifierError('option.log-format', format);
  const given = pcrs === undefined ? undefined : readPcrs(pcrs, bank);
  const { read, close } = openLog(log);
  try {
    const tellEvent = (line: string): void => {
      if (json !== true) process.stdout.write(`${line}\n`);
    };
    const checked = checkMtmLog(read, given, tellEvent);
    tell(json === true, { format, bank, ...checked }, summaryText(checked));
    return checked.ok ? EXIT.holds : EXIT.rejected;
  } finally {
    close();
  }
}

/** @throws ProtocolError `file.pcrs` where the file holds no value of the bank */
function readPcrs(file: string, bank: 'sha256'): PcrValues {
  const { values } = parsePcrFile(new Uint8Array(readFile(file)));
  if ((values[bank]?.size ?? 0) === 0) throw new ProtocolError('file.pcrs');
  return values;
}

/** @throws VerifierError `file.unreadable`, at the first piece too: a directory opens */
function openLog(file: string): { readonly read: ReadPiece; readonly close: () => void } {
  const unreadable = <T>(access: () => T): T => {
    try {
      return access();
    } catch (cause) {
      throw new VerifierError('file.unreadable', file, { cause });
    }
  };
  const descriptor = unreadable(() => openSync(file, 'r'));
  const read: ReadPiece = (start, length) => {
    const bytes = new Uint8Array(length);
    return bytes.subarray(
      0,
      unreadable(() => readSync(descriptor, bytes, 0, length, start)),
    );
  };
  return {
    read,
    close: () => {
      closeSync(descriptor);
    },
  };
}

function summaryText({
  events,
  pcrs,
  boot,
  release,
  complete,
  anomalies,
  compared,
  firstMismatch,
}: CheckedLog): string {
  const touched = Object.entries(pcrs).filter(([, value]) => !/^(?:0{64}|f{64})$/.test(value));
  return [
    `${events} events; boot ${boot ?? 'not named'}, release ${release ?? 'not named'}, ${complete ? 'complete' : 'not complete'}`,
    ...touched.map(([pcr, value]) => `  PCR ${pcr.padStart(2)}  ${value}`),
    ...anomalies.map(({ code, detail }) => `${code}: ${detail}`),
    comparison(compared, firstMismatch),
  ].join('\n');
}

function comparison(compared: readonly number[], mismatch: CheckedLog['firstMismatch']): string {
  if (compared.length === 0) return 'Not checked: PCR values (no --pcrs)';
  if (mismatch === undefined) return `The PCRs ${compared.join(', ')} follow from the log.`;
  const { pcr, given, replayed } = mismatch;
  return `log.replay: PCR ${pcr} is ${given}; the log leads to ${replayed}. Next: read log and PCRs of the same boot, the log last; if they still differ, events were left out, changed or added.`;
}
