import { decodeStrict, encodeCanonical, isMsgpackMap, type MsgpackMap, ProtocolError } from '@mtm-attest/protocol';
import { AgentError } from '../../error.ts';
import { Secret } from '../../secret.ts';
import { COUNTER_NAMES, type CounterName } from '../platform.ts';
import { newPrivateKey } from './keys.ts';

/** What a soft TrE keeps between power cycles. */
export interface StoredState {
  /** rises with every write; what a copy of the directory betrays itself by */
  readonly generation: number;
  /** a counter outside the directory follows the generation: this state is not taken without it */
  readonly guarded: boolean;
  /** PKCS #8 (DER) of the attestation key */
  readonly akPrivate: Secret;
  /** PKCS #8 (DER) of the session key */
  readonly sessionPrivate: Secret;
  readonly resetCount: number;
  readonly restartCount: number;
  /** no clock value above this one was ever shown, in milliseconds */
  readonly clockBound: number;
  /** the clock's true value at an orderly stop; absent after an unclean one */
  readonly clockAtStop?: number | undefined;
  readonly counters: Readonly<Partial<Record<CounterName, number>>>;
}

/** A device that was never powered on: its keys are made here. */
export function freshState(): StoredState {
  return {
    generation: 0,
    guarded: false,
    akPrivate: newPrivateKey(),
    sessionPrivate: newPrivateKey(),
    resetCount: 0,
    restartCount: 0,
    clockBound: 0,
    clockAtStop: 0,
    counters: {},
  };
}

/** Canonical msgpack, the private keys in clear: to be encrypted and overwritten at once. */
export function writeState(state: StoredState): Uint8Array {
  const { akPrivate, sessionPrivate, clockAtStop, ...rest } = state;
  const counters: Record<string, number> = { ...state.counters };
  return akPrivate.use((ak) =>
    sessionPrivate.use((session) =>
      encodeCanonical({
        ...rest,
        akPrivate: ak,
        sessionPrivate: session,
        counters,
        ...(clockAtStop === undefined ? {} : { clockAtStop }),
      }),
    ),
  );
}

/**
 * The bytes were authenticated: a wrong form is another version's, not an attack.
 * @throws AgentError `state.version`
 */
export function readState(bytes: Uint8Array): StoredState {
  const map = decoded(bytes);
  const { akPrivate, sessionPrivate, guarded, counters, clockAtStop } = map;
  if (!(akPrivate instanceof Uint8Array && sessionPrivate instanceof Uint8Array)) throw new AgentError('state.version');
  if (typeof guarded !== 'boolean' || counters === undefined || !isMsgpackMap(counters))
    throw new AgentError('state.version');
  return {
    generation: number(map, 'generation'),
    guarded,
    akPrivate: Secret.taking(akPrivate),
    sessionPrivate: Secret.taking(sessionPrivate),
    resetCount: number(map, 'resetCount'),
    restartCount: number(map, 'restartCount'),
    clockBound: number(map, 'clockBound'),
    ...(clockAtStop === undefined ? {} : { clockAtStop: number(map, 'clockAtStop') }),
    counters: Object.fromEntries(Object.keys(counters).map((name) => [counterName(name), number(counters, name)])),
  };
}

function decoded(bytes: Uint8Array): MsgpackMap {
  try {
    const map = decodeStrict(bytes);
    if (isMsgpackMap(map)) return map;
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause;
  }
  throw new AgentError('state.version');
}

/** A counter that this version does not know must not be lost by its next write. */
function counterName(name: string): CounterName {
  const known = COUNTER_NAMES.find((one) => one === name);
  if (known === undefined) throw new AgentError('state.version', `counter ${name}`);
  return known;
}

function number(map: MsgpackMap, name: string): number {
  const value = map[name];
  if (typeof value !== 'number') throw new AgentError('state.version', name);
  return value;
}
