import { fill } from '../bytes.ts';
import type { Draft, DraftGroup } from '../draft.ts';
import { listOf, MANIFEST_BYTES } from './boot.ts';
import { componentTests, releaseTests } from './components.ts';
import { honest } from './honest.ts';
import { identityTests } from './identity.ts';
import { logTests } from './log.ts';
import { MACHINE_MANIFEST_BYTES } from './machine.ts';
import { NOTES } from './notes.ts';
import { platformTests } from './platform.ts';
import { contextTests, quoteTests } from './quote.ts';
import { AK, AT_THE_GATE, AUDIENCE, acceptedAt, TERMINAL } from './scene.ts';
import { gate, RUNTIME, RUNTIME_BEFORE, undecided } from './verdicts.ts';

const ENROLMENT = {
  terminal: TERMINAL,
  compartment: 'mrtm',
  ownershipEpoch: 0n,
  public: AK.area,
  qualifiedName: AK.qualifiedName,
};

/** Evidence end to end. */
export function appraisalDraft(): Draft {
  const shared = { algorithm: 'ecdsa-p256', enrolment: ENROLMENT, audience: AUDIENCE };
  const withReference: DraftGroup = {
    type: 'Appraisal',
    fields: { ...shared, manifest: MANIFEST_BYTES },
    tests: [
      ...honest(),
      ...contextTests(),
      ...quoteTests(),
      ...identityTests(),
      ...logTests(),
      ...releaseTests(),
      ...componentTests(),
      undecided('the component list is not at hand', 'list.missing', { ...AT_THE_GATE, lists: [] }),
      undecided('another list is at hand', 'list.missing', { ...AT_THE_GATE, lists: [listOf(4)] }),
      undecided(
        'the release lists other components than it did when the events behind the cursor were appraised',
        'state.conflict',
        {
          ...RUNTIME,
          previous: { ...acceptedAt(RUNTIME_BEFORE), referenceUnchanged: false },
        },
      ),
    ],
  };
  const ofMachines: DraftGroup = {
    type: 'Appraisal',
    fields: { ...shared, manifest: MACHINE_MANIFEST_BYTES },
    tests: platformTests(),
  };
  const withoutReference: DraftGroup = {
    type: 'Appraisal',
    fields: { ...shared, manifest: null },
    tests: [
      undecided('no manifest for the model', 'reference.missing', AT_THE_GATE),
      undecided('no manifest, in a runtime audit', 'reference.missing', RUNTIME),
      gate('no manifest, and a quote by another key', 'Signer', 'quote.signer', { qualifiedSigner: fill(34, 1) }),
    ],
  };
  return { file: 'appraisal', notes: NOTES, groups: [withReference, withoutReference, ofMachines] };
}
