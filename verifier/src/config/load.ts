import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'smol-toml';
import * as v from 'valibot';
import { VerifierError } from '../error.ts';
import { CONFIG_KEYS, type Config, type ConfigKey, configSchema } from './schema.ts';

/** Where a configuration comes from; what stands later wins: file, environment, flags. */
export interface ConfigSources {
  /** TOML; without it everything is default, environment and flags, and paths are relative to the working directory */
  readonly file?: string | undefined;
  /** `MTM_VERIFIER_AUDIT_INTERVAL_MS=…`, or `…_FILE=path` to take the value from a file */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `audit.intervalMs=1000` */
  readonly set?: readonly string[] | undefined;
}

type Tree = Record<string, unknown>;

const PREFIX = 'MTM_VERIFIER_';
const LEAST_INTERVALS = 4;

/**
 * Reads, merges and checks. Nothing is guessed: an unknown key, variable or flag is refused with all other reasons at once.
 * @throws VerifierError `config.invalid` with every reason, `config.unreadable`
 */
export function loadConfig({ file, environment, set = [] }: ConfigSources): Config {
  const reasons: string[] = [];
  const tree: Tree = file === undefined ? {} : readToml(file);
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith(PREFIX) || value === undefined) continue;
    const key = CONFIG_KEYS.find(({ variable }) => variable === name);
    const keyOfFile = CONFIG_KEYS.find(({ variable }) => `${variable}_FILE` === name);
    if (key !== undefined) put(tree, key, value);
    else if (keyOfFile !== undefined) put(tree, keyOfFile, readText(value).trim());
    else reasons.push(`${name}: no such key`);
  }
  for (const flag of set) {
    const at = flag.indexOf('=');
    const key = CONFIG_KEYS.find(({ name }) => name === flag.slice(0, Math.max(at, 0)));
    if (key === undefined) reasons.push(`${flag.slice(0, at < 0 ? undefined : at)}: no such key`);
    else put(tree, key, flag.slice(at + 1));
  }
  const checked = v.safeParse(configSchema, tree);
  if (!checked.success) reasons.push(...checked.issues.map(reasonOf));
  if (!checked.success || reasons.length > 0) throw new VerifierError('config.invalid', reasons.join('; '));
  return finished(checked.output, file === undefined ? '.' : dirname(file));
}

/** What a schema of one key cannot see: relations between keys, and where relative paths begin. */
function finished(config: Config, directory: string): Config {
  const { audit, limits, reference } = config;
  const least = LEAST_INTERVALS * audit.intervalMs;
  const freshnessMs = audit.freshnessMs === 0 ? least : audit.freshnessMs;
  const reasons: string[] = [];
  if (freshnessMs < least) reasons.push(`audit.freshnessMs: must be at least ${LEAST_INTERVALS} intervals, ${least}`);
  if (reference.keys.length > 0 && reference.threshold > reference.keys.length) {
    reasons.push(`reference.threshold: more than the ${reference.keys.length} keys of reference.keys`);
  }
  if (limits.messageBurst < limits.messagesPerSecond) {
    reasons.push('limits.messageBurst: must be at least limits.messagesPerSecond');
  }
  if (reasons.length > 0) throw new VerifierError('config.invalid', reasons.join('; '));
  const absolute = (path: string): string => resolve(directory, path);
  return {
    ...config,
    audit: { ...audit, freshnessMs },
    tls: { chainFile: absolute(config.tls.chainFile), keyFile: absolute(config.tls.keyFile) },
    api: { ...config.api, tokenFile: absolute(config.api.tokenFile) },
    store: { ...config.store, path: config.store.path === ':memory:' ? ':memory:' : absolute(config.store.path) },
    reference: { ...reference, keys: reference.keys.map(absolute) },
  };
}

function readToml(file: string): Tree {
  const text = readText(file);
  try {
    return parse(text);
  } catch (cause) {
    throw new VerifierError('config.invalid', `${file} is not TOML`, { cause });
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new VerifierError('config.unreadable', file, { cause });
  }
}

/** A text from outside takes the type that the key's default has; what does not fit stays a text and is refused by the schema. */
function put(tree: Tree, { name, byDefault }: ConfigKey, text: string): void {
  const [first = '', second] = name.split('.');
  const value = typed(text, byDefault);
  if (second === undefined) {
    tree[first] = value;
    return;
  }
  const section = tree[first];
  tree[first] = { ...(isTree(section) ? section : {}), [second]: value };
}

function typed(text: string, byDefault: ConfigKey['byDefault']): unknown {
  if (typeof byDefault === 'number') return /^-?\d+$/.test(text) ? Number(text) : text;
  if (typeof byDefault === 'string') return text;
  return text === '' ? [] : text.split(',').map((part) => part.trim());
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function reasonOf(issue: v.BaseIssue<unknown>): string {
  const name = v.getDotPath(issue) ?? 'configuration';
  return issue.expected === 'never' ? `${name}: no such key` : `${name}: ${issue.message}`;
}
