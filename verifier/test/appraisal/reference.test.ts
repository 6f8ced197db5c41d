import { parseSelectionText, toHex } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { type AttestationResult, appraise } from '../../src/appraisal/appraise.ts';
import { listFindings } from '../../src/appraisal/reference.ts';
import { openChallenge, selectionAsked } from '../../src/challenge/open-challenge.ts';
import { admitted, audit, challengeOf, codesOf, gate, inputOf, listsOf, NOW, wishOf } from './appraisal.ts';
import { componentsOf, digestOf, referenceOf, releaseOf } from './firmware.ts';
import { TestTerminal } from './terminal.ts';

const booted = (release = 1): TestTerminal => new TestTerminal().bootRelease(release);

function expectUntrusted(result: AttestationResult, ...codes: readonly string[]): void {
  expect(codesOf(result)).to.deep.equal(codes);
  expect(result.verdict).to.equal('untrusted');
}

describe('the release may run', () => {
  it('refuses an old release below the minimum, with its own valid components (F-30)', () => {
    const reference = referenceOf({ minimum: 2 });
    expectUntrusted(gate(booted(1), { reference }), 'release.below-minimum');
    expect(gate(booted(2), { reference }).verdict).to.equal('trusted');
  });

  it('refuses one below the minimum even where the manifest no longer lists it (F-30)', () => {
    const reference = referenceOf({ minimum: 2, releases: [releaseOf(2)] });
    expectUntrusted(gate(booted(1), { reference }), 'release.below-minimum');
  });

  it('refuses a release that the manifest does not list', () => {
    const result = gate(booted(4), {});
    expectUntrusted(result, 'release.unknown');
    expect(result.findings[0]?.detail).to.equal('release 4; the manifest lists 1, 2, 3');
  });

  it('takes every listed release: publishing the next one condemns nobody', () => {
    for (const release of [1, 2, 3]) expect(gate(booted(release)).verdict).to.equal('trusted');
  });

  it('takes a release until its time, to the millisecond', () => {
    const reference = referenceOf({ releases: [releaseOf(1, { acceptedUntil: NOW })] });
    expect(gate(booted(), { reference, now: NOW }).verdict).to.equal('trusted');
    expectUntrusted(gate(booted(), { reference, now: NOW + 1 }), 'release.expired');
  });

  it('judges the release of the boot in every audit, though the slice does not name it (F-30)', () => {
    const terminal = booted();
    const previous = admitted(terminal);
    const reference = referenceOf({ sequence: 2, minimum: 2 });
    expectUntrusted(audit(terminal, previous, { reference }), 'release.below-minimum');
  });

  it('is unknown, not untrusted, without a manifest for the model (F-33)', () => {
    const result = gate(booted(), { reference: undefined });
    expect(codesOf(result)).to.deep.equal(['reference.missing']);
    expect(result.verdict).to.equal('unknown');
    expect(result.state).to.equal(undefined);
  });
});

