import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { isIPv6 } from 'node:net';
import { parseSelectionText } from '@mtm-attest/protocol';
import { apiServer } from '../api/server.ts';
import { selectionAsked } from '../challenge/open-challenge.ts';
import { type ConfiguredFiles, enrolmentUrl, readConfiguredFiles } from '../config/files.ts';
import type { Config } from '../config/schema.ts';
import { ComponentLists } from '../endpoint/component-lists.ts';
import { type Listener, listen } from '../endpoint/listener.ts';
import type { EndpointServices } from '../endpoint/services.ts';
import { VerifierError } from '../error.ts';
import { LivenessWatch } from '../liveness/watch.ts';
import { ReferenceValues } from '../reference/reference-values.ts';
import { endpointStore } from '../store/endpoint-store.ts';
import { GroupCommit } from '../store/group-commit.ts';
import { latestMoment } from '../store/liveness.ts';
import { openStore } from '../store/open.ts';
import type { Daemon } from './daemon.ts';
import { Health } from './health.ts';
import type { Log } from './log.ts';
import { Metrics } from './metrics.ts';
import { closeParts, type Parts } from './parts.ts';
import { storeObserver } from './store-observer.ts';
import { packageVersion } from './version.ts';
import { WallClock } from './wall-clock.ts';

/** Components of the lists kept in memory: some 30 MB. */
const COMPONENTS_KEPT = 200_000;
const SOURCES = { wall: Date.now, monotonic: () => performance.now() };
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

/**
 * The one place where the parts of the daemon meet. Where one of them cannot be opened, those before it are closed again.
 * @throws VerifierError `config.*`, `store.*`, `reference.key`, `listen.failed`
 */
export async function assemble(config: Config, log: Log): Promise<Daemon> {
  const files = readConfiguredFiles(config, Date.now());
  const parts: Parts = { store: await openStore({ path: config.store.path, now: Date.now() }) };
  try {
    return await withStore(config, files, parts, log);
  } catch (error) {
    await closeParts(parts).catch((cause: unknown) => {
      log.error({ reason: String(cause) }, 'closing failed');
    });
    throw error;
  }
}

/** @param parts gets each part as it is opened */
async function withStore(config: Config, files: ConfiguredFiles, parts: Parts, log: Log): Promise<Daemon> {
  const { db } = parts.store;
  const { operator } = config;
  const health = new Health();
  const metrics = new Metrics(packageVersion());
  const clock = new WallClock(SOURCES, await latestMoment(db, operator));
  const group = new GroupCommit(db, operator, {
    observer: storeObserver(health, metrics, log),
    gatherMs: config.store.gatherMs,
  });
  parts.group = group;
  const references = new ReferenceValues(db, operator, group, files.signers, log);
  await references.load();
  const watch = await LivenessWatch.open({
    db,
    group,
    operator,
    policy: config.audit,
    intervalMs: config.audit.intervalMs,
    clock,
    log,
  });
  parts.watch = watch;
  const services: EndpointServices = {
    policy: endpointPolicy(config),
    store: endpointStore(
      db,
      operator,
      group,
      () => clock.now(),
      () => references.refresh(),
    ),
    lists: new ComponentLists(COMPONENTS_KEPT),
    clock: { wall: () => clock.now(), monotonic: SOURCES.monotonic },
    random,
    reference: (model) => references.find(model),
    referenceRevision: () => references.revision,
    judge: watch.judge,
    log,
    metrics,
  };
  const listener = await listening(config.listen, listen(listenerOptions(config, files), services));
  parts.listener = listener;
  watch.start(() => listener.connections.ping());
  metrics.watch('connections', 'proven connections', () => listener.connections.size);
  metrics.watch(
    'unauthenticated_connections',
    'connections without a verified hello',
    () => listener.connections.unauthenticated,
  );
  const url = enrolmentUrl(config, files, listener.address.port);
  const api = apiServer(
    {
      version: packageVersion(),
      operator,
      db,
      group,
      references,
      health,
      metrics,
      enrolment: { url, rootDigest: files.rootDigest, lifeMs: config.tokens.lifeMs },
      tokenDigest: files.apiTokenDigest,
      now: () => clock.now(),
      random,
      judge: watch.judge,
      auditNow: (terminal) => auditNow(listener, terminal),
      isConnected: (terminal) => listener.connections.find(terminal) !== undefined,
    },
    log,
    { certificateChain: files.certificateChain, key: files.key },
  );
  parts.api = api;
  await listening(config.api, api.listen({ host: config.api.host, port: config.api.port }));
  health.started();
  return {
    listenUrl: `wss://${hostAndPort(listener.address)}${config.listen.path}`,
    apiUrl: `https://${hostAndPort(api.server.address() as AddressInfo)}`,
    reload: async () => {
      const fresh = readConfiguredFiles(config, Date.now());
      await references.load(fresh.signers);
      listener.replaceCertificate(fresh.certificateChain, fresh.key);
      (api.server as { setSecureContext?(context: object): void }).setSecureContext?.({
        cert: fresh.certificateChain,
        key: fresh.key,
        minVersion: 'TLSv1.3',
      });
    },
    stop: async () => {
      health.draining();
      await closeParts(parts);
    },
  };
}

async function listening<T>(
  { host, port }: { readonly host: string; readonly port: number },
  opened: Promise<T>,
): Promise<T> {
  try {
    return await opened;
  } catch (cause) {
    if (!(cause instanceof Error && 'syscall' in cause)) throw cause;
    throw new VerifierError('listen.failed', `${host}, port ${port}: ${cause.message}`, { cause });
  }
}

function auditNow({ connections }: Listener, terminal: string): boolean {
  const connection = connections.find(terminal);
  connection?.requestAudit();
  return connection !== undefined;
}

function endpointPolicy(config: Config): EndpointServices['policy'] {
  const { audit, limits } = config;
  return {
    operator: config.operator,
    audience: config.audience,
    binding: config.binding,
    selection: selectionAsked(parseSelectionText(config.pcrs)),
    auditIntervalMs: audit.intervalMs,
    nonceLifeMs: audit.nonceLifeMs,
    graceMs: audit.graceMs,
    unauthenticatedDeadlineMs: limits.unauthenticatedDeadlineMs,
    enrolmentDeadlineMs: limits.enrolmentDeadlineMs,
    partsDeadlineMs: limits.partsDeadlineMs,
    maxEvents: limits.maxEvents,
    maxListBytes: limits.maxListBytes,
    maxPlatformLogBytes: limits.maxPlatformLogBytes,
    messagesPerSecond: limits.messagesPerSecond,
    messageBurst: limits.messageBurst,
  };
}

function listenerOptions(config: Config, files: ConfiguredFiles): Parameters<typeof listen>[0] {
  return {
    host: config.listen.host,
    port: config.listen.port,
    path: config.listen.path,
    certificateChain: files.certificateChain,
    key: files.key,
    maxPayload: config.limits.maxPayload,
    maxUnauthenticated: config.limits.unauthenticated,
    handshakeDeadlineMs: config.limits.unauthenticatedDeadlineMs,
  };
}

function hostAndPort({ address, port }: AddressInfo): string {
  return `${isIPv6(address) ? `[${address}]` : address}:${port}`;
}
