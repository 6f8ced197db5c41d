import { createPublicKey, type KeyObject } from 'node:crypto';
import { toHex } from '@mtm-attest/protocol';
import type { Item } from './item.ts';

/** A key, certificate or thumbprint as a CoRIM names it. */
export interface CryptoKey {
  readonly form: KeyForm;
  /** SubjectPublicKeyInfo in base64 for `pkix-key`; otherwise the text, or hexadecimal */
  readonly value: string;
}

type KeyForm = (typeof FORMS)[keyof typeof FORMS];

const FORMS = {
  554: 'pkix-key',
  555: 'pkix-certificate',
  556: 'pkix-certificate-path',
  557: 'key-thumbprint',
  559: 'certificate-thumbprint',
  560: 'bytes',
  561: 'certificate-path-thumbprint',
  562: 'der-certificate',
} as const;

const MOST_BYTES = 65_536;

/** Reads a crypto-key-type-choice (draft-ietf-rats-corim, Crypto Keys). Only a plain key is loaded; the others are named, not used, and a COSE_Key is refused. */
export function readCryptoKey(item: Item): CryptoKey {
  const { tag } = item;
  const form = FORMS[tag as keyof typeof FORMS] as KeyForm | undefined;
  if (tag === undefined || form === undefined)
    throw item.refusal('no key, certificate or thumbprint that is read here');
  const content = item.tagged(tag);
  switch (form) {
    case 'pkix-key':
      return { form, value: loaded(content).export({ type: 'spki', format: 'der' }).toString('base64') };
    case 'pkix-certificate':
    case 'pkix-certificate-path':
      return { form, value: content.text() };
    case 'bytes':
    case 'der-certificate':
      return { form, value: toHex(content.bytes(1, MOST_BYTES)) };
    default:
      return { form, value: toHex((content.tuple(2)[1] ?? content).bytes(4, 64)) };
  }
}

const BASE64 = /^[A-Za-z0-9+/\s]+={0,2}\s*$/;

/** PEM, as deployed tools write it, or the base64 of a SubjectPublicKeyInfo, as the draft says. */
function loaded(item: Item): KeyObject {
  const text = item.text();
  if (text.length > MOST_BYTES) throw item.refusal('too long for a key');
  try {
    if (!BASE64.test(text)) return createPublicKey(text);
    return createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' });
  } catch {
    throw item.refusal('not a public key');
  }
}
