import { createPrivateKey, type KeyObject } from 'node:crypto';
import { dirname, join } from 'node:path';
import {
  fromHex,
  isReasonCode,
  MRTM_COMPARTMENT,
  ProtocolError,
  shownText,
  TERMINAL_CLASSES,
  VERDICTS,
  type Verdict,
} from '@mtm-attest/protocol';
import { type Command, InvalidArgumentError, Option } from 'commander';
import * as v from 'valibot';
import type { TrustVector } from '../ear/ar4si.ts';
import { signEar } from '../ear/ear-jwt.ts';
import { type EarContext, makeEar, type TerminalStanding } from '../ear/make-ear.ts';
import { IETF_PROFILE } from '../ear/profile.ts';
import { readPublicJwk } from '../ear/public-jwk.ts';
import { type ReadEar, readEar } from '../ear/read-ear.ts';
import { statusOf } from '../ear/trust-vector.ts';
import { VerifierError } from '../error.ts';
import { apiAccess, get } from './api-client.ts';
import { readFile, writeFile } from './file.ts';
import type { ApiAccess } from './https-exchange.ts';
import { idArgument } from './init.ts';
import { EXIT, type ExitCode, settle, tell } from './outcome.ts';
import { collect } from './serve.ts';

interface ExportOptions {
  readonly config: string;
  readonly set: readonly string[];
  readonly terminal?: string;
  readonly all?: true;
  readonly format: 'ear';
  readonly key?: string;
  readonly nonce?: Uint8Array;
  readonly life: number;
  readonly api?: string;
  readonly apiToken?: string;
  readonly out?: string;
  readonly json?: true;
}

interface VerifyOptions {
  readonly ear: string;
  readonly key?: string;
  readonly at: number;
  readonly json?: true;
}

const DEFAULT_LIFE_SECONDS = 300;

/** `mtm-verifier results export | verify` */
export function addResultsCommand(program: Command): void {
  const results = program.command('results').description('Attestation Results for Relying Parties');
  results
    .command('export')
    .description('sign what the verifier says now of a terminal, or of all: one EAR (JWT) a line')
    .requiredOption('--config <file>', 'configuration of the verifier')
    .option('--set <key=value>', 'set one key of the configuration', collect, [])
    .addOption(new Option('--terminal <id>', 'the terminal').argParser(idArgument).conflicts('all'))
    .option('--all', 'every terminal, in the order of their ids')
    .addOption(new Option('--format <name>', 'form of the result').choices(['ear']).default('ear'))
    .option('--key <pem>', 'private key that signs, P-256 (default: results-key.pem beside the configuration)')
    .option('--nonce <hex>', 'nonce of the Relying Party, 8 to 64 bytes', nonceArgument)
    .option('--life <seconds>', 'for how long the result may be relied on', lifeArgument, DEFAULT_LIFE_SECONDS)
    .option('--api <url>', 'address of the API, where it is not the one in the configuration')
    .option('--api-token <file>', 'the API token (default: api-token beside the configuration)')
    .option('--out <file>', 'write the results to a file instead of standard output')
    .option('--json', 'print one JSON document')
    .action(async (options: ExportOptions) => {
      await settle(options.json === true, () => exportResults(options, Date.now()));
    });
  results
    .command('verify')
    .description('check an EAR and show what it says')
    .requiredOption('--ear <file>', 'the result: a JWT, or bare claims in JSON')
    .option('--key <jwk>', 'public key of its verifier; without it no signature is checked')
    .option('--at <time>', 'judge as of this time (ISO 8601; default: now)', timeArgument)
    .option('--json', 'print one JSON document')
    .action(async (options: Omit<VerifyOptions, 'at'> & { readonly at?: number }) => {
      await settle(options.json === true, () => verify({ ...options, at: options.at ?? Date.now() }));
    });
}

