import { choice, count, decoded, hex, text } from '../format/fragment.ts';
import type { Schema } from '../format/schema.ts';
import type { Answer, Implementation, Parsed, Side, TpmStructure } from '../implementation/implementation.ts';
import { bytesOf, numberOf, textOf } from './fields.ts';
import { type Fields, lacks, meaning, parsedAs, type TestType } from './test-type.ts';

const INPUT = { input: hex('the bytes to decode') };
const VALUE = decoded('what a valid input decodes to; absent in invalid vectors');

interface ParserForm {
  readonly name: string;
  readonly about: string;
  readonly group?: Readonly<Record<string, Schema>>;
  /** undefined where the implementation has no such parser */
  readonly parse: (implementation: Implementation, input: Uint8Array, group: Fields) => Answer<Parsed> | undefined;
}

/** Bytes in; a value and the same bytes out, or a refusal with its offset. */
function parser({ name, about, group = {}, parse }: ParserForm): TestType {
  return {
    name,
    about,
    group,
    test: { ...INPUT, value: VALUE },
    optional: ['value'],
    decide: async (implementation, fields, test) => {
      const input = bytesOf(test, 'input');
      const parsed = await parse(implementation, input, fields);
      return parsed === undefined ? lacks(name) : parsedAs(parsed, input, test);
    },
  };
}

export const CODEC: TestType = parser({
  name: 'Codec',
  about: 'strict canonical msgpack: one encoding for each value (SPEC.md 2)',
  parse: (implementation, input) => implementation.codec?.(input),
});

export const TPM_STRUCTURE: TestType = parser({
  name: 'TpmStructure',
  about: 'one structure of TPM 2.0 Library Part 2, consumed exactly',
  group: { structure: choice('which structure', ['attest', 'public', 'signature', 'pcr-selection']) },
  parse: (implementation, input, group) =>
    implementation.tpmStructure?.(textOf(group, 'structure') as TpmStructure, input),
});

export const CLAIMS: TestType = parser({
  name: 'Claims',
  about: 'what qualifyingData covers beside the context (SPEC.md 5.2)',
  parse: (implementation, input) => implementation.claims?.(input),
});

export const COMPONENT_LIST: TestType = parser({
  name: 'ComponentList',
  about: 'what one audit measured (SPEC.md 4.4)',
  parse: (implementation, input) => implementation.componentList?.(input),
});

export const LOG_RECORDS: TestType = parser({
  name: 'LogRecords',
  about: 'a slice of whole records (SPEC.md 4.1)',
  parse: (implementation, input) => implementation.records?.(input),
});

export const LOG_EVENT: TestType = parser({
  name: 'LogEvent',
  about: 'the content of one record (SPEC.md 4.3)',
  group: { pcr: count('the PCR that the record names') },
  parse: (implementation, input, group) => implementation.event?.(numberOf(group, 'pcr'), input),
});

export const MESSAGE: TestType = parser({
  name: 'Message',
  about: 'one message of the protocol (SPEC.md 6)',
  group: { from: choice('whose messages may come in', ['terminal', 'verifier']) },
  parse: (implementation, input, group) => implementation.message?.(textOf(group, 'from') as Side, input),
});

export const SIGNED_MANIFEST: TestType = parser({
  name: 'SignedManifest',
  about: 'payload and signatures, not yet verified (SPEC.md 8.2)',
  parse: (implementation, input) => implementation.signedManifest?.(input),
});

export const MANIFEST: TestType = parser({
  name: 'Manifest',
  about: 'the Reference Values of a model (SPEC.md 8.1)',
  parse: (implementation, input) => implementation.manifest?.(input),
});

export const ENROLMENT_TOKEN: TestType = {
  name: 'EnrolmentToken',
  about: 'the one string that an operator hands to a terminal (SPEC.md 6.5)',
  group: {},
  test: { text: text('the token'), value: VALUE },
  optional: ['value'],
  decide: async (implementation, _group, test) => {
    const parsed = await implementation.enrolmentToken?.(textOf(test, 'text'));
    if (parsed === undefined) return lacks('EnrolmentToken');
    if (parsed.encoded !== textOf(test, 'text')) return { kind: 'differs', detail: `re-encodes to ${parsed.encoded}` };
    return meaning(parsed.value, test['value']);
  },
};
