import { type CryptoKey, readCryptoKey } from './crypto-key.ts';
import { type Environment, readEnvironment } from './environment.ts';
import { documentId } from './identifier.ts';
import type { Item } from './item.ts';
import { type Measurement, readMeasurement } from './measurement.ts';

/** Reference Values for one environment. */
export interface ReferenceTriple {
  readonly environment: Environment;
  readonly measurements: readonly Measurement[];
}

/** Keys that an environment attests with. */
export interface AttestKeyTriple {
  readonly environment: Environment;
  readonly keys: readonly CryptoKey[];
}

/** A Concise Module Identifier (draft-ietf-rats-corim, Concise Module Identifier). */
export interface Comid {
  readonly id: string;
  readonly references: readonly ReferenceTriple[];
  readonly attestKeys: readonly AttestKeyTriple[];
}

const COMID = { language: 0, 'tag-identity': 1, entities: 2, 'linked-tags': 3, triples: 4 } as const;
const IDENTITY = { 'tag-id': 0, 'tag-version': 1 } as const;
const ENTITY = { 'entity-name': 0, 'reg-id': 1, role: 2 } as const;
const TRIPLES = {
  'reference-triples': 0,
  'endorsed-triples': 1,
  'identity-triples': 2,
  'attest-key-triples': 3,
  'dependency-triples': 4,
  'membership-triples': 5,
  'coswid-triples': 6,
  'conditional-endorsement-series-triples': 8,
  'conditional-endorsement-triples': 10,
} as const;

const NOT_IMPORTED = [
  'endorsed-triples',
  'identity-triples',
  'dependency-triples',
  'membership-triples',
  'coswid-triples',
  'conditional-endorsement-series-triples',
  'conditional-endorsement-triples',
] as const;

const URI_TAG = 32;

/** @param leftOut takes the path of every part that says something and is not imported */
export function readComid(item: Item, leftOut: (path: string) => void): Comid {
  const fields = item.map(COMID);
  fields.get('language')?.text();
  const identity = fields.need('tag-identity').map(IDENTITY);
  identity.get('tag-version')?.uint();
  checkEntities(fields.get('entities'), 0, 2);
  const linked = fields.get('linked-tags');
  if (linked !== undefined) leftOut(linked.path);
  const triples = fields.need('triples').map(TRIPLES);
  for (const name of NOT_IMPORTED) {
    const present = triples.get(name);
    if (present !== undefined) leftOut(present.path);
  }
  return {
    id: documentId(identity.need('tag-id')),
    references: Array.from(triples.get('reference-triples')?.members() ?? [], readReference),
    attestKeys: Array.from(triples.get('attest-key-triples')?.members() ?? [], readAttestKeys),
  };
}

function readReference(item: Item): ReferenceTriple {
  const [environment, claims] = item.tuple(2);
  if (environment === undefined || claims === undefined) throw item.refusal('not a triple');
  return { environment: readEnvironment(environment), measurements: Array.from(claims.members(), readMeasurement) };
}

function readAttestKeys(item: Item): AttestKeyTriple {
  const [environment, keys, conditions] = item.tuple(2, 3);
  if (environment === undefined || keys === undefined) throw item.refusal('not a triple');
  if (conditions !== undefined) throw conditions.refusal('conditions are not known here');
  return { environment: readEnvironment(environment), keys: Array.from(keys.members(), readCryptoKey) };
}

/** Who made a document: name, address, roles from `least` to `most`. */
export function checkEntities(entities: Item | undefined, least: number, most: number): void {
  for (const entity of entities?.members() ?? []) {
    const fields = entity.map(ENTITY);
    fields.need('entity-name').text();
    fields.get('reg-id')?.tagged(URI_TAG).text();
    for (const role of fields.need('role').members()) {
      if (role.uint(most) < least) throw role.refusal('unknown role');
    }
  }
}
