import { fromHex, type HashName, type PcrSelection, PROTOCOL_CODES, type ProtocolCode } from '@mtm-attest/protocol';
import { type Command, Option } from 'commander';
import { checkQuote, type NotChecked, type QuoteFails, type QuoteHolds } from '../tpm2-tools/quote-check.ts';
import { readFile } from './file.ts';
import { EXIT, type ExitCode, settle, tell } from './outcome.ts';
import { orInvalid, selectionArgument } from './selection-argument.ts';

interface CheckQuoteOptions {
  readonly public: string;
  readonly message: string;
  readonly signature: string;
  readonly pcrs?: string;
  readonly selection?: PcrSelection;
  readonly qualification?: Uint8Array;
  readonly hash?: HashName;
  readonly scheme?: 'rsassa' | 'rsapss';
  readonly allowNoda?: true;
  readonly json?: true;
}

/** `mtm-verifier check-quote` */
export function addCheckQuoteCommand(program: Command): void {
  program
    .command('check-quote')
    .description('check a quote in the files of tpm2-tools')
    .requiredOption('--public <file>', 'the attestation key: PEM, TPM2B_PUBLIC or TPMT_PUBLIC')
    .requiredOption('--message <file>', 'the quote: TPMS_ATTEST')
    .requiredOption('--signature <file>', 'TPMT_SIGNATURE, or a plain signature')
    .option('--pcrs <file>', 'PCR values: serialized, values (with --selection), or JSON {bank: {index: hex}}')
    .option('--selection <banks>', 'the PCRs that must be quoted, as in sha256:0,1,7+sha1:0', selectionArgument)
    .option('--qualification <hex>', 'the qualifying data that must be quoted', hexArgument)
    .addOption(new Option('--hash <name>', 'hash of the signature').choices(['sha256', 'sha384', 'sha512']))
    .addOption(new Option('--scheme <name>', 'scheme of an RSA signature').choices(['rsassa', 'rsapss']))
    .option('--allow-noda', 'also take a key without dictionary attack protection')
    .option('--json', 'print one JSON document')
    .action(async (options: CheckQuoteOptions) => {
      await settle(options.json === true, () => run(options));
    });
}

function run({
  public: publicFile,
  message,
  signature,
  pcrs,
  allowNoda,
  json,
  ...stated
}: CheckQuoteOptions): ExitCode {
  const files = {
    public: readFile(publicFile),
    message: readFile(message),
    signature: readFile(signature),
    ...(pcrs === undefined ? {} : { pcrs: readFile(pcrs) }),
  };
  const checked = checkQuote(files, { ...stated, allowNoDa: allowNoda === true });
  if (checked.ok) {
    tell(json === true, checked, holdsText(checked));
    return EXIT.holds;
  }
  const named = { public: publicFile, message, signature, pcrs }[checked.file] ?? checked.file;
  const next = NEXT[checked.code] ?? 'make the file anew, and look at how it was carried';
  if (json === true) tell(true, { ...checked, next }, '');
  else process.stderr.write(failsText(checked, named, next));
  return EXIT.rejected;
}

function holdsText({ quote, notChecked }: QuoteHolds): string {
  const { scheme, hash, selection, ...facts } = quote;
  const lines = Object.entries(facts).map(([name, value]) => `  ${name}: ${value === '' ? 'none' : String(value)}`);
  return [`The quote holds: ${scheme} with ${hash} over ${selection}`, ...lines, notCheckedText(notChecked)].join('\n');
}

function failsText({ code, offset, detail, notChecked }: QuoteFails, file: string, next: string): string {
  const where = `${file}${offset === undefined ? '' : `, byte ${offset}`}`;
  const what = `${PROTOCOL_CODES[code]}${detail === undefined ? '' : ` (${detail})`}`;
  return `${code} in ${where}: ${what}. Next: ${next}.\n${notCheckedText(notChecked)}\n`;
}

const WHY_NOT: Readonly<Record<NotChecked, string>> = {
  'key.attributes': 'a PEM key carries none',
  'quote.selection': 'no --selection',
  'quote.nonce': 'no --qualification',
  'pcr.digest': 'no --pcrs',
};

function notCheckedText(notChecked: readonly NotChecked[]): string {
  return `Not checked: ${notChecked.map((check) => `${check} (${WHY_NOT[check]})`).join(', ') || 'nothing'}`;
}

/** What an operator does about a code; for the others the file itself is at fault. */
const NEXT: Readonly<Partial<Record<ProtocolCode, string>>> = {
  'file.pem': 'write the key with tpm2_readpublic -f pem',
  'file.pcrs': 'write the values with tpm2_quote -o; values without a selection need --selection',
  'quote.magic': 'trust nothing of it: no TPM made this structure',
  'quote.type': 'give --message the file that tpm2_quote -m wrote',
  'key.attributes': 'quote with a restricted signing key (tpm2_createak), or allow noDA with --allow-noda',
  'key.parameters': 'quote with P-256 and ECDSA, or with RSA of 2048 bits or more and RSASSA or RSAPSS',
  'signature.algorithm': 'give the signature made with this key, and --hash and --scheme as it was made',
  'quote.selection': 'ask the terminal for a quote over the PCRs that you demand',
  'quote.nonce': 'ask the terminal for a quote over fresh qualifying data: this one may be a replay',
  'pcr.digest': 'read the PCR values again in the command that quotes: these are not what was quoted',
  'signature.invalid': 'check that the key is that of this terminal: if it is, the quote was forged or altered',
};

function hexArgument(text: string): Uint8Array {
  return orInvalid(() => fromHex(text), 'an even number of hexadecimal digits');
}
