import type { Note } from '../../format/vector-file.ts';
import { note } from '../draft.ts';

export type Flag =
  | 'Context'
  | 'Signer'
  | 'Quote'
  | 'Malformed'
  | 'RolledBack'
  | 'LogReplay'
  | 'LogOrder'
  | 'NotFresh'
  | 'Release'
  | 'Component'
  | 'Event'
  | 'Entry'
  | 'Behind'
  | 'Absent'
  | 'Undecided'
  | 'HighS'
  | 'Slow';

/** Why each vector of the appraisal is there. */
export const NOTES: Readonly<Record<Flag, Note>> = {
  Context: note(
    'REPLAY',
    'evidence for another challenge, connection, purpose or terminal is taken',
    'F-01',
    'F-03',
    'F-05',
    'F-82',
  ),
  Signer: note('IDENTITY', 'another attestation key stands in for the enrolled one', 'F-04', 'F-08'),
  Quote: note('VERIFICATION', 'something else than a quote over what was asked for is taken', 'F-15', 'F-17', 'F-18'),
  Malformed: note('EXACT_CONSUMPTION', 'bytes that are no evidence are taken for some', 'F-19', 'F-42'),
  RolledBack: note(
    'ROLLBACK',
    'an old copy of the state, or a second holder of it, goes unseen',
    'F-20',
    'F-22',
    'F-23',
  ),
  LogReplay: note('VERIFICATION', 'the log does not lead to the quote, and is believed', 'F-26', 'F-27', 'F-28'),
  LogOrder: note('STATE', 'events that are no complete boot in order pass for one', 'F-26', 'F-27'),
  NotFresh: note('REPLAY', 'what was measured earlier is shown as measured now', 'F-24'),
  Release: note('ROLLBACK', 'a release runs that the manifest does not allow any more', 'F-30'),
  Component: note('APPRAISAL', 'a changed, foreign or missing component runs', 'F-24', 'F-34'),
  Event: note('APPRAISAL', 'the firmware loaded or measured what nobody listed', 'F-27'),
  Entry: note('APPRAISAL', 'the kernel measured what nobody listed, or the list is of another boot', 'F-26', 'F-27'),
  Behind: note('REPLAY', 'the quote stays behind the list for ever, and its tail is never looked at', 'F-28'),
  Absent: note('DEFAULT_ALLOW', 'a log that should be there is not missed', 'F-79'),
  Undecided: note('DEFAULT_ALLOW', 'what cannot be appraised is trusted, or held against the terminal', 'F-79'),
  HighS: note('INTEROPERABILITY', 'half of the honest terminals are refused', 'F-61'),
  Slow: note('FALSE_ALARM', 'an honest terminal is condemned'),
};
