import * as v from 'valibot';
import { listAlarms } from '../../store/alarms.ts';
import { numberText, pageSize, readInput } from '../input.ts';
import type { ApiRoute } from '../route.ts';
import { schemaRef } from '../schemas.ts';

const alarmQuery = v.strictObject({ limit: pageSize, cursor: v.optional(numberText(0, Number.MAX_SAFE_INTEGER)) });

export const alarmRoutes: readonly ApiRoute[] = [
  {
    method: 'GET',
    path: '/v1/alarms',
    summary: 'What the operator must be told, newest first',
    query: {
      limit: { type: 'integer', minimum: 1, maximum: 1000, default: 100 },
      cursor: { type: 'string', description: '`next` of the page before' },
    },
    answers: { 200: { about: 'a page', schema: schemaRef('AlarmPage') } },
    handle: async ({ db, operator }, request) => {
      const query = readInput(alarmQuery, request.query);
      const found = await listAlarms(db, operator, query.limit + 1, query.cursor);
      const page = found.slice(0, query.limit);
      const last = found.length > query.limit ? page.at(-1) : undefined;
      const alarms = page.map((alarm) => ({ ...alarm, terminal: alarm.terminal ?? null }));
      return { status: 200, body: { alarms, next: last === undefined ? null : String(last.sequence) } };
    },
  },
];
