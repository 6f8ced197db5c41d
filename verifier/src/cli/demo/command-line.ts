import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A program and its first arguments. */
export type CommandLine = readonly [program: string, ...args: string[]];

/** The folder that holds all packages. */
export const ROOT: string = fileURLToPath(new URL('../../../../', import.meta.url));

const PACKAGES = { 'mtm-verifier': 'verifier', 'mtm-agent': 'agent' } as const;

/**
 * How a command is started: as it is installed, or from its TypeScript sources where it is not built.
 * @param fromSources true wants the sources in any case
 */
export function commandLine(name: keyof typeof PACKAGES, fromSources: boolean): CommandLine {
  const folder = join(ROOT, PACKAGES[name]);
  if (!fromSources && existsSync(join(folder, 'dist', 'cli', 'main.js'))) {
    return [process.execPath, join(folder, 'bin', `${name}.js`)];
  }
  return [process.execPath, ...process.execArgv, join(folder, 'src', 'cli', 'main.ts')];
}
