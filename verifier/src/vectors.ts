import {
  attestationKey,
  BINDING_TYPES,
  type ComponentList,
  nameOf,
  ProtocolError,
  parseComponentList,
  parseManifest,
  parseMessage,
  parsePcrSelection,
  parsePublic,
  type ReasonCode,
  toHex,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { appraise } from './appraisal/appraise.ts';
import type {
  AcceptedState,
  AppraisalInput,
  ChallengeFacts,
  EnrolmentFacts,
  ModelReference,
} from './appraisal/input.ts';
import { LogFold } from './appraisal/log-facts.ts';
import { modelReference } from './reference/reference-values.ts';

/** One vector of the type Appraisal, as the replayer of @mtm-attest/vectors hands it over. */
export interface AppraisalQuestion {
  readonly terminal: string;
  readonly compartment: string;
  readonly ownershipEpoch: bigint;
  readonly public: Uint8Array;
  readonly qualifiedName: Uint8Array;
  readonly manifest: Uint8Array | undefined;
  readonly challenge: Uint8Array;
  readonly binding: { readonly type: string; readonly value: Uint8Array };
  readonly audience: string;
  readonly attest: Uint8Array;
  readonly signature: Uint8Array;
  readonly claims: Uint8Array;
  readonly slices: readonly Uint8Array[];
  readonly lists: readonly Uint8Array[];
  readonly previous: AcceptedBefore | undefined;
  readonly now: number;
}

/** The accepted state; which Reference Values it was appraised against is told in one bit. */
export interface AcceptedBefore extends Omit<AcceptedState, 'referenceDigest'> {
  readonly referenceUnchanged: boolean;
}

export interface Appraised {
  readonly verdict: string;
  readonly codes: readonly ReasonCode[];
}

/** This verifier's appraisal, to be held against the vectors: `mtm-vectors replay --implementation @mtm-attest/verifier/vectors`. */
export const implementation: {
  readonly name: 'verifier';
  readonly algorithms: readonly string[];
  readonly appraisal: (question: AppraisalQuestion) => Appraised;
} = {
  name: 'verifier',
  algorithms: nodeCrypto.algorithms,
  appraisal: (question) => {
    const { verdict, findings } = appraise(appraisalInput(question));
    return { verdict, codes: [...new Set(findings.map(({ code }) => code))] };
  },
};

/** What the daemon gathers from its store and its connection before it appraises. */
export function appraisalInput(question: AppraisalQuestion): AppraisalInput {
  const { attest, signature, claims, binding, audience, manifest, now } = question;
  const reference = manifest === undefined ? undefined : modelReference(parseManifest(manifest), 1);
  const previous = acceptedState(question.previous, reference);
  const { challenge, start } = challengeOf(question.challenge, previous);
  const fold = new LogFold(nodeCrypto.sha256, start, start === undefined ? previous?.count : undefined);
  for (const slice of question.slices) fold.feed(slice);
  return {
    challenge,
    evidence: { attest, signature, claims },
    binding: { type: BINDING_TYPES.find((type) => type === binding.type) ?? 'none', value: binding.value },
    audience,
    enrolment: enrolmentOf(question),
    log: fold.facts(),
    lists: listsOf(question.lists),
    reference,
    previous,
    now,
  };
}

function acceptedState(
  before: AcceptedBefore | undefined,
  reference: ModelReference | undefined,
): AcceptedState | undefined {
  if (before === undefined) return undefined;
  const { referenceUnchanged, ...state } = before;
  const present = referenceUnchanged ? reference?.releases.get(state.release)?.digest : undefined;
  return { ...state, referenceDigest: present ?? new Uint8Array(32) };
}

/** A cursor that is not zero says that the log goes on from the accepted state. */
function challengeOf(
  challenge: Uint8Array,
  previous: AcceptedState | undefined,
): {
  readonly challenge: ChallengeFacts;
  readonly start: AcceptedState | undefined;
} {
  const message = parseMessage(challenge, 'verifier');
  if (message.type !== 'challenge') throw new ProtocolError('message.type', 0);
  const { purpose, nonce, selection, cursor } = message;
  const selectedPcrs = parsePcrSelection(selection).flatMap(({ pcrs }) => pcrs);
  const start = cursor === undefined || cursor.count === 0 ? undefined : previous;
  return { challenge: { purpose, nonce, digest: nodeCrypto.sha256(challenge), selection, selectedPcrs }, start };
}

function enrolmentOf(question: AppraisalQuestion): EnrolmentFacts {
  const { terminal, compartment, ownershipEpoch, qualifiedName, public: area } = question;
  const akKey = nodeCrypto.importKey(attestationKey(parsePublic(area)));
  return { terminal, compartment, ownershipEpoch, akName: nameOf(area, nodeCrypto), qualifiedName, akKey };
}

function listsOf(lists: readonly Uint8Array[]): ReadonlyMap<string, ComponentList> {
  return new Map(lists.map((bytes) => [toHex(nodeCrypto.sha256(bytes)), parseComponentList(bytes)]));
}
