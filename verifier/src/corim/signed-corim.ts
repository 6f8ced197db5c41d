import { verify } from 'node:crypto';
import { toHex } from '@mtm-attest/protocol';
import { encode } from 'cborg';
import type { PublicJwk, SignatureAlgorithm } from '../ear/public-jwk.ts';
import { VerifierError } from '../error.ts';
import type { Fields, Item } from './item.ts';
import { epochTime, readValidity, type Validity } from './validity.ts';

/** A COSE_Sign1 (RFC 9052 section 4.2) around a CoRIM, its signature not yet looked at. */
export interface SignedCorim {
  readonly header: SignedHeader;
  /** as signed */
  readonly protectedBytes: Uint8Array;
  /** bytes that hold a tagged corim-map */
  readonly payload: Item;
  readonly signature: Item;
}

/** What the protected header says (draft-ietf-rats-corim, Protected Header Map). */
export interface SignedHeader {
  readonly algorithm: SignatureAlgorithm;
  /** hexadecimal */
  readonly keyId: string | undefined;
  readonly signer: string;
  /** each must hold */
  readonly validities: readonly Validity[];
}

const HEADER = {
  alg: 1,
  crit: 2,
  'content-type': 3,
  kid: 4,
  'corim-meta': 8,
  'CWT-Claims': 15,
  'payload-hash-alg': 258,
} as const;
const META = { signer: 0, 'signature-validity': 1 } as const;
const SIGNER = { 'signer-name': 0, 'signer-uri': 1 } as const;
const CLAIMS = { iss: 1, exp: 4, nbf: 5 } as const;

type Header = Fields<keyof typeof HEADER>;

const CONTENT_TYPE = 'application/rim+cbor';
const URI_TAG = 32;

/** ECDSA as r || s (RFC 9053 section 2.1). */
const ALGORITHMS: ReadonlyMap<unknown, SignatureAlgorithm> = new Map([
  [-7, 'ES256'],
  [-35, 'ES384'],
]);
const HASHES: Readonly<Record<SignatureAlgorithm, { readonly hash: string; readonly signatureBytes: number }>> = {
  ES256: { hash: 'sha256', signatureBytes: 64 },
  ES384: { hash: 'sha384', signatureBytes: 96 },
};

/** @throws VerifierError `corim.header`, `corim.schema`, `corim.cbor`; the detail begins with the path */
export function readSignedCorim(item: Item): SignedCorim {
  const [first, unprotected, payload, signature] = item.tuple(4);
  if (first === undefined || unprotected === undefined || payload === undefined || signature === undefined) {
    throw item.refusal('not a COSE_Sign1');
  }
  const protectedItem = item.child(first.value, 'protected');
  const header = readHeader(protectedItem.embedded());
  checkUnprotected(item.child(unprotected.value, 'unprotected'));
  return {
    header,
    protectedBytes: protectedItem.bytes(1, Number.MAX_SAFE_INTEGER),
    payload: item.child(payload.value, 'payload'),
    signature: item.child(signature.value, 'signature'),
  };
}

function readHeader(item: Item): SignedHeader {
  const fields = item.map(HEADER, true);
  const crit = fields.get('crit');
  if (crit !== undefined) throw crit.refusal('no critical header is known here', 'corim.header');
  const envelope = fields.get('payload-hash-alg');
  if (envelope !== undefined)
    throw envelope.refusal('a digest in place of the document is not read here', 'corim.header');
  const contentType = fields.get('content-type');
  if (contentType?.value !== CONTENT_TYPE) {
    throw (contentType ?? item.child(undefined, 'content-type')).refusal(`not ${CONTENT_TYPE}`, 'corim.header');
  }
  const alg = fields.get('alg') ?? item.child(undefined, 'alg');
  const algorithm = ALGORITHMS.get(alg.value);
  if (algorithm === undefined) throw alg.refusal('neither ES256 nor ES384', 'corim.header');
  const keyId = fields.get('kid');
  return {
    algorithm,
    keyId: keyId === undefined ? undefined : toHex(keyId.bytes(0, 256)),
    ...readSigner(item, fields),
  };
}

/** Who signed, and for how long: corim-meta, CWT claims, or both. */
function readSigner(item: Item, fields: Header): Pick<SignedHeader, 'signer' | 'validities'> {
  const meta = fields.get('corim-meta')?.embedded().map(META);
  const claims = fields.get('CWT-Claims')?.map(CLAIMS, true);
  const validity = meta?.get('signature-validity');
  const signer = meta?.need('signer').map(SIGNER);
  signer?.get('signer-uri')?.tagged(URI_TAG).text();
  const name = signer?.need('signer-name') ?? claims?.need('iss');
  if (name === undefined) throw item.refusal('neither corim-meta nor CWT-Claims', 'corim.header');
  return {
    signer: name.text(),
    validities: [
      ...(validity === undefined ? [] : [readValidity(validity)]),
      ...(claims === undefined ? [] : [claimedValidity(claims)]),
    ],
  };
}

function claimedValidity(claims: Fields<keyof typeof CLAIMS>): Validity {
  const expiry = claims.get('exp');
  const notBefore = claims.get('nbf');
  return {
    notBefore: notBefore === undefined ? undefined : epochTime(notBefore),
    notAfter: expiry === undefined ? undefined : epochTime(expiry),
  };
}

/** Nothing that decides may stand where no signature covers it. */
function checkUnprotected(item: Item): void {
  const fields = item.map(HEADER, true);
  for (const name of ['alg', 'crit', 'content-type', 'corim-meta', 'CWT-Claims', 'payload-hash-alg'] as const) {
    const found = fields.get(name);
    if (found !== undefined) throw found.refusal('belongs into the protected header', 'corim.header');
  }
}

/** @throws VerifierError `corim.algorithm`, `corim.signature`, `corim.schema` */
export function verifySignature({ header, protectedBytes, payload, signature }: SignedCorim, jwk: PublicJwk): void {
  if (header.algorithm !== jwk.algorithm) {
    throw new VerifierError(
      'corim.algorithm',
      `protected.alg: ${header.algorithm}, and the key signs with ${jwk.algorithm}`,
    );
  }
  const { hash, signatureBytes } = HASHES[jwk.algorithm];
  const signed = encode(['Signature1', protectedBytes, new Uint8Array(), payload.bytes(1, Number.MAX_SAFE_INTEGER)]);
  const key = { key: jwk.key, dsaEncoding: 'ieee-p1363' } as const;
  if (!verify(hash, signed, key, signature.bytes(signatureBytes, signatureBytes))) {
    throw new VerifierError('corim.signature', signature.path);
  }
}
