import { choice, count, hex, listOf, orNull, record, text, u64, yesNo } from '../format/fragment.ts';
import type { Schema } from '../format/schema.ts';
import type { AcceptedBefore } from '../implementation/implementation.ts';
import { BINDING, bindingOf } from './contexts.ts';
import {
  byteStringsOf,
  bytesOf,
  flagOf,
  numberOf,
  optionalBytesOf,
  optionalNumberOf,
  optionalRecordOf,
  recordOf,
  textOf,
  u64Of,
} from './fields.ts';
import { ACCEPTED, type Fields, lacks, type TestType } from './test-type.ts';

const PREVIOUS: Schema = record(
  {
    clock: u64('milliseconds of the last accepted quote'),
    resetCount: count('of that quote'),
    restartCount: count('of that quote'),
    safe: yesNo('of that quote'),
    count: count('events accepted'),
    pcrs: hex('the 24 values of the SHA-256 bank after them', 768),
    auditCounter: u64('accepted'),
    release: count('that runs'),
    listDigest: hex('of the component list last appraised', 32),
    referenceUnchanged: yesNo('whether the release lists today what it listed when those events were appraised'),
    imaCount: count('entries of the IMA list accepted'),
    imaSeen: count('entries of the IMA list seen'),
  },
  ['imaCount', 'imaSeen'],
);

/** One finding for each invalid vector: a second one would hide that an implementation misses the first. */
export const APPRAISAL: TestType = {
  name: 'Appraisal',
  about: 'evidence appraised against everything that a verifier knows (SPEC.md 7)',
  group: {
    algorithm: choice('of the AK', ['ecdsa-p256']),
    enrolment: record({
      terminal: text('the terminal'),
      compartment: text('the compartment'),
      ownershipEpoch: u64('of the compartment'),
      public: hex('TPMT_PUBLIC of the AK'),
      qualifiedName: hex('of the AK'),
    }),
    manifest: orNull(
      hex('payload of the newest manifest for the model, its signature verified; null where there is none'),
    ),
    audience: text('the name of this verifier'),
  },
  test: {
    challenge: hex('the challenge message as sent'),
    binding: BINDING,
    attest: hex('TPMS_ATTEST'),
    signature: hex('TPMT_SIGNATURE'),
    claims: hex('as received'),
    slices: listOf('the log from the cursor of the challenge on', hex('whole records')),
    lists: listOf('the component lists at hand', hex('one list')),
    pcrs: hex('values of the selected PCRs, where the challenge asks for logs of the platform'),
    firmware: hex('the firmware log, where one came'),
    ima: hex('the IMA list from the entry on that the challenge names, where one came'),
    previous: PREVIOUS,
    now: count('wall clock, milliseconds since 1970'),
    verdict: choice('of the appraisal', ['trusted', 'untrusted', 'unknown']),
  },
  optional: ['previous', 'pcrs', 'firmware', 'ima'],
  algorithm: (group) => textOf(group, 'algorithm'),
  beyondProtocol: true,
  decide: async (implementation, group, test) => {
    const enrolment = recordOf(group, 'enrolment');
    const appraised = await implementation.appraisal?.({
      terminal: textOf(enrolment, 'terminal'),
      compartment: textOf(enrolment, 'compartment'),
      ownershipEpoch: u64Of(enrolment, 'ownershipEpoch'),
      public: bytesOf(enrolment, 'public'),
      qualifiedName: bytesOf(enrolment, 'qualifiedName'),
      manifest: group['manifest'] === null ? undefined : optionalBytesOf(group, 'manifest'),
      challenge: bytesOf(test, 'challenge'),
      binding: bindingOf(test),
      audience: textOf(group, 'audience'),
      attest: bytesOf(test, 'attest'),
      signature: bytesOf(test, 'signature'),
      claims: bytesOf(test, 'claims'),
      slices: byteStringsOf(test, 'slices'),
      lists: byteStringsOf(test, 'lists'),
      pcrs: optionalBytesOf(test, 'pcrs'),
      firmware: optionalBytesOf(test, 'firmware'),
      ima: optionalBytesOf(test, 'ima'),
      previous: previousOf(test),
      now: numberOf(test, 'now'),
    });
    if (appraised === undefined) return lacks('Appraisal');
    const { verdict, codes } = appraised;
    if (verdict !== test['verdict']) return { kind: 'differs', detail: `${verdict}: ${codes.join(', ')}` };
    const [code, ...more] = codes;
    if (more.length > 0) return { kind: 'differs', detail: codes.join(', ') };
    return code === undefined ? ACCEPTED : { kind: 'refused', code };
  },
};

function previousOf(test: Fields): AcceptedBefore | undefined {
  const previous = optionalRecordOf(test, 'previous');
  if (previous === undefined) return undefined;
  return {
    clock: u64Of(previous, 'clock'),
    resetCount: numberOf(previous, 'resetCount'),
    restartCount: numberOf(previous, 'restartCount'),
    safe: flagOf(previous, 'safe'),
    count: numberOf(previous, 'count'),
    pcrs: bytesOf(previous, 'pcrs'),
    auditCounter: u64Of(previous, 'auditCounter'),
    release: numberOf(previous, 'release'),
    listDigest: bytesOf(previous, 'listDigest'),
    referenceUnchanged: flagOf(previous, 'referenceUnchanged'),
    imaCount: optionalNumberOf(previous, 'imaCount'),
    imaSeen: optionalNumberOf(previous, 'imaSeen'),
  };
}
