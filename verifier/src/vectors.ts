import {
  attestationKey,
  BINDING_TYPES,
  type ComponentList,
  challengeId,
  MAX_LIST_BYTES,
  MAX_RECORDS,
  type Message,
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
import type { AcceptedState, AppraisalInput, EnrolmentFacts, ModelReference } from './appraisal/input.ts';
import type { OpenChallenge } from './challenge/open-challenge.ts';
import { EvidenceCollector } from './endpoint/evidence-collector.ts';
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
  readonly pcrs?: Uint8Array | undefined;
  readonly firmware?: Uint8Array | undefined;
  readonly ima?: Uint8Array | undefined;
  readonly previous: AcceptedBefore | undefined;
  readonly now: number;
}

/** The accepted state; which Reference Values it was appraised against is told in one bit. */
export interface AcceptedBefore extends Omit<AcceptedState, 'referenceDigest' | 'imaCount' | 'imaSeen'> {
  readonly imaCount?: number | undefined;
  readonly imaSeen?: number | undefined;
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
  const challenge = challengeOf(question.challenge);
  const collector = collectorOf(question, challenge, { previous, reference });
  return {
    challenge,
    evidence: { attest, signature, claims, pcrs: question.pcrs },
    binding: { type: BINDING_TYPES.find((type) => type === binding.type) ?? 'none', value: binding.value },
    audience,
    enrolment: enrolmentOf(question),
    log: collector.fold.facts(),
    firmware: collector.platform.firmware,
    ima: collector.platform.ima,
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
  const { referenceUnchanged, imaCount = 0, imaSeen = 0, ...state } = before;
  const present = referenceUnchanged ? reference?.releases.get(state.release)?.digest : undefined;
  return { ...state, imaCount, imaSeen, referenceDigest: present ?? new Uint8Array(32) };
}

const LIMITS = {
  maxEvents: MAX_RECORDS,
  maxListBytes: MAX_LIST_BYTES,
  maxPlatformLogBytes: Number.MAX_SAFE_INTEGER,
};

/** The evidence as it comes over the wire: the logs of the platform before our own. */
function collectorOf(
  { attest, signature, claims, pcrs, firmware, ima, slices }: AppraisalQuestion,
  challenge: OpenChallenge,
  against: ConstructorParameters<typeof EvidenceCollector>[3],
): EvidenceCollector {
  const id = challenge.id;
  const message: Message<'evidence'> = {
    type: 'evidence',
    challenge: id,
    attest,
    signature,
    claims,
    log: new Uint8Array(),
    moreLog: true,
    ...(pcrs === undefined ? {} : { pcrs }),
    ...(firmware === undefined ? {} : { firmware: true }),
    ...(ima === undefined ? {} : { ima: true }),
  };
  const collector = new EvidenceCollector(challenge, message, challenge.digest, against, LIMITS);
  if (firmware !== undefined)
    collector.part({ type: 'part', challenge: id, kind: 'firmware', body: firmware, last: true });
  if (ima !== undefined) collector.part({ type: 'part', challenge: id, kind: 'ima', body: ima, last: true });
  for (const body of slices) collector.part({ type: 'part', challenge: id, kind: 'log', body });
  return collector;
}

function challengeOf(bytes: Uint8Array): OpenChallenge {
  const message = parseMessage(bytes, 'verifier');
  if (message.type !== 'challenge') throw new ProtocolError('message.type', 0);
  const { purpose, nonce, selection, cursor, firmware, ima } = message;
  const digest = nodeCrypto.sha256(bytes);
  return {
    bytes,
    digest,
    id: challengeId(digest),
    nonce,
    purpose,
    selection,
    selectedPcrs: parsePcrSelection(selection).flatMap(({ pcrs }) => pcrs),
    wholeLog: cursor === undefined || cursor.count === 0,
    firmware,
    ima,
    expiresAt: Number.POSITIVE_INFINITY,
    challengedAt: 0,
  };
}

function enrolmentOf(question: AppraisalQuestion): EnrolmentFacts {
  const { terminal, compartment, ownershipEpoch, qualifiedName, public: area } = question;
  const akKey = nodeCrypto.importKey(attestationKey(parsePublic(area)));
  return { terminal, compartment, ownershipEpoch, akName: nameOf(area, nodeCrypto), qualifiedName, akKey };
}

function listsOf(lists: readonly Uint8Array[]): ReadonlyMap<string, ComponentList> {
  return new Map(lists.map((bytes) => [toHex(nodeCrypto.sha256(bytes)), parseComponentList(bytes)]));
}
