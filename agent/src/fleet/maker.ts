import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { encodeManifest, encodeSignedManifest, type Manifest, manifestMessage } from '@mtm-attest/protocol';
import { AgentError } from '../error.ts';

/** The maker of the simulated terminals: signs what they may run. */
export class Maker {
  readonly #key: KeyObject;
  readonly #keyId: Uint8Array;

  /** @throws AgentError `file.unreadable` for anything but an Ed25519 key in PKCS #8 PEM */
  constructor(pem: string) {
    this.#key = importKey(pem);
    const spki = createPublicKey(this.#key).export({ type: 'spki', format: 'der' });
    this.#keyId = new Uint8Array(createHash('sha256').update(spki).digest());
  }

  /** @returns the signed manifest's bytes */
  sign(manifest: Manifest): Uint8Array {
    const payload = encodeManifest(manifest);
    const signature = new Uint8Array(sign(null, manifestMessage(payload), this.#key));
    return encodeSignedManifest({ payload, signatures: [{ keyId: this.#keyId, algorithm: 'ed25519', signature }] });
  }
}

function importKey(pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch (cause) {
    throw new AgentError('file.unreadable', 'manifest key', { cause });
  }
  throw new AgentError('file.unreadable', 'a manifest key that is not Ed25519');
}
