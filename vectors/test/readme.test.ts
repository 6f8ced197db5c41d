import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { loadImplementation } from '../src/cli/implementation-module.ts';
import { replay } from '../src/index.ts';
import { VECTOR_FILES } from '../src/test-type/table.ts';
import { loaded, testsOf } from './files.ts';

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

function blockOf(language: string): string {
  return new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(README)?.[1] ?? expect.fail(`no ${language} block`);
}

describe('README.md', () => {
  it('shows an implementation that agrees with the vectors', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'mtm-vectors-'));
    try {
      const path = join(directory, 'qualifying-data.mjs');
      writeFileSync(path, blockOf('js'));
      const mine = await loadImplementation(path);
      const file = loaded('qualifying-data');
      const { disagreements, files } = await replay([file], [mine]);
      expect(disagreements).to.deep.equal([]);
      expect(files[0]?.tallies[0]).to.include({ implementation: 'mine', agreed: file.file.count });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('lists every file with its types', () => {
    const rows = README.split('\n').filter((line) => line.startsWith('| ') && line.includes('`'));
    const listed = rows.map((row) =>
      row
        .split('|')
        .slice(1, 3)
        .map((cell) => cell.trim())
        .join(': '),
    );
    const due = Object.entries(VECTOR_FILES).map(
      ([name, types]) => `${name}: ${types.map((type) => type.name).join(', ')}`,
    );
    expect(listed).to.deep.equal(due);
  });

  it('shows vectors as they are', () => {
    const { count, groups } = JSON.parse(blockOf('json')) as { count: number; groups: { tests: unknown[] }[] };
    const claims = loaded('claims');
    expect(count).to.equal(claims.file.count);
    expect(testsOf(claims)).to.deep.include.members(groups[0]?.tests ?? []);
  });
});
