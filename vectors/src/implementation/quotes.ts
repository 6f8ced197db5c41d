import {
  attestationKey,
  BINDING_TYPES,
  type BindingType,
  type CryptoSuite,
  HASHES,
  type HashName,
  helloDigest,
  helloMessage,
  keyOfSpki,
  nameOf,
  type PcrValues,
  PURPOSES,
  type Purpose,
  parsePcrSelection,
  parsePublic,
  pcrDigest,
  primaryQualifiedName,
  qualifyingData,
  verifyQuote,
} from '@mtm-attest/protocol';
import { toPlain } from '../format/plain.ts';
import type { Binding, Implementation, PcrDigestQuestion } from './implementation.ts';

type Quotes = Required<
  Pick<Implementation, 'names' | 'pcrDigest' | 'attestationKey' | 'signature' | 'quote' | 'qualifyingData' | 'hello'>
>;

export function quotesOf(suite: CryptoSuite): Quotes {
  const { sha256 } = suite;
  return {
    names: (area, hierarchy) => {
      const name = nameOf(area, suite);
      return { name, qualifiedName: primaryQualifiedName(hierarchy, name, suite) };
    },
    pcrDigest: (question) =>
      pcrDigest(parsePcrSelection(question.selection), valuesOf(question), suite[hashOf(question.hash)]),
    attestationKey: (area) => {
      const { material } = suite.importKey(attestationKey(parsePublic(area)));
      return { algorithm: material.algorithm, hash: 'hash' in material ? material.hash : '' };
    },
    signature: ({ spki, message, signature }) => suite.importKey(keyOfSpki(spki)).verify(message, signature),
    quote: ({ public: area, ...question }) => {
      const key = suite.importKey(attestationKey(parsePublic(area)));
      const { clockInfo, firmwareVersion } = verifyQuote({ ...question, key });
      return toPlain({ clockInfo, firmwareVersion });
    },
    qualifyingData: ({ purpose, binding, ...context }) =>
      qualifyingData({ ...context, purpose: purposeOf(purpose), binding: bindingOf(binding) }, sha256),
    hello: ({ spki, signature, binding, ...hello }) => {
      const context = { ...hello, binding: bindingOf(binding) };
      const verified = suite.importKey(keyOfSpki(spki)).verify(helloMessage(context), signature);
      return { digest: helloDigest(context, sha256), verified };
    },
  };
}

function valuesOf({ values }: PcrDigestQuestion): PcrValues {
  return Object.fromEntries([...values].map(([bank, byIndex]) => [hashOf(bank), byIndex]));
}

function hashOf(name: string): HashName {
  return listed(Object.keys(HASHES) as HashName[], name);
}

function purposeOf(name: string): Purpose {
  return listed(Object.keys(PURPOSES) as Purpose[], name);
}

function bindingOf({ type, value }: Binding): { readonly type: BindingType; readonly value: Uint8Array } {
  return { type: listed(BINDING_TYPES, type), value };
}

/** The schema has let only listed names through. */
function listed<T extends string>(names: readonly T[], name: string): T {
  const found = names.find((one) => one === name);
  if (found === undefined) throw new RangeError(`not listed: ${name}`);
  return found;
}
