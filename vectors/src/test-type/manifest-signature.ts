import { choice, hex } from '../format/fragment.ts';
import { bytesOf, textOf } from './fields.ts';
import { verified } from './quotes.ts';
import type { TestType } from './test-type.ts';

export const MANIFEST_SIGNATURE: TestType = {
  name: 'ManifestSignature',
  about: 'one signature of a manifest by one trusted key (SPEC.md 8.2)',
  group: {
    algorithm: choice('that the signature names', ['ecdsa-p256', 'ed25519']),
    spki: hex('SubjectPublicKeyInfo (DER) of the trusted key'),
  },
  test: {
    payload: hex('the manifest as received'),
    keyId: hex('that the signature names', 32),
    signature: hex('Ed25519, or r and s with a low s', 64),
  },
  algorithm: (group) => textOf(group, 'algorithm'),
  decide: async (implementation, group, test) => {
    const question = {
      algorithm: textOf(group, 'algorithm'),
      spki: bytesOf(group, 'spki'),
      message: bytesOf(test, 'payload'),
      keyId: bytesOf(test, 'keyId'),
      signature: bytesOf(test, 'signature'),
    };
    return verified('ManifestSignature', await implementation.manifestSignature?.(question));
  },
};
