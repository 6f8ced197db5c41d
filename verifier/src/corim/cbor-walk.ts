import { isUtf8 } from 'node:buffer';
import { VerifierError } from '../error.ts';

/** Major types of RFC 8949 section 3.1. */
const MAJOR = { bytes: 2, text: 3, array: 4, map: 5, tag: 6, simple: 7 } as const;

/** Tags of draft-ietf-rats-corim, and those of RFC 8949, 9052 and 9090 that it uses. */
export const CBOR_TAGS: readonly number[] = [
  ...[1, 18, 32, 37, 111, 501, 505, 506, 508, 550],
  ...[552, 553, 554, 555, 556, 557, 558, 559, 560, 561, 562, 563, 564],
];

const TAGS: ReadonlySet<number> = new Set(CBOR_TAGS);

/** The deepest document of the draft's examples has 14 levels. */
const MAX_DEPTH = 24;

/** An array, a map or a byte string takes some 200 bytes of memory, so there may be one for so many bytes of input. Real documents have seven or more. */
const BYTES_PER_OBJECT = 5;
const OBJECTS_OF_ANY = 64;

const FALSE = 20;
const NULL = 22;
const UINT8 = 24;
const FLOAT16 = 25;
const FLOAT64 = 27;
const SMALLEST: readonly number[] = [24, 0x100, 0x1_0000, 0x1_0000_0000];

/**
 * Holds bytes to one data item of strict CBOR: shortest lengths, no indefinite ones, UTF-8, known tags, keys that are integers or text,
 * bounded depth and number of objects. It neither recurses nor allocates, so that a decoder that does both may follow.
 *
 * @throws VerifierError `corim.cbor`, `corim.limit`; the detail begins with the byte offset
 */
export function checkCbor(bytes: Uint8Array): void {
  new Walk(bytes).run();
}

class Walk {
  readonly #bytes: Uint8Array;
  /** items left at each level, and whether they are keys and values by turns */
  readonly #left = [1];
  readonly #isMap = [false];
  #objects = 0;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  run(): void {
    while (this.#left.length > 0) {
      const level = this.#left.length - 1;
      const left = this.#left[level] ?? 0;
      if (left === 0) {
        this.#left.pop();
        this.#isMap.pop();
      } else {
        this.#left[level] = left - 1;
        this.#item(this.#isMap[level] === true && left % 2 === 0);
      }
    }
    if (this.#at < this.#bytes.length) throw this.#fault(this.#at, 'bytes follow the item');
  }

  #item(isKey: boolean): void {
    const start = this.#at;
    const head = this.#bytes[this.#at++];
    if (head === undefined) throw this.#fault(start, 'truncated');
    const major = head >> 5;
    if (isKey && (major > MAJOR.text || major === MAJOR.bytes)) {
      throw this.#fault(start, 'a key is neither an integer nor text');
    }
    if (major === MAJOR.simple) {
      this.#simple(head & 31, start);
      return;
    }
    const argument = this.#argument(head & 31, start);
    if (major === MAJOR.bytes || major === MAJOR.text) this.#string(argument, major === MAJOR.text, start);
    else if (major === MAJOR.array || major === MAJOR.map) this.#container(argument, major === MAJOR.map, start);
    else if (major === MAJOR.tag) this.#tag(argument, start);
  }

  /** Exact below 2^53; above, no length or tag fits anyway. */
  #argument(info: number, start: number): number {
    if (info < UINT8) return info;
    if (info > FLOAT64) throw this.#fault(start, info === 31 ? 'indefinite length' : 'reserved');
    const size = 1 << (info - UINT8);
    let value = 0;
    for (const byte of this.#take(size, start)) value = value * 256 + byte;
    if (value < (SMALLEST[info - UINT8] ?? 0)) throw this.#fault(start, 'not the shortest form');
    return value;
  }

  #take(length: number, start: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw this.#fault(start, 'truncated');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  #simple(info: number, start: number): void {
    if (info >= FLOAT16 && info <= FLOAT64) this.#take(1 << (info - UINT8), start);
    else if (info < FALSE || info > NULL) throw this.#fault(start, 'a simple value other than false, true and null');
  }

  #string(length: number, isText: boolean, start: number): void {
    const content = this.#take(length, start);
    if (!isText) this.#countObject(start);
    else if (!isUtf8(content)) throw this.#fault(start, 'not UTF-8');
  }

  #container(count: number, isMap: boolean, start: number): void {
    const items = isMap ? 2 * count : count;
    if (items > this.#bytes.length - this.#at) throw this.#fault(start, 'truncated');
    this.#countObject(start);
    this.#enter(items, isMap, start);
  }

  #countObject(start: number): void {
    this.#objects += 1;
    if (this.#objects > OBJECTS_OF_ANY + this.#bytes.length / BYTES_PER_OBJECT) {
      throw new VerifierError('corim.limit', `byte ${start}: too many arrays, maps and byte strings for its length`);
    }
  }

  #tag(tag: number, start: number): void {
    if (!TAGS.has(tag)) throw this.#fault(start, `tag ${tag}`);
    this.#enter(1, false, start);
  }

  #enter(items: number, isMap: boolean, start: number): void {
    if (this.#left.length > MAX_DEPTH)
      throw new VerifierError('corim.limit', `byte ${start}: deeper than ${MAX_DEPTH}`);
    this.#left.push(items);
    this.#isMap.push(isMap);
  }

  #fault(offset: number, what: string): VerifierError {
    return new VerifierError('corim.cbor', `byte ${offset}: ${what}`);
  }
}
