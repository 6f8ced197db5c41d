import { request } from 'node:https';
import { dirname, join } from 'node:path';
import { loadConfig } from '../config/load.ts';
import { VerifierError } from '../error.ts';
import { readFile } from './file.ts';

/** How a command reaches the API of a running verifier. */
export interface ApiAccess {
  /** `https://host:port` */
  readonly url: string;
  /** PEM; only certificates under it are accepted */
  readonly certificates: string;
  readonly token: string;
}

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
 * Posts JSON, or bytes, and reads the JSON answer.
 * @throws VerifierError `api.unreachable`; `api.refused` with the code of the problem
 */
export async function post(access: ApiAccess, path: string, body: object | Uint8Array): Promise<unknown> {
  const bytes = body instanceof Uint8Array;
  const payload = bytes ? body : Buffer.from(JSON.stringify(body));
  const { status, text } = await exchange(
    access,
    path,
    payload,
    bytes ? 'application/octet-stream' : 'application/json',
  );
  const answer = parse(text);
  if (status >= 200 && status < 300) return answer;
  throw new VerifierError('api.refused', problemText(answer, status));
}

function exchange(
  { url, certificates, token }: ApiAccess,
  path: string,
  payload: Uint8Array,
  type: string,
): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': type, 'content-length': payload.length };
    const unreachable = (cause: unknown): void => {
      reject(new VerifierError('api.unreachable', url, { cause }));
    };
    const outgoing = request(
      new URL(path, url),
      { method: 'POST', headers, ca: certificates, minVersion: 'TLSv1.3', agent: false, timeout: TIMEOUT_MS },
      (incoming) => {
        let text = '';
        incoming.setEncoding('utf8');
        incoming.on('data', (chunk: string) => (text += chunk));
        incoming.on('error', unreachable);
        incoming.on('end', () => {
          resolve({ status: incoming.statusCode ?? 0, text });
        });
      },
    );
    outgoing.on('error', unreachable);
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')));
    outgoing.end(payload);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function problemText(answer: unknown, status: number): string {
  if (typeof answer !== 'object' || answer === null) return `status ${status}`;
  const { code, title, detail, next } = answer as Readonly<Record<string, unknown>>;
  const parts = [title, detail, next].filter((part) => typeof part === 'string');
  return `${String(code)}: ${parts.join('; ')}`;
}