async function exportResults(options: ExportOptions, now: number): Promise<ExitCode> {
  const { terminal, all, key: keyFile, config, life, nonce, out, json } = options;
  if (terminal === undefined && all !== true) throw new VerifierError('option.invalid', 'give --terminal or --all');
  const key = signingKey(keyFile ?? join(dirname(config), 'results-key.pem'));
  const access = apiAccess(options);
  const build = await buildOf(access);
  const context: EarContext = { now, lifeSeconds: life, build, nonce };
  const signed: { readonly terminal: string; readonly status: string; readonly ear: string }[] = [];
  const standings =
    terminal === undefined ? allStandings(access) : [standingOf(await get(access, `/v1/terminals/${terminal}`))];
  for await (const one of standings) {
    signed.push({ terminal: one.terminal, status: statusOf(one), ear: await signEar(makeEar([one], context), key) });
  }
  const lines = signed.map(({ ear }) => `${ear}\n`).join('');
  if (out !== undefined) writeFile(out, lines);
  const results = out === undefined ? signed : signed.map(({ terminal: id, status }) => ({ terminal: id, status }));
  const document = { ok: true, profile: IETF_PROFILE.uri, ...(out === undefined ? {} : { file: out }), results };
  tell(json === true, document, out === undefined ? lines : `${out}: ${signed.length} results`);
  return EXIT.holds;
}

const shownTerminal = v.object({
  terminal: v.string(),
  class: v.picklist(TERMINAL_CLASSES),
  verdict: v.picklist(Object.keys(VERDICTS) as readonly Verdict[]),
  reasons: v.array(v.object({ code: v.string() })),
});

const terminalPage = v.object({ terminals: v.array(v.unknown()), next: v.nullable(v.string()) });

function standingOf(answer: unknown): TerminalStanding {
  const { terminal, class: terminalClass, verdict, reasons } = understood(shownTerminal, answer);
  const codes = reasons.map(({ code }) => code).filter(isReasonCode);
  return { terminal, compartment: MRTM_COMPARTMENT, class: terminalClass, verdict, codes };
}

async function* allStandings(access: ApiAccess): AsyncGenerator<TerminalStanding> {
  let cursor = '';
  for (;;) {
    const { terminals, next } = understood(terminalPage, await get(access, `/v1/terminals?limit=1000${cursor}`));
    yield* terminals.map(standingOf);
    if (next === null) return;
    cursor = `&cursor=${next}`;
  }
}

const versionForm = v.object({ name: v.string(), version: v.string() });

async function buildOf(access: ApiAccess): Promise<string> {
  const { name, version } = understood(versionForm, await get(access, '/version'));
  return `${name} ${version}`;
}

function understood<T>(form: v.GenericSchema<unknown, T>, answer: unknown): T {
  const checked = v.safeParse(form, answer);
  if (!checked.success) throw new VerifierError('api.unreachable', 'an answer of another form');
  return checked.output;
}

function signingKey(file: string): KeyObject {
  const pem = readFile(file);
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (cause) {
    throw new VerifierError('ear.key', file, { cause });
  }
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new VerifierError('ear.key', file);
  return key;
}

async function verify({ ear: file, key: keyFile, at, json }: VerifyOptions): Promise<ExitCode> {
  const key = keyFile === undefined ? undefined : readPublicJwk(readFile(keyFile).toString('utf8'));
  const read = await readEar(readFile(file), { key, at });
  tell(json === true, earDocument(read), earText(read));
  return EXIT.holds;
}

function earDocument({ ear, signature }: ReadEar): unknown {
  const { submodules, ...rest } = ear;
  return { ok: true, signature, ...rest, submods: Object.fromEntries(submodules) };
}

function earText({ ear, signature }: ReadEar): string {
  const { profile, issuedAt, verifier, submodules } = ear;
  return [
    `EAR by ${verifier.developer}, ${verifier.build}, issued ${new Date(issuedAt * 1000).toISOString()}, profile ${profile}`,
    ...[...submodules].map(([label, { status, vector }]) => `  ${label}: ${status} ${vectorText(vector)}`),
    signature === 'verified' ? 'The signature holds.' : 'Not checked: signature',
  ]
    .map(shownText)
    .join('\n');
}

function vectorText(vector: TrustVector | undefined): string {
  return Object.entries(vector ?? {})
    .map(([claim, value]) => `${claim} ${value}`)
    .join(', ');
}

function nonceArgument(text: string): Uint8Array {
  const expected = '8 to 64 bytes in hexadecimal';
  try {
    const nonce = fromHex(text);
    if (nonce.length >= 8 && nonce.length <= 64) return nonce;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
  }
  throw new InvalidArgumentError(expected);
}

function lifeArgument(text: string): number {
  if (!/^[1-9]\d{0,7}$/.test(text)) throw new InvalidArgumentError('seconds, from 1 to 99999999');
  return Number(text);
}

/** ISO 8601 with a zone, as milliseconds since 1970. */
export function timeArgument(text: string): number {
  const time = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2})$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  if (Number.isNaN(time)) throw new InvalidArgumentError('a time as in 2026-06-01T00:00:00Z');
  return time;
}
