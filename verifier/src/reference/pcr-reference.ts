import type { HashName } from '@mtm-attest/protocol';
import type { Corim } from '../corim/corim.ts';
import { environmentText } from '../corim/environment.ts';
import type { DigestAlgorithm, Digests } from '../corim/measurement.ts';
import { PARSEC_TPM_PROFILE } from '../corim/parsec-tpm-profile.ts';

/** The values that one PCR of a model may have: a Reference Value for quotes whose log is not ours to read. */
export interface PcrReference {
  /** what the values are for: class and instance of a device, in one line */
  readonly model: string;
  readonly pcr: number;
  /** hexadecimal values by bank; any of them will do */
  readonly digests: ReadonlyMap<HashName, ReadonlySet<string>>;
  /** SHA-256 of the document that says so, hexadecimal */
  readonly source: string;
}

const LAST_PCR = 23;

/** Only a digest of its full length is the value of a PCR. */
const BANKS: Readonly<Partial<Record<DigestAlgorithm, HashName>>> = {
  'sha-256': 'sha256',
  'sha-384': 'sha384',
  'sha-512': 'sha512',
};

/**
 * PCR values of a CoRIM, in the order of its environments, PCRs ascending: integrity registers numbered 0 to 23, and, in the Parsec TPM profile,
 * measurements whose key is a PCR. Several values for one PCR are alternatives.
 *
 * @param source SHA-256 of the document, hexadecimal
 */
export function pcrReferences(corim: Corim, source: string): readonly PcrReference[] {
  const models = new Map<string, Map<number, Map<HashName, Set<string>>>>();
  for (const [environment, pcr, digests] of pcrDigests(corim)) {
    const pcrs = computed(models, environment, () => new Map<number, Map<HashName, Set<string>>>());
    const banks = computed(pcrs, pcr, () => new Map<HashName, Set<string>>());
    for (const [algorithm, digest] of digests) {
      const bank = BANKS[algorithm];
      if (bank !== undefined) computed(banks, bank, () => new Set<string>()).add(digest);
    }
  }
  return [...models].flatMap(([model, pcrs]) =>
    [...pcrs]
      .filter(([, digests]) => digests.size > 0)
      .sort(([a], [b]) => a - b)
      .map(([pcr, digests]) => ({ model, pcr, digests, source })),
  );
}

function* pcrDigests({ profile, tags }: Corim): Generator<readonly [model: string, pcr: number, digests: Digests]> {
  for (const { environment, measurements } of tags.flatMap(({ references }) => references)) {
    const model = environmentText(environment);
    for (const { key, digests, registers } of measurements) {
      if (profile === PARSEC_TPM_PROFILE && typeof key === 'number' && digests !== undefined)
        yield [model, key, digests];
      for (const [register, values] of registers ?? []) {
        if (typeof register === 'number' && register <= LAST_PCR) yield [model, register, values];
      }
    }
  }
}

function computed<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}
