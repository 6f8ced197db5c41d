import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { VerifierError } from '../error.ts';
import { loadTrustedSigners, type TrustedSigners } from '../reference/trusted-signers.ts';
import type { Config } from './schema.ts';

/** What the files that a configuration names hold, read and held against each other. */
export interface ConfiguredFiles {
  /** PEM, leaf first, root last */
  readonly certificateChain: string;
  /** PEM */
  readonly key: string;
  /** PEM of the last certificate of the chain */
  readonly root: string;
  /** SHA-256 of the root's SubjectPublicKeyInfo, 32 bytes: what enrolment tokens pin */
  readonly rootDigest: Uint8Array;
  /** the first name or address that the leaf is for */
  readonly hostName: string;
  /** SHA-256 of the API token, 32 bytes */
  readonly apiTokenDigest: Uint8Array;
  readonly signers: TrustedSigners;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const DIGEST = /^[0-9a-f]{64}$/;

/**
 * @param now wall clock, milliseconds since 1970: no certificate may be outside its validity
 * @throws VerifierError `config.unreadable`, `config.invalid`, `config.binding`, `reference.key`
 */
export function readConfiguredFiles(config: Config, now: number): ConfiguredFiles {
  const { chainFile, keyFile } = config.tls;
  const certificateChain = readText(chainFile);
  const key = readText(keyFile);
  const pems = certificateChain.match(CERTIFICATE) ?? [];
  const chain = pems.map((pem) => readCertificate(pem, chainFile));
  const leaf = chain[0];
  const root = chain.at(-1);
  if (leaf === undefined || root === undefined) throw invalid(chainFile, 'holds no certificate');
  checkChain(chain, chainFile, now);
  if (!leaf.checkPrivateKey(readKey(key, keyFile))) throw invalid(keyFile, `is not the key of ${chainFile}`);
  if (config.binding === 'tls-server-end-point' && leaf.publicKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new VerifierError('config.binding', chainFile);
  }
  const spki = root.publicKey.export({ type: 'spki', format: 'der' });
  return {
    certificateChain,
    key,
    root: pems.at(-1) ?? '',
    rootDigest: new Uint8Array(createHash('sha256').update(spki).digest()),
    hostName: firstName(leaf, chainFile),
    apiTokenDigest: readDigest(config.api.tokenFile),
    signers: loadTrustedSigners(config.reference.keys, config.reference.threshold),
  };
}

/** The address that enrolment tokens name. @param port the one that was taken */
export function enrolmentUrl({ listen }: Config, { hostName }: ConfiguredFiles, port: number): string {
  if (listen.url !== '') return listen.url;
  return `wss://${isIP(hostName) === 6 ? `[${hostName}]` : hostName}:${port}${listen.path}`;
}

function checkChain(chain: readonly X509Certificate[], file: string, now: number): void {
  for (const [i, certificate] of chain.entries()) {
    const issuer = chain[i + 1] ?? certificate;
    if (!certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey)) {
      throw invalid(
        file,
        i === chain.length - 1 ? 'does not end in a root' : `certificate ${i + 1} is not issued by the next`,
      );
    }
    if (now < Date.parse(certificate.validFrom) || now > Date.parse(certificate.validTo)) {
      throw invalid(file, `certificate ${i + 1} is not valid now`);
    }
  }
}

function firstName({ subjectAltName }: X509Certificate, file: string): string {
  const [, name] = /(?:^|, )(?:DNS|IP Address):([^,]+)/.exec(subjectAltName ?? '') ?? [];
  if (name === undefined) throw invalid(file, 'the leaf names no host');
  return name;
}

function readCertificate(pem: string, file: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw invalid(file, 'holds a certificate that cannot be parsed', cause);
  }
}

function readKey(pem: string, file: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw invalid(file, 'holds no private key', cause);
  }
}

function readDigest(file: string): Uint8Array {
  const text = readText(file).trim();
  if (!DIGEST.test(text)) throw invalid(file, 'is not a SHA-256 in hexadecimal');
  return new Uint8Array(Buffer.from(text, 'hex'));
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new VerifierError('config.unreadable', file, { cause });
  }
}

function invalid(file: string, what: string, cause?: unknown): VerifierError {
  return new VerifierError('config.invalid', `${file}: ${what}`, { cause });
}
