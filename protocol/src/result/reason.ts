/** What a reason does to the terminal, and what ends it. */
export type ReasonKind =
  /** the content of evidence failed: untrusted until an affirming gate appraisal of a later boot */
  | 'boot'
  /** as `boot`, and ended too by a gate appraisal after the Reference Values changed */
  | 'reference'
  /** untrusted until the terminal is enrolled anew */
  | 'enrolment'
  /** says nothing against the terminal: stale, unreachable, unknown, or no result at all */
  | 'state'
  /** accompanies a trusted verdict */
  | 'info'
  /** told to the operator, touches no verdict */
  | 'alarm';

export interface Reason {
  readonly kind: ReasonKind;
  /** one sentence an operator understands */
  readonly meaning: string;
  /** what the operator can do */
  readonly next: string;
}

const REBOOT = 'Find out what changed it, repair the terminal and reboot it: a gate appraisal of the new boot decides.';

/** Every reason that a result, a verdict or an alarm can carry. SPEC.md 7.5 prints this table. */
export const REASONS = {
  'evidence.malformed': {
    kind: 'boot',
    meaning: 'The terminal answered the challenge with bytes that are no evidence.',
    next: `Look at the agent's version and at what speaks in its place. ${REBOOT}`,
  },
  'quote.type': {
    kind: 'boot',
    meaning: 'The signed structure is an attestation of another kind than a quote (F-18).',
    next: REBOOT,
  },
  'quote.selection': {
    kind: 'boot',
    meaning: 'The quote covers other PCRs than the challenge asked for (F-15).',
    next: REBOOT,
  },
  'quote.signer': {
    kind: 'boot',
    meaning: 'The quote was made by another attestation key than the enrolled one (F-08).',
    next: 'If the trusted environment was replaced, enrol the terminal anew with a new token; otherwise treat it as an impostor.',
  },
  'context.mismatch': {
    kind: 'boot',
    meaning:
      'The quote was made for another challenge, connection, purpose or terminal: replayed or relayed evidence (F-01, F-03, F-05).',
    next: `Look for something between the terminal and its trusted environment. ${REBOOT}`,
  },
  'signature.algorithm': {
    kind: 'boot',
    meaning: 'The signature names another algorithm than the enrolled key has (F-17).',
    next: REBOOT,
  },
  'signature.invalid': {
    kind: 'boot',
    meaning: 'The signature does not verify under the enrolled attestation key.',
    next: 'Treat the terminal as an impostor until its trusted environment has been inspected.',
  },
  'identity.rolled-back': {
    kind: 'enrolment',
    meaning:
      'The trusted environment went back behind a state already accepted: an old copy of its state was put back, or it was cleared (F-20, F-23).',
    next: 'Inspect the terminal, then enrol it anew with a new attestation key.',
  },
  'identity.diverged': {
    kind: 'enrolment',
    meaning: 'Two holders of one identity are active: the state of the trusted environment was copied (F-20).',
    next: 'Find both holders, then enrol the genuine terminal anew with a new attestation key.',
  },
  'log.replay': {
    kind: 'boot',
    meaning:
      'The event log does not lead to the quoted PCR values: events were left out, changed, moved or added (F-26, F-27).',
    next: REBOOT,
  },
  'log.event': {
    kind: 'boot',
    meaning: 'An event of the log is of an unknown kind, is malformed, or stands in a PCR that is not its own (F-27).',
    next: `Compare the agent's version with the verifier's. ${REBOOT}`,
  },
  'log.order': {
    kind: 'boot',
    meaning: 'The events of this boot do not come in the order of a boot: boot, release, components, ready.',
    next: REBOOT,
  },
  'boot.incomplete': {
    kind: 'boot',
    meaning: 'The log does not say that this boot was completed.',
    next: REBOOT,
  },
  'audit.not-fresh': {
    kind: 'boot',
    meaning: 'The last audit event does not name the challenge: what is shown was not measured for it.',
    next: REBOOT,
  },
  'component.digest': {
    kind: 'reference',
    meaning: 'A component is not the one that the release lists: its bytes were changed.',
    next: 'Restore the component from the release and reboot, or publish a manifest whose release lists this digest.',
  },
  'component.unlisted': {
    kind: 'reference',
    meaning: 'A component runs that the release does not list.',
    next: 'Remove it and reboot, or publish a manifest whose release lists it.',
  },
  'component.missing': {
    kind: 'reference',
    meaning: 'A component that the release lists was not measured.',
    next: 'Restore the release and reboot.',
  },
  'component.pcr': {
    kind: 'reference',
    meaning: 'A component was measured into another PCR than the release says.',
    next: 'Restore the release and its manifest on the terminal and reboot.',
  },
  'release.unknown': {
    kind: 'reference',
    meaning: 'The terminal runs a release that the manifest does not list.',
    next: 'Install a listed release, or publish a manifest that lists this one.',
  },
  'release.below-minimum': {
    kind: 'reference',
    meaning: 'The terminal runs a release older than the manifest allows (F-30).',
    next: 'Install a release that the manifest still allows and reboot.',
  },
  'release.expired': {
    kind: 'reference',
    meaning: 'The time until which this release is accepted has passed.',
    next: 'Install a newer release and reboot.',
  },
  'platform-log.missing': {
    kind: 'boot',
    meaning: 'The release has Reference Values for a firmware log or an IMA list, and the terminal sent none.',
    next: 'Name the logs to the agent (--firmware-log, --ima-log), see that it may read them, and reboot the terminal.',
  },
  'firmware.malformed': {
    kind: 'boot',
    meaning: 'The firmware log cannot be read, has no SHA-256 bank, or says of itself what is not so (F-27).',
    next: 'Look at the log with mtm-verifier check-log --format tcg; update the firmware, or repair the terminal, and reboot it.',
  },
  'firmware.unlisted': {
    kind: 'reference',
    meaning: 'The firmware log holds an event that the release does not list (F-27).',
    next: 'Find out what ran or changed and put it back, or publish a manifest whose release lists the event, then reboot.',
  },
  'firmware.missing': {
    kind: 'reference',
    meaning: 'The firmware log lacks an event that the release demands.',
    next: 'Restore the configuration of the firmware and reboot, or publish a manifest that does not demand the event.',
  },
  'ima.malformed': {
    kind: 'boot',
    meaning: 'The IMA list cannot be read, or holds an entry that nobody can understand.',
    next: 'Look at the list with mtm-verifier check-log --format ima; correct the IMA policy of the kernel and reboot.',
  },
  'ima.template-digest': {
    kind: 'boot',
    meaning:
      'The template digest that an entry of the IMA list shows is not that of its data: no kernel writes that (F-27).',
    next: REBOOT,
  },
  'ima.boot-aggregate': {
    kind: 'boot',
    meaning: 'The IMA list does not begin with the boot aggregate of this boot: it is of another boot (F-26).',
    next: REBOOT,
  },
  'ima.violation': {
    kind: 'reference',
    meaning: 'A file was written while it was measured: what ran is not what the IMA list says.',
    next: 'Keep measured files from being written while in use and reboot, or sign that violations are warnings.',
  },
  'ima.unlisted': {
    kind: 'reference',
    meaning: 'The kernel measured a file that the release lists neither by digest nor by signer.',
    next: 'Remove or restore the file and reboot, or publish a manifest whose release lists it.',
  },
  'ima.behind': {
    kind: 'boot',
    meaning: 'The quote covers fewer entries than the IMA list already had at an earlier audit (F-28).',
    next: REBOOT,
  },
  'connection.lost': {
    kind: 'state',
    meaning: 'The terminal has had no authenticated connection for longer than the grace.',
    next: 'Look at its power and its network.',
  },
  'challenge.unanswered': {
    kind: 'state',
    meaning: 'The terminal is connected but has not answered a challenge within the freshness limit.',
    next: 'Look at the agent on the terminal; ask for an audit now.',
  },
  'challenge.expired': {
    kind: 'state',
    meaning: 'The terminal answers, but after the life of the nonce.',
    next: 'Look at the load of the terminal and at its link.',
  },
  'challenge.not-open': {
    kind: 'state',
    meaning: 'The terminal sends evidence for challenges that are not open: recorded evidence, played again (F-01).',
    next: 'Look for something between the terminal and the verifier.',
  },
  'list.missing': {
    kind: 'state',
    meaning: 'The terminal did not send a component list that its log names; nothing could be appraised.',
    next: 'Look at the agent on the terminal.',
  },
  'limit.exceeded': {
    kind: 'state',
    meaning: 'The evidence is larger than the limits of the verifier; nothing was appraised (F-29).',
    next: 'Reboot the terminal, or raise the limit if such logs are expected.',
  },
  'state.conflict': {
    kind: 'state',
    meaning:
      'The state of the terminal, or what its release lists, changed while its evidence was on its way; nothing was recorded.',
    next: 'Nothing: the next challenge decides.',
  },
  'session.superseded': {
    kind: 'state',
    meaning: 'A newer connection of the terminal took over; nothing was recorded.',
    next: 'Nothing: the newer connection is challenged at once.',
  },
  'reference.missing': {
    kind: 'state',
    meaning: 'There are no Reference Values for this model of terminal.',
    next: 'Publish a manifest for the model.',
  },
  'verifier.malfunction': {
    kind: 'state',
    meaning: 'The verifier could not appraise the evidence; this says nothing about the terminal.',
    next: 'Look at the log of the verifier and report the defect.',
  },
  'enrolment.fresh': {
    kind: 'state',
    meaning: 'The terminal is enrolled and has not been appraised yet.',
    next: 'Wait for its gate appraisal.',
  },
  'enrolment.token-reused': {
    kind: 'state',
    meaning: 'A used enrolment token was presented again with another attestation key.',
    next: 'Find out who holds the token, then resolve the terminal or enrol it anew.',
  },
  'boot.new': {
    kind: 'info',
    meaning: 'The terminal has rebooted.',
    next: 'Nothing: the new boot was appraised at the gate.',
  },
  'release.new': {
    kind: 'info',
    meaning: 'The terminal runs another release than in its boot before.',
    next: 'Nothing: the release is listed.',
  },
  'firmware.volatile': {
    kind: 'info',
    meaning: 'The firmware log holds events that the release takes whatever they measured.',
    next: 'Nothing, where that was reviewed; otherwise publish a manifest that lists their digests.',
  },
  'ima.excluded': {
    kind: 'info',
    meaning: 'Files ran from places that the release excludes: nobody knows what they are.',
    next: 'Nothing, where that was reviewed; otherwise publish a manifest without the exclude.',
  },
  'ima.violations': {
    kind: 'info',
    meaning: 'Files were written while they were measured, which the release takes.',
    next: 'Nothing, where that was reviewed; otherwise publish a manifest that does not take violations.',
  },
  'connection.unproven': {
    kind: 'alarm',
    meaning: 'Somebody without the session key spoke in the name of this terminal.',
    next: 'Look at the address it came from. The verdict of the terminal is not touched.',
  },
  'enrolment.unproven': {
    kind: 'alarm',
    meaning: 'An enrolment with a valid token did not prove what the class of the token asks for (F-07, F-09).',
    next: 'See in the detail what was missing: make a token of the class that the terminal is, or find out who holds this one.',
  },
  'enrolment.ek-reused': {
    kind: 'alarm',
    meaning:
      'A terminal was to be enrolled with the endorsement key of another one: one TPM, or a copy, under two names.',
    next: 'Find both machines. Where a TPM was moved on purpose, enrol the terminal it came from anew, with another TPM, first.',
  },
} as const satisfies Readonly<Record<string, Reason>>;

export type ReasonCode = keyof typeof REASONS;

export function isReasonCode(code: string): code is ReasonCode {
  return Object.hasOwn(REASONS, code);
}
