import { decodeUtf8, fromHex, isId, toHex } from '../bytes/text.ts';
import { ProtocolError } from '../error.ts';

/** What a terminal's trusted environment is, as the operator's token fixes it; no message raises it. */
export const TERMINAL_CLASSES = ['simulated', 'software', 'tpm-unproven', 'tpm-endorsed'] as const;

export type TerminalClass = (typeof TERMINAL_CLASSES)[number];

/** Whether an enrolment of this class must prove that its AK lives in the TPM of an endorsement key (SPEC.md 6.5). */
export function provesEndorsementKey(terminalClass: TerminalClass): boolean {
  return terminalClass === 'tpm-unproven' || terminalClass === 'tpm-endorsed';
}

/** The one string an operator hands to a terminal. It is a secret: the agent reads it from a file or standard input, never from argv. */
export interface EnrolmentToken {
  /** `wss://host:port` with an optional path, no user, query or fragment */
  readonly url: string;
  /** SHA-256 of the SubjectPublicKeyInfo of the verifier's root certificate, 32 bytes */
  readonly rootDigest: Uint8Array;
  readonly terminal: string;
  readonly class: TerminalClass;
  /** 32 bytes */
  readonly secret: Uint8Array;
}

const VERSION = 'mtm1';
const MAX_LENGTH = 1024;
const SEPARATOR = '~';

/** `mtm1~URL~root digest (hex)~terminal~class~secret (hex)` (SPEC.md 6.5). */
export function encodeEnrolmentToken(token: EnrolmentToken): string {
  return [VERSION, token.url, toHex(token.rootDigest), token.terminal, token.class, toHex(token.secret)].join(
    SEPARATOR,
  );
}

/**
 * @param text one token; surrounding white space is allowed, since it comes from a file
 * @throws ProtocolError `enrolment.token-malformed`
 */
export function parseEnrolmentToken(text: string | Uint8Array): EnrolmentToken {
  const line = (typeof text === 'string' ? text : textOf(text)).trim();
  const [version, url, root, terminal, kind, secret, ...rest] = line.split(SEPARATOR);
  if (line.length > MAX_LENGTH || version !== VERSION || rest.length > 0) throw malformed();
  if (url === undefined || root === undefined || terminal === undefined || secret === undefined) throw malformed();
  const terminalClass = TERMINAL_CLASSES.find((one) => one === kind);
  if (!isVerifierUrl(url) || !isId(terminal) || terminalClass === undefined) throw malformed();
  return { url, rootDigest: digest(root), terminal, class: terminalClass, secret: digest(secret) };
}

function textOf(bytes: Uint8Array): string {
  try {
    return decodeUtf8(bytes);
  } catch (cause) {
    throw new ProtocolError('enrolment.token-malformed', undefined, { cause });
  }
}

function isVerifierUrl(url: string): boolean {
  if (!URL.canParse(url) || url.includes(SEPARATOR)) return false;
  const { protocol, username, password, search, hash } = new URL(url);
  return protocol === 'wss:' && `${username}${password}${search}${hash}` === '';
}

function digest(hex: string): Uint8Array {
  if (hex.length !== 64) throw malformed();
  try {
    return fromHex(hex);
  } catch (cause) {
    throw new ProtocolError('enrolment.token-malformed', undefined, { cause });
  }
}

function malformed(): ProtocolError {
  return new ProtocolError('enrolment.token-malformed');
}
