import * as v from 'valibot';
import { type ImportedCorim, importCorim } from '../../src/corim/import-corim.ts';
import { readPublicJwk } from '../../src/ear/public-jwk.ts';
import { type VerifierCode, VerifierError } from '../../src/error.ts';
import type { Folder } from './folder.ts';

const time = v.pipe(v.string(), v.transform(Date.parse));

export const corimCase = v.object({
  id: v.string(),
  file: v.string(),
  form: v.picklist(['unsigned', 'cose-sign1']),
  key: v.optional(v.string()),
  at: v.optional(time),
  validity: v.optional(v.object({ notBefore: time, notAfter: time })),
  profile: v.optional(v.string()),
  expected: v.picklist(['valid', 'reject', 'valid-or-coded-refusal']),
  reason: v.optional(v.string()),
});

type CorimCase = v.InferOutput<typeof corimCase>;

/** Where a case names no time: inside the validity of every document that has one. */
const AT = Date.UTC(2024, 5, 1);

/** The code that says what a case's reason says; for the other reasons it is the profile's rules. */
const CODES: Readonly<Record<string, VerifierCode>> = {
  'its validity ended 2025-12-31': 'corim.validity',
  'another key': 'corim.signature',
  'no COSE_Sign1 tag': 'corim.form',
  'the payload is no CBOR': 'corim.cbor',
  'the tags field is missing': 'corim.schema',
  'no content type': 'corim.header',
  'another content type': 'corim.header',
};

/** @returns why a CoRIM did not come out as expected */
export function corimFault(one: CorimCase, folder: Folder): string | undefined {
  const key = one.key === undefined ? undefined : readPublicJwk(folder.read(one.key).toString('utf8'));
  try {
    const imported = importCorim(folder.read(one.file), { key, at: one.at ?? AT });
    return one.expected === 'reject' ? 'accepted' : factsFault(one, imported);
  } catch (error) {
    if (!(error instanceof VerifierError)) return `no code: ${String(error)}`;
    if (one.expected === 'valid') return `rejected: ${error.message}`;
    if (one.reason === undefined) return undefined;
    const code = CODES[one.reason] ?? 'corim.profile';
    return error.code === code ? undefined : `${error.code} instead of ${code}`;
  }
}

function factsFault({ key, profile, validity }: CorimCase, imported: ImportedCorim): string | undefined {
  const { corim, signature, header } = imported;
  if ((signature === 'verified') !== (key !== undefined)) return `signature ${signature}`;
  if (corim.profile !== profile) return `profile ${corim.profile ?? 'none'}`;
  const [found] = header?.validities ?? [];
  if (found?.notBefore !== validity?.notBefore || found?.notAfter !== validity?.notAfter) return 'another validity';
  return undefined;
}
