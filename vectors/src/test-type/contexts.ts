import { equalBytes } from '@mtm-attest/protocol';
import { choice, hex, record, text, u64 } from '../format/fragment.ts';
import type { Schema } from '../format/schema.ts';
import { bytesOf, optionalBytesOf, recordOf, textOf, u64Of } from './fields.ts';
import { ALGORITHM, algorithmOf, verified } from './quotes.ts';
import { ACCEPTED, type Fields, lacks, refused, type TestType } from './test-type.ts';

export const BINDING: Schema = record({
  type: choice('how evidence is tied to its connection', ['tls-exporter', 'tls-server-end-point', 'none']),
  value: hex('the channel binding'),
});

export const QUALIFYING_DATA: TestType = {
  name: 'QualifyingData',
  about: 'the 32 bytes that stand in extraData (SPEC.md 5.1)',
  group: {},
  test: {
    purpose: choice('what the quote is for', ['enrol', 'gate', 'runtime', 'receipt', 'transfer', 'tamper', 'inspect']),
    challengeDigest: hex('SHA-256 of the challenge as sent', 32),
    binding: BINDING,
    audience: text('the name of the verifier'),
    terminal: text('the terminal'),
    compartment: text('the compartment'),
    ownershipEpoch: u64('of the compartment'),
    akName: hex('Name of the AK'),
    claimsDigest: hex('SHA-256 of the claims as sent', 32),
    keyToBind: hex('SubjectPublicKeyInfo (DER) of a key that the quote vouches for'),
    extraData: hex('the qualifying data claimed'),
  },
  optional: ['keyToBind'],
  decide: async (implementation, _group, test) => {
    const data = await implementation.qualifyingData?.({
      purpose: textOf(test, 'purpose'),
      challengeDigest: bytesOf(test, 'challengeDigest'),
      binding: bindingOf(test),
      audience: textOf(test, 'audience'),
      terminal: textOf(test, 'terminal'),
      compartment: textOf(test, 'compartment'),
      ownershipEpoch: u64Of(test, 'ownershipEpoch'),
      akName: bytesOf(test, 'akName'),
      claimsDigest: bytesOf(test, 'claimsDigest'),
      keyToBind: optionalBytesOf(test, 'keyToBind'),
    });
    if (data === undefined) return lacks('QualifyingData');
    return equalBytes(data, bytesOf(test, 'extraData')) ? ACCEPTED : refused('quote.nonce');
  },
};

export const HELLO: TestType = {
  name: 'Hello',
  about: 'the signature of a hello by the session key (SPEC.md 6.2)',
  group: { algorithm: ALGORITHM, spki: hex('SubjectPublicKeyInfo (DER) of the session key') },
  test: {
    nonce: hex('of the greeting', 32),
    binding: BINDING,
    audience: text('the name of the verifier'),
    terminal: text('the terminal'),
    signature: hex('r and s'),
    digest: hex('what the session key signs; absent in invalid vectors', 32),
  },
  optional: ['digest'],
  algorithm: algorithmOf,
  decide: async (implementation, group, test) => {
    const answer = await implementation.hello?.({
      spki: bytesOf(group, 'spki'),
      nonce: bytesOf(test, 'nonce'),
      binding: bindingOf(test),
      audience: textOf(test, 'audience'),
      terminal: textOf(test, 'terminal'),
      signature: bytesOf(test, 'signature'),
    });
    const digest = optionalBytesOf(test, 'digest');
    if (answer !== undefined && digest !== undefined && !equalBytes(answer.digest, digest)) {
      return { kind: 'differs', detail: 'another digest is signed' };
    }
    return verified('Hello', answer?.verified);
  },
};

export function bindingOf(fields: Fields): { readonly type: string; readonly value: Uint8Array } {
  const binding = recordOf(fields, 'binding');
  return { type: textOf(binding, 'type'), value: bytesOf(binding, 'value') };
}
