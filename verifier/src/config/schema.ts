import {
  EVENT_PCRS,
  isId,
  MAX_LIST_BYTES,
  MAX_MESSAGE_BYTES,
  MAX_RECORDS,
  ProtocolError,
  parseSelectionText,
} from '@mtm-attest/protocol';
import * as v from 'valibot';

/** Everything that can be configured, with defaults filled in and paths made absolute. Times are milliseconds, sizes bytes. */
export interface Config {
  readonly operator: string;
  readonly audience: string;
  readonly binding: 'tls-exporter' | 'tls-server-end-point';
  readonly pcrs: string;
  readonly listen: { readonly host: string; readonly port: number; readonly path: string; readonly url: string };
  readonly tls: { readonly chainFile: string; readonly keyFile: string };
  readonly api: { readonly host: string; readonly port: number; readonly tokenFile: string };
  readonly store: { readonly path: string; readonly gatherMs: number };
  readonly audit: {
    readonly intervalMs: number;
    readonly freshnessMs: number;
    readonly nonceLifeMs: number;
    readonly graceMs: number;
  };
  readonly limits: {
    readonly maxPayload: number;
    readonly unauthenticated: number;
    readonly unauthenticatedDeadlineMs: number;
    readonly enrolmentDeadlineMs: number;
    readonly partsDeadlineMs: number;
    readonly maxEvents: number;
    readonly maxListBytes: number;
    readonly maxPlatformLogBytes: number;
    readonly messagesPerSecond: number;
    readonly messageBurst: number;
  };
  readonly reference: { readonly keys: readonly string[]; readonly threshold: number };
  readonly tokens: { readonly lifeMs: number };
  readonly log: { readonly level: LogLevel };
  readonly shutdown: { readonly deadlineMs: number };
}

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** What is said of a key in the documentation. */
interface KeyNote {
  readonly unit: string;
  readonly about: string;
}

/** One key as the file, the environment and the documentation know it. */
export interface ConfigKey extends KeyNote {
  /** `audit.intervalMs` */
  readonly name: string;
  /** `MTM_VERIFIER_AUDIT_INTERVAL_MS` */
  readonly variable: string;
  readonly byDefault: string | number | readonly string[];
}

type Text = v.GenericSchema<string>;

const text: Text = v.pipe(v.string(), v.minLength(1), v.maxLength(1024));
const file: Text = text;
const port = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65535));
const id = v.pipe(v.string(), v.check(isId, 'must be 1 to 64 of [a-z0-9._-], the first a letter or digit'));
const url = v.pipe(
  v.string(),
  v.check(isEndpointUrl, 'must be empty or a wss:// address without user, query and fragment'),
);
const path = v.pipe(v.string(), v.regex(/^\/[A-Za-z0-9._~/-]*$/));

/** The selection of every challenge: the SHA-256 bank, and with the PCRs that logs are replayed into. */
const selection = v.pipe(
  v.string(),
  v.check(isReplayable, `must select PCRs of the bank sha256, ${EVENT_PCRS.join(', ')} among them`),
);

const count = (least: number, most: number): v.GenericSchema<number> =>
  v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most));
const ms = count;
const DAY_MS = 86_400_000;

const NOTES = new WeakMap<object, KeyNote & Pick<ConfigKey, 'byDefault'>>();

/** One key: its schema, its default, and what is said of it. */
function key<T extends ConfigKey['byDefault']>(schema: v.GenericSchema<T>, byDefault: T, unit: string, about: string) {
  const entry = v.optional(schema, () => byDefault);
  NOTES.set(entry, { unit, about, byDefault });
  return entry;
}

function section<E extends v.ObjectEntries>(entries: E) {
  return v.optional(v.strictObject(entries), {} as v.InferInput<v.StrictObjectSchema<E, undefined>>);
}

