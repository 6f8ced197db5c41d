import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isComponentName, ProtocolError, parseManifest, parseSignedManifest, type Release } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { AgentError } from '../error.ts';

export const SLOT_NAMES = ['a', 'b'] as const;
export type SlotName = (typeof SLOT_NAMES)[number];

/** One of the two places a release is installed in. */
export interface Slot {
  readonly name: SlotName;
  readonly release: Release;
  /** SHA-256 of the signed manifest as installed */
  readonly manifestDigest: Uint8Array;
  /** path of a component's file */
  path(component: string): string;
}

const POINTER = 'boot';

/** The slot that the next boot uses. @throws AgentError `slot.unreadable` */
export async function nextSlot(directory: string): Promise<SlotName> {
  const text = await read(join(directory, POINTER));
  const name = SLOT_NAMES.find((one) => one === Buffer.from(text).toString('latin1').trim());
  if (name === undefined) throw new AgentError('slot.unreadable', join(directory, POINTER));
  return name;
}

/**
 * A slot holds `manifest.bin` (the signed manifest it came with), `release.json` ({"release": n}) and `files/` by component name.
 * The terminal does not judge the signature: the verifier judges the terminal.
 *
 * @throws AgentError `slot.unreadable`, `slot.manifest`
 */
export async function openSlot(directory: string, name: SlotName): Promise<Slot> {
  const root = join(directory, name);
  const signed = await read(join(root, 'manifest.bin'));
  const number = releaseNumber(await read(join(root, 'release.json')));
  try {
    const release = parseManifest(parseSignedManifest(signed).payload).releases.find((one) => one.release === number);
    if (release === undefined) throw new AgentError('slot.manifest', root);
    return {
      name,
      release,
      manifestDigest: nodeCrypto.sha256(signed),
      path: (component) => componentPath(root, component),
    };
  } catch (cause) {
    if (cause instanceof ProtocolError) throw new AgentError('slot.manifest', root, { cause });
    throw cause;
  }
}

/** @throws AgentError `component.name` */
export function componentPath(slot: string, component: string): string {
  if (!isComponentName(component)) throw new AgentError('component.name', JSON.stringify(component));
  return join(slot, 'files', component);
}

function releaseNumber(bytes: Uint8Array): number | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    if (typeof value === 'object' && value !== null && 'release' in value && typeof value.release === 'number') {
      return value.release;
    }
  } catch {
    // falls through: what is no JSON names no release
  }
  return undefined;
}

async function read(path: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (cause) {
    throw new AgentError('slot.unreadable', path, { cause });
  }
}
