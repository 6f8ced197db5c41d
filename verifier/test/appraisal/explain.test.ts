import { REASONS, toHex } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { explain } from '../../src/appraisal/explain.ts';
import { gate } from './appraisal.ts';
import { componentsOf, digestOf } from './firmware.ts';
import { TestTerminal } from './terminal.ts';

describe('explain', () => {
  it('says of each finding what it means and what the operator can do', () => {
    const { findings } = gate(new TestTerminal().bootRelease(1, ['boot.bin']));
    const [first] = explain(findings);
    expect(first).to.deep.equal({
      code: 'component.digest',
      detail: 'boot.bin was changed',
      component: 'boot.bin',
      event: 3,
      expected: toHex(digestOf('boot.bin', 'release 1')),
      found: toHex(digestOf('boot.bin', 'changed')),
      meaning: REASONS['component.digest'].meaning,
      next: REASONS['component.digest'].next,
    });
  });

  it('names the release that would allow what was found: an update that was cut short', () => {
    const terminal = new TestTerminal();
    terminal.powerOn();
    terminal.append({ type: 'boot', ...terminal.boot, agent: 'test/1' });
    terminal.append({ type: 'release', release: 1, manifestDigest: new Uint8Array(32) });
    for (const { name, pcr, digest, phase } of componentsOf(1)) {
      const found = name === 'boot.bin' ? digestOf(name, 'release 2') : digest;
      if (phase === 'boot') terminal.append({ type: 'component', name, digest: found }, pcr);
    }
    terminal.append({ type: 'ready' });
    const [first] = explain(gate(terminal).findings);
    expect(first?.next).to.equal(
      `${REASONS['component.digest'].next} These bytes are listed by release 2 (2.0): was an update cut short?`,
    );
  });

  it('explains every reason that appraisal can give', () => {
    const codes = Object.keys(REASONS) as (keyof typeof REASONS)[];
    const explained = explain(codes.map((code) => ({ code, detail: 'for a test' })));
    expect(explained.map(({ code }) => code)).to.deep.equal(codes);
    for (const { meaning, next } of explained) {
      expect(meaning).to.match(/\.$/);
      expect(next).to.match(/\.$/);
    }
  });

  it('has nothing to say where nothing was found', () => {
    expect(explain([])).to.deep.equal([]);
  });
});
