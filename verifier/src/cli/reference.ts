import { shownText } from '@mtm-attest/protocol';
import type { Command } from 'commander';
import { environmentText } from '../corim/environment.ts';
import { type ImportedCorim, importCorim } from '../corim/import-corim.ts';
import type { Measurement } from '../corim/measurement.ts';
import type { Validity } from '../corim/validity.ts';
import { readPublicJwk } from '../ear/public-jwk.ts';
import { type PcrReference, pcrReferences } from '../reference/pcr-reference.ts';
import { readFile } from './file.ts';
import { EXIT, type ExitCode, settle, tell } from './outcome.ts';
import { addFromLogCommand } from './reference-from-log.ts';
import { timeArgument } from './results.ts';

interface ImportOptions {
  readonly corim: string;
  readonly key?: string;
  readonly at?: number;
  readonly json?: true;
}

/** `mtm-verifier reference import | from-log` */
export function addReferenceCommand(program: Command): void {
  const reference = program.command('reference').description('Reference Values of others, and out of logs');
  addFromLogCommand(reference);
  reference
    .command('import')
    .description('read a CoRIM and show the Reference Values in it')
    .requiredOption('--corim <file>', 'the document, signed (COSE_Sign1) or not')
    .option('--key <jwk>', 'public key of its signer; without it no signature is checked')
    .option('--at <time>', 'judge as of this time (ISO 8601; default: now)', timeArgument)
    .option('--json', 'print one JSON document')
    .action(async (options: ImportOptions) => {
      await settle(options.json === true, () => show(options, options.at ?? Date.now()));
    });
}

function show({ corim: file, key: keyFile, json }: ImportOptions, at: number): ExitCode {
  const key = keyFile === undefined ? undefined : readPublicJwk(readFile(keyFile).toString('utf8'));
  const imported = importCorim(new Uint8Array(readFile(file)), { key, at });
  const pcrs = pcrReferences(imported.corim, imported.digest);
  if (json === true) tell(true, importDocument(imported, pcrs), '');
  else tell(false, undefined, importText(imported, pcrs));
  return EXIT.holds;
}

function importDocument({ corim, digest, signature, header }: ImportedCorim, pcrs: readonly PcrReference[]): unknown {
  const { id, profile, validity, tags, notImported } = corim;
  return {
    ok: true,
    id,
    ...(profile === undefined ? {} : { profile }),
    digest,
    signature,
    ...(header === undefined ? {} : { signer: header.signer, algorithm: header.algorithm }),
    validity: [...(header?.validities ?? []), ...(validity === undefined ? [] : [validity])].map(validityDocument),
    references: tags.flatMap(({ references }) =>
      references.map(({ environment, measurements }) => ({
        environment,
        measurements: measurements.map(measurementDocument),
      })),
    ),
    attestKeys: tags.flatMap(({ attestKeys }) => attestKeys),
    pcrs: pcrs.map(({ model, pcr, digests }) => ({
      model,
      pcr,
      digests: Object.fromEntries([...digests].map(([bank, values]) => [bank, [...values]])),
    })),
    notImported,
  };
}

function validityDocument({ notBefore, notAfter }: Validity): Readonly<Record<string, string>> {
  return {
    ...(notBefore === undefined ? {} : { notBefore: new Date(notBefore).toISOString() }),
    ...(notAfter === undefined ? {} : { notAfter: new Date(notAfter).toISOString() }),
  };
}

function measurementDocument({ key, digests, registers }: Measurement): unknown {
  return {
    ...(key === undefined ? {} : { key }),
    ...(digests === undefined ? {} : { digests: Object.fromEntries(digests) }),
    ...(registers === undefined
      ? {}
      : { registers: Object.fromEntries([...registers].map(([id, values]) => [id, Object.fromEntries(values)])) }),
  };
}

const SIGNATURE_TEXT: Readonly<Record<ImportedCorim['signature'], string>> = {
  verified: 'The signature holds.',
  notChecked: 'Not checked: signature (no --key)',
  absent: 'Not checked: signature (the document has none)',
};

function importText({ corim, digest, signature, header }: ImportedCorim, pcrs: readonly PcrReference[]): string {
  const { id, profile, tags, notImported } = corim;
  return [
    `CoRIM ${JSON.stringify(id)}${profile === undefined ? '' : `, profile ${profile}`}, SHA-256 ${digest}`,
    ...(header === undefined ? [] : [`  signed by ${JSON.stringify(header.signer)} with ${header.algorithm}`]),
    ...tags.flatMap(({ references }) =>
      references.map(
        ({ environment, measurements }) => `  ${environmentText(environment)}: ${measurements.length} measurements`,
      ),
    ),
    ...tags.flatMap(({ attestKeys }) =>
      attestKeys.map(({ environment, keys }) => `  ${environmentText(environment)}: ${keys.length} attestation keys`),
    ),
    ...pcrs.flatMap(({ model, pcr, digests }) => [
      `  ${model}, PCR ${pcr}`,
      ...[...digests].flatMap(([bank, values]) => [...values].map((value) => `    ${bank}  ${value}`)),
    ]),
    ...notImported.map((path) => `Not imported: ${path}`),
    SIGNATURE_TEXT[signature],
  ]
    .map(shownText)
    .join('\n');
}
