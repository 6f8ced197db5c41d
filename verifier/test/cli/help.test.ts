import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { mtmVerifier } from './command.ts';

const COMMANDS: readonly (readonly string[])[] = [
  [],
  ['init'],
  ['serve'],
  ['token', 'create'],
  ['manifest', 'sign'],
  ['manifest', 'show'],
  ['manifest', 'publish'],
  ['results', 'export'],
  ['results', 'verify'],
  ['reference', 'import'],
  ['check-quote'],
  ['check-log'],
  ['log', 'convert'],
];

describe('mtm-verifier', () => {
  it('explains every command with --help and exits 0', () => {
    for (const command of COMMANDS) {
      const { status, stdout, stderr } = mtmVerifier([...command, '--help']);
      const name = ['mtm-verifier', ...command].join(' ');
      expect(status, name).to.equal(0);
      expect(stdout.startsWith(`Usage: ${name} `), stdout).to.equal(true);
      expect(stderr).to.equal('');
    }
  });

  it('lists the commands that there are, and no other', () => {
    const { stdout } = mtmVerifier(['--help']);
    const listed = [...(stdout.split('Commands:')[1]?.matchAll(/^ {2}([a-z-]+)/gm) ?? [])].map(([, name]) => name);
    const first = new Set(COMMANDS.map(([name]) => name).filter((name) => name !== undefined));
    expect(listed.sort()).to.deep.equal([...first, 'help'].sort());
  });

  it('prints its version', () => {
    const file = new URL('../../package.json', import.meta.url);
    const { version } = JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string };
    const { status, stdout } = mtmVerifier(['--version']);
    expect(status).to.equal(0);
    expect(stdout).to.equal(`${version}\n`);
  });

  it('exits 2 for a command or an option that it does not know, with the reason on standard error', () => {
    for (const args of [['unknown'], ['manifest', 'sign', '--unknown'], []]) {
      const { status, stdout, stderr } = mtmVerifier(args);
      expect(status, args.join(' ')).to.equal(2);
      expect(stdout).to.equal('');
      expect(stderr).not.to.equal('');
    }
  });
});
