import {
  attestationKey,
  type HelloContext,
  helloMessage,
  keyOfSpki,
  parsePublic,
  type VerificationKey,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { CLOSE_POLICY, Refusal } from './refusal.ts';
import type { EndpointServices } from './services.ts';
import type { TerminalRecord } from './terminal-record.ts';

export interface ProvenTerminal {
  readonly record: TerminalRecord;
  readonly akKey: VerificationKey;
}

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
  if (record === undefined) throw new Refusal('session.unproven', CLOSE_POLICY);
  const sessionKey = nodeCrypto.importKey(keyOfSpki(record.sessionKey));
  if (!sessionKey.verify(helloMessage(context), signature)) {
    const at = services.clock.wall();
    await services.store.alarm('connection.unproven', record.terminal, `from ${remote}`, at);
    throw new Refusal('session.unproven', CLOSE_POLICY);
  }
  return { record, akKey: nodeCrypto.importKey(attestationKey(parsePublic(record.akPublic))) };
}
