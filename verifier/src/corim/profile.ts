import { VerifierError } from '../error.ts';
import type { Corim } from './corim.ts';
import { PARSEC_TPM_PROFILE, parsecTpmFault } from './parsec-tpm-profile.ts';

/** What is wrong with a document by the rules of its profile, and where. */
export interface ProfileFault {
  /** relative to the document */
  readonly path: string;
  readonly what: string;
}

type Rules = (tags: Corim['tags']) => ProfileFault | undefined;

const PROFILES: ReadonlyMap<string, Rules> = new Map([[PARSEC_TPM_PROFILE, parsecTpmFault]]);

export function isKnownProfile(profile: string): boolean {
  return PROFILES.has(profile);
}

/** @throws VerifierError `corim.profile` */
export function checkProfile({ profile, tags }: Corim, documentPath: string): void {
  const fault = profile === undefined ? undefined : PROFILES.get(profile)?.(tags);
  if (fault === undefined) return;
  const path = documentPath === 'document' ? fault.path : `${documentPath}.${fault.path}`;
  throw new VerifierError('corim.profile', `${path}: ${fault.what}`);
}
