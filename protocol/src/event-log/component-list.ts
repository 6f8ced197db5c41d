import { ProtocolError } from '../error.ts';
import { decodeStrict, encodeCanonical, isMsgpackArray } from '../msgpack/codec.ts';

/** What one audit measured, names ascending. */
export type ComponentList = readonly ListedComponent[];

export interface ListedComponent {
  readonly name: string;
  /** SHA-256 of the file's bytes, 32 bytes; zeros where the file was not there */
  readonly digest: Uint8Array;
}

/** Largest encoded list, in bytes. */
export const MAX_LIST_BYTES = 1_048_576;

const NAME = /^[A-Za-z0-9_@+-][A-Za-z0-9._/@+-]{0,127}$/;

/** Names of components: 1 to 128 of `[A-Za-z0-9._/@+-]`, relative, without empty, `.` or `..` parts (F-93). */
export function isComponentName(name: string): boolean {
  return NAME.test(name) && name.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

/** Canonical msgpack array of `[name, digest]` (SPEC.md 4.4). @param list names ascending, each once */
export function encodeComponentList(list: ComponentList): Uint8Array {
  return encodeCanonical(list.map(({ name, digest }) => [name, digest]));
}

/** @throws ProtocolError `msgpack.*`, `log.list` */
export function parseComponentList(bytes: Uint8Array): ComponentList {
  if (bytes.length > MAX_LIST_BYTES) throw new ProtocolError('log.list', MAX_LIST_BYTES);
  const items = decodeStrict(bytes);
  if (!isMsgpackArray(items)) throw new ProtocolError('log.list', 0);
  let before = '';
  return items.map((item) => {
    const [name, digest, ...rest] = isMsgpackArray(item) ? item : [];
    if (typeof name !== 'string' || !isComponentName(name) || name <= before) throw new ProtocolError('log.list', 0);
    if (!(digest instanceof Uint8Array) || digest.length !== 32 || rest.length > 0)
      throw new ProtocolError('log.list', 0);
    before = name;
    return { name, digest };
  });
}
