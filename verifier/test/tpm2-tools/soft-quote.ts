import { constants, createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  AK_ATTRIBUTES,
  type HashName,
  type PcrSelection,
  type PcrValues,
  type Public,
  parseSelectionText,
  pcrDigest,
  type SignatureScheme,
  TPM_ALG,
  TPM_GENERATED_VALUE,
  writeAttest,
  writePcrFile,
  writePcrSelection,
  writePublic,
  writeSignature,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import type { QuoteExpectation, QuoteFiles } from '../../src/tpm2-tools/quote-check.ts';

const EMPTY = new Uint8Array();
const SCHEMES = { ecdsa: TPM_ALG.ECDSA, rsassa: TPM_ALG.RSASSA, rsapss: TPM_ALG.RSAPSS } as const;

/** A key made by OpenSSL in the clothes of an attestation key, for tests of the files alone. */
export class SoftQuoter {
  readonly scheme: SignatureScheme;
  readonly hash: 'sha256' | 'sha384' | 'sha512';
  readonly #key: KeyObject;
  readonly #parameters: Public['parameters'];
  readonly pem: Uint8Array;

  constructor(scheme: SignatureScheme, hash: 'sha256' | 'sha384' | 'sha512' = 'sha256', modulusLength = 2048) {
    const { privateKey, publicKey } =
      scheme === 'ecdsa'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('rsa', { modulusLength });
    this.scheme = scheme;
    this.hash = hash;
    this.#key = privateKey;
    this.pem = new Uint8Array(Buffer.from(publicKey.export({ format: 'pem', type: 'spki' })));
    this.#parameters = this.#parametersOf(publicKey, modulusLength);
  }

  #parametersOf(publicKey: KeyObject, keyBits: number): Public['parameters'] {
    const jwk = publicKey.export({ format: 'jwk' });
    const bytes = (text: string | undefined): Uint8Array => new Uint8Array(Buffer.from(text ?? '', 'base64url'));
    const scheme = { algorithm: SCHEMES[this.scheme], hash: hashNumber(this.hash) };
    if (this.scheme !== 'ecdsa') {
      return { type: 'rsa', symmetric: undefined, scheme, keyBits, exponent: 0, modulus: bytes(jwk.n) };
    }
    const kdf = { algorithm: TPM_ALG.NULL, hash: undefined };
    return { type: 'ecc', symmetric: undefined, scheme, curve: 3, kdf, x: bytes(jwk.x), y: bytes(jwk.y) };
  }

  /** TPMT_PUBLIC */
  area(attributes: number = AK_ATTRIBUTES): Uint8Array {
    return writePublic({ nameAlg: TPM_ALG.SHA256, attributes, authPolicy: EMPTY, parameters: this.#parameters });
  }

  /** As `tpm2_quote -f plain` writes it: DER for ECDSA. */
  plain(message: Uint8Array, hash: string = this.hash): Uint8Array {
    const saltLength = constants.RSA_PSS_SALTLEN_DIGEST;
    const padding = this.scheme === 'rsapss' ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING;
    const options = { ecdsa: {}, rsassa: { padding }, rsapss: { padding, saltLength } }[this.scheme];
    return new Uint8Array(sign(hash, message, { key: this.#key, ...options }));
  }

  /** r and s, 32 bytes each, or the RSA signature. */
  raw(message: Uint8Array): Uint8Array {
    if (this.scheme !== 'ecdsa') return this.plain(message);
    return new Uint8Array(sign(this.hash, message, { key: this.#key, dsaEncoding: 'ieee-p1363' }));
  }

  /** The files of a quote, and what it must be held against to hold. */
  quote(
    selection: PcrSelection,
    values: PcrValues,
  ): { files: QuoteFiles & { pcrs: Uint8Array }; expected: QuoteExpectation } {
    const qualification = new Uint8Array(createHash('sha256').update('nonce').digest());
    const message = writeAttest({
      magic: TPM_GENERATED_VALUE,
      qualifiedSigner: Uint8Array.from([0, TPM_ALG.SHA256, ...new Uint8Array(32).fill(9)]),
      extraData: qualification,
      clockInfo: { clock: 5n, resetCount: 2, restartCount: 1, safe: true },
      firmwareVersion: 7n,
      attested: {
        type: 'quote',
        selection,
        selectionBytes: writePcrSelection(selection),
        pcrDigest: pcrDigest(selection, values, nodeCrypto[this.hash]),
      },
    });
    const signature = writeSignature({ scheme: this.scheme, hash: this.hash, signature: this.raw(message) });
    return {
      files: { public: this.area(), message, signature, pcrs: writePcrFile(selection, values) },
      expected: { selection, qualification },
    };
  }
}

export const SELECTION: PcrSelection = parseSelectionText('sha256:0,7+sha1:1');

export const VALUES: PcrValues = {
  sha256: new Map([
    [0, new Uint8Array(32)],
    [7, new Uint8Array(32).fill(0x77)],
  ]),
  sha1: new Map([[1, new Uint8Array(20).fill(0x11)]]),
};

function hashNumber(hash: HashName): number {
  return { sha1: TPM_ALG.SHA1, sha256: TPM_ALG.SHA256, sha384: TPM_ALG.SHA384, sha512: TPM_ALG.SHA512 }[hash];
}
