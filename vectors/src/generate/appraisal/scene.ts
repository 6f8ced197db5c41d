import {
  type BindingType,
  type ClockReading,
  type ComponentList,
  encodeClaims,
  encodeComponentList,
  encodeEvent,
  encodeMessage,
  encodeRecord,
  type LogCursor,
  LogReplay,
  MRTM_COMPARTMENT,
  type PcrSelection,
  prefixDigest,
  type QuoteContext,
  qualifyingData,
  TPM_GENERATED_VALUE,
  utf8,
  writeAttest,
  writePcrSelection,
} from '@mtm-attest/protocol';
import type { AcceptedBefore, LogPoint } from '../../implementation/implementation.ts';
import { bytes, fill } from '../bytes.ts';
import { SoftAk, sha256 } from '../keys.ts';
import {
  audit,
  bootEvents,
  type Entry,
  fileDigest,
  listDigest,
  listOf,
  NONCE,
  RUNTIME_COMPONENT,
  started,
} from './boot.ts';

/** What the challenge asks of the platform's logs, and what the terminal answers. */
export interface PlatformScene {
  readonly asked: { readonly firmware?: true; readonly ima?: number };
  /** sent; absent where the terminal sends none */
  readonly firmware?: Uint8Array;
  readonly ima?: Uint8Array;
  /** sent instead of the quoted values; null for none */
  readonly pcrs?: Uint8Array | null;
}

/** Everything that goes into one piece of evidence. A vector changes one of these and leaves the rest honest. */
export interface Scene {
  readonly purpose: 'gate' | 'runtime' | 'enrol';
  readonly nonce: Uint8Array;
  readonly cursor: LogCursor;
  /** what the verifier asks for */
  readonly asked: PcrSelection;
  readonly binding: { readonly type: BindingType; readonly value: Uint8Array };
  readonly key: SoftAk;
  /** what the quote claims of its signer */
  readonly qualifiedSigner: Uint8Array;
  /** what the terminal signs otherwise than it should */
  readonly signed: Partial<QuoteContext>;
  readonly reading: ClockReading;
  readonly claims: Uint8Array;
  /** what was extended before: our own log goes on from there */
  readonly start: LogPoint | undefined;
  /** what was extended */
  readonly extended: readonly Entry[];
  /** what is sent, where that is something else */
  readonly sent: readonly Entry[] | undefined;
  readonly lists: readonly ComponentList[];
  readonly platform?: PlatformScene | undefined;
  readonly previous: AcceptedBefore | undefined;
  readonly now: number;
}

export const AK: SoftAk = new SoftAk('appraisal');
export const AUDIENCE = 'operator-1';
export const TERMINAL = 'terminal-1';
const NOW = 1_780_000_000_000;
export const SELECTION: PcrSelection = [{ bank: 'sha256', pcrs: [0, 1, 4, 5, 7, 10, 11, 12, 13, 14] }];

const NO_EVENTS: LogCursor = { resetCount: 0, restartCount: 0, count: 0, prefix: fill(16, 0) };

/** An honest terminal on release 3 at the gate, for the first time. */
export const AT_THE_GATE: Scene = {
  purpose: 'gate',
  nonce: NONCE,
  cursor: NO_EVENTS,
  asked: SELECTION,
  binding: { type: 'tls-exporter', value: sha256(utf8('exporter')) },
  key: AK,
  qualifiedSigner: AK.qualifiedName,
  signed: {},
  reading: { clock: 3_600_000n, resetCount: 3, restartCount: 0, safe: true },
  claims: encodeClaims({ auditCounter: 42n }),
  start: undefined,
  extended: [...bootEvents(3), started(RUNTIME_COMPONENT, fileDigest(RUNTIME_COMPONENT, 3)), audit(listOf(3))],
  sent: undefined,
  lists: [listOf(3)],
  previous: undefined,
  now: NOW,
};

