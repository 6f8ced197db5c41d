/** Claims of a trustworthiness vector by their JSON names (draft-ietf-rats-ar4si section 2.3; keys 0 to 7 in this order). */
export const TRUST_CLAIMS = [
  'instance-identity',
  'configuration',
  'executables',
  'file-system',
  'hardware',
  'runtime-opaque',
  'storage-opaque',
  'sourced-data',
] as const;

export type TrustClaim = (typeof TRUST_CLAIMS)[number];

/** Values from -128 to 127; a claim that is absent asserts nothing. */
export type TrustVector = Readonly<Partial<Record<TrustClaim, number>>>;

/** From the best to the worst, as the draft's combination takes them. */
export const TIERS = ['none', 'affirming', 'warning', 'contraindicated'] as const;

export type Tier = (typeof TIERS)[number];

const AFFIRMING_FROM = 2;
const WARNING_FROM = 32;
const CONTRAINDICATED_FROM = 96;

/** The tier of a claim's value: -1 to 1 none, then up to 31 affirming, up to 95 warning; below zero one further from it each. */
export function tierOf(value: number): Tier {
  const distance = value < 0 ? -value - 1 : value;
  if (distance >= CONTRAINDICATED_FROM) return 'contraindicated';
  if (distance >= WARNING_FROM) return 'warning';
  const affirming = value < 0 ? distance >= AFFIRMING_FROM - 1 : distance >= AFFIRMING_FROM;
  return affirming ? 'affirming' : 'none';
}

/** The worst of several; none where there are none. */
export function worstTier(tiers: readonly Tier[]): Tier {
  return TIERS[Math.max(0, ...tiers.map((tier) => TIERS.indexOf(tier)))] ?? 'none';
}

export function tierOfVector(vector: TrustVector): Tier {
  return worstTier(Object.values(vector).map(tierOf));
}

/** Whether `status` claims more trust than `bound` allows. */
export function claimsMoreThan(status: Tier, bound: Tier): boolean {
  return TIERS.indexOf(status) < TIERS.indexOf(bound);
}
