import { isId, REASONS, type ReasonCode, toHex } from '@mtm-attest/protocol';
import * as v from 'valibot';
import { isWarning } from '../../appraisal/warning.ts';
import type { TerminalRecord } from '../../endpoint/terminal-record.ts';
import { VerifierError } from '../../error.ts';
import { type HistoryPlace, history, latestExplanation, latestResult } from '../../store/results.ts';
import { findTerminal, listTerminals, resolveTerminal } from '../../store/terminals.ts';
import { idText, numberText, pageSize, readInput } from '../input.ts';
import type { ApiRoute, JsonSchema } from '../route.ts';
import { schemaRef } from '../schemas.ts';
import type { ApiServices } from '../services.ts';

const limit: JsonSchema = { type: 'integer', minimum: 1, maximum: 1000, default: 100 };
const cursor: JsonSchema = { type: 'string', description: '`next` of the page before' };

const listQuery = v.strictObject({ limit: pageSize, cursor: v.optional(idText) });

const HISTORY_CURSOR = /^(\d{1,16})\.([01])\.(\d{1,16})$/;
const historyQuery = v.strictObject({
  limit: pageSize,
  cursor: v.optional(v.pipe(v.string(), v.regex(HISTORY_CURSOR))),
});
const sequenceNumber = numberText(0, Number.MAX_SAFE_INTEGER);

export const terminalRoutes: readonly ApiRoute[] = [
  {
    method: 'GET',
    path: '/v1/terminals',
    summary: 'Terminals in the order of their ids, each with its verdict now',
    query: { limit, cursor },
    answers: { 200: { about: 'a page', schema: schemaRef('TerminalPage') } },
    handle: async (services, request) => {
      const query = readInput(listQuery, request.query);
      const records = await listTerminals(services.db, services.operator, query.limit + 1, query.cursor);
      const page = records.slice(0, query.limit);
      const next = records.length > query.limit ? (page.at(-1)?.terminal ?? null) : null;
      const terminals = await Promise.all(page.map((record) => shown(services, record)));
      return { status: 200, body: { terminals, next } };
    },
  },
  {
    method: 'GET',
    path: '/v1/terminals/{terminal}',
    summary: 'One terminal with its verdict now',
    answers: { 200: { about: 'the terminal', schema: schemaRef('Terminal') } },
    problems: ['terminal.unknown'],
    handle: async (services, { path }) => ({ status: 200, body: await shown(services, await known(services, path)) }),
  },
  {
    method: 'GET',
    path: '/v1/terminals/{terminal}/history',
    summary: 'Every decision about a terminal, oldest first: results, and changes that time alone made',
    query: { limit, cursor },
    answers: { 200: { about: 'a page', schema: schemaRef('HistoryPage') } },
    problems: ['terminal.unknown'],
    handle: async (services, request) => {
      const query = readInput(historyQuery, request.query);
      const { terminal } = await known(services, request.path);
      const after = query.cursor === undefined ? undefined : placeOf(query.cursor);
      const page = await history(services.db, services.operator, terminal, query.limit, after);
      const { next } = page;
      return {
        status: 200,
        body: {
          history: page.decisions,
          next: next === undefined ? null : `${next.at}.${next.kind}.${next.sequence}`,
        },
      };
    },
  },
  {
    method: 'GET',
    path: '/v1/terminals/{terminal}/explain',
    summary: 'Why the verdict is what it is: the findings of the newest result, and what can be done',
    answers: { 200: { about: 'the explanation', schema: schemaRef('Explanation') } },
    problems: ['terminal.unknown'],
    handle: async (services, { path }) => {
      const record = await known(services, path);
      const { terminal } = record;
      const result = await latestResult(services.db, services.operator, terminal);
      const { verdict, reasons } = await judged(services, record);
      return { status: 200, body: { terminal, verdict, reasons, result: shownResult(result) } };
    },
  },
  {
    method: 'POST',
    path: '/v1/terminals/{terminal}/audit',
    summary: 'Challenges a terminal at once; its schedule stays as it is',
    answers: { 202: { about: 'it will be challenged', schema: schemaRef('Accepted') } },
    problems: ['terminal.unknown', 'terminal.not-connected'],
    handle: async (services, { path }) => {
      const { terminal } = await known(services, path);
      if (!services.auditNow(terminal)) throw new VerifierError('terminal.not-connected', terminal);
      return { status: 202, body: { terminal } };
    },
  },
  {
    method: 'POST',
    path: '/v1/terminals/{terminal}/resolve',
    summary: 'A person has looked into a reused enrolment token: the verdict follows from evidence again',
    answers: { 200: { about: 'the terminal', schema: schemaRef('Terminal') } },
    problems: ['terminal.unknown', 'terminal.nothing-open'],
    handle: async (services, { path }) => {
      const { terminal } = await known(services, path);
      const { group, operator } = services;
      const outcome = await group.change(terminal, (tx) => resolveTerminal(tx, operator, terminal));
      if (outcome !== 'resolved') throw new VerifierError('terminal.nothing-open', terminal);
      return { status: 200, body: await shown(services, await known(services, path)) };
    },
  },
];