/** What was accepted of a terminal an hour ago, at these events of its boot. @param start what the firmware had extended before them */
export function acceptedAt(events: readonly Entry[], release = 3, start?: LogPoint): AcceptedBefore {
  return {
    clock: 1_800_000n,
    resetCount: 3,
    restartCount: 0,
    safe: true,
    ...reached(start, events),
    auditCounter: 41n,
    release,
    listDigest: listDigest(listOf(release)),
    imaCount: undefined,
    imaSeen: undefined,
    referenceUnchanged: true,
  };
}

/** The same terminal, audited once before and now from there on. */
export function atRuntime(): Scene {
  const before = [...AT_THE_GATE.extended.slice(0, -1), audit(listOf(3), sha256(utf8('nonce of the gate')))];
  const previous = acceptedAt(before);
  const { resetCount, restartCount, count, pcrs } = previous;
  return {
    ...AT_THE_GATE,
    purpose: 'runtime',
    cursor: { resetCount, restartCount, count, prefix: prefixDigest(count, pcrs, sha256) },
    start: { count, pcrs },
    extended: [audit(listOf(3))],
    previous,
  };
}

export function sliceOf(entries: readonly Entry[]): Uint8Array {
  return bytes(
    ...entries.map(([pcr, event]) => encodeRecord(pcr, event instanceof Uint8Array ? event : encodeEvent(event))),
  );
}

function reached(start: LogPoint | undefined, entries: readonly Entry[]): LogPoint {
  const replay = new LogReplay(sha256, start);
  replay.feed(sliceOf(entries));
  return { count: replay.count, pcrs: replay.values() };
}

/** The fields of a vector. */
export function evidenceOf(scene: Scene): Readonly<Record<string, unknown>> {
  const { nonce, purpose, cursor, binding, claims, extended, sent, lists, previous, now, platform } = scene;
  const challenge = encodeMessage({
    type: 'challenge',
    nonce,
    purpose,
    selection: writePcrSelection(scene.asked),
    cursor,
    ...platform?.asked,
  });
  const attest = attestOf(scene, challenge);
  return {
    challenge,
    binding,
    attest,
    signature: scene.key.attestSignature(attest),
    claims,
    slices: [sliceOf(sent ?? extended)],
    lists: lists.map(encodeComponentList),
    ...(platform === undefined ? {} : platformFields(scene, platform)),
    previous,
    now,
  };
}

function platformFields(scene: Scene, { firmware, ima, pcrs }: PlatformScene): Readonly<Record<string, unknown>> {
  const sent = pcrs === undefined ? quotedPcrs(scene) : pcrs;
  return { pcrs: sent ?? undefined, firmware, ima };
}

/** The selected values, one behind the other. */
export function quotedPcrs(scene: Scene): Uint8Array {
  const { pcrs } = reached(scene.start, scene.extended);
  const selected = scene.asked.flatMap((bank) => bank.pcrs);
  return bytes(...selected.map((pcr) => pcrs.subarray(pcr * 32, pcr * 32 + 32)));
}

/** The quote over what was extended, as a TPM makes it. */
function attestOf(scene: Scene, challenge: Uint8Array): Uint8Array {
  const context: QuoteContext = {
    purpose: scene.purpose,
    challengeDigest: sha256(challenge),
    binding: scene.binding,
    audience: AUDIENCE,
    terminal: TERMINAL,
    compartment: MRTM_COMPARTMENT,
    ownershipEpoch: 0n,
    akName: scene.key.akName,
    claimsDigest: sha256(scene.claims),
    ...scene.signed,
  };
  return writeAttest({
    magic: TPM_GENERATED_VALUE,
    qualifiedSigner: scene.qualifiedSigner,
    extraData: qualifyingData(context, sha256),
    clockInfo: scene.reading,
    firmwareVersion: 1n,
    attested: {
      type: 'quote',
      selection: scene.asked,
      selectionBytes: writePcrSelection(scene.asked),
      pcrDigest: sha256(quotedPcrs(scene)),
    },
  });
}