describe('every boot component is the listed one', () => {
  it('finds one that was changed before boot, and says what was expected', () => {
    const result = gate(new TestTerminal().bootRelease(1, ['boot.bin']));
    expectUntrusted(result, 'component.digest', 'component.digest');
    const [atBoot, inAudit] = result.findings;
    expect(atBoot?.component).to.equal('boot.bin');
    expect(atBoot?.event).to.equal(3);
    expect(atBoot?.expected).to.equal(toHex(digestOf('boot.bin', 'release 1')));
    expect(atBoot?.found).to.equal(toHex(digestOf('boot.bin', 'changed')));
    expect(inAudit?.event).to.equal(undefined);
  });

  it('refuses one component of another release among those of its own, and names that release (F-34)', () => {
    const terminal = new TestTerminal();
    terminal.powerOn();
    terminal.append({ type: 'boot', ...terminal.boot, agent: 'test/1' });
    terminal.append({ type: 'release', release: 2, manifestDigest: new Uint8Array(32) });
    for (const { name, pcr, digest, phase } of componentsOf(2)) {
      const found = name === 'tre.bin' ? digestOf(name, 'release 1') : digest;
      if (phase === 'boot') terminal.append({ type: 'component', name, digest: found }, pcr);
      if (phase === 'boot') terminal.running.set(name, found);
    }
    terminal.append({ type: 'ready' });
    const result = gate(terminal);
    expectUntrusted(result, 'component.digest', 'component.digest');
    expect(result.findings[0]?.allowedBy).to.equal('release 1 (1.0)');
  });

  it('refuses a boot in which one is missing: a release is a complete set (F-34)', () => {
    const terminal = new TestTerminal();
    terminal.powerOn();
    terminal.append({ type: 'boot', ...terminal.boot, agent: 'test/1' });
    terminal.append({ type: 'release', release: 1, manifestDigest: new Uint8Array(32) });
    for (const { name, pcr, digest, phase } of componentsOf(1)) {
      if (phase === 'boot') terminal.running.set(name, digest);
      if (phase === 'boot' && name !== 'tre.bin') terminal.append({ type: 'component', name, digest }, pcr);
    }
    terminal.append({ type: 'ready' });
    const result = gate(terminal);
    expectUntrusted(result, 'component.missing');
    expect(result.findings[0]?.component).to.equal('tre.bin');
  });

  const strangers: readonly (readonly [string, string, Uint8Array, number, readonly string[]])[] = [
    ['one that no release lists', 'rogue.bin', digestOf('rogue.bin', 'any'), 10, ['component.unlisted']],
    ['one that may only start later', 'usim.bin', digestOf('usim.bin', 'release 1'), 10, ['component.unlisted']],
    ['a listed one in another PCR', 'tre.bin', digestOf('tre.bin', 'release 1'), 1, ['component.pcr']],
  ];
  for (const [what, name, digest, pcr, codes] of strangers) {
    it(`refuses ${what}`, () => {
      const terminal = new TestTerminal();
      terminal.powerOn();
      terminal.append({ type: 'boot', ...terminal.boot, agent: 'test/1' });
      terminal.append({ type: 'release', release: 1, manifestDigest: new Uint8Array(32) });
      terminal.append({ type: 'component', name, digest }, pcr);
      for (const one of componentsOf(1)) {
        if (one.phase === 'boot') terminal.append({ type: 'component', name: one.name, digest: one.digest }, one.pcr);
        if (one.phase === 'boot') terminal.running.set(one.name, one.digest);
      }
      terminal.append({ type: 'ready' });
      expectUntrusted(gate(terminal), ...codes);
    });
  }

  it('affirms nothing where the quote that was asked for leaves out a PCR with events: there a log may claim anything', () => {
    const terminal = booted();
    const selection = selectionAsked(parseSelectionText('sha256:5,11,12,13'));
    const challenge = openChallenge({ ...wishOf('gate'), selection });
    const result = appraise(inputOf(terminal, challenge, terminal.answer(challenge)));
    expect(codesOf(result)).to.deep.equal(['verifier.malfunction']);
    expect(result.verdict).to.equal('unknown');
  });

  it('reports the first of very many', () => {
    const terminal = new TestTerminal();
    terminal.powerOn();
    terminal.append({ type: 'boot', ...terminal.boot, agent: 'test/1' });
    terminal.append({ type: 'release', release: 1, manifestDigest: new Uint8Array(32) });
    for (let i = 0; i < 100; i++) terminal.append({ type: 'component', name: `x${i}`, digest: new Uint8Array(32) }, 0);
    terminal.append({ type: 'ready' });
    const result = gate(terminal);
    expect(result.findings.filter(({ code }) => code === 'component.unlisted').length).to.equal(16);
    expect(result.verdict).to.equal('untrusted');
  });
});

