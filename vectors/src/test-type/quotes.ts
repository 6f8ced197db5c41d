import { equalBytes } from '@mtm-attest/protocol';
import { choice, count, decoded, hex, mapOf } from '../format/fragment.ts';
import type { Schema } from '../format/schema.ts';
import { bytesOf, numberOf, recordOf, textOf } from './fields.ts';
import { ACCEPTED, type Decision, type Fields, lacks, meaning, refused, type TestType } from './test-type.ts';

const HASHES = ['sha1', 'sha256', 'sha384', 'sha512'];
const ALGORITHMS = ['ecdsa-p256', 'ed25519', 'rsassa', 'rsapss'];
export const ALGORITHM: Schema = choice('of the key', ALGORITHMS);
const AK = hex('TPMT_PUBLIC of the AK');
export const algorithmOf = (group: Fields): string => textOf(group, 'algorithm');

export const NAMES: TestType = {
  name: 'Names',
  about: 'Name, and qualified Name of a primary key (Part 1, 16)',
  group: { hierarchy: count('handle of the hierarchy') },
  test: { public: hex('TPMT_PUBLIC'), claimed: hex('the Name claimed'), qualified: hex('the qualified Name claimed') },
  decide: async (implementation, group, test) => {
    const names = await implementation.names?.(bytesOf(test, 'public'), numberOf(group, 'hierarchy'));
    if (names === undefined) return lacks('Names');
    const same = equalBytes(names.name, bytesOf(test, 'claimed'));
    return same && equalBytes(names.qualifiedName, bytesOf(test, 'qualified')) ? ACCEPTED : refused('quote.signer');
  },
};

export const PCR_DIGEST: TestType = {
  name: 'PcrDigest',
  about: 'the digest that a TPM signs for a selection (SPEC.md 5.3)',
  group: { hash: choice('of the signing scheme', HASHES) },
  test: {
    selection: hex('TPML_PCR_SELECTION'),
    values: mapOf('PCR values by bank', mapOf('by index', hex('one value'))),
    digest: hex('the digest claimed'),
  },
  decide: async (implementation, group, test) => {
    const digest = await implementation.pcrDigest?.({
      selection: bytesOf(test, 'selection'),
      hash: textOf(group, 'hash'),
      values: valuesOf(recordOf(test, 'values')),
    });
    if (digest === undefined) return lacks('PcrDigest');
    return equalBytes(digest, bytesOf(test, 'digest')) ? ACCEPTED : refused('pcr.digest');
  },
};

function valuesOf(banks: Fields): ReadonlyMap<string, ReadonlyMap<number, Uint8Array>> {
  return new Map(
    Object.keys(banks).map((bank) => {
      const values = recordOf(banks, bank);
      return [bank, new Map(Object.keys(values).map((index) => [Number(index), bytesOf(values, index)]))];
    }),
  );
}

export const ATTESTATION_KEY: TestType = {
  name: 'AttestationKey',
  about: 'which public areas may be enrolled as an AK (SPEC.md 5.4)',
  group: { algorithm: ALGORITHM },
  test: { public: AK, value: decoded('algorithm and hash; absent in invalid vectors') },
  optional: ['value'],
  algorithm: algorithmOf,
  decide: async (implementation, _group, test) => {
    const key = await implementation.attestationKey?.(bytesOf(test, 'public'));
    return key === undefined ? lacks('AttestationKey') : meaning({ ...key }, test['value']);
  },
};

export const SIGNATURE: TestType = {
  name: 'Signature',
  about: 'a plain signature; ECDSA with SHA-256, both forms of s taken',
  group: { algorithm: ALGORITHM },
  test: {
    spki: hex('SubjectPublicKeyInfo (DER)'),
    message: hex('what is signed'),
    signature: hex('Ed25519, or r and s'),
  },
  algorithm: algorithmOf,
  decide: async (implementation, _group, test) => {
    const question = {
      spki: bytesOf(test, 'spki'),
      message: bytesOf(test, 'message'),
      signature: bytesOf(test, 'signature'),
    };
    return verified('Signature', await implementation.signature?.(question));
  },
};

export const QUOTE: TestType = {
  name: 'Quote',
  about: 'a quote held against everything that is known of it (SPEC.md 5.5)',
  group: {
    origin: choice('what made the quotes', ['soft', 'emulator']),
    algorithm: ALGORITHM,
    public: AK,
    qualifiedSigner: hex('qualified Name of the AK'),
  },
  test: {
    selection: hex('TPML_PCR_SELECTION asked for'),
    qualifyingData: hex('expected'),
    pcrDigest: hex('expected'),
    attest: hex('TPMS_ATTEST'),
    signature: hex('TPMT_SIGNATURE'),
    value: decoded('clockInfo and firmwareVersion; absent in invalid vectors'),
  },
  optional: ['value'],
  algorithm: algorithmOf,
  decide: async (implementation, group, test) => {
    const value = await implementation.quote?.({
      public: bytesOf(group, 'public'),
      qualifiedSigner: bytesOf(group, 'qualifiedSigner'),
      selection: bytesOf(test, 'selection'),
      qualifyingData: bytesOf(test, 'qualifyingData'),
      pcrDigest: bytesOf(test, 'pcrDigest'),
      attest: bytesOf(test, 'attest'),
      signature: bytesOf(test, 'signature'),
    });
    return value === undefined ? lacks('Quote') : meaning(value, test['value']);
  },
};

export function verified(name: string, answer: boolean | undefined): Decision {
  if (answer === undefined) return lacks(name);
  return answer ? ACCEPTED : refused('signature.invalid');
}
