import { APPRAISAL } from './appraisal.ts';
import { HELLO, QUALIFYING_DATA } from './contexts.ts';
import { LOG_REPLAY } from './log-replay.ts';
import { MANIFEST_SIGNATURE } from './manifest-signature.ts';
import { CEL_LOG, IMA_LIST, IMA_SIGNATURE, TCG_LOG } from './measured-logs.ts';
import {
  CLAIMS,
  CODEC,
  COMPONENT_LIST,
  ENROLMENT_TOKEN,
  LOG_EVENT,
  LOG_RECORDS,
  MANIFEST,
  MESSAGE,
  SIGNED_MANIFEST,
  TPM_STRUCTURE,
} from './parsers.ts';
import { ATTESTATION_KEY, NAMES, PCR_DIGEST, QUOTE, SIGNATURE } from './quotes.ts';
import { SESSION_WALK } from './session-walk.ts';
import type { TestType } from './test-type.ts';

/** Every vector file by name, and the types of group that it holds. */
export const VECTOR_FILES = {
  codec: [CODEC],
  'tpm-structure': [TPM_STRUCTURE],
  names: [NAMES],
  'pcr-digest': [PCR_DIGEST],
  'attestation-key': [ATTESTATION_KEY],
  signature: [SIGNATURE],
  quote: [QUOTE],
  'qualifying-data': [QUALIFYING_DATA],
  hello: [HELLO],
  claims: [CLAIMS],
  'component-list': [COMPONENT_LIST],
  'event-log': [LOG_RECORDS, LOG_EVENT, LOG_REPLAY],
  message: [MESSAGE],
  'enrolment-token': [ENROLMENT_TOKEN],
  manifest: [SIGNED_MANIFEST, MANIFEST, MANIFEST_SIGNATURE],
  'measured-logs': [TCG_LOG, IMA_LIST, IMA_SIGNATURE, CEL_LOG],
  session: [SESSION_WALK],
  appraisal: [APPRAISAL],
} as const satisfies Readonly<Record<string, readonly TestType[]>>;

export type VectorFileName = keyof typeof VECTOR_FILES;

export const VECTOR_FILE_NAMES: readonly VectorFileName[] = Object.keys(VECTOR_FILES) as VectorFileName[];

const BY_NAME: ReadonlyMap<string, TestType> = new Map(
  Object.values(VECTOR_FILES).flatMap((types) => types.map((type: TestType) => [type.name, type] as const)),
);

/** The type of a group in a file that was held against its schema. */
export function testType(name: string): TestType {
  const type = BY_NAME.get(name);
  if (type === undefined) throw new RangeError(`no test type: ${name}`);
  return type;
}
