import {
  attestationKey,
  fromHex,
  type HelloContext,
  helloMessage,
  keyOfSpki,
  parsePublic,
  type VerificationKey,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { Refusal } from './refusal.ts';
import type { EndpointServices } from './services.ts';
import type { TerminalRecord } from './terminal-record.ts';

export interface ProvenTerminal {
  readonly record: TerminalRecord;
  readonly akKey: VerificationKey;
}

/** SubjectPublicKeyInfo of the base point of P-256 (SP 800-186, 3.2.1.3): a key, imported as anybody's is, for a name that nobody has (F-69). */
const NOBODY = fromHex(
  '3059301306072a8648ce3d020106082a8648ce3d03010703420004' +
    '6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296' +
    '4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5',
);

/**
 * Which terminal signed the hello over this connection's nonce and channel. An unknown terminal and a wrong signature get the same answer.
 *
 * @throws Refusal `session.unproven`; the operator gets an alarm where the name is that of an enrolled terminal
 */
export async function proveTerminal(
  services: EndpointServices,
  context: HelloContext,
  signature: Uint8Array,
  remote: string,
): Promise<ProvenTerminal> {
  const record = await services.store.find(context.terminal);
  const sessionKey = nodeCrypto.importKey(keyOfSpki(record?.sessionKey ?? NOBODY));
  if (!sessionKey.verify(helloMessage(context), signature) || record === undefined) {
    if (record !== undefined) raiseAlarm(services, record.terminal, remote);
    throw new Refusal('session.unproven');
  }
  return { record, akKey: nodeCrypto.importKey(attestationKey(parsePublic(record.akPublic))) };
}

/** Told to the operator after the stranger has been answered: the answer takes no longer for a name that exists. */
function raiseAlarm({ clock, store, log }: EndpointServices, terminal: string, remote: string): void {
  store.alarm('connection.unproven', terminal, `from ${remote}`, clock.wall()).catch((error: unknown) => {
    log.error({ terminal, reason: String(error) }, 'an alarm was not recorded');
  });
}