async function known(services: ApiServices, path: Readonly<Record<string, string>>): Promise<TerminalRecord> {
  const terminal = path['terminal'] ?? '';
  const record = isId(terminal) ? await findTerminal(services.db, services.operator, terminal) : undefined;
  if (record === undefined) throw new VerifierError('terminal.unknown');
  return record;
}

interface ShownReason {
  readonly code: ReasonCode;
  readonly detail: string;
  readonly next: string;
}

async function judged(
  services: ApiServices,
  record: TerminalRecord,
): Promise<{ readonly verdict: string; readonly reasons: readonly ShownReason[] }> {
  const { verdict, codes } = services.judge(record, services.now());
  const isExplained = record.condemned !== undefined || record.info.some(isWarning);
  const details = isExplained ? await detailsOf(services, record) : new Map<string, string>();
  const reasons = codes.map((code) => {
    const { meaning, next } = REASONS[code];
    const detail = details.get(code);
    return { code, detail: detail === undefined ? meaning : `${meaning} (${detail})`, next };
  });
  return { verdict, reasons };
}

/** What exactly the newest findings said, by code. */
async function detailsOf(services: ApiServices, { terminal }: TerminalRecord): Promise<ReadonlyMap<string, string>> {
  const result = await latestExplanation(services.db, services.operator, terminal);
  return new Map(result?.explanation.toReversed().map(({ code, detail }) => [code, detail]));
}

async function shown(services: ApiServices, record: TerminalRecord): Promise<unknown> {
  const { accepted } = record;
  return {
    terminal: record.terminal,
    class: record.class,
    model: record.model,
    ...(await judged(services, record)),
    admission: record.admission,
    connected: services.isConnected(record.terminal),
    enrolledAt: record.enrolledAt,
    lastSeenAt: record.lastSeenAt,
    lastAffirmedAt: record.lastAffirmedAt ?? null,
    akName: toHex(record.akName),
    ekName: record.ekName === undefined ? null : toHex(record.ekName),
    session: record.session,
    boot:
      accepted === undefined
        ? null
        : {
            resetCount: accepted.resetCount,
            restartCount: accepted.restartCount,
            release: accepted.release,
            events: accepted.count,
          },
  };
}

function shownResult(result: Awaited<ReturnType<typeof latestResult>>): unknown {
  if (result === undefined) return null;
  const { ledgerIndex, at, verdict, purpose, explanation } = result;
  return { ledgerIndex, at, verdict, purpose, findings: explanation };
}

function placeOf(text: string): HistoryPlace {
  const [, at, kind, sequence] = HISTORY_CURSOR.exec(text) ?? [];
  return {
    at: readInput(sequenceNumber, at),
    kind: kind === '0' ? 0 : 1,
    sequence: readInput(sequenceNumber, sequence),
  };
}
