/** How one EAT profile spells the claims of an EAR in JSON. */
export interface EarProfile {
  readonly uri: string;
  readonly verifierId: string;
  readonly status: string;
  readonly vector: string;
  readonly rawEvidence: string;
  /** one text, or a list of at least one, in the order of their application */
  readonly policy: { readonly claim: string; readonly form: 'text' | 'list' };
}

/** draft-ietf-rats-ear-03, section 3: what this verifier writes. */
export const IETF_PROFILE: EarProfile = {
  uri: 'tag:ietf.org,2026:rats/ear#03',
  verifierId: 'ear_verifier_id',
  status: 'ear_status',
  vector: 'ear_trustworthiness_vector',
  rawEvidence: 'ear_raw_evidence',
  policy: { claim: 'ear_appraisal_policy_ids', form: 'list' },
};

/** What deployed verifiers write, in the spelling of earlier drafts. */
const VERAISON_PROFILE: EarProfile = {
  uri: 'tag:github.com,2023:veraison/ear',
  verifierId: 'ear.verifier-id',
  status: 'ear.status',
  vector: 'ear.trustworthiness-vector',
  rawEvidence: 'ear.raw-evidence',
  policy: { claim: 'ear.appraisal-policy-id', form: 'text' },
};

const PROFILES: readonly EarProfile[] = [IETF_PROFILE, VERAISON_PROFILE];

/** The profile with exactly this URI. */
export function earProfile(uri: string): EarProfile | undefined {
  return PROFILES.find((profile) => profile.uri === uri);
}
