import { type Agent, type RequestOptions, request } from 'node:https';

/** Where the API of a verifier is, and what opens it. */
export interface ApiAccess {
  /** `https://host:port` */
  readonly url: string;
  /** PEM; only certificates under it are accepted */
  readonly certificates: string;
  readonly token: string;
}

export interface ExchangeOptions {
  /** keeps connections; false opens one for this exchange */
  readonly agent: Agent | false;
  readonly timeoutMs: number;
  /** what to reject with where no answer came */
  readonly unreachable: (cause: unknown) => Error;
  /** posted; without it the path is read */
  readonly body?: { readonly bytes: Uint8Array; readonly type: string };
}

export interface Answer {
  readonly status: number;
  /** undefined where it is not JSON */
  readonly body: unknown;
}

/** One request to the API of a running verifier. @throws what `unreachable` gives */
export function exchange(
  access: ApiAccess,
  path: string,
  { agent, timeoutMs, unreachable, body }: ExchangeOptions,
): Promise<Answer> {
  const options: RequestOptions = {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${access.token}`,
      ...(body === undefined ? {} : { 'content-type': body.type, 'content-length': body.bytes.length }),
    },
    ca: access.certificates,
    minVersion: 'TLSv1.3',
    agent,
    timeout: timeoutMs,
  };
  return new Promise((resolve, reject) => {
    const failed = (cause: unknown): void => {
      reject(unreachable(cause));
    };
    const outgoing = request(new URL(path, access.url), options, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (chunk: string) => (text += chunk));
      incoming.on('error', failed);
      incoming.on('end', () => {
        resolve({ status: incoming.statusCode ?? 0, body: parse(text) });
      });
    });
    outgoing.on('error', failed);
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')));
    outgoing.end(body?.bytes);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
