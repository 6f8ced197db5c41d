import type { ReasonCode, Verdict } from '@mtm-attest/protocol';
import {
  eventRelabelled,
  garbage,
  logSpliced,
  logTruncated,
  otherAk,
  relayedEvidence,
  replayedEvidence,
  replayedVerbatim,
  selectionReduced,
} from './scripts/evidence.ts';
import { alteredComponent, releaseRolledBack, runtimeAltered, unlistedComponent } from './scripts/firmware.ts';
import { honest, honestReboot, honestUpdate, reconnecting, slowLink } from './scripts/honest.ts';
import { clone, stateRestored, tokenReused } from './scripts/identity.ts';
import { muteTerminal, silentTerminal, tooLate } from './scripts/liveness.ts';
import { crashResume } from './scripts/processes.ts';
import { stranger } from './scripts/stranger.ts';
import { honestTpm } from './scripts/tpm.ts';
import type { Script } from './stage.ts';

/** What must pass after the last step before the verdict counts as the daemon's last word. */
export type Settling =
  /** three decisions of the daemon */
  | 'decisions'
  /** twice the time after which the terminal becomes stale, or unreachable */
  | 'deadline'
  /** a person must act: two audit intervals */
  | 'person';

/** What is done to a terminal, and the verdict that it deserves for it. */
export interface Scenario {
  readonly name: string;
  readonly about: string;
  readonly verdict: Verdict;
  /** the reasons that must stand beside the verdict */
  readonly codes: readonly ReasonCode[];
  /** `untrusted` must never show for it */
  readonly honest: boolean;
  /** the verdict that must show before the attack step */
  readonly before?: 'trusted';
  /** true where the daemon may decide `trusted` on evidence taken after the attack step */
  readonly trustedAfterAttack: boolean;
  readonly settling: Settling;
  readonly play: Script;
}

type Row = Pick<Scenario, 'about' | 'codes' | 'play'> & Partial<Scenario>;

function honestRow(name: string, row: Row): Scenario {
  return { name, verdict: 'trusted', honest: true, trustedAfterAttack: true, settling: 'decisions', ...row };
}

function attackRow(name: string, row: Row): Scenario {
  return { name, verdict: 'untrusted', honest: false, trustedAfterAttack: false, settling: 'decisions', ...row };
}

const SILENCE = { before: 'trusted', settling: 'deadline' } as const;

/** Every scenario. Nothing outside the simulator reads this table. */
export const SCENARIOS: readonly Scenario[] = [
  honestRow('honest', { about: 'nothing', codes: [], play: honest }),
  honestRow('honest-reboot', {
    about: 'an orderly reboot',
    codes: ['boot.new'],
    play: honestReboot,
  }),
  honestRow('honest-update', {
    about: 'a new release in the other slot, then a reboot',
    codes: ['release.new', 'boot.new'],
    play: honestUpdate,
  }),
  honestRow('crash-resume', {
    about: 'kill -9 of the agent, then of the TrE, and restart',
    codes: ['boot.new'],
    play: crashResume,
  }),
  honestRow('slow-link', { about: "answers late but within the nonce's life", codes: [], play: slowLink }),
  honestRow('reconnecting', { about: 'its connection is cut again and again', codes: [], play: reconnecting }),
  attackRow('altered-component', {
    about: 'a listed file is altered before boot',
    codes: ['component.digest'],
    play: alteredComponent,
  }),
  attackRow('unlisted-component', {
    about: 'a file outside the manifest is started at run time',
    codes: ['component.unlisted'],
    before: 'trusted',
    play: unlistedComponent,
  }),
  attackRow('runtime-altered', {
    about: 'a listed file is altered after boot',
    codes: ['component.digest'],
    before: 'trusted',
    play: runtimeAltered,
  }),
  attackRow('replayed-evidence', {
    about: "recorded evidence under the open challenge's id",
    codes: ['context.mismatch'],
    play: replayedEvidence,
  }),
  attackRow('replayed-verbatim', {
    about: 'recorded evidence with its old challenge id',
    verdict: 'stale',
    codes: ['challenge.not-open'],
    ...SILENCE,
    play: replayedVerbatim,
  }),
  attackRow('relayed-evidence', {
    about: 'evidence made for another connection',
    codes: ['context.mismatch'],
    play: relayedEvidence,
  }),
  honestRow('stranger', {
    about: "somebody without the session key speaks in the victim's name",
    codes: [],
    play: stranger,
  }),
  attackRow('other-ak', { about: 'quotes by another AK', codes: ['quote.signer'], play: otherAk }),
  attackRow('selection-reduced', {
    about: 'fewer PCRs than asked',
    codes: ['quote.selection'],
    play: selectionReduced,
  }),
  attackRow('log-truncated', { about: 'an event left out', codes: ['log.replay'], play: logTruncated }),
  attackRow('log-spliced', { about: 'events of another boot', codes: ['log.replay'], play: logSpliced }),
  attackRow('event-relabelled', { about: "an event's label changed", codes: ['log.replay'], play: eventRelabelled }),
  attackRow('release-rolled-back', {
    about: 'an old release with its valid old manifest',
    codes: ['release.below-minimum'],
    play: releaseRolledBack,
  }),
  attackRow('clone', {
    about: 'a copy of the running terminal starts and both go on',
    codes: ['identity.diverged'],
    play: clone,
  }),
  attackRow('state-restored', {
    about: 'the state directory is put back from an old copy',
    codes: ['identity.rolled-back'],
    play: stateRestored,
  }),
  attackRow('silent', {
    about: 'socket open, no frame, no pong',
    verdict: 'unreachable',
    codes: ['connection.lost'],
    ...SILENCE,
    play: silentTerminal,
  }),
  attackRow('mute', {
    about: 'answers pings, never a challenge',
    verdict: 'stale',
    codes: ['challenge.unanswered'],
    ...SILENCE,
    play: muteTerminal,
  }),
  attackRow('too-late', {
    about: "answers after the nonce's life",
    verdict: 'stale',
    codes: ['challenge.expired'],
    ...SILENCE,
    play: tooLate,
  }),
  attackRow('garbage', {
    about: 'a well-formed message of random bytes',
    codes: ['evidence.malformed'],
    play: garbage,
  }),
  attackRow('token-reused', {
    about: 'a second terminal presents the used enrolment token',
    verdict: 'unknown',
    codes: ['enrolment.token-reused'],
    settling: 'person',
    play: tokenReused,
  }),
];

/** Plays where somebody asks for it and swtpm is there: it needs more than Node. */
export const TPM_SCENARIO: Scenario = honestRow('honest-tpm', {
  about: 'a TPM emulator, enrolled by credential activation; its power fails',
  codes: ['boot.new'],
  play: honestTpm,
});

/** @returns undefined for a name that is in no row */
export function findScenario(name: string): Scenario | undefined {
  return SCENARIOS.find((one) => one.name === name);
}
