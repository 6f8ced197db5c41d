import { encryptSecret, equalBytes, nameOf, parsePublic } from '@mtm-attest/protocol';
import { nodeCrypto, nodeSecretCrypto } from '@mtm-attest/protocol/crypto/node';
import { AgentError } from '../error.ts';
import { Secret } from '../secret.ts';
import type { TpmClient } from './client.ts';
import { EMPTY, type Entity, NONE } from './command/command.ts';
import { CREATE_PRIMARY, type Made, type Template } from './command/object.ts';
import { START_AUTH_SESSION } from './command/policy.ts';
import { SESSION_TYPE } from './constants.ts';
import { Session } from './session.ts';

/** Whatever occupies a slot is flushed at the end of its use, also where that fails: a TPM has three. */

interface Flushable {
  readonly handle: number;
}

/** Flushes after `use`. A use that failed says why, whatever becomes of the flush. */
export async function flushedAfter<L extends Flushable, T>(
  client: TpmClient,
  loaded: L,
  use: (loaded: L) => Promise<T>,
): Promise<T> {
  let result: T;
  try {
    result = await use(loaded);
  } catch (error) {
    await client.flush(loaded.handle).catch(() => undefined);
    throw error;
  }
  await client.flush(loaded.handle);
  return result;
}

/** A primary object whose Name was computed from its public area. @throws AgentError `tpm.response` where the TPM names another */
export async function createPrimary(client: TpmClient, hierarchy: Entity, template: Template): Promise<Made> {
  const made = await client.run(CREATE_PRIMARY, { handles: [hierarchy], parameters: template });
  if (equalBytes(nameOf(made.area, nodeCrypto), made.name)) return made;
  await client.flush(made.handle).catch(() => undefined);
  throw new AgentError('tpm.response', 'a Name that is not that of the public area');
}

export async function withPrimary<T>(
  client: TpmClient,
  hierarchy: Entity,
  template: Template,
  use: (made: Made) => Promise<T>,
): Promise<T> {
  return flushedAfter(client, await createPrimary(client, hierarchy, template), use);
}

export interface SessionOptions {
  readonly kind: 'hmac' | 'policy' | 'trial';
  /** a loaded storage key that the salt is encrypted to; without one the session neither hides nor proves anything */
  readonly saltKey?: Pick<Made, 'handle' | 'area' | 'name'>;
}

const NONCE_BYTES = 32;

/** A session for one use. */
export async function withSession<T>(
  client: TpmClient,
  { kind, saltKey }: SessionOptions,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const nonceCaller = client.random(NONCE_BYTES);
  const salted =
    saltKey === undefined
      ? { seed: EMPTY, encrypted: EMPTY }
      : encryptSecret(parsePublic(saltKey.area), 'SECRET', { ...nodeSecretCrypto, random: client.random });
  const salt = saltKey === undefined ? undefined : Secret.taking(salted.seed);
  try {
    const type = kind === 'hmac' ? SESSION_TYPE.HMAC : kind === 'policy' ? SESSION_TYPE.POLICY : SESSION_TYPE.TRIAL;
    const { handle, nonce } = await client.run(START_AUTH_SESSION, {
      handles: [saltKey ?? NONE, NONE],
      parameters: { nonce: nonceCaller, salt: salted.encrypted, type, encrypts: salt !== undefined },
    });
    const session = new Session({
      kind: kind === 'hmac' ? 'hmac' : 'policy',
      handle,
      salt,
      nonceCaller,
      nonceTpm: Uint8Array.from(nonce),
    });
    try {
      return await flushedAfter(client, session, use);
    } finally {
      session.end();
    }
  } finally {
    salt?.destroy();
  }
}
