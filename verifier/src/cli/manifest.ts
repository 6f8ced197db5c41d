import { createPrivateKey, type KeyObject } from 'node:crypto';
import { dirname } from 'node:path';
import { parseManifest, parseSignedManifest, toHex } from '@mtm-attest/protocol';
import { type Command, InvalidArgumentError } from 'commander';
import { VerifierError } from '../error.ts';
import { signManifest } from '../reference/sign-manifest.ts';
import { verifyManifest } from '../reference/trusted-manifest.ts';
import { loadTrustedSigners } from '../reference/trusted-signers.ts';
import { apiAccess, post } from './api-client.ts';
import { readFile, writeFile } from './file.ts';
import { manifestDocument, readManifestDocument } from './manifest-document.ts';
import { EXIT, type ExitCode, settle, tell } from './outcome.ts';
import { collect } from './serve.ts';

interface SignOptions {
  readonly key: readonly string[];
  readonly in: string;
  readonly root?: string;
  readonly out: string;
  readonly json?: true;
}

interface ShowOptions {
  readonly public: readonly string[];
  readonly threshold: number;
  readonly json?: true;
}

interface PublishOptions {
  readonly config: string;
  readonly set: readonly string[];
  readonly api?: string;
  readonly apiToken?: string;
  readonly json?: true;
}

/** `mtm-verifier manifest sign | show | publish` */
export function addManifestCommand(program: Command): void {
  const manifest = program.command('manifest').description('signed manifests: what a model of terminal may run');
  manifest
    .command('sign')
    .description('make a signed manifest from a document in JSON')
    .option('--key <pem>', 'private key, Ed25519 or P-256; may be repeated', collect, [])
    .requiredOption('--in <file>', 'the document')
    .option('--root <directory>', 'where the files of its components are (default: beside the document)')
    .requiredOption('--out <file>', 'the signed manifest')
    .option('--json', 'print one JSON document')
    .action(async (options: SignOptions) => {
      await settle(options.json === true, () => signDocument(options));
    });
  manifest
    .command('show')
    .description('print a signed manifest; with --public its signatures are verified first')
    .argument('<file>', 'the signed manifest')
    .option('--public <pem>', 'public key whose signature counts; may be repeated', collect, [])
    .option('--threshold <number>', 'how many must have signed', thresholdArgument, 1)
    .option('--json', 'print one JSON document')
    .action(async (file: string, options: ShowOptions) => {
      await settle(options.json === true, () => show(file, options));
    });
  manifest
    .command('publish')
    .description('hand a signed manifest to a running verifier')
    .argument('<file>', 'the signed manifest')
    .requiredOption('--config <file>', 'configuration of the verifier')
    .option('--set <key=value>', 'set one key of the configuration', collect, [])
    .option('--api <url>', 'address of the API, where it is not the one in the configuration')
    .option('--api-token <file>', 'the API token (default: api-token beside the configuration)')
    .option('--json', 'print one JSON document')
    .action(async (file: string, options: PublishOptions) => {
      await settle(options.json === true, () => publish(file, options));
    });
}

function signDocument({ key: keyFiles, in: file, root, out, json }: SignOptions): ExitCode {
  if (keyFiles.length === 0) throw new VerifierError('reference.key', '--key names none');
  const manifest = readManifestDocument(readFile(file).toString('utf8'), root ?? dirname(file));
  const bytes = signManifest(manifest, keyFiles.map(privateKey));
  writeFile(out, bytes);
  const { model, sequence } = manifest;
  tell(json === true, { ok: true, file: out, model, sequence }, `${out}: ${model}, sequence ${sequence}`);
  return EXIT.holds;
}

function show(file: string, { public: publicFiles, threshold, json }: ShowOptions): ExitCode {
  const body = new Uint8Array(readFile(file));
  const verified = publicFiles.length > 0;
  if (verified) verifyManifest(body, loadTrustedSigners(publicFiles, threshold));
  const { payload, signatures } = parseSignedManifest(body);
  const signers = signatures.map(({ keyId, algorithm }) => ({ keyId: toHex(keyId), algorithm }));
  const shown = {
    ok: true,
    signatures: verified ? 'verified' : 'notChecked',
    signers,
    manifest: manifestDocument(parseManifest(payload)),
  };
  tell(json === true, shown, JSON.stringify(shown, undefined, 2));
  return EXIT.holds;
}

async function publish(file: string, options: PublishOptions): Promise<ExitCode> {
  const answer = await post(apiAccess(options), '/v1/manifests', new Uint8Array(readFile(file)));
  tell(options.json === true, answer, `published: ${JSON.stringify(answer)}`);
  return EXIT.holds;
}

function privateKey(file: string): KeyObject {
  const pem = readFile(file);
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new VerifierError('reference.key', file, { cause });
  }
}

function thresholdArgument(value: string): number {
  if (!/^[1-8]$/.test(value)) throw new InvalidArgumentError('a number from 1 to 8');
  return Number(value);
}
