import { choice, decoded, hex } from '../format/fragment.ts';
import type { Plain } from '../format/plain.ts';
import type { Answer, CelQuestion, ImaQuestion, Implementation } from '../implementation/implementation.ts';
import { bytesOf, textOf } from './fields.ts';
import { type Fields, lacks, meaning, type TestType } from './test-type.ts';

const INPUT = { input: hex('the log or list, as a file holds it') };
const VALUE = decoded(
  'what it leads to: counts, and PCRs that are not at their reset value as [bank, index, value]; absent in invalid vectors',
);

/** A log that other software writes: what it leads to, or a refusal with its offset. There is no writer to hold the bytes against. */
function measuredLog(
  name: string,
  about: string,
  group: TestType['group'],
  replay: (implementation: Implementation, input: Uint8Array, group: Fields) => Answer<Plain> | undefined,
): TestType {
  return {
    name,
    about,
    group,
    test: { ...INPUT, value: VALUE },
    optional: ['value'],
    decide: async (implementation, fields, test) => {
      const reached = await replay(implementation, bytesOf(test, 'input'), fields);
      return reached === undefined ? lacks(name) : meaning(reached, test['value']);
    },
  };
}

export const TCG_LOG: TestType = measuredLog(
  'TcgLog',
  'an event log of firmware (TCG PC Client Platform Firmware Profile 10)',
  {},
  (implementation, input) => implementation.tcgLog?.(input),
);

export const IMA_LIST: TestType = measuredLog(
  'ImaList',
  'a measurement list of Linux IMA (IMA-templates)',
  { rule: choice('what other banks than SHA-1 were extended with', ['per-bank', 'padded']) },
  (implementation, input, group) => implementation.imaList?.(textOf(group, 'rule') as ImaQuestion['rule'], input),
);

export const IMA_SIGNATURE: TestType = measuredLog(
  'ImaSignature',
  'a file signature of version 2, not yet verified (Linux, security/integrity)',
  {},
  (implementation, input) => implementation.imaSignature?.(input),
);

export const CEL_LOG: TestType = measuredLog(
  'CelLog',
  'a canonical event log (TCG Canonical Event Log Format 5)',
  {
    encoding: choice('of the log', ['tlv', 'json']),
    numbering: choice('what recnum counts', ['per-index', 'global']),
  },
  (implementation, input, group) =>
    implementation.celLog?.(
      {
        encoding: textOf(group, 'encoding') as CelQuestion['encoding'],
        numbering: textOf(group, 'numbering') as CelQuestion['numbering'],
      },
      input,
    ),
);
