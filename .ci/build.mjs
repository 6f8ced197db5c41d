// Builds every package into its dist; does nothing where the compiler is absent (an install without development dependencies).
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const compiler = new URL('../node_modules/typescript7/bin/tsc', import.meta.url);
if (existsSync(compiler)) {
  const { status } = spawnSync(process.execPath, [compiler.pathname, '-b'], {
    stdio: 'inherit',
    cwd: new URL('..', import.meta.url).pathname,
  });
  process.exitCode = status ?? 1;
}