describe('everything started and audited is listed', () => {
  it('takes a listed component that starts after boot, in either phase', () => {
    const terminal = booted();
    const previous = admitted(terminal);
    terminal.start('usim.bin');
    terminal.start('app/main.bin');
    expect(audit(terminal, previous).verdict).to.equal('trusted');
  });

  it('finds one outside the manifest from the audit after its start on', () => {
    const terminal = booted();
    const previous = admitted(terminal);
    terminal.start('rogue.bin');
    const result = audit(terminal, previous);
    expectUntrusted(result, 'component.unlisted');
    expect(result.findings[0]?.event).to.equal(previous.count);
  });

  it('finds one that was started though no audit measures it, and one that is measured though never started', () => {
    const hidden = booted();
    const previous = admitted(hidden);
    const shown = hidden.copy();
    hidden.append({ type: 'started', name: 'rogue.bin', digest: new Uint8Array(32) });
    expectUntrusted(audit(hidden, previous), 'component.unlisted');
    shown.running.set('rogue.bin', new Uint8Array(32));
    expectUntrusted(audit(shown, previous), 'component.unlisted');
  });

  it('finds a listed component that was changed after boot: by the audit, not at boot', () => {
    const terminal = booted();
    const previous = admitted(terminal);
    terminal.change('app/main.bin');
    const result = audit(terminal, previous);
    expectUntrusted(result, 'component.digest');
    expect(result.findings[0]?.component).to.equal('app/main.bin');
  });

  it('finds one that was deleted: its digest is zeros, or it is not measured', () => {
    const deleted = booted();
    const previous = admitted(deleted);
    const unmeasured = deleted.copy();
    deleted.running.set('boot.bin', new Uint8Array(32));
    expectUntrusted(audit(deleted, previous), 'component.digest');
    unmeasured.running.delete('boot.bin');
    expectUntrusted(audit(unmeasured, previous), 'component.missing');
  });

  it('appraises what earlier audits measured, though for other challenges', () => {
    const terminal = booted();
    const previous = admitted(terminal);
    const honest = terminal.running.get('boot.bin') ?? new Uint8Array(32);
    terminal.change('boot.bin');
    terminal.answer(challengeOf('runtime', previous, 60));
    terminal.running.set('boot.bin', honest);
    const result = audit(terminal, previous);
    expectUntrusted(result, 'component.digest');
  });

  it('tells one change once, however many lists show it', () => {
    const terminal = booted();
    const previous = admitted(terminal);
    terminal.change('boot.bin');
    for (let i = 0; i < 4; i++) {
      terminal.start('usim.bin');
      terminal.running.set(`usim.bin`, digestOf('usim.bin', 'release 1'));
      terminal.answer(challengeOf('runtime', previous, 60 + i));
    }
    expectUntrusted(audit(terminal, previous), 'component.digest');
  });

  it('looks through the other releases for the findings that it tells, not for every entry of a list (F-54)', () => {
    let looked = 0;
    class Counted<K, V> extends Map<K, V> {
      override get(key: K): V | undefined {
        looked += 1;
        return super.get(key);
      }
    }
    const reference = referenceOf({ releases: Array.from({ length: 40 }, (_, i) => releaseOf(i + 1)) });
    const [own] = reference.releases.values();
    const release = own ?? expect.fail();
    const releases = new Map(
      [...reference.releases].map(([number, one]) => [number, { ...one, components: new Counted(one.components) }]),
    );
    const list = Array.from({ length: 4000 }, (_, i) => ({ name: `x${i}`, digest: new Uint8Array(32) }));
    const findings = listFindings({ ...reference, releases }, { ...release, components: new Counted() }, list);
    expect(findings).to.have.length(16);
    expect(looked).to.equal(16 + 16 * 40);
  });

  it('does not decide where a list is missing, unless something else does', () => {
    const terminal = booted();
    const previous = admitted(terminal);
    const changed = terminal.copy();
    const undecided = audit(terminal, previous, { lists: new Map() });
    expect(codesOf(undecided)).to.deep.equal(['list.missing']);
    expect(undecided.verdict).to.equal('unknown');
    expect(undecided.state).to.equal(undefined);
    changed.append({ type: 'started', name: 'rogue.bin', digest: new Uint8Array(32) });
    expectUntrusted(audit(changed, previous, { lists: new Map() }), 'component.unlisted', 'list.missing');
  });

  it('asks for the list of every audit, not of the last alone', () => {
    const terminal = booted();
    const previous = admitted(terminal);
    terminal.start('usim.bin');
    terminal.answer(challengeOf('runtime', previous, 60));
    terminal.running.delete('usim.bin');
    const lists = new Map([...listsOf(terminal)].filter(([hex]) => hex === toHex(terminal.list().digest)));
    expect(codesOf(audit(terminal, previous, { lists }))).to.deep.equal(['list.missing']);
  });
});
