import { SUBPROTOCOL } from '@mtm-attest/protocol';
import type { ApiRoute } from '../route.ts';
import { schemaRef } from '../schemas.ts';

const status = schemaRef('Status');

/** For whoever runs the daemon: no token but for the metrics, nothing about terminals. */
export const probeRoutes: readonly ApiRoute[] = [
  {
    method: 'GET',
    path: '/healthz',
    summary: 'Whether the process is alive',
    open: true,
    answers: { 200: { about: 'alive', schema: status } },
    handle: () => ({ status: 200, body: { status: 'alive' } }),
  },
  {
    method: 'GET',
    path: '/readyz',
    summary:
      'Whether it serves: not while it starts or drains, nor while the store takes nothing; manifests do not count',
    open: true,
    answers: { 200: { about: 'ready', schema: status }, 503: { about: 'not ready, and why', schema: status } },
    handle: ({ health }) => {
      const { ready, reason } = health.readiness;
      return { status: ready ? 200 : 503, body: { status: reason } };
    },
  },
  {
    method: 'GET',
    path: '/version',
    summary: 'What runs',
    open: true,
    answers: { 200: { about: 'name, version, protocol', schema: schemaRef('Version') } },
    handle: ({ version }) => ({ status: 200, body: { name: 'mtm-verifier', version, protocol: SUBPROTOCOL } }),
  },
  {
    method: 'GET',
    path: '/metrics',
    summary: 'Counters in the exposition format of Prometheus',
    answers: { 200: { about: 'text' } },
    handle: async ({ metrics }) => ({ status: 200, body: await metrics.text(), contentType: metrics.contentType }),
  },
];
