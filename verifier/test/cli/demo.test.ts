import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { Report, ReportedTerminal } from '../../src/cli/demo/report.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const DEMO = join(ROOT, 'verifier', 'src', 'cli', 'demo.ts');
const RUN_MS = 180_000;

/** Scenario, verdict, reasons: held against what the real commands do, not against the simulator's own table. */
const DESERVED: Readonly<Record<string, readonly [verdict: string, ...codes: string[]]>> = {
  honest: ['trusted'],
  'honest-reboot': ['trusted', 'boot.new'],
  'honest-update': ['trusted', 'release.new', 'boot.new'],
  'crash-resume': ['trusted', 'boot.new'],
  'slow-link': ['trusted'],
  reconnecting: ['trusted'],
  'altered-component': ['untrusted', 'component.digest'],
  'unlisted-component': ['untrusted', 'component.unlisted'],
  'runtime-altered': ['untrusted', 'component.digest'],
  'replayed-evidence': ['untrusted', 'context.mismatch'],
  'replayed-verbatim': ['stale', 'challenge.not-open'],
  'relayed-evidence': ['untrusted', 'context.mismatch'],
  stranger: ['trusted'],
  'other-ak': ['untrusted', 'quote.signer'],
  'selection-reduced': ['untrusted', 'quote.selection'],
  'log-truncated': ['untrusted', 'log.replay'],
  'log-spliced': ['untrusted', 'log.replay'],
  'event-relabelled': ['untrusted', 'log.replay'],
  'release-rolled-back': ['untrusted', 'release.below-minimum'],
  clone: ['untrusted', 'identity.diverged'],
  'state-restored': ['untrusted', 'identity.rolled-back'],
  silent: ['unreachable', 'connection.lost'],
  mute: ['stale', 'challenge.unanswered'],
  'too-late': ['stale', 'challenge.expired'],
  garbage: ['untrusted', 'evidence.malformed'],
  'token-reused': ['unknown', 'enrolment.token-reused'],
};

const SWTPM = 'swtpm';
const WITH_SWTPM = spawnSync(SWTPM, ['--version']).status === 0;
const TPM_DESERVED = { 'honest-tpm': ['trusted', 'boot.new'] } as const satisfies typeof DESERVED;
const ALL: typeof DESERVED = WITH_SWTPM ? { ...DESERVED, ...TPM_DESERVED } : DESERVED;

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param directory where the demonstration puts what it needs */
function run(
  directory: string,
  args: readonly string[],
  started: (kill: (signal: NodeJS.Signals) => void) => void = () => undefined,
  environment: Readonly<Record<string, string>> = {},
) {
  const argv = ['--import', 'tsx', '--conditions=mtm-source', DEMO, ...args];
  const child = spawn(process.execPath, argv, {
    cwd: ROOT,
    env: { ...process.env, TMPDIR: directory, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (said.stdout === '') started((signal) => child.kill(signal));
    said.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
  return new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, ...said })));
}

function leftBehind(directory: string): readonly string[] {
  return readdirSync(directory).filter((name) => name.startsWith('mtm-'));
}

describe('npm start', () => {
  let directory: string;

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'mtm-start-'));
  });

  after(() => {
    rmSync(directory, { recursive: true });
  });

  describe('-- --until-settled --json FILE', () => {
    let ended: Ended;
    let terminals: readonly ReportedTerminal[];
    let report: Report;

    before(async function () {
      this.timeout(RUN_MS);
      const file = join(directory, 'report.json');
      ended = await run(directory, ['--until-settled', '--from-sources', '--tpm', 'swtpm', '--json', file]);
      report = JSON.parse(readFileSync(file, 'utf8')) as Report;
      ({ terminals } = report);
    });

    it('ends by itself with exit 0: every terminal got the verdict it deserves', () => {
      expect(ended.code, ended.stderr).to.equal(0);
    });

    it('plays every scenario with at least 40 terminals', () => {
      expect(terminals).to.have.length.at.least(40);
      expect([...new Set(terminals.map(({ scenario }) => scenario))].sort()).to.deep.equal(Object.keys(ALL).sort());
      expect(terminals.filter(({ scenario }) => scenario === 'honest').length).to.be.at.least(4);
    });

    it('gives each scenario its verdict and its reasons', () => {
      for (const { id, scenario, expected, verdict, reasons } of terminals) {
        const [deserved, ...codes] = ALL[scenario] ?? [];
        expect([expected, verdict], id).to.deep.equal([deserved, deserved]);
        expect(
          reasons.map(({ code }) => code),
          id,
        ).to.include.members(codes);
      }
    });

    it('never calls an honest terminal untrusted', () => {
      const honest = terminals.filter(({ expected }) => expected === 'trusted');
      for (const { id, history } of honest) {
        expect(
          history.map(({ verdict }) => verdict),
          id,
        ).to.not.include('untrusted');
      }
    });

    it('writes the document whose form is promised, with reasons in words and checks that hold', () => {
      expect(report).to.have.all.keys('schema', 'terminals');
      for (const terminal of terminals) {
        const keys = ['id', 'operator', 'scenario', 'expected', 'verdict', 'reasons', 'history', 'checks'];
        expect(Object.keys(terminal).sort(), terminal.id).to.deep.equal(keys.sort());
        for (const one of terminal.history) expect(one).to.have.all.keys('verdict', 'code', 'at');
        for (const { detail } of terminal.reasons) expect(detail.split(' ').length).to.be.greaterThan(3);
        expect(
          terminal.checks.filter(({ ok }) => !ok),
          terminal.id,
        ).to.deep.equal([]);
      }
    });

    it('shows that the stranger was turned away and alarmed (F-58)', () => {
      const victim = terminals.find(({ scenario }) => scenario === 'stranger');
      const names = victim?.checks.map(({ name }) => name) ?? [];
      expect(names).to.include('connection.unproven is among the alarms');
      expect(names.filter((name) => name.endsWith('is turned away'))).to.have.length(4);
    });

    it('shows a terminal with a TPM emulator beside the others: proven by activation, and trusted after its power failed', function () {
      if (!WITH_SWTPM) this.skip();
      const names = terminals.find(({ scenario }) => scenario === 'honest-tpm')?.checks.map(({ name }) => name);
      expect(names).to.include('its attestation key was proven beside its endorsement key');
      expect(terminals, 'it is one more').to.have.length(45);
    });

    it('leaves no process and no directory behind', () => {
      expect(leftBehind(directory)).to.deep.equal([]);
    });
  });

  it('runs until a signal comes, then clears up and exits with 130', async () => {
    const { code, stderr } = await run(directory, ['--from-sources'], (kill) => kill('SIGINT'));
    expect(code, stderr).to.equal(130);
    expect(leftBehind(directory)).to.deep.equal([]);
  });

  it('--tpm swtpm says so where there is none, and goes on without', async () => {
    const args = ['--from-sources', '--tpm', 'swtpm'];
    const { code, stderr } = await run(directory, args, (kill) => kill('SIGINT'), { PATH: directory });
    expect(code, stderr).to.equal(130);
    expect(stderr).to.contain('swtpm is not installed');
  });

  it('explains its options, and exits with 2 for others', async () => {
    const help = await run(directory, ['--help']);
    expect([help.code, help.stdout.includes('--until-settled')]).to.deep.equal([0, true]);
    expect((await run(directory, ['--untl-settled'])).code).to.equal(2);
    expect((await run(directory, ['--json', 'x.json'])).code).to.equal(2);
    expect((await run(directory, ['--terminals', '0'])).code).to.equal(2);
    expect((await run(directory, ['--tpm', 'soft'])).code).to.equal(2);
  });
});
