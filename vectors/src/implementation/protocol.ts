import {
  type CryptoSuite,
  decodeStrict,
  encodeCanonical,
  encodeClaims,
  encodeEnrolmentToken,
  encodeManifest,
  encodeMessage,
  encodeSignedManifest,
  equalBytes,
  isLowS,
  keyOfSpki,
  manifestMessage,
  parseClaims,
  parseEnrolmentToken,
  parseManifest,
  parseMessage,
  parseSignedManifest,
  stepTerminal,
  stepVerifier,
  TERMINAL_INPUTS,
  TERMINAL_STATES,
  VERIFIER_INPUTS,
  VERIFIER_STATES,
} from '@mtm-attest/protocol';
import { toPlain } from '../format/plain.ts';
import { codecNotation } from './codec-notation.ts';
import { eventLogOf } from './event-log.ts';
import type { Implementation, ManifestSignatureQuestion } from './implementation.ts';
import { measuredLogsOf } from './measured-logs.ts';
import { quotesOf } from './quotes.ts';
import { TPM_STRUCTURES } from './tpm-structures.ts';

/** This project's protocol package over one implementation of the primitives. It has no appraisal: that is the verifier's. */
export function protocolImplementation(suite: CryptoSuite): Implementation {
  return {
    name: suite.name,
    algorithms: suite.algorithms,
    tpmStructure: (structure, input) => TPM_STRUCTURES[structure](input),
    ...quotesOf(suite),
    ...eventLogOf(suite),
    ...measuredLogsOf(suite),
    ...MESSAGES,
    ...MANIFESTS,
    manifestSignature: (question) => isManifestSignature(suite, question),
    session: walk,
  };
}

const MESSAGES: Pick<Implementation, 'codec' | 'claims' | 'message' | 'enrolmentToken'> = {
  codec: (input) => {
    const value = decodeStrict(input);
    return { value: codecNotation(value), encoded: encodeCanonical(value) };
  },
  claims: (input) => {
    const claims = parseClaims(input);
    return { value: toPlain(claims), encoded: encodeClaims(claims) };
  },
  message: (from, input) => {
    const message = from === 'terminal' ? parseMessage(input, 'terminal') : parseMessage(input, 'verifier');
    return { value: toPlain(message), encoded: encodeMessage(message) };
  },
  enrolmentToken: (text) => {
    const token = parseEnrolmentToken(text);
    return { value: toPlain(token), encoded: encodeEnrolmentToken(token) };
  },
};

const MANIFESTS: Pick<Implementation, 'signedManifest' | 'manifest'> = {
  signedManifest: (input) => {
    const signed = parseSignedManifest(input);
    return { value: toPlain(signed), encoded: encodeSignedManifest(signed) };
  },
  manifest: (payload) => {
    const manifest = parseManifest(payload);
    return { value: toPlain(manifest), encoded: encodeManifest(manifest) };
  },
};

/** SPEC.md 8.2: the key named by its digest, its own algorithm, and of the two forms of an ECDSA signature the one with the low s. */
function isManifestSignature(suite: CryptoSuite, question: ManifestSignatureQuestion): boolean {
  const { spki, keyId, algorithm, message, signature } = question;
  if (!equalBytes(suite.sha256(spki), keyId)) return false;
  const key = suite.importKey(keyOfSpki(spki));
  if (key.material.algorithm !== algorithm) return false;
  if (algorithm === 'ecdsa-p256' && !isLowS(signature)) return false;
  return key.verify(manifestMessage(message), signature);
}

function walk(side: 'terminal' | 'verifier', start: string, inputs: readonly string[]): string {
  return side === 'terminal'
    ? steps(TERMINAL_STATES, TERMINAL_INPUTS, stepTerminal, start, inputs)
    : steps(VERIFIER_STATES, VERIFIER_INPUTS, stepVerifier, start, inputs);
}

function steps<State extends string, Input extends string>(
  states: readonly State[],
  known: readonly Input[],
  step: (state: State, input: Input) => State,
  start: string,
  inputs: readonly string[],
): State {
  const from = states.find((one) => one === start);
  if (from === undefined) throw new RangeError(`no state: ${start}`);
  return inputs.reduce<State>((state, name) => {
    const input = known.find((one) => one === name);
    if (input === undefined) throw new RangeError(`no input: ${name}`);
    return step(state, input);
  }, from);
}
