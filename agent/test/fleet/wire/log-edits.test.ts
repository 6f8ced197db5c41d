import { decodeEvent, equalBytes, LogReplay } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { expect } from 'chai';
import { recordsOf, relabelled, spliced, truncated } from '../../../src/fleet/wire/log-edits.ts';
import { logOf } from './fixture.ts';

const digest = new Uint8Array(32).fill(1);
const BOOT = [11, { type: 'boot', resetCount: 2, restartCount: 0, agent: 'agent/1' }] as const;
const COMPONENT = [4, { type: 'component', name: 'os/kernel', digest }] as const;
const READY = [11, { type: 'ready' }] as const;
const AUDIT = [13, { type: 'audit', nonce: new Uint8Array(32).map((_, i) => i), listDigest: digest }] as const;
const LOG = logOf(BOOT, COMPONENT, READY, AUDIT);

function pcrsOf(log: Uint8Array): Uint8Array {
  const replay = new LogReplay(nodeCrypto.sha256);
  replay.feed(log, () => undefined);
  return replay.values();
}

function typesOf(log: Uint8Array): readonly string[] {
  return recordsOf(log).map(({ pcr, content }) => decodeEvent(pcr, content).type);
}

describe('a log that is changed on its way', () => {
  it('loses its last event, or one in the middle', () => {
    expect(typesOf(truncated(LOG, 'end'))).to.deep.equal(['boot', 'component', 'ready']);
    expect(typesOf(truncated(LOG, 'middle'))).to.deep.equal(['boot', 'component', 'audit']);
  });

  it('has the events of another boot before its newest one', () => {
    const other = logOf([11, { ...BOOT[1], resetCount: 1 }], COMPONENT, READY);
    const log = spliced(LOG, other);
    expect(typesOf(log)).to.deep.equal(['boot', 'component', 'ready', 'audit']);
    expect(recordsOf(log)[0]?.content).to.deep.equal(recordsOf(other)[0]?.content);
  });

  it('has a component under another name, or where there is none an audit with another nonce (F-27)', () => {
    const [, component] = recordsOf(relabelled(LOG)).map(({ pcr, content }) => decodeEvent(pcr, content));
    expect(component).to.have.property('name', 'os/kernel.old');
    const [audit] = recordsOf(relabelled(logOf(AUDIT))).map(({ pcr, content }) => decodeEvent(pcr, content));
    expect(audit).to.have.deep.property('nonce', AUDIT[1].nonce.toReversed());
  });

  it('is well formed, and does not lead to the quoted PCR values any more (F-26, F-27)', () => {
    const other = logOf([11, { ...BOOT[1], resetCount: 1 }], COMPONENT, READY);
    const changed = [truncated(LOG, 'end'), truncated(LOG, 'middle'), spliced(LOG, other), relabelled(LOG)];
    for (const log of changed) expect(equalBytes(pcrsOf(log), pcrsOf(LOG))).to.equal(false);
  });
});
