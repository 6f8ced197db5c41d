import { Agent, request } from 'node:https';
import type { TerminalClass } from '@mtm-attest/protocol';
import { AgentError } from '../error.ts';

/** How the simulator reaches the HTTP API of a verifier. */
export interface ApiAccess {
  /** `https://host:port` */
  readonly url: string;
  /** PEM; only certificates under them are accepted */
  readonly certificates: string;
  readonly token: string;
}

export interface Alarm {
  readonly terminal: string | null;
  readonly code: string;
}

interface Decision {
  readonly ledgerIndex?: number;
}

interface ShownTerminal {
  readonly class: TerminalClass;
  readonly ekName: string | null;
}

interface PublishedManifest {
  readonly model: string;
  readonly sequence: number;
}

const TIMEOUT_MS = 30_000;
const NOT_FOUND = 404;
const CONNECTIONS = 8;

/** The few questions that a simulation asks the verifier's HTTP API as its operator. */
export class VerifierApi {
  readonly #access: ApiAccess;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });

  constructor(access: ApiAccess) {
    this.#access = access;
  }

  /** @returns an enrolment token, a secret */
  async token(terminal: string, terminalClass: TerminalClass, model: string): Promise<string> {
    const body = Buffer.from(JSON.stringify({ terminal, class: terminalClass, model }));
    const { token } = (await this.#call('POST', '/v1/tokens', body, 'application/json')) as { readonly token: string };
    return token;
  }

  /** @param manifest signed; in force when this resolves */
  async publish(manifest: Uint8Array): Promise<void> {
    await this.#call('POST', '/v1/manifests', manifest, 'application/octet-stream');
  }

  /** Sequence of the newest manifest for a model; 0 where there is none. */
  async sequenceOf(model: string): Promise<number> {
    const answer = (await this.#call('GET', '/v1/manifests')) as { readonly manifests: readonly PublishedManifest[] };
    return answer.manifests.find((one) => one.model === model)?.sequence ?? 0;
  }

  /** The newest alarms of all terminals. */
  async alarms(): Promise<readonly Alarm[]> {
    const { alarms } = (await this.#call('GET', '/v1/alarms?limit=1000')) as { readonly alarms: readonly Alarm[] };
    return alarms;
  }

  /** Whether the verifier holds the terminal for one with a TPM, and knows its endorsement key. */
  async isActivated(terminal: string): Promise<boolean> {
    const shown = (await this.#call('GET', `/v1/terminals/${terminal}`)) as ShownTerminal;
    return shown.class === 'tpm-unproven' && shown.ekName !== null;
  }

  /** How many of the first 1000 decisions about a terminal are results of evidence; 0 where it is not enrolled yet. */
  async results(terminal: string): Promise<number> {
    const { status, text } = await this.#exchange('GET', `/v1/terminals/${terminal}/history?limit=1000`);
    if (status === NOT_FOUND) return 0;
    const { history } = parse(text) as { readonly history: readonly Decision[] };
    return history.filter(({ ledgerIndex }) => ledgerIndex !== undefined).length;
  }

  close(): void {
    this.#agent.destroy();
  }

  /** @throws AgentError `api.unreachable`, `api.refused` */
  async #call(method: string, path: string, body?: Uint8Array, type?: string): Promise<unknown> {
    const { status, text } = await this.#exchange(method, path, body, type);
    if (status < 200 || status > 299) throw new AgentError('api.refused', `${path}: ${status} ${text}`);
    return parse(text);
  }

  #exchange(
    method: string,
    path: string,
    body?: Uint8Array,
    type?: string,
  ): Promise<{ readonly status: number; readonly text: string }> {
    const { url, token, certificates } = this.#access;
    return new Promise((resolve, reject) => {
      const unreachable = (cause: Error): void => {
        reject(new AgentError('api.unreachable', `${url}: ${cause.message}`, { cause }));
      };
      const outgoing = request(
        new URL(path, url),
        {
          method,
          agent: this.#agent,
          timeout: TIMEOUT_MS,
          minVersion: 'TLSv1.3',
          ca: certificates,
          headers: {
            authorization: `Bearer ${token}`,
            ...(body === undefined ? {} : { 'content-type': type, 'content-length': body.length }),
          },
        },
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
      outgoing.on('timeout', () => outgoing.destroy(new AgentError('api.unreachable', url)));
      outgoing.end(body);
    });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AgentError('api.unreachable', 'an answer that is not JSON', { cause });
  }
}
