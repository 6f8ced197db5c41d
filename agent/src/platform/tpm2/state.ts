import { fromHex, toHex, utf8 } from '@mtm-attest/protocol';
import { AgentError } from '../../error.ts';
import { Secret } from '../../secret.ts';
import type { DurableFiles } from '../../storage/durable-files.ts';

export const TPM2_STATE = 'tpm2.json';

const VERSION = 1;
const UNIQUE_BYTES = 64;
const NAME = /^000b[0-9a-f]{64}$/;
const UNIQUE = /^[0-9a-f]{128}$/;

/**
 * What a terminal keeps beside its TPM: no key, only what its keys are made from. Keys are primary objects of the endorsement hierarchy, made anew
 * at each start from a template whose unique field is random: another state directory has other keys, a stranger at the same TPM cannot guess
 * them, and they occupy neither persistent handles nor the owner's password.
 */
export interface Tpm2State {
  readonly akUnique: Secret;
  readonly sessionUnique: Secret;
  /** Name of the AK that came of it: another TPM makes another one */
  readonly akName: Uint8Array;
  /** Name of the storage root key, as first seen */
  readonly rootName: Uint8Array;
}

export function freshUnique(random: (length: number) => Uint8Array): Secret {
  return Secret.taking(random(UNIQUE_BYTES));
}

export async function writeTpm2State(files: DurableFiles, state: Tpm2State): Promise<void> {
  const { akUnique, sessionUnique, akName, rootName } = state;
  const document = {
    version: VERSION,
    akUnique: akUnique.use(toHex),
    sessionUnique: sessionUnique.use(toHex),
    akName: toHex(akName),
    rootName: toHex(rootName),
  };
  await files.replace(TPM2_STATE, utf8(`${JSON.stringify(document)}\n`));
}

/** @returns undefined where there is none yet @throws AgentError `state.version`, `state.tampered` */
export async function readTpm2State(files: DurableFiles): Promise<Tpm2State | undefined> {
  const bytes = await files.read(TPM2_STATE);
  if (bytes === undefined) return undefined;
  const document = parsed(bytes);
  if (document['version'] !== VERSION) throw new AgentError('state.version', TPM2_STATE);
  return {
    akUnique: Secret.taking(field(document, 'akUnique', UNIQUE)),
    sessionUnique: Secret.taking(field(document, 'sessionUnique', UNIQUE)),
    akName: field(document, 'akName', NAME),
    rootName: field(document, 'rootName', NAME),
  };
}

function parsed(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    if (typeof value === 'object' && value !== null) return { ...value };
  } catch {
    // Neither way is it a state; the text is not repeated, it holds secrets.
  }
  throw new AgentError('state.tampered', TPM2_STATE);
}

function field(document: Readonly<Record<string, unknown>>, name: string, form: RegExp): Uint8Array {
  const value = document[name];
  if (typeof value !== 'string' || !form.test(value)) throw new AgentError('state.tampered', `${TPM2_STATE}: ${name}`);
  return fromHex(value);
}
