import { Cursor } from '../bytes/cursor.ts';
import { Writer } from '../bytes/writer.ts';
import { ProtocolError } from '../error.ts';
import { TPM_ALG } from './constants.ts';

/** TPMT_SYM_DEF_OBJECT (Part 2, 11.1.7): undefined where the algorithm is NULL. */
export interface SymmetricDefinition {
  readonly algorithm: number;
  readonly keyBits: number;
  readonly mode: number;
}

/** A scheme and its hash; `algorithm` NULL has none (Part 2, 11.2.3.5, 11.2.4.2). */
export interface KeyScheme {
  readonly algorithm: number;
  readonly hash: number | undefined;
}

export interface EccParameters {
  readonly type: 'ecc';
  readonly symmetric: SymmetricDefinition | undefined;
  readonly scheme: KeyScheme;
  readonly curve: number;
  readonly kdf: KeyScheme;
  readonly x: Uint8Array;
  readonly y: Uint8Array;
}

export interface RsaParameters {
  readonly type: 'rsa';
  readonly symmetric: SymmetricDefinition | undefined;
  readonly scheme: KeyScheme;
  readonly keyBits: number;
  /** as it stands: 0 means 65537 */
  readonly exponent: number;
  readonly modulus: Uint8Array;
}

export interface KeyedHashParameters {
  readonly type: 'keyedhash';
  readonly scheme: KeyScheme;
  readonly unique: Uint8Array;
}

export interface SymcipherParameters {
  readonly type: 'symcipher';
  readonly symmetric: SymmetricDefinition;
  readonly unique: Uint8Array;
}

/** TPMT_PUBLIC (Part 2, 12.2.4). Byte strings are views on the input. */
export interface Public {
  readonly nameAlg: number;
  readonly attributes: number;
  readonly authPolicy: Uint8Array;
  readonly parameters: EccParameters | RsaParameters | KeyedHashParameters | SymcipherParameters;
}

/**
 * Exactly one TPMT_PUBLIC.
 * @param base offset of `bytes` in the outermost input
 * @throws ProtocolError `tpm.truncated`, `tpm.trailing-bytes`, `tpm.value`, with the offset
 */
export function parsePublic(bytes: Uint8Array, base = 0): Public {
  const cursor = new Cursor(bytes, base);
  const type = cursor.u16();
  const nameAlg = cursor.u16();
  const attributes = cursor.u32();
  const authPolicy = cursor.sized();
  const parameters = readParameters(type, cursor, base);
  cursor.end();
  return { nameAlg, attributes, authPolicy, parameters };
}

/**
 * TPM2B_PUBLIC or TPMT_PUBLIC, told apart by the size field: a TPM2B's first two bytes are the length of the rest. Where they are neither that
 * nor a type, they are a size that does not fit.
 * @returns the TPMT_PUBLIC bytes, a view at the end of `bytes`
 * @throws ProtocolError `tpm.truncated`, `tpm.trailing-bytes`, with the offset
 */
export function publicArea(bytes: Uint8Array): Uint8Array {
  const cursor = new Cursor(bytes);
  const first = cursor.u16();
  if (first !== cursor.remaining && TYPE_NUMBERS.has(first)) return bytes;
  const area = cursor.bytes(first);
  cursor.end();
  return area;
}

function readParameters(type: number, cursor: Cursor, base: number): Public['parameters'] {
  switch (type) {
    case TPM_ALG.ECC:
      return {
        type: 'ecc',
        symmetric: readSymmetric(cursor),
        scheme: readScheme(cursor),
        curve: cursor.u16(),
        kdf: readScheme(cursor),
        x: cursor.sized(),
        y: cursor.sized(),
      };
    case TPM_ALG.RSA:
      return {
        type: 'rsa',
        symmetric: readSymmetric(cursor),
        scheme: readScheme(cursor),
        keyBits: cursor.u16(),
        exponent: cursor.u32(),
        modulus: cursor.sized(),
      };
    case TPM_ALG.KEYEDHASH:
      return { type: 'keyedhash', scheme: readScheme(cursor), unique: cursor.sized() };
    case TPM_ALG.SYMCIPHER: {
      const at = cursor.offset;
      const symmetric = readSymmetric(cursor);
      if (symmetric === undefined) throw new ProtocolError('tpm.value', at);
      return { type: 'symcipher', symmetric, unique: cursor.sized() };
    }
    default:
      throw new ProtocolError('tpm.value', base);
  }
}

