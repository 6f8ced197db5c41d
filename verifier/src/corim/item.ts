import { shownText } from '@mtm-attest/protocol';
import { Tagged } from 'cborg';
import { VerifierError } from '../error.ts';
import { decodeCbor } from './cbor.ts';

/** Names of a map's keys: integers, as CoRIM has them. */
export type KeyNames<Name extends string> = Readonly<Record<Name, number>>;

/** A decoded data item and its place in the document; every refusal names that place. */
export class Item {
  readonly value: unknown;
  readonly #parent: Item | undefined;
  readonly #step: string | number;

  constructor(value: unknown, parent?: Item, step: string | number = '') {
    this.value = value;
    this.#parent = parent;
    this.#step = step;
  }

  /** `tags[0].triples.reference-triples[1]`; the document itself is `document` */
  get path(): string {
    return this.#steps() || 'document';
  }

  #steps(): string {
    const before = this.#parent === undefined ? '' : this.#parent.#steps();
    if (typeof this.#step === 'number') return `${before}[${this.#step}]`;
    return [before, this.#step].filter((part) => part !== '').join('.');
  }

  refusal(what: string, code: 'corim.schema' | 'corim.header' | 'corim.profile' = 'corim.schema'): VerifierError {
    return new VerifierError(code, `${this.path}: ${what}`);
  }

  child(value: unknown, step: string | number): Item {
    return new Item(value, this, step);
  }

  text(): string {
    if (typeof this.value !== 'string') throw this.refusal('not text');
    return this.value;
  }

  bytes(least: number, most: number): Uint8Array {
    if (!(this.value instanceof Uint8Array)) throw this.refusal('not bytes');
    const { length } = this.value;
    if (length < least || length > most) throw this.refusal(`${length} bytes`);
    return this.value;
  }

  uint(most: number = Number.MAX_SAFE_INTEGER): number {
    if (typeof this.value !== 'number' || !Number.isInteger(this.value) || this.value < 0 || this.value > most) {
      throw this.refusal('not an unsigned integer of its range');
    }
    return this.value;
  }

  /** The members of an array of at least one. */
  *members(): Generator<Item> {
    if (!Array.isArray(this.value)) throw this.refusal('not an array');
    if (this.value.length === 0) throw this.refusal('empty');
    for (let i = 0; i < this.value.length; i++) yield this.child(this.value[i], i);
  }

  /** The members of an array of a fixed length. */
  tuple(least: number, most: number = least): readonly Item[] {
    if (!Array.isArray(this.value) || this.value.length < least || this.value.length > most) {
      throw this.refusal(`not an array of ${least}`);
    }
    return this.value.map((member, i) => this.child(member, i));
  }

  /** @param open whether keys without a name are left alone; where they are not, they are extensions that nobody here knows */
  map<Name extends string>(names: KeyNames<Name>, open = false): Fields<Name> {
    if (!(this.value instanceof Map)) throw this.refusal('not a map');
    const map: ReadonlyMap<unknown, unknown> = this.value;
    if (!open) {
      if (map.size === 0) throw this.refusal('empty');
      const known: ReadonlySet<unknown> = new Set(Object.values(names));
      for (const key of map.keys()) {
        if (!known.has(key)) throw this.refusal(`unknown key ${shownText(String(key).slice(0, 32))}`);
      }
    }
    return new Fields(this, map, names);
  }

  entries(): ReadonlyMap<unknown, unknown> {
    if (!(this.value instanceof Map)) throw this.refusal('not a map');
    if (this.value.size === 0) throw this.refusal('empty');
    return this.value;
  }

  get tag(): number | undefined {
    return this.value instanceof Tagged ? this.value.tag : undefined;
  }

  /** What the tag stands before. */
  tagged(tag: number): Item {
    if (!(this.value instanceof Tagged) || this.value.tag !== tag) throw this.refusal(`no tag ${tag}`);
    return new Item(this.value.value, this);
  }

  /** The data item that bytes hold. */
  embedded(): Item {
    if (!(this.value instanceof Uint8Array)) throw this.refusal('not bytes');
    try {
      return new Item(decodeCbor(this.value), this);
    } catch (error) {
      if (!(error instanceof VerifierError)) throw error;
      throw new VerifierError(error.code, `${this.path}: ${error.detail ?? ''}`, { cause: error });
    }
  }
}

/** The members of a map by their names. */
export class Fields<Name extends string> {
  readonly #item: Item;
  readonly #map: ReadonlyMap<unknown, unknown>;
  readonly #names: KeyNames<Name>;

  constructor(item: Item, map: ReadonlyMap<unknown, unknown>, names: KeyNames<Name>) {
    this.#item = item;
    this.#map = map;
    this.#names = names;
  }

  get(name: Name): Item | undefined {
    const key = this.#names[name];
    return this.#map.has(key) ? this.#item.child(this.#map.get(key), name) : undefined;
  }

  need(name: Name): Item {
    const found = this.get(name);
    if (found === undefined) throw this.#item.child(undefined, name).refusal('missing');
    return found;
  }
}
