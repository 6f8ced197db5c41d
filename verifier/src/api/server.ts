import { createHash, timingSafeEqual } from 'node:crypto';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { VerifierError } from '../error.ts';
import { openApi } from './openapi.ts';
import { PROBLEM_TYPE, problemOf } from './problem.ts';
import { type ApiRoute, type JsonSchema, takesBytes } from './route.ts';
import { alarmRoutes } from './routes/alarms.ts';
import { ledgerRoutes } from './routes/ledger.ts';
import { manifestRoutes } from './routes/manifests.ts';
import { probeRoutes } from './routes/probes.ts';
import { terminalRoutes } from './routes/terminals.ts';
import { tokenRoutes } from './routes/tokens.ts';
import type { ApiServices } from './services.ts';

/** Certificate and key in PEM. */
export interface ApiTls {
  readonly certificateChain: string;
  readonly key: string;
}

export interface ApiLog {
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

const MAX_JSON_BYTES = 65_536;

/** Every address but the document's own. */
export const API_ROUTES: readonly ApiRoute[] = [
  ...probeRoutes,
  ...terminalRoutes,
  ...tokenRoutes,
  ...ledgerRoutes,
  ...alarmRoutes,
  ...manifestRoutes,
];

/** The document that describes the API, itself included. */
export function apiDocument(version: string): JsonSchema {
  return openApi([...API_ROUTES, documentRoute], version);
}

const documentRoute: ApiRoute = {
  method: 'GET',
  path: '/openapi.json',
  summary: 'This document',
  open: true,
  answers: { 200: { about: 'OpenAPI 3.1', schema: { type: 'object' } } },
  handle: ({ version }) => ({ status: 200, body: apiDocument(version) }),
};

/**
 * The HTTP API, not listening yet.
 * @param tls without it plain HTTP, for tests that inject requests
 */
export function apiServer(services: ApiServices, log: ApiLog, tls?: ApiTls): FastifyInstance {
  const app = newServer(tls);
  app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body);
  });
  app.addHook('onSend', async (_request, reply) => {
    void reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  });
  app.setErrorHandler((error, _request, reply) => answerProblem(error, reply, log));
  app.setNotFoundHandler((request, reply) => {
    authorize(services, request);
    return answerProblem(new VerifierError('request.not-found'), reply, log);
  });
  for (const route of [...API_ROUTES, documentRoute]) register(app, services, route);
  return app;
}

function newServer(tls: ApiTls | undefined): FastifyInstance {
  const common = { bodyLimit: MAX_JSON_BYTES, forceCloseConnections: true, requestTimeout: 30_000 } as const;
  if (tls === undefined) return fastify(common);
  const https = { cert: tls.certificateChain, key: tls.key, minVersion: 'TLSv1.3' } as const;
  return fastify({ ...common, https });
}

function register(app: FastifyInstance, services: ApiServices, route: ApiRoute): void {
  const bytes = takesBytes(route.body);
  app.route({
    method: route.method,
    url: route.path.replace(/\{(\w+)\}/g, ':$1'),
    ...(bytes ? { bodyLimit: route.body.maxBytes } : {}),
    onRequest: async (request) => {
      if (route.open !== true) authorize(services, request);
    },
    handler: async (request, reply) => {
      const { status, body, contentType } = await route.handle(services, {
        path: request.params as Readonly<Record<string, string>>,
        query: request.query,
        body: bytes ? bytesOf(request.body) : request.body,
      });
      return await reply
        .code(status)
        .type(contentType ?? 'application/json')
        .send(body);
    },
  });
}

/** The token is compared as a digest, in constant time. */
function authorize({ tokenDigest }: ApiServices, { headers }: FastifyRequest): void {
  const [, token] = /^Bearer ([\x21-\x7e]{1,256})$/.exec(headers.authorization ?? '') ?? [];
  const digest = createHash('sha256')
    .update(token ?? '')
    .digest();
  if (token === undefined || !timingSafeEqual(digest, tokenDigest)) throw new VerifierError('request.unauthorized');
}

/** Copied: the body's buffer may be part of a pool. */
function bytesOf(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return new Uint8Array(body);
  throw new VerifierError('request.invalid', 'the body must be application/octet-stream');
}

async function answerProblem(error: unknown, reply: FastifyReply, log: ApiLog): Promise<void> {
  const problem = problemOf(error);
  if (problem.status >= 500)
    log.error({ reason: String(error), url: reply.request.routeOptions.url }, 'a request failed');
  if (problem.status === 401) void reply.header('www-authenticate', 'Bearer');
  await reply.code(problem.status).type(PROBLEM_TYPE).send(problem);
}
