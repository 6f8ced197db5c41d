import type { VectorFile } from '../format/vector-file.ts';
import { fileSchema, schemaName } from '../format/vector-file.ts';
import { VECTOR_FILE_NAMES } from '../test-type/table.ts';
import { appraisalDraft } from './appraisal/appraisal.ts';
import { attestationKeyDraft } from './attestation-key.ts';
import { claimsDraft } from './claims.ts';
import { codecDraft } from './codec.ts';
import { componentListDraft } from './component-list.ts';
import { assemble, type Draft } from './draft.ts';
import { enrolmentTokenDraft } from './enrolment-token.ts';
import { eventLogDraft } from './event-log.ts';
import { helloDraft } from './hello.ts';
import { manifestDraft } from './manifest.ts';
import { measuredLogsDraft } from './measured-logs.ts';
import { messageDraft } from './message.ts';
import { namesDraft } from './names.ts';
import { pcrDigestDraft } from './pcr-digest.ts';
import { qualifyingDataDraft } from './qualifying-data.ts';
import { quoteDraft } from './quote/quote.ts';
import { sessionDraft } from './session.ts';
import { signatureDraft } from './signature.ts';
import { tpmStructureDraft } from './tpm-structure.ts';

const DRAFTS: readonly (() => Draft)[] = [
  codecDraft,
  tpmStructureDraft,
  namesDraft,
  pcrDigestDraft,
  attestationKeyDraft,
  signatureDraft,
  quoteDraft,
  qualifyingDataDraft,
  helloDraft,
  claimsDraft,
  componentListDraft,
  eventLogDraft,
  messageDraft,
  enrolmentTokenDraft,
  manifestDraft,
  measuredLogsDraft,
  sessionDraft,
  appraisalDraft,
];

/** Every file that this package generates, by its path in the package: the vectors and their schemas. */
export function generatedFiles(): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const draft of DRAFTS) {
    const { file, ...rest } = draft();
    files.set(`data/${file}.json`, vectorText(assemble({ file, ...rest })));
  }
  for (const name of VECTOR_FILE_NAMES) {
    const schema = { $schema: 'https://json-schema.org/draft/2020-12/schema', title: name, ...fileSchema(name) };
    files.set(`schema/${schemaName(name)}`, `${JSON.stringify(schema, undefined, 1)}\n`);
  }
  return files;
}

/** One line for each test: a change shows in a diff as the vectors that it touched. */
function vectorText({ groups, notes, ...head }: VectorFile): string {
  const lines = Object.entries(head).map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)},`);
  const noteLines = Object.entries(notes).map(([flag, one]) => `    ${JSON.stringify(flag)}: ${JSON.stringify(one)}`);
  const groupTexts = groups.map(({ tests, ...shared }) => {
    const testLines = tests.map((test) => `        ${JSON.stringify(test)}`);
    const fields = Object.entries(shared).map(
      ([name, value]) => `      ${JSON.stringify(name)}: ${JSON.stringify(value)},\n`,
    );
    return `    {\n${fields.join('')}      "tests": [\n${testLines.join(',\n')}\n      ]\n    }`;
  });
  return [
    '{',
    ...lines,
    `  "notes": {\n${noteLines.join(',\n')}\n  },`,
    `  "groups": [\n${groupTexts.join(',\n')}\n  ]`,
    '}',
    '',
  ].join('\n');
}
