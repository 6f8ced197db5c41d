import { utf8 } from '../bytes/text.ts';
import { Writer } from '../bytes/writer.ts';
import type { HashFunction } from '../crypto/hash.ts';
import type { ChannelBinding } from '../quote/context.ts';

/** What a hello's signature covers. */
export interface HelloContext {
  /** the greeting's nonce, 32 bytes */
  readonly nonce: Uint8Array;
  readonly binding: ChannelBinding;
  readonly audience: string;
  readonly terminal: string;
}

const LABEL = utf8('mtm-attest/v1 hello\0');

/** The bytes that the session key signs with ECDSA over SHA-256: the label leads, every field is length-prefixed (SPEC.md 6.2). */
export function helloMessage(context: HelloContext): Uint8Array {
  return new Writer(256)
    .bytes(LABEL)
    .lengthPrefixed(context.nonce)
    .lengthPrefixed(utf8(context.binding.type))
    .lengthPrefixed(context.binding.value)
    .lengthPrefixed(utf8(context.audience))
    .lengthPrefixed(utf8(context.terminal))
    .done();
}

/** SHA-256 of `helloMessage`, 32 bytes: what a platform that signs digests is given. */
export function helloDigest(context: HelloContext, sha256: HashFunction): Uint8Array {
  return sha256(helloMessage(context));
}