const KEYS = {
  operator: key(id, 'operator', 'id', 'the operator whose terminals these are; part of every key of the store'),
  audience: key(
    id,
    'verifier',
    'id',
    'the name under which terminals address this verifier; signed by every hello and quote',
  ),
  binding: key(
    v.picklist(['tls-exporter', 'tls-server-end-point']),
    'tls-exporter',
    'type',
    'channel binding; `tls-server-end-point` only where TLS ends before the verifier, with a P-256 certificate',
  ),
  pcrs: key(selection, 'sha256:0,1,4,5,7,10,11,12,13,14', 'selection', 'the PCRs that every quote must cover'),
  listen: section({
    host: key(text, '127.0.0.1', 'address', 'where terminals connect'),
    port: key(port, 8443, 'port', '0 takes a free one'),
    path: key(path, '/attest', 'path', 'path of the WebSocket endpoint'),
    url: key(
      url,
      '',
      'URL',
      'what enrolment tokens name; empty: made of the first name in the certificate, port and path',
    ),
  }),
  tls: section({
    chainFile: key(file, 'server-chain.pem', 'file', 'certificates in PEM, leaf first, root last'),
    keyFile: key(file, 'server-key.pem', 'file', 'private key of the leaf in PEM'),
  }),
  api: section({
    host: key(text, '127.0.0.1', 'address', 'where the HTTP API listens'),
    port: key(port, 8444, 'port', '0 takes a free one'),
    tokenFile: key(
      file,
      'api-token.sha256',
      'file',
      'SHA-256 of the API token as hexadecimal; the token itself is not needed',
    ),
  }),
  store: section({
    path: key(file, 'verifier.db', 'file', 'the embedded store; made with mode 0600 where it is missing'),
    gatherMs: key(ms(0, 1000), 10, 'ms', 'a result waits so long for others, to share a transaction with them'),
  }),
  audit: section({
    intervalMs: key(ms(50, 30 * DAY_MS), 300_000, 'ms', 'mean time between two audits of a terminal'),
    freshnessMs: key(
      ms(0, 365 * DAY_MS),
      0,
      'ms',
      'evidence older than this makes a terminal stale; at least 4 intervals; 0: 4 intervals',
    ),
    nonceLifeMs: key(ms(10, 60_000), 60_000, 'ms', 'life of a challenge'),
    graceMs: key(ms(50, DAY_MS), 60_000, 'ms', 'without connection for longer, a terminal is unreachable'),
  }),
  limits: section({
    maxPayload: key(count(4096, MAX_MESSAGE_BYTES), MAX_MESSAGE_BYTES, 'bytes', 'largest message'),
    unauthenticated: key(
      count(1, 65_536),
      256,
      'connections',
      'open at once before their hello verified; a new one displaces the oldest',
    ),
    unauthenticatedDeadlineMs: key(ms(50, 60_000), 5000, 'ms', 'time until a hello must have verified'),
    enrolmentDeadlineMs: key(ms(50, 600_000), 60_000, 'ms', 'time for an enrolment once its token proved valid'),
    partsDeadlineMs: key(ms(50, 600_000), 60_000, 'ms', 'time for the further parts of evidence'),
    maxEvents: key(count(1, MAX_RECORDS), MAX_RECORDS, 'events', 'longest log of one boot'),
    maxListBytes: key(count(1024, MAX_LIST_BYTES), MAX_LIST_BYTES, 'bytes', 'longest component list'),
    maxPlatformLogBytes: key(
      count(4096, 1_073_741_824),
      16_777_216,
      'bytes',
      'firmware log and IMA list of one answer together',
    ),
    messagesPerSecond: key(count(1, 1_000_000), 20, 'messages/s', 'accepted from one connection in the long run'),
    messageBurst: key(count(1, 1_000_000), 200, 'messages', 'accepted from one connection at once'),
  }),
  reference: section({
    keys: key(v.array(file), [], 'files', 'public keys (PEM, Ed25519 or P-256) whose signatures on manifests count'),
    threshold: key(count(1, 8), 1, 'keys', 'how many of them must have signed'),
  }),
  tokens: section({
    lifeMs: key(ms(1000, 30 * DAY_MS), DAY_MS, 'ms', 'time in which an enrolment token must be used'),
  }),
  log: section({
    level: key(v.picklist(LOG_LEVELS), 'info', 'level', 'debug, info, warn, error or silent'),
  }),
  shutdown: section({
    deadlineMs: key(ms(0, 600_000), 10_000, 'ms', 'time for work in progress after SIGTERM or SIGINT'),
  }),
};

/** Keys without a value take their default; unknown keys are refused. Paths are still as written. */
export const configSchema: v.GenericSchema<unknown, Config> = v.strictObject(KEYS);

/** Every key, in the order of the documentation. */
export const CONFIG_KEYS: readonly ConfigKey[] = keysOf(KEYS, '');

function keysOf(entries: Readonly<Record<string, object>>, prefix: string): readonly ConfigKey[] {
  return Object.entries(entries).flatMap(([name, entry]) => {
    const note = NOTES.get(entry);
    if (note !== undefined) return [{ name: prefix + name, variable: variableOf(prefix + name), ...note }];
    const { wrapped } = entry as { readonly wrapped: { readonly entries: Readonly<Record<string, object>> } };
    return keysOf(wrapped.entries, `${prefix}${name}.`);
  });
}

function variableOf(name: string): string {
  return `MTM_VERIFIER_${name
    .replaceAll('.', '_')
    .replace(/[A-Z]/g, (letter) => `_${letter}`)
    .toUpperCase()}`;
}

function isEndpointUrl(value: string): boolean {
  if (value === '') return true;
  if (!URL.canParse(value)) return false;
  const { protocol, username, password, search, hash } = new URL(value);
  return protocol === 'wss:' && `${username}${password}${search}${hash}` === '';
}

/** What a quote does not cover, a log may claim. */
function isReplayable(value: string): boolean {
  try {
    const [only, ...others] = parseSelectionText(value);
    return others.length === 0 && only?.bank === 'sha256' && EVENT_PCRS.every((pcr) => only.pcrs.includes(pcr));
  } catch (error) {
    if (error instanceof ProtocolError) return false;
    throw error;
  }
}