function readSymmetric(cursor: Cursor): SymmetricDefinition | undefined {
  const algorithm = cursor.u16();
  if (algorithm === TPM_ALG.NULL) return undefined;
  return { algorithm, keyBits: cursor.u16(), mode: cursor.u16() };
}

/** RSAES and NULL stand alone; every other scheme here carries one hash (XOR and ECDAA, which carry more, are refused). */
function readScheme(cursor: Cursor): KeyScheme {
  const at = cursor.offset;
  const algorithm = cursor.u16();
  if (algorithm === TPM_ALG.NULL || algorithm === TPM_ALG.RSAES) return { algorithm, hash: undefined };
  if (!ONE_HASH_SCHEMES.has(algorithm)) throw new ProtocolError('tpm.value', at);
  return { algorithm, hash: cursor.u16() };
}

/** KDF1_SP800_56A and KDF1_SP800_108 stand in the place of the kdf. */
const ONE_HASH_SCHEMES: ReadonlySet<number> = new Set([
  TPM_ALG.HMAC,
  TPM_ALG.RSASSA,
  TPM_ALG.RSAPSS,
  TPM_ALG.OAEP,
  TPM_ALG.ECDSA,
  TPM_ALG.ECDH,
  0x0020,
  0x0022,
]);

/** The mirror image of parsePublic. */
export function writePublic(area: Public): Uint8Array {
  const { parameters } = area;
  const writer = new Writer(320)
    .u16(TYPES[parameters.type])
    .u16(area.nameAlg)
    .u32(area.attributes)
    .sized(area.authPolicy);
  writeParameters(writer, parameters);
  return writer.done();
}

const TYPES = {
  ecc: TPM_ALG.ECC,
  rsa: TPM_ALG.RSA,
  keyedhash: TPM_ALG.KEYEDHASH,
  symcipher: TPM_ALG.SYMCIPHER,
} as const;

const TYPE_NUMBERS: ReadonlySet<number> = new Set(Object.values(TYPES));

function writeParameters(writer: Writer, parameters: Public['parameters']): void {
  switch (parameters.type) {
    case 'ecc':
      writeSymmetric(writer, parameters.symmetric);
      writeScheme(writer, parameters.scheme);
      writer.u16(parameters.curve);
      writeScheme(writer, parameters.kdf);
      writer.sized(parameters.x).sized(parameters.y);
      return;
    case 'rsa':
      writeSymmetric(writer, parameters.symmetric);
      writeScheme(writer, parameters.scheme);
      writer.u16(parameters.keyBits).u32(parameters.exponent).sized(parameters.modulus);
      return;
    case 'keyedhash':
      writeScheme(writer, parameters.scheme);
      writer.sized(parameters.unique);
      return;
    case 'symcipher':
      writeSymmetric(writer, parameters.symmetric);
      writer.sized(parameters.unique);
  }
}

function writeSymmetric(writer: Writer, symmetric: SymmetricDefinition | undefined): void {
  if (symmetric === undefined) writer.u16(TPM_ALG.NULL);
  else writer.u16(symmetric.algorithm).u16(symmetric.keyBits).u16(symmetric.mode);
}

function writeScheme(writer: Writer, { algorithm, hash }: KeyScheme): void {
  writer.u16(algorithm);
  if (hash !== undefined) writer.u16(hash);
}
