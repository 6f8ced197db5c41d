import { dirname, join } from 'node:path';
import { loadConfig } from '../config/load.ts';
import { VerifierError } from '../error.ts';
import { readFile } from './file.ts';
import { type ApiAccess, type ExchangeOptions, exchange } from './https-exchange.ts';

export interface AccessOptions {
  readonly config: string;
  readonly set?: readonly string[] | undefined;
  /** instead of the address in the configuration */
  readonly api?: string | undefined;
  /** instead of `api-token` beside the configuration */
  readonly apiToken?: string | undefined;
}

const TIMEOUT_MS = 30_000;
const ANY_ADDRESS: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '[::1]' };

/** @throws VerifierError `config.*`, `file.unreadable` */
export function apiAccess({ config: file, set, api, apiToken }: AccessOptions): ApiAccess {
  const config = loadConfig({ file, environment: process.env, set });
  const { host, port } = config.api;
  return {
    url: api ?? `https://${ANY_ADDRESS[host] ?? host}:${port}`,
    certificates: readFile(config.tls.chainFile).toString('utf8'),
    token: readFile(apiToken ?? join(dirname(file), 'api-token'))
      .toString('utf8')
      .trim(),
  };
}

/**
 * Reads the JSON answer of an address.
 * @throws VerifierError `api.unreachable`; `api.refused` with the code of the problem
 */
export function get(access: ApiAccess, path: string): Promise<unknown> {
  return answered(access, path);
}

/**
 * Posts JSON, or bytes, and reads the JSON answer.
 * @throws VerifierError `api.unreachable`; `api.refused` with the code of the problem
 */
export function post(access: ApiAccess, path: string, body: object | Uint8Array): Promise<unknown> {
  const payload =
    body instanceof Uint8Array
      ? { bytes: body, type: 'application/octet-stream' }
      : { bytes: Buffer.from(JSON.stringify(body)), type: 'application/json' };
  return answered(access, path, payload);
}

async function answered(access: ApiAccess, path: string, body?: ExchangeOptions['body']): Promise<unknown> {
  const unreachable = (cause: unknown): Error => new VerifierError('api.unreachable', access.url, { cause });
  const options = {
    agent: false,
    timeoutMs: TIMEOUT_MS,
    unreachable,
    ...(body === undefined ? {} : { body }),
  } as const;
  const answer = await exchange(access, path, options);
  if (answer.status >= 200 && answer.status < 300) return answer.body;
  throw new VerifierError('api.refused', problemText(answer.body, answer.status));
}

function problemText(answer: unknown, status: number): string {
  if (typeof answer !== 'object' || answer === null) return `status ${status}`;
  const { code, title, detail, next } = answer as Readonly<Record<string, unknown>>;
  const parts = [title, detail, next].filter((part) => typeof part === 'string');
  return `${String(code)}: ${parts.join('; ')}`;
}
