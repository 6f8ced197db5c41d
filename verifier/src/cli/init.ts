import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isId } from '@mtm-attest/protocol';
import { type Command, InvalidArgumentError } from 'commander';
import { VerifierError } from '../error.ts';
import { EXIT, settle, tell } from './outcome.ts';
import { collect } from './serve.ts';

export interface InitOptions {
  readonly directory: string;
  /** names and addresses of the certificate; the first is what enrolment tokens name */
  readonly hosts: readonly string[];
  readonly operator: string;
  readonly audience: string;
  readonly listenHost: string;
  readonly listenPort: number;
  readonly apiPort: number;
  /** wall clock, milliseconds since 1970 */
  readonly now: number;
}

const PRIVATE = 0o600;
const PUBLIC = 0o644;
const LOCAL_HOSTS = ['localhost', '127.0.0.1', '::1'];
const API_TOKEN_BYTES = 32;

/**
 * Writes everything that a first verifier needs: root and server certificate, API token, keys for manifests and results, configuration.
 *
 * @returns names of the files, in the directory
 * @throws VerifierError `init.exists`: nothing was written
 */
export async function initialise(options: InitOptions): Promise<readonly string[]> {
  const { directory } = options;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const files = await initialFiles(options);
  const present = files.find(([name]) => existsSync(join(directory, name)));
  if (present !== undefined) throw new VerifierError('init.exists', join(directory, present[0]));
  for (const [name, text, mode] of files) writeFileSync(join(directory, name), text, { mode, flag: 'wx' });
  return files.map(([name]) => name);
}

type InitialFile = readonly [name: string, text: string, mode: number];

/** The library that makes certificates takes longer to load than any other command runs. */
async function initialFiles(options: InitOptions): Promise<readonly InitialFile[]> {
  const { makeServerCertificate } = await import('./server-certificate.ts');
  const certificate = await makeServerCertificate(options.hosts, options.now);
  const resultsKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const manifestKeys = generateKeyPairSync('ed25519');
  const apiToken = randomBytes(API_TOKEN_BYTES).toString('base64url');
  return [
    ['root-key.pem', certificate.rootKey, PRIVATE],
    ['server-chain.pem', certificate.chain, PUBLIC],
    ['server-key.pem', certificate.key, PRIVATE],
    ['api-token', `${apiToken}\n`, PRIVATE],
    ['api-token.sha256', `${createHash('sha256').update(apiToken).digest('hex')}\n`, PRIVATE],
    ['manifest-key.pem', manifestKeys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), PRIVATE],
    ['manifest-public.pem', manifestKeys.publicKey.export({ type: 'spki', format: 'pem' }).toString(), PUBLIC],
    ['results-key.pem', resultsKeys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), PRIVATE],
    ['results-public.jwk', `${JSON.stringify(resultsKeys.publicKey.export({ format: 'jwk' }))}\n`, PUBLIC],
    ['verifier.toml', configuration(options), PUBLIC],
  ];
}

function configuration({ operator, audience, listenHost, listenPort, apiPort }: InitOptions): string {
  return `# Every key, its unit and its default: verifier/README.md. Relative paths begin at this file.
operator = ${JSON.stringify(operator)}
audience = ${JSON.stringify(audience)}

[listen]
host = ${JSON.stringify(listenHost)}
port = ${listenPort}

[api]
port = ${apiPort}

[reference]
keys = ["manifest-public.pem"]
`;
}

interface Flags {
  readonly dir: string;
  readonly host: readonly string[];
  readonly operator: string;
  readonly audience: string;
  readonly listenHost: string;
  readonly listenPort: number;
  readonly apiPort: number;
  readonly json?: true;
}

/** `mtm-verifier init` */
export function addInitCommand(program: Command): void {
  program
    .command('init')
    .description('make certificates, keys and a configuration for a new verifier')
    .requiredOption('--dir <directory>', 'where to write; nothing in it is overwritten')
    .option('--host <name>', 'name or address by which terminals reach it; may be repeated', collect, [])
    .option('--operator <id>', 'the operator whose terminals these are', idArgument, 'operator')
    .option('--audience <id>', 'the name under which terminals address it', idArgument, 'verifier')
    .option('--listen-host <address>', 'address to listen on', '127.0.0.1')
    .option('--listen-port <port>', 'port for terminals', portArgument, 8443)
    .option('--api-port <port>', 'port of the HTTP API', portArgument, 8444)
    .option('--json', 'print one JSON document')
    .action(async (flags: Flags) => {
      await settle(flags.json === true, async () => {
        const { dir: directory, host, json, ...rest } = flags;
        const hosts = [...new Set([...host, ...LOCAL_HOSTS])];
        const files = await initialise({ ...rest, directory, hosts, now: Date.now() });
        tell(json === true, { ok: true, directory, files }, nextSteps(directory, files));
        return EXIT.holds;
      });
    });
}

function nextSteps(directory: string, files: readonly string[]): string {
  const config = join(directory, 'verifier.toml');
  return `Written to ${directory}: ${files.join(', ')}.
Next:
  1. Move root-key.pem and manifest-key.pem to a place that the daemon cannot read.
  2. mtm-verifier serve --config ${config}
  3. mtm-verifier manifest sign --key ${join(directory, 'manifest-key.pem')} --in release.json --out manifest.bin
     mtm-verifier manifest publish --config ${config} manifest.bin
  4. mtm-verifier token create --config ${config} --terminal ID --class software --model MODEL
`;
}

export function idArgument(value: string): string {
  if (!isId(value)) throw new InvalidArgumentError('1 to 64 of [a-z0-9._-], the first a letter or digit');
  return value;
}

function portArgument(value: string): number {
  const port = /^\d{1,5}$/.test(value) ? Number(value) : Number.NaN;
  if (!(port <= 65535)) throw new InvalidArgumentError('a number from 0 to 65535');
  return port;
}
