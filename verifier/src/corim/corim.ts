import { shownText } from '@mtm-attest/protocol';
import { type Comid, checkEntities, readComid } from './comid.ts';
import { documentId, taggedIdentifier } from './identifier.ts';
import type { Item } from './item.ts';
import { checkProfile, isKnownProfile } from './profile.ts';
import { readValidity, type Validity } from './validity.ts';

/** A Concise Reference Integrity Manifest (draft-ietf-rats-corim, CoRIM Map), as far as it is imported. */
export interface Corim {
  readonly id: string;
  /** a URI, or `oid:…` */
  readonly profile: string | undefined;
  readonly validity: Validity | undefined;
  readonly tags: readonly Comid[];
  /** paths of parts that say something and are not imported */
  readonly notImported: readonly string[];
}

const CORIM = { id: 0, tags: 1, 'dependent-rims': 2, profile: 3, 'rim-validity': 4, entities: 5 } as const;

const URI_TAG = 32;
const COMID_TAG = 506;
const SWID_TAG = 505;
const TRUST_LIST_TAG = 508;

/**
 * @param item a corim-map
 * @throws VerifierError `corim.schema`, `corim.profile`, `corim.cbor`, `corim.limit`; the detail begins with the path
 */
export function readCorim(item: Item): Corim {
  const profile = readProfile(item);
  const fields = item.map(CORIM);
  const notImported: string[] = [];
  const leftOut = (path: string): void => {
    notImported.push(path);
  };
  checkEntities(fields.get('entities'), 1, 2);
  const dependent = fields.get('dependent-rims');
  if (dependent !== undefined) leftOut(dependent.path);
  const validity = fields.get('rim-validity');
  const tags: Comid[] = [];
  for (const tag of fields.need('tags').members()) {
    if (tag.tag === COMID_TAG) tags.push(readComid(tag.tagged(COMID_TAG).embedded(), leftOut));
    else if (tag.tag === SWID_TAG || tag.tag === TRUST_LIST_TAG) leftOut(tag.path);
    else throw tag.refusal('neither a CoMID, a CoSWID nor a CoTL');
  }
  const corim = {
    id: documentId(fields.need('id')),
    profile,
    validity: validity === undefined ? undefined : readValidity(validity),
    tags,
    notImported,
  };
  checkProfile(corim, item.path);
  return corim;
}

/** Looked at before anything else: under an unknown profile, unknown keys are to be expected. */
function readProfile(item: Item): string | undefined {
  const profile = item.map(CORIM, true).get('profile');
  if (profile === undefined) return undefined;
  const name = profile.tag === URI_TAG ? profile.tagged(URI_TAG).text() : taggedIdentifier(profile);
  if (!isKnownProfile(name)) throw profile.refusal(`unknown: ${shownText(name.slice(0, 128))}`, 'corim.profile');
  return name;
}
