import * as v from 'valibot';
import { readPublicJwk } from '../../src/ear/public-jwk.ts';
import { type ReadEar, readEar } from '../../src/ear/read-ear.ts';
import { VerifierError } from '../../src/error.ts';
import type { Folder } from './folder.ts';

export const earCase = v.object({
  id: v.string(),
  file: v.string(),
  form: v.picklist(['json', 'jwt']),
  key: v.optional(v.string()),
  profile: v.optional(v.string()),
  status: v.optional(v.record(v.string(), v.string())),
  expected: v.picklist(['valid', 'reject']),
});

type EarCase = v.InferOutput<typeof earCase>;

/** When the results are judged: after all of them were issued, and none of them expires. */
const AT = Date.UTC(2026, 5, 1);

/** @returns why an EAR did not come out as expected */
export async function earFault(one: EarCase, folder: Folder): Promise<string | undefined> {
  const key = one.key === undefined ? undefined : readPublicJwk(folder.read(one.key).toString('utf8'));
  try {
    const read = await readEar(folder.read(one.file), { key, at: AT });
    return one.expected === 'valid' ? factsFault(one, read) : 'accepted';
  } catch (error) {
    if (!(error instanceof VerifierError)) return `no code: ${String(error)}`;
    return one.expected === 'reject' ? undefined : `rejected: ${error.message}`;
  }
}

function factsFault({ form, profile, status }: EarCase, { ear, signature }: ReadEar): string | undefined {
  if (signature !== (form === 'jwt' ? 'verified' : 'notChecked')) return `signature ${signature}`;
  if (profile !== undefined && ear.profile !== profile) return `profile ${ear.profile}`;
  const found = Object.fromEntries([...ear.submodules].map(([label, one]) => [label, one.status]));
  return JSON.stringify(found) === JSON.stringify(status) ? undefined : `status ${JSON.stringify(found)}`;
}
