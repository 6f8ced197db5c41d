import { isUtf8 } from 'node:buffer';
import { shownText } from '@mtm-attest/protocol';
import * as v from 'valibot';
import { VerifierError } from '../error.ts';
import { claimsMoreThan, TIERS, type Tier, TRUST_CLAIMS, type TrustVector, tierOfVector, worstTier } from './ar4si.ts';
import { unverifiedClaims, verifyEar } from './ear-jwt.ts';
import { type EarProfile, earProfile } from './profile.ts';
import type { PublicJwk } from './public-jwk.ts';

/** What an EAR says of one attester. */
export interface EarAppraisal {
  readonly status: Tier;
  readonly vector: TrustVector | undefined;
  readonly policies: readonly string[];
}

/** An EAR as read: claims that nobody knows are left out, as the draft demands of receivers. */
export interface Ear {
  readonly profile: string;
  /** seconds since 1970 */
  readonly issuedAt: number;
  readonly expiresAt: number | undefined;
  readonly verifier: { readonly developer: string; readonly build: string };
  readonly nonces: readonly string[];
  readonly status: Tier | undefined;
  readonly submodules: ReadonlyMap<string, EarAppraisal>;
}

export interface ReadEar {
  readonly ear: Ear;
  readonly signature: 'verified' | 'notChecked';
}

export interface EarConditions {
  /** without it the signature is not checked, and the answer says so */
  readonly key?: PublicJwk | undefined;
  /** wall clock, milliseconds since 1970 */
  readonly at: number;
}

const MAX_BYTES = 1_048_576;

/**
 * Reads an EAR: a JWT, or bare claims in JSON. A number in floating-point form that is whole cannot be told from an integer once parsed, and passes.
 *
 * @param bytes at most 1 MiB; white space around it is allowed
 * @throws VerifierError `ear.*`; the detail begins with the path of the claim
 */
export async function readEar(bytes: Uint8Array, { key, at }: EarConditions): Promise<ReadEar> {
  if (bytes.length > MAX_BYTES) throw new VerifierError('ear.form', `more than ${MAX_BYTES} bytes`);
  const text = textOf(bytes).trim();
  if (text.startsWith('{')) {
    if (key !== undefined)
      throw new VerifierError('ear.signature', 'bare claims are not signed: read them without a key');
    return { ear: readClaims(parsed(text), at), signature: 'notChecked' };
  }
  const claims = key === undefined ? unverifiedClaims(text) : await verifyEar(text, key);
  return { ear: readClaims(parsed(textOf(claims)), at), signature: key === undefined ? 'notChecked' : 'verified' };
}

function textOf(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw new VerifierError('ear.form', 'not UTF-8');
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new VerifierError('ear.form', 'not JSON', { cause });
  }
}

const MAX_TEXT = 4096;
const MAX_SUBMODULES = 4096;
const MAX_NONCES = 16;
// RFC 9711 section 4.1: the JSON form of 8 to 64 bytes.
const nonce = v.pipe(v.string(), v.minLength(8), v.maxLength(88));
const text = v.pipe(v.string(), v.maxLength(MAX_TEXT));
const seconds = v.pipe(v.number(), v.safeInteger());
const trustValue = v.pipe(v.number(), v.integer(), v.minValue(-128), v.maxValue(127));
const vectorForm = v.object(v.entriesFromList(TRUST_CLAIMS, v.exactOptional(trustValue)));

const envelope = v.object({
  eat_profile: v.string(),
  iat: seconds,
  exp: v.optional(seconds),
  nbf: v.optional(v.number()),
  eat_nonce: v.optional(v.union([nonce, v.pipe(v.array(nonce), v.minLength(2), v.maxLength(MAX_NONCES))])),
});

const verifierForm = v.object({ developer: text, build: text });

const MS_PER_SECOND = 1000;

function readClaims(claims: unknown, at: number): Ear {
  const all = mapOf(claims, 'claims');
  const uri = checked(v.string(), all['eat_profile'], 'eat_profile');
  const profile = earProfile(uri);
  if (profile === undefined) throw new VerifierError('ear.profile', `eat_profile: ${shownText(uri.slice(0, 128))}`);
  const { iat, exp, nbf, eat_nonce: nonces } = checked(envelope, all, '');
  const verifier = checked(verifierForm, all[profile.verifierId], profile.verifierId);
  checked(v.optional(v.string()), all[profile.rawEvidence], profile.rawEvidence);
  const submodules = readSubmodules(all['submods'], profile);
  const status = checked(v.optional(v.picklist(TIERS)), all[profile.status], profile.status);
  const worst = worstTier([...submodules.values()].map((one) => one.status));
  if (status !== undefined && claimsMoreThan(status, worst)) {
    throw new VerifierError('ear.status', `${profile.status}: ${status}, and a submodule is ${worst}`);
  }
  if (exp !== undefined && at >= exp * MS_PER_SECOND) throw new VerifierError('ear.expired', `exp: ${exp}`);
  if (nbf !== undefined && at < nbf * MS_PER_SECOND) throw new VerifierError('ear.expired', `nbf: ${nbf}`);
  return {
    profile: uri,
    issuedAt: iat,
    expiresAt: exp,
    verifier,
    nonces: nonces === undefined ? [] : [nonces].flat(),
    status,
    submodules,
  };
}

type Claims = Readonly<Record<string, unknown>>;

/** Every label counts, also one that is a word of the language. */
function readSubmodules(submods: unknown, profile: EarProfile): ReadonlyMap<string, EarAppraisal> {
  const entries = Object.entries(mapOf(submods, 'submods'));
  if (entries.length === 0) throw new VerifierError('ear.claims', 'submods: empty');
  if (entries.length > MAX_SUBMODULES) throw new VerifierError('ear.claims', `submods: more than ${MAX_SUBMODULES}`);
  return new Map(
    entries.map(([label, claims]) => [
      label,
      readAppraisal(claims, profile, `submods.${shownText(label.slice(0, 64))}`),
    ]),
  );
}

function readAppraisal(appraisal: unknown, profile: EarProfile, path: string): EarAppraisal {
  const claims = mapOf(appraisal, path);
  const { policy } = profile;
  const status = checked(v.picklist(TIERS), claims[profile.status], `${path}.${profile.status}`);
  const vector = checked(v.optional(vectorForm), claims[profile.vector], `${path}.${profile.vector}`);
  const policyForm = policy.form === 'text' ? text : v.pipe(v.array(text), v.minLength(1));
  const policies = checked(v.optional(policyForm), claims[policy.claim], `${path}.${policy.claim}`);
  const worst = vector === undefined ? 'none' : tierOfVector(vector);
  if (claimsMoreThan(status, worst)) {
    throw new VerifierError('ear.status', `${path}.${profile.status}: ${status}, and its vector is ${worst}`);
  }
  return { status, vector, policies: policies === undefined ? [] : [policies].flat() };
}

function mapOf(value: unknown, path: string): Claims {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Claims;
  throw new VerifierError('ear.claims', `${path}: ${value === undefined ? 'missing' : 'not a map'}`);
}

function checked<T>(form: v.GenericSchema<unknown, T>, value: unknown, path: string): T {
  const result = v.safeParse(form, value, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const where = [path, v.getDotPath(issue)].filter((part) => part !== null && part !== '').join('.');
  throw new VerifierError(
    'ear.claims',
    `${where}: ${value === undefined ? 'missing' : shownText(issue.message.slice(0, 200))}`,
  );
}
