import { spawn } from 'node:child_process';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { buildCommands } from './kill/command.ts';
import { Site } from './kill/site.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const EXAMPLE = /```ts\n(.*?)```/s;

describe('README.md', function () {
  this.timeout(120_000);

  it('has an example of an embedded agent that runs as it stands and is called trusted by a real verifier', async () => {
    buildCommands();
    const site = await Site.start([]);
    try {
      const code = EXAMPLE.exec(readFileSync(join(ROOT, 'README.md'), 'utf8'))?.[1] ?? '';
      const wanted = { terminal: 'meter-7', class: 'software', model: 'model-1' };
      const { token } = (await site.api('POST', '/v1/tokens', wanted)) as { token: string };
      writeFileSync(join(site.directory, 'meter-7.token'), token);
      writeFileSync(join(site.directory, 'terminal.mts'), code);
      symlinkSync(join(ROOT, 'node_modules'), join(site.directory, 'node_modules'));
      expect(await firstWord(site.directory)).to.equal('trusted');
    } finally {
      await site.stop();
    }
  });
});

/** The first line that the example prints, or what it said on standard error where it ends without one. */
async function firstWord(directory: string): Promise<string> {
  const tsx = createRequire(import.meta.url).resolve('tsx');
  const example = spawn(process.execPath, ['--import', tsx, join(directory, 'terminal.mts')], { cwd: directory });
  const ended = new Promise((resolve) => example.once('close', resolve));
  let said = '';
  const word = await new Promise<string>((resolve) => {
    example.stdout.once('data', (chunk: Buffer) => {
      resolve(chunk.toString('utf8').trim());
    });
    example.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString('utf8');
    });
    void ended.then(() => {
      resolve(said);
    });
  });
  example.kill('SIGKILL');
  await ended;
  return word;
}
