import { createHash, createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { type ApiTls, apiServer } from '../../src/api/server.ts';
import type { ApiServices } from '../../src/api/services.ts';
import { Health } from '../../src/daemon/health.ts';
import { Metrics } from '../../src/daemon/metrics.ts';
import { verdictOf } from '../../src/liveness/verdict.ts';
import { ReferenceValues } from '../../src/reference/reference-values.ts';
import { signerOf } from '../../src/reference/trusted-signers.ts';
import { GroupCommit } from '../../src/store/group-commit.ts';
import { bytes, OPERATOR, type TemporaryStore, temporaryStore } from '../store/fixture.ts';

export const API_TOKEN = 'a-token-for-tests';

/** The signer that the API of the tests trusts. */
export const manifestKey = generateKeyPairSync('ed25519').privateKey;

const POLICY = { graceMs: 60_000, freshnessMs: 1_200_000 };

export class TestApi {
  readonly store: TemporaryStore;
  readonly services: ApiServices;
  readonly app: FastifyInstance;
  readonly group: GroupCommit;
  readonly health = new Health();
  readonly connected = new Set<string>();
  readonly audited: string[] = [];
  readonly errors: unknown[] = [];
  now = 11_000;

  private constructor(store: TemporaryStore, rootDigest: Uint8Array, apiToken: string, tls: ApiTls | undefined) {
    this.store = store;
    this.group = new GroupCommit(store.db, OPERATOR);
    const signer = signerOf(new Uint8Array(createPublicKey(manifestKey).export({ type: 'spki', format: 'der' })));
    const log = { info: () => undefined, warn: () => undefined, error: (fields: unknown) => this.errors.push(fields) };
    const signers = { signers: new Map([[signer.keyId, signer]]), threshold: 1 };
    this.services = {
      version: '1.2.3',
      operator: OPERATOR,
      db: store.db,
      group: this.group,
      references: new ReferenceValues(store.db, OPERATOR, this.group, signers, log),
      health: this.health,
      metrics: new Metrics('1.2.3'),
      enrolment: { url: 'wss://verifier.example:8443/attest', rootDigest, lifeMs: 1000 },
      tokenDigest: new Uint8Array(createHash('sha256').update(apiToken).digest()),
      now: () => this.now,
      random: (length) => bytes(length, 77),
      judge: (record, now) => verdictOf(record, now, POLICY, undefined),
      auditNow: (terminal) => this.connected.has(terminal) && this.audited.push(terminal) > 0,
      isConnected: (terminal) => this.connected.has(terminal),
    };
    this.app = apiServer(this.services, log, tls);
  }

  static async start(
    tls?: ApiTls,
    rootDigest: Uint8Array = bytes(32, 5),
    apiToken: string = API_TOKEN,
  ): Promise<TestApi> {
    return new TestApi(await temporaryStore(), rootDigest, apiToken, tls);
  }

  async get(url: string, headers: Record<string, string> = { authorization: `Bearer ${API_TOKEN}` }): Promise<Answer> {
    return answerOf(await this.app.inject({ method: 'GET', url, headers }));
  }

  async post(url: string, body?: object | Uint8Array): Promise<Answer> {
    const authorization = `Bearer ${API_TOKEN}`;
    if (body === undefined) return answerOf(await this.app.inject({ method: 'POST', url, headers: { authorization } }));
    const type = body instanceof Uint8Array ? 'application/octet-stream' : 'application/json';
    const payload = body instanceof Uint8Array ? Buffer.from(body) : JSON.stringify(body);
    const headers = { authorization, 'content-type': type };
    return answerOf(await this.app.inject({ method: 'POST', url, headers, payload }));
  }

  async stop(): Promise<void> {
    await this.app.close();
    await this.store.remove();
  }
}

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly headers: Readonly<Record<string, unknown>>;
  /** the body as JSON */
  readonly json: Record<string, unknown>;
}

function answerOf(response: {
  readonly statusCode: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, unknown>>;
}): Answer {
  const type = String(response.headers['content-type']);
  const json = type.includes('json') ? (JSON.parse(response.body) as Record<string, unknown>) : {};
  return { status: response.statusCode, type, text: response.body, headers: response.headers, json };
}
