import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { loaded, pathOf, textOf, withTest } from '../files.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const RUN = ['--import', import.meta.resolve('tsx'), '--conditions=mtm-source', MAIN];

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe('mtm-vectors replay', () => {
  let directory = '';

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'mtm-vectors-'));
    const wrong = withTest(loaded('claims').file, 'invalid', { error: 'message.type' });
    const files = {
      'wrong.json': JSON.stringify(wrong),
      'malformed.json': textOf('claims').replace('"tcId":1,', '"tcId":1,"more":1,'),
      'unlinted.json': textOf('claims').replace(/"count": \d+/, '"count": 1'),
      'cut.json': textOf('claims').slice(0, 100),
      'credulous.mjs': `export const implementation = { name: 'credulous', appraisal: () => ({ verdict: 'trusted', codes: [] }) };`,
      'nothing.mjs': 'export const something = 1;',
      'broken.mjs': 'export const implementation = ;',
    };
    for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
  });

  after(() => {
    rmSync(directory, { recursive: true });
  });

  function run(...args: readonly string[]): Ended {
    return spawnSync(process.execPath, [...RUN, ...args], { cwd: directory, encoding: 'utf8' });
  }

  function documentOf({ stdout }: Ended): Readonly<Record<string, unknown>> {
    expect(stdout.trim().split('\n')).to.have.length(1);
    return JSON.parse(stdout) as Readonly<Record<string, unknown>>;
  }

  it('0: all of this package, with counts for each file and each implementation', () => {
    const { status, stdout, stderr } = run('replay');
    expect(stderr).to.equal('');
    expect(status).to.equal(0);
    expect(stdout).to.match(
      /quote\.json: \d+ vectors \(\d+ valid, \d+ invalid\): node \d+ agree; noble \d+ agree, \d+ not decided \(lacks rsassa, rsapss\)/,
    );
    expect(stdout).to.match(/\d+ vectors were decided by nobody \(.*appraisal\.json\)/);
    expect(stdout.trim().endsWith('All agree.')).to.equal(true);
  });

  it('0 with --json: one document', () => {
    const ended = run('replay', pathOf('codec'), pathOf('hello'), '--json');
    expect(ended.status).to.equal(0);
    const { ok, files, totals, disagreements } = documentOf(ended);
    expect(ok).to.equal(true);
    expect(files).to.have.length(2);
    expect(disagreements).to.deep.equal([]);
    expect(totals).to.have.length(2);
  });

  it('1: a vector that does not agree', () => {
    const { status, stdout } = run('replay', 'wrong.json');
    expect(status).to.equal(1);
    expect(stdout).to.contain(
      'DISAGREES wrong.json test 5 (no counter): node says message.field at byte 0; expected message.type',
    );
    const ended = run('replay', 'wrong.json', '--json');
    expect(ended.status).to.equal(1);
    expect(documentOf(ended)).to.include({ ok: false });
  });

  it('1: another implementation that does not agree', () => {
    const { status, stdout } = run('replay', pathOf('appraisal'), '--implementation', './credulous.mjs');
    expect(status).to.equal(1);
    expect(stdout).to.match(/credulous \d+ agree, \d+ disagree/);
  });

  for (const [name, code] of [
    ['malformed.json', 'file.schema'],
    ['unlinted.json', 'file.lint'],
    ['cut.json', 'file.json'],
  ] as const) {
    it(`1: ${name}, ${code}`, () => {
      const { status, stdout, stderr } = run('replay', name);
      expect({ status, stdout }).to.deep.equal({ status: 1, stdout: '' });
      expect(stderr).to.match(new RegExp(`^${code}: .*${name}`));
      const ended = run('replay', name, '--json');
      expect(ended.status).to.equal(1);
      expect(documentOf(ended)).to.include({ ok: false, code });
    });
  }

  for (const [what, args, code] of [
    ['a file that is not there', ['missing.json'], 'file.unreadable'],
    ['a module that is not there', ['--implementation', './missing.mjs'], 'implementation.unloadable'],
    ['a module that does not load', ['--implementation', './broken.mjs'], 'implementation.unloadable'],
    ['a module without implementation', ['--implementation', './nothing.mjs'], 'implementation.missing'],
  ] as const) {
    it(`2: ${what}, ${code}`, () => {
      const ended = run('replay', ...args, '--json');
      expect(ended.status).to.equal(2);
      expect(documentOf(ended)).to.include({ ok: false, code });
    });
  }

  it('2: an unknown option and an unknown command; 0: --help and --version', () => {
    expect(run('replay', '--unknown').status).to.equal(2);
    expect(run('unknown').status).to.equal(2);
    expect(run('--help').status).to.equal(0);
    expect(run('--version')).to.deep.include({ status: 0, stdout: '0.1.0\n' });
  });
});
