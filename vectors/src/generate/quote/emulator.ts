import { type HashName, nobleCrypto, utf8 } from '@mtm-attest/protocol';
import { bytes, fill } from '../bytes.ts';
import { type DraftGroup, invalid, valid } from '../draft.ts';
import {
  EMULATOR_PCR_10,
  EMULATOR_QUOTES,
  EMULATOR_SELECTION,
  type EmulatorQuote,
  type EmulatorTime,
  KNOWN_QUOTE,
} from '../emulator-quotes.ts';
import { sha256 } from '../keys.ts';
import { groupOf, holds, type Question, scalarsOutOfRange, withoutKey } from './question.ts';

/** @param text what the qualifying data is the digest of */
function emulatorQuestion({ attest, signature }: EmulatorQuote, text: string, hash: HashName): Question {
  return {
    selection: EMULATOR_SELECTION,
    qualifyingData: sha256(utf8(text)),
    pcrDigest: nobleCrypto[hash](bytes(fill(64, 0), EMULATOR_PCR_10)),
    attest,
    signature,
  };
}

const ALGORITHMS = ['ecdsa-p256', 'rsassa', 'rsapss'] as const;
const HASH_OF = { 'ecdsa-p256': 'sha256', rsassa: 'sha256', rsapss: 'sha384' } as const;

/** Quotes that an emulator made, and what anybody can make of them. */
export function emulatorGroups(): readonly DraftGroup[] {
  const known = emulatorQuestion(KNOWN_QUOTE, 'nonce', 'sha256');
  const withKnown = [valid('as the emulator made it', holds(known)), ...withoutKey(known, 'ecdsa')];
  return [
    groupOf('emulator', 'ecdsa-p256', KNOWN_QUOTE, [...withKnown, ...scalarsOutOfRange(known)]),
    ...ALGORITHMS.map((algorithm) => {
      const quote: EmulatorQuote & EmulatorTime = EMULATOR_QUOTES[algorithm];
      const good = emulatorQuestion(quote, 'vectors', HASH_OF[algorithm]);
      const time = { ...good, attest: quote.time, signature: quote.timeSignature };
      const tests = [
        valid('as the emulator made it', holds(good)),
        invalid('TPM2_GetTime by the same key', 'Type', 'quote.type', time, 4),
        ...withoutKey(good, algorithm === 'ecdsa-p256' ? 'ecdsa' : 'rsa'),
      ];
      return groupOf('emulator', algorithm, quote, tests);
    }),
    ...wronglyEnrolled(),
  ];
}

/** Good quotes, but the verifier expects another key. */
function wronglyEnrolled(): readonly DraftGroup[] {
  const { public: area, qualifiedName } = KNOWN_QUOTE;
  const question = (algorithm: (typeof ALGORITHMS)[number]): Question =>
    emulatorQuestion(EMULATOR_QUOTES[algorithm], 'vectors', HASH_OF[algorithm]);
  const other = { public: area, qualifiedName: EMULATOR_QUOTES['ecdsa-p256'].qualifiedName };
  return [
    ...ALGORITHMS.map((algorithm) =>
      groupOf('emulator', algorithm, { public: EMULATOR_QUOTES[algorithm].public, qualifiedName }, [
        invalid('another qualified Name was enrolled', 'Signer', 'quote.signer', { ...question(algorithm) }),
      ]),
    ),
    groupOf('emulator', 'ecdsa-p256', other, [
      invalid('another key was enrolled', 'Forged', 'signature.invalid', { ...question('ecdsa-p256') }),
    ]),
  ];
}
