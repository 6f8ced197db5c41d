import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { AgentError } from '../error.ts';
import { castOf, TPM_ROLE } from '../fleet/cast.ts';
import { eventText } from '../fleet/events.ts';
import { Maker } from '../fleet/maker.ts';
import { playFleet } from '../fleet/simulator.ts';
import { VerifierApi } from '../fleet/verifier-api.ts';
import { type AgentLog, SILENT } from '../log.ts';
import { firstSignal } from './signal.ts';
import type { OptionValues, Subcommand } from './subcommand.ts';
import { STANDARD_ERROR } from './terminal.ts';

const MAX_TERMINALS = 100_000;
const SWTPM = 'swtpm';

/** `mtm-agent simulate` */
export const simulateCommand: Subcommand = {
  name: 'simulate',
  summary: 'a fleet of terminals, honest and attacked, each of which signs every nonce; runs until a signal comes',
  options: {
    verifier: { type: 'string', required: true, value: 'url', about: "https address of the verifier's HTTP API" },
    terminals: { type: 'string', required: true, value: 'number', about: 'how many terminals' },
    seed: {
      type: 'string',
      required: true,
      value: 'text',
      about: 'chooses what varies; the same seed, the same choices',
    },
    scenario: {
      type: 'string',
      multiple: true,
      value: 'name=count',
      about: 'so many of this scenario; may be repeated',
    },
    tpm: { type: 'string', value: 'swtpm', about: 'one terminal more, with a TPM emulator; swtpm must be installed' },
    'api-token': { type: 'string', value: 'file', about: 'token of the HTTP API (default: api-token)' },
    ca: {
      type: 'string',
      value: 'file',
      about: "certificates that the API's is under, PEM (default: server-chain.pem)",
    },
    'manifest-key': {
      type: 'string',
      value: 'file',
      about: "the maker's Ed25519 key, PKCS #8 PEM (default: manifest-key.pem)",
    },
    operator: { type: 'string', value: 'id', about: 'whose terminals these are, as the events call it' },
    verbose: { type: 'boolean', about: 'log every connection on standard error' },
    json: { type: 'boolean', about: 'print events, one JSON document a line' },
  },
  async run(values) {
    const others = castOf(countOf(values), values.list('scenario'));
    const cast = wantsTpm(values.optional('tpm')) ? [...others, TPM_ROLE] : others;
    const api = await openApi(values);
    const maker = new Maker(await readText(values.optional('manifest-key') ?? 'manifest-key.pem'));
    const stopping = new AbortController();
    const json = values.flag('json');
    const end = Promise.race([firstSignal(), nobodyReads()]).then((code) => {
      stopping.abort(new AgentError('session.closed', 'the simulation ends'));
      return code;
    });
    await playFleet({
      api,
      maker,
      cast,
      seed: values.text('seed'),
      operator: values.optional('operator') ?? 'operator',
      tell: (event) => process.stdout.write(`${json ? JSON.stringify(event) : eventText(event)}\n`),
      log: values.flag('verbose') ? STANDARD_ERROR : WARNINGS_OF_SCRIPTS,
      stopping: stopping.signal,
      now: Date.now,
      command: ownCommand(),
    });
    return end;
  },
};

/** Whoever followed the events is gone. */
function nobodyReads(): Promise<0> {
  return new Promise((resolve) => {
    process.stdout.on('error', () => {
      resolve(0);
    });
  });
}

/** Lost connections are what the fleet is there for: only a script that failed is told. */
const WARNINGS_OF_SCRIPTS: AgentLog = {
  ...SILENT,
  warn: (fields, message) => {
    if (message === 'failed') STANDARD_ERROR.warn(fields, message);
  },
};

async function openApi(values: OptionValues): Promise<VerifierApi> {
  const url = values.text('verifier');
  if (!URL.canParse(url) || new URL(url).protocol !== 'https:') {
    throw new AgentError('option.invalid', '--verifier https://host:port');
  }
  return new VerifierApi({
    url,
    certificates: await readText(values.optional('ca') ?? 'server-chain.pem'),
    token: (await readText(values.optional('api-token') ?? 'api-token')).trim(),
  });
}

/** @throws AgentError `option.invalid` for another word than swtpm, and where it is not installed */
function wantsTpm(tpm: string | undefined): boolean {
  if (tpm === undefined) return false;
  if (tpm !== SWTPM) throw new AgentError('option.invalid', `--tpm ${SWTPM}`);
  if (spawnSync(SWTPM, ['--version'], { stdio: 'ignore' }).status === 0) return true;
  throw new AgentError('option.invalid', '--tpm: swtpm is not installed');
}

function countOf(values: OptionValues): number {
  const text = values.text('terminals');
  const count = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (!(count >= 1 && count <= MAX_TERMINALS)) {
    throw new AgentError('option.invalid', `--terminals 1 to ${MAX_TERMINALS}`);
  }
  return count;
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new AgentError('file.unreadable', file, { cause });
  }
}

/** This very command, run from its sources or built. */
function ownCommand(): readonly [string, ...string[]] {
  const main = new URL(import.meta.url.endsWith('.ts') ? './main.ts' : './main.js', import.meta.url);
  return [process.execPath, ...process.execArgv, fileURLToPath(main)];
}
