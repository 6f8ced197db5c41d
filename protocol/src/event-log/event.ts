import { ProtocolError } from '../error.ts';
import { isU32 } from '../message/field.ts';
import { decodeStrict, encodeCanonical, isMsgpackArray, type MsgpackValue } from '../msgpack/codec.ts';
import type { BootIdentity } from '../quote/boot-identity.ts';
import { isComponentName } from './component-list.ts';

/** The events of the canonical log. Content is `[number, ...fields]`; its digest covers the number, so no event can be relabelled (F-27). */
export type LogEvent =
  | ({ readonly type: 'boot'; readonly agent: string } & BootIdentity)
  | { readonly type: 'release'; readonly release: number; readonly manifestDigest: Uint8Array }
  | { readonly type: 'component'; readonly name: string; readonly digest: Uint8Array }
  | { readonly type: 'ready' }
  | { readonly type: 'started'; readonly name: string; readonly digest: Uint8Array }
  | { readonly type: 'audit'; readonly nonce: Uint8Array; readonly listDigest: Uint8Array };

export type EventType = LogEvent['type'];

interface EventForm<T extends EventType> {
  readonly number: number;
  /** PCRs that this event may be extended into */
  readonly pcrs: readonly number[];
  readonly fields: string;
  readonly about: string;
  readonly read: (fields: readonly MsgpackValue[]) => Extract<LogEvent, { type: T }> | undefined;
  readonly write: (event: Extract<LogEvent, { type: T }>) => readonly MsgpackValue[];
}

const AGENT = /^[\x21-\x7e]{1,64}$/;

/** Every event: number, PCRs, fields. SPEC.md 4.3 prints this table. */
export const EVENTS: { readonly [T in EventType]: EventForm<T> } = {
  boot: {
    number: 1,
    pcrs: [11],
    fields: 'resetCount u32, restartCount u32, agent text 1..64',
    about: 'names the boot; the first event of a log, and once more after each Resume',
    read: ([resetCount, restartCount, agent, ...rest]) =>
      isU32(resetCount) && isU32(restartCount) && typeof agent === 'string' && AGENT.test(agent) && rest.length === 0
        ? { type: 'boot', resetCount, restartCount, agent }
        : undefined,
    write: ({ resetCount, restartCount, agent }) => [resetCount, restartCount, agent],
  },
  release: {
    number: 2,
    pcrs: [5],
    fields: 'release u32, manifestDigest bin 32',
    about: 'the release that boots, and SHA-256 of the signed manifest it came with',
    read: ([release, manifestDigest, ...rest]) =>
      isU32(release) && isDigest(manifestDigest) && rest.length === 0
        ? { type: 'release', release, manifestDigest }
        : undefined,
    write: ({ release, manifestDigest }) => [release, manifestDigest],
  },
  component: {
    number: 3,
    pcrs: [0, 1, 4, 7, 10, 11],
    fields: 'name, digest bin 32',
    about: 'a component measured at boot, before it runs; the PCR is the one its release says',
    read: (fields) => readComponent('component', fields),
    write: ({ name, digest }) => [name, digest],
  },
  ready: {
    number: 4,
    pcrs: [11],
    fields: '',
    about: 'the boot is complete',
    read: (fields) => (fields.length === 0 ? { type: 'ready' } : undefined),
    write: () => [],
  },
  started: {
    number: 5,
    pcrs: [12],
    fields: 'name, digest bin 32',
    about: 'a component measured after boot, before it runs',
    read: (fields) => readComponent('started', fields),
    write: ({ name, digest }) => [name, digest],
  },
  audit: {
    number: 6,
    pcrs: [13],
    fields: 'nonce bin 32, listDigest bin 32',
    about: 'everything was measured anew for the challenge with this nonce',
    read: ([nonce, listDigest, ...rest]) =>
      isDigest(nonce) && isDigest(listDigest) && rest.length === 0 ? { type: 'audit', nonce, listDigest } : undefined,
    write: ({ nonce, listDigest }) => [nonce, listDigest],
  },
};

/** Every PCR that an event may stand in, ascending. */
export const EVENT_PCRS: readonly number[] = [
  ...new Set(Object.values(EVENTS).flatMap(({ pcrs }): readonly number[] => pcrs)),
].sort((a, b) => a - b);

const BY_NUMBER: ReadonlyMap<number, EventForm<EventType>> = new Map(
  Object.values(EVENTS).map((form) => [form.number, form as EventForm<EventType>]),
);

/** The content bytes of an event: canonical msgpack. */
export function encodeEvent(event: LogEvent): Uint8Array {
  const form = EVENTS[event.type] as EventForm<EventType>;
  return encodeCanonical([form.number, ...form.write(event)]);
}

/**
 * Reads the content of a record that was replayed.
 * @throws ProtocolError `msgpack.*`, `log.event-type`, `log.event-pcr`, `log.event-fields`
 */
export function decodeEvent(pcr: number, content: Uint8Array): LogEvent {
  const value = decodeStrict(content);
  const [number, ...fields] = isMsgpackArray(value) ? value : [];
  const form = typeof number === 'number' ? BY_NUMBER.get(number) : undefined;
  if (form === undefined) throw new ProtocolError('log.event-type', 0);
  if (!form.pcrs.includes(pcr)) throw new ProtocolError('log.event-pcr', 0);
  const event = form.read(fields);
  if (event === undefined) throw new ProtocolError('log.event-fields', 0);
  return event;
}

function readComponent<T extends 'component' | 'started'>(
  type: T,
  [name, digest, ...rest]: readonly MsgpackValue[],
): { readonly type: T; readonly name: string; readonly digest: Uint8Array } | undefined {
  if (typeof name !== 'string' || !isComponentName(name) || !isDigest(digest) || rest.length > 0) return undefined;
  return { type, name, digest };
}

function isDigest(value: MsgpackValue | undefined): value is Uint8Array {
  return value instanceof Uint8Array && value.length === 32;
}
