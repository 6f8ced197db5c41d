import { toHex } from '@mtm-attest/protocol';
import type { Item } from './item.ts';

const UUID = { tag: 37, bytes: 16 } as const;
const OID = { tag: 111, most: 64 } as const;
const UEID = { tag: 550, least: 7, most: 33 } as const;
const BYTES_TAG = 560;
const MOST_BYTES = 1024;

/** Names of things that have no name: `uuid:…`, `oid:…` (hexadecimal of its DER content), `ueid:…`, `bytes:…`. */
export function taggedIdentifier(item: Item): string {
  const { tag } = item;
  if (tag === UUID.tag) return uuidText(item.tagged(UUID.tag));
  if (tag === OID.tag) return `oid:${toHex(item.tagged(OID.tag).bytes(1, OID.most))}`;
  if (tag === UEID.tag) return `ueid:${toHex(item.tagged(UEID.tag).bytes(UEID.least, UEID.most))}`;
  return `bytes:${toHex(item.tagged(BYTES_TAG).bytes(1, MOST_BYTES))}`;
}

/** The id of a document or tag: text, or a UUID of 16 bytes. */
export function documentId(item: Item): string {
  return typeof item.value === 'string' ? item.value : uuidText(item);
}

function uuidText(item: Item): string {
  const hex = toHex(item.bytes(UUID.bytes, UUID.bytes));
  return `uuid:${hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')}`;
}
