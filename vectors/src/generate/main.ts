import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { generatedFiles } from './generated-files.ts';

/** Writes `data` and `schema`; what is there already is replaced, byte for byte the same unless the generator changed. */
const root = fileURLToPath(new URL('../..', import.meta.url));
for (const folder of ['data', 'schema']) mkdirSync(`${root}/${folder}`, { recursive: true });
for (const [path, text] of generatedFiles()) {
  writeFileSync(`${root}/${path}`, text);
  process.stdout.write(`${path} ${text.length} bytes\n`);
}
