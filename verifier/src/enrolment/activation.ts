import {
  activationProof,
  type Message,
  nameOf,
  ProtocolError,
  provesEndorsementKey,
  type TerminalClass,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { Refusal } from '../endpoint/refusal.ts';
import { makeCredential } from './make-credential.ts';

/** A credential that waits for its proof. Of its secret only the proof is kept. */
export interface Activation {
  /** Name of the endorsement key, 34 bytes */
  readonly ekName: Uint8Array;
  /** what the challenge carries */
  readonly sent: Required<Pick<Message<'challenge'>, 'credential' | 'encryptedSecret'>>;
  /** what the claims must say, 32 bytes */
  readonly proof: Uint8Array;
}

const SECRET_BYTES = 32;
const SHA256_NAME_BYTES = 34;

/**
 * Whether terminals of this class can be enrolled by this verifier: it knows no root that a certificate of an endorsement key could lead to, and
 * what nobody vouches for is not endorsed.
 */
export function canEnrol(terminalClass: TerminalClass): boolean {
  return terminalClass !== 'tpm-endorsed';
}

/**
 * Makes what a terminal of this class must open to be enrolled (SPEC.md 6.5). The class is the token's: nothing in the request raises it.
 *
 * @param akName Name of the attestation key asked for
 * @param random fresh bytes
 * @returns undefined where the class proves no endorsement key
 * @throws Refusal `enrolment.not-endorsed`, `enrolment.refused`, each with its reason
 */
export function beginActivation(
  terminalClass: TerminalClass,
  request: Message<'enrol'>,
  akName: Uint8Array,
  random: (length: number) => Uint8Array,
): Activation | undefined {
  const { ek, ekCertificate } = request;
  if (!canEnrol(terminalClass)) {
    throw new Refusal('enrolment.not-endorsed', {
      reason: `the class ${terminalClass} needs a root, and none is known`,
    });
  }
  if (!provesEndorsementKey(terminalClass)) {
    if (ek === undefined && ekCertificate === undefined) return undefined;
    throw refused(`the class ${terminalClass} has no endorsement key, and one was sent`);
  }
  if (ek === undefined) throw refused(`the class ${terminalClass} needs an endorsement key, and none was sent`);
  if (akName.length !== SHA256_NAME_BYTES) throw refused('the Name of the attestation key is not one of SHA-256');
  const secret = random(SECRET_BYTES);
  try {
    const { idObject, secret: encryptedSecret } = makeCredential(ek, akName, secret);
    const proof = activationProof(secret, nodeCrypto.sha256);
    return { ekName: nameOf(ek, nodeCrypto), sent: { credential: idObject, encryptedSecret }, proof };
  } catch (cause) {
    if (cause instanceof ProtocolError) throw refused(`the endorsement key: ${cause.message}`);
    throw cause;
  } finally {
    secret.fill(0);
  }
}

function refused(reason: string): Refusal {
  return new Refusal('enrolment.refused', { reason });
}
