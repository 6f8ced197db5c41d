import { fileURLToPath } from 'node:url';

/** This very command, run from its sources or built: program and first arguments. */
export function ownCommand(): [program: string, ...args: string[]] {
  const main = new URL(import.meta.url.endsWith('.ts') ? './main.ts' : './main.js', import.meta.url);
  return [process.execPath, ...process.execArgv, fileURLToPath(main)];
}
