import { PURPOSES, REASONS, TERMINAL_CLASSES, VERDICTS } from '@mtm-attest/protocol';
import type { JsonSchema } from './route.ts';

const time: JsonSchema = { type: 'integer', description: 'milliseconds since 1970' };
const nullableTime: JsonSchema = { type: ['integer', 'null'], description: 'milliseconds since 1970' };
const index: JsonSchema = { type: 'integer', minimum: 0 };
const hex: JsonSchema = { type: 'string', pattern: '^(?:[0-9a-f]{2})*$' };
const id: JsonSchema = { type: 'string', pattern: '^[a-z0-9][a-z0-9._-]{0,63}$' };
const text: JsonSchema = { type: 'string' };
const verdict: JsonSchema = { enum: Object.keys(VERDICTS) };
const reasonCode: JsonSchema = { enum: Object.keys(REASONS) };
const cursor: JsonSchema = {
  type: ['string', 'null'],
  description: 'give it back as `cursor` for the next page; null at the end',
};

function object(properties: Readonly<Record<string, JsonSchema>>, optional: readonly string[] = []): JsonSchema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', additionalProperties: false, properties, required };
}

function list(items: JsonSchema): JsonSchema {
  return { type: 'array', items };
}

function page(name: string, items: JsonSchema): JsonSchema {
  return object({ [name]: list(items), next: cursor });
}

const reason = object({ code: reasonCode, detail: text, next: text });

const terminal = object({
  terminal: id,
  class: { enum: TERMINAL_CLASSES },
  model: id,
  verdict,
  reasons: list(reason),
  admission: { enum: ['enrolled', 'admitted', 'suspended'] },
  connected: { type: 'boolean', description: 'to this process of the verifier' },
  enrolledAt: time,
  lastSeenAt: time,
  lastAffirmedAt: nullableTime,
  akName: hex,
  ekName: {
    ...hex,
    type: ['string', 'null'],
    description:
      'Name of the endorsement key in whose TPM the attestation key was proven to be; null where the class proves none',
  },
  session: index,
  boot: {
    ...object({ resetCount: index, restartCount: index, release: index, events: index }),
    type: ['object', 'null'],
    description: 'the boot accepted last',
  },
});

const decision = object(
  {
    at: time,
    verdict,
    code: { anyOf: [reasonCode, { type: 'null' }] },
    codes: list(reasonCode),
    challengedAt: time,
    purpose: { enum: Object.keys(PURPOSES) },
    ledgerIndex: index,
  },
  ['challengedAt', 'purpose', 'ledgerIndex'],
);

const finding = object(
  {
    code: reasonCode,
    meaning: text,
    detail: text,
    next: text,
    event: index,
    component: text,
    expected: hex,
    found: hex,
    allowedBy: text,
    toSign: { type: 'string', description: 'what a signer would have to add to the release, in JSON' },
  },
  ['event', 'component', 'expected', 'found', 'allowedBy', 'toSign'],
);

/** Everything that the API answers with or takes, by name. */
export const API_SCHEMAS = {
  Terminal: terminal,
  TerminalPage: page('terminals', terminal),
  HistoryPage: page('history', decision),
  Explanation: object({
    terminal: id,
    verdict,
    reasons: list(reason),
    result: {
      ...object({
        ledgerIndex: index,
        at: time,
        verdict,
        purpose: { enum: Object.keys(PURPOSES) },
        findings: list(finding),
      }),
      type: ['object', 'null'],
      description: 'the newest result; null before the first',
    },
  }),
  TokenRequest: object({ terminal: id, class: { enum: TERMINAL_CLASSES }, model: id }),
  Token: object({ token: { type: 'string', description: 'shown once' }, terminal: id, expiresAt: time }),
  Leaf: object({ index, leafHash: hex, body: { ...hex, description: 'what the leaf hash is taken over' } }),
  AlarmPage: page(
    'alarms',
    object({
      sequence: index,
      at: time,
      lastAt: time,
      count: index,
      terminal: { type: ['string', 'null'] },
      code: text,
      detail: text,
    }),
  ),
  ManifestList: object({
    revision: index,
    manifests: list(
      object({
        issuer: id,
        model: id,
        sequence: index,
        minimum: index,
        releases: list(index),
        digest: hex,
        loadedAt: time,
        inForce: { type: 'boolean' },
      }),
    ),
  }),
  PublishedManifest: object({ issuer: id, model: id, sequence: index, changed: { type: 'boolean' }, revision: index }),
  Accepted: object({ terminal: id }),
  Status: object({ status: text }),
  Version: object({ name: text, version: text, protocol: text }),
  Problem: object({ type: text, title: text, status: { type: 'integer' }, code: text, detail: text, next: text }, [
    'detail',
    'next',
  ]),
} as const satisfies Readonly<Record<string, JsonSchema>>;

export function schemaRef(name: keyof typeof API_SCHEMAS): JsonSchema {
  return { $ref: `#/components/schemas/${name}` };
}
