import {
  type Attest,
  type Attested,
  nameOf,
  type PcrFile,
  type PcrSelection,
  type ProtocolCode,
  ProtocolError,
  parseAttest,
  parsePcrFile,
  toHex,
  verifyQuote,
  writePcrSelection,
  writeSignature,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { type PublicFile, readPublicFile } from './public-file.ts';
import { differenceOf } from './quote-difference.ts';
import { factsOf, type QuoteFacts } from './quote-facts.ts';
import { quoteKey, type StatedAlgorithm } from './quote-key.ts';
import { fileDigest } from './quote-pcrs.ts';
import { readSignatureFile, type SignedBy } from './signature-file.ts';

/** Contents of the files that `tpm2_readpublic` and `tpm2_quote` write. */
export interface QuoteFiles {
  readonly public: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  readonly pcrs?: Uint8Array;
}

/** What the quote is held against; what is absent is not checked, and said so. */
export interface QuoteExpectation extends StatedAlgorithm {
  readonly selection?: PcrSelection;
  readonly qualification?: Uint8Array;
  readonly allowNoDa?: boolean;
}

/** A check that could not take place. */
export type NotChecked = 'key.attributes' | 'quote.selection' | 'quote.nonce' | 'pcr.digest';

export interface QuoteHolds {
  readonly ok: true;
  readonly notChecked: readonly NotChecked[];
  readonly quote: QuoteFacts;
}

export interface QuoteFails {
  readonly ok: false;
  /** of the first check that failed */
  readonly code: ProtocolCode;
  /** what was expected and what is there, where that helps */
  readonly detail?: string;
  /** the file to look at, and the byte in it */
  readonly file: keyof QuoteFiles;
  readonly offset?: number;
  readonly notChecked: readonly NotChecked[];
}

/** How far the check came: the file being read, and what was found in those before. */
export interface QuoteReading {
  file: keyof QuoteFiles;
  key?: PublicFile;
  attest?: Attest & { readonly attested: Quoted };
  pcrs?: PcrFile;
}

type Quoted = Extract<Attested, { readonly type: 'quote' }>;

/**
 * Holds a quote made with tpm2-tools against what is expected of it: the structure of every file, magic and type, the key, its algorithm, the
 * selection, the qualifying data, the PCR values, and the signature last.
 *
 * @throws VerifierError `option.signature-form` where nothing says the scheme of a plain signature
 */
export function checkQuote(files: QuoteFiles, expected: QuoteExpectation): QuoteHolds | QuoteFails {
  const read: QuoteReading = { file: 'public' };
  try {
    const quote = check(files, expected, read);
    return { ok: true, notChecked: notChecked(files, expected, read), quote };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    const { code, offset } = error;
    const detail = differenceOf(code, expected, read);
    return {
      ok: false,
      code,
      ...(detail === undefined ? {} : { detail }),
      file: BLAMED[code] ?? read.file,
      ...(offset === undefined ? {} : { offset }),
      notChecked: notChecked(files, expected, read),
    };
  }
}

/** Where to look for what fails once all files are read. */
const BLAMED: Readonly<Partial<Record<ProtocolCode, keyof QuoteFiles>>> = {
  'key.attributes': 'public',
  'key.parameters': 'public',
  'signature.algorithm': 'signature',
  'signature.invalid': 'signature',
  'quote.selection': 'message',
  'quote.nonce': 'message',
  'pcr.digest': 'pcrs',
};

function check(files: QuoteFiles, expected: QuoteExpectation, read: QuoteReading): QuoteFacts {
  const { selection, qualification, allowNoDa = false } = expected;
  const publicFile = readPublicFile(files.public);
  Object.assign(read, { key: publicFile, file: 'message' });
  const attest = parseQuote(files.message);
  Object.assign(read, { attest, file: 'signature' });
  const signed = readSignatureFile(files.signature, signedBy(publicFile));
  read.file = 'pcrs';
  if (files.pcrs !== undefined) read.pcrs = parsePcrFile(files.pcrs, selection);
  const key = quoteKey(publicFile, signed, expected, { allowNoDa });
  const { hash } = key;
  const scheme = key.algorithm === 'ecdsa-p256' ? 'ecdsa' : key.algorithm;
  const quote = verifyQuote({
    attest: files.message,
    signature: signed.form === 'tpmt' ? files.signature : writeSignature({ scheme, hash, signature: signed.signature }),
    key: nodeCrypto.importKey(key),
    ...(selection === undefined ? {} : { selection: writePcrSelection(selection) }),
    ...(qualification === undefined ? {} : { qualifyingData: qualification }),
    ...(read.pcrs && { pcrDigest: fileDigest(read.pcrs, selection ?? attest.attested.selection, nodeCrypto[hash]) }),
  });
  const keyName = publicFile.form === 'pem' ? {} : { keyName: toHex(nameOf(publicFile.areaBytes, nodeCrypto)) };
  return { scheme, hash, ...keyName, ...factsOf(quote) };
}

function parseQuote(message: Uint8Array): Attest & { readonly attested: Quoted } {
  const { attested, ...rest } = parseAttest(message, 'quote');
  if (attested.type !== 'quote') throw new ProtocolError('quote.type', 4);
  return { ...rest, attested };
}

function signedBy(file: PublicFile): SignedBy | undefined {
  const key = file.form === 'pem' ? file.key : file.area.parameters;
  if (key.type === 'ecc') return { type: 'ecc' };
  return key.type === 'rsa' ? { type: 'rsa', modulusBytes: key.modulus.length } : undefined;
}

function notChecked(files: QuoteFiles, expected: QuoteExpectation, { key }: QuoteReading): NotChecked[] {
  const absent: Readonly<Record<NotChecked, boolean>> = {
    'key.attributes': key?.form === 'pem',
    'quote.selection': expected.selection === undefined,
    'quote.nonce': expected.qualification === undefined,
    'pcr.digest': files.pcrs === undefined,
  };
  return (Object.keys(absent) as NotChecked[]).filter((check) => absent[check]);
}
