import { isId, utf8 } from '@mtm-attest/protocol';
import { AgentError } from '../error.ts';
import type { DurableFiles } from '../storage/durable-files.ts';

/** What a terminal knows of its verifier once it is enrolled. Nothing here is secret; the root is what it trusts. */
export interface Enrolment {
  readonly terminal: string;
  readonly audience: string;
  /** `wss://host:port/path` */
  readonly url: string;
  /** PEM of the verifier's root certificate */
  readonly root: string;
}

const NAME = 'enrolment.json';

/** @returns undefined where the terminal is not enrolled @throws AgentError `state.tampered` */
export async function readEnrolment(files: DurableFiles): Promise<Enrolment | undefined> {
  const bytes = await files.read(NAME);
  if (bytes === undefined) return undefined;
  const value = parse(Buffer.from(bytes).toString('utf8'));
  if (!isEnrolment(value)) throw new AgentError('state.tampered', NAME);
  return value;
}

/** Durable before it returns. */
export async function writeEnrolment(files: DurableFiles, enrolment: Enrolment): Promise<void> {
  const { terminal, audience, url, root } = enrolment;
  await files.replace(NAME, utf8(`${JSON.stringify({ terminal, audience, url, root }, undefined, 2)}\n`));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AgentError('state.tampered', NAME, { cause });
  }
}

function isEnrolment(value: unknown): value is Enrolment {
  if (typeof value !== 'object' || value === null) return false;
  const { terminal, audience, url, root } = value as Readonly<Record<string, unknown>>;
  if (typeof terminal !== 'string' || !isId(terminal) || typeof audience !== 'string' || !isId(audience)) return false;
  return typeof url === 'string' && URL.canParse(url) && typeof root === 'string';
}
