import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { VectorsError } from '../error.ts';
import type { Implementation } from '../implementation/implementation.ts';

const PATH = /^[./\\]|^[a-z]:[/\\]|\.[cm]?[jt]s$/i;

/**
 * The implementation that a module exports under that name.
 *
 * @param module a path from the current directory, or the name of an installed package (`@mtm-attest/verifier/vectors`)
 * @throws VectorsError `implementation.unloadable`, `implementation.missing`
 */
export async function loadImplementation(module: string): Promise<Implementation> {
  let exported: unknown;
  try {
    exported = await import(PATH.test(module) ? pathToFileURL(resolve(module)).href : module);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new VectorsError('implementation.unloadable', `${module}: ${reason}`, { cause });
  }
  if (hasImplementation(exported)) return exported.implementation;
  throw new VectorsError('implementation.missing', module);
}

/** Its functions are called as they are: what they throw or return wrongly shows as disagreements. */
function hasImplementation(exported: unknown): exported is { readonly implementation: Implementation } {
  if (typeof exported !== 'object' || exported === null || !('implementation' in exported)) return false;
  const { implementation } = exported;
  if (typeof implementation !== 'object' || implementation === null || !('name' in implementation)) return false;
  return typeof implementation.name === 'string';
}
