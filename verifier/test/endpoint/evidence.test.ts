import { encodeMessage, parseMessage } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { componentsOf, digestOf, referenceOf, releaseOf } from '../appraisal/firmware.ts';
import { TestKey } from '../appraisal/signing-key.ts';
import type { Lies } from '../appraisal/terminal.ts';
import { TestEndpoint } from './endpoint.ts';
import { evidenceMessages, type ReceivedChallenge } from './terminal-client.ts';

const RANDOM = new TestKey('bytes that look random').sign(new Uint8Array());

/** Recorded evidence under the id of another challenge. */
function readdressed(recorded: readonly Uint8Array[], { id }: ReceivedChallenge): readonly Uint8Array[] {
  return recorded.map((bytes) => {
    const message = parseMessage(bytes, 'terminal');
    if (message.type !== 'evidence' && message.type !== 'part') expect.fail(message.type);
    return encodeMessage({ ...message, challenge: id });
  });
}

describe('evidence over a connection', () => {
  let endpoint: TestEndpoint;
  beforeEach(async () => {
    endpoint = await TestEndpoint.start();
  });
  afterEach(async () => {
    expect(endpoint.errors).to.deep.equal([]);
    await endpoint.stop();
  });

  it('is asked for at once after hello, at the gate and with the whole log, and admits', async () => {
    const terminal = await endpoint.enrolled();
    const client = await endpoint.proven(terminal);
    const challenge = await client.challenge();
    expect(challenge.purpose).to.equal('gate');
    expect(challenge.message.cursor).to.deep.equal({
      resetCount: 0,
      restartCount: 0,
      count: 0,
      prefix: new Uint8Array(16),
    });
    client.answer(terminal, challenge);
    const result = await client.expect('result');
    expect(result.verdict).to.equal('trusted');
    expect(result.codes).to.equal(undefined);
    expect(result.challenge).to.deep.equal(challenge.id);
    const { admission, accepted, lastAffirmedAt } = await endpoint.row(terminal);
    expect(admission).to.equal('admitted');
    expect(accepted?.count).to.equal(terminal.count);
    expect(lastAffirmedAt).to.be.a('number');
    const [decision] = await endpoint.decisions(terminal);
    expect(decision?.ledgerIndex).to.equal(result.ledgerIndex);
  });

  it('of an admitted terminal goes on from the accepted events, and names a list only where it is new', async () => {
    const terminal = await endpoint.enrolled();
    const client = await endpoint.admitted(terminal);
    endpoint.auditNow(terminal);
    const challenge = await client.challenge();
    expect(challenge.purpose).to.equal('runtime');
    expect(challenge.message.cursor?.count).to.equal(terminal.count);
    expect(challenge.message.knownList).to.deep.equal(terminal.list().digest.slice(0, 16));
    expect(client.answer(terminal, challenge).length, 'evidence alone').to.equal(1);
    expect((await client.expect('result')).verdict).to.equal('trusted');
  });

  it('goes on from what is stored on the next connection', async () => {
    const terminal = await endpoint.enrolled();
    await (await endpoint.admitted(terminal)).end();
    const client = await endpoint.proven(terminal);
    const challenge = await client.challenge();
    expect(challenge.purpose).to.equal('runtime');
    expect(challenge.message.cursor?.count).to.equal(terminal.count);
    client.answer(terminal, challenge);
    expect((await client.expect('result')).verdict).to.equal('trusted');
  });

  it('recorded before and sent under the open challenge’s id is untrusted (F-01)', async () => {
    const terminal = await endpoint.enrolled();
    const client = await endpoint.proven(terminal);
    const recorded = client.answer(terminal, await client.challenge());
    await client.expect('result');
    endpoint.auditNow(terminal);
    const challenge = await client.challenge();
    for (const bytes of readdressed(recorded, challenge)) client.sendBytes(bytes);
    const { verdict, codes } = await client.expect('result');
    expect(verdict).to.equal('untrusted');
    expect(codes).to.deep.equal(['context.mismatch']);
  });

  it('sent once more as it was changes no verdict: its challenge was consumed (F-01)', async () => {
    const terminal = await endpoint.enrolled();
    const client = await endpoint.proven(terminal);
    const challenge = await client.challenge();
    const [evidence = new Uint8Array()] = client.answer(terminal, challenge);
    expect((await client.expect('result')).verdict).to.equal('trusted');
    client.sendBytes(evidence);
    const { code, challenge: id } = await client.expect('noResult');
    expect(code).to.equal('challenge.not-open');
    expect(id).to.deep.equal(challenge.id);
    const row = await endpoint.row(terminal);
    expect(row.lateCode).to.equal('challenge.not-open');
    expect(row.condemned).to.equal(undefined);
    expect((await endpoint.decisions(terminal)).length).to.equal(1);
  });

  it('consumes its challenge even where it fails: the honest answer comes too late (F-01)', async () => {
    const terminal = await endpoint.enrolled();
    const client = await endpoint.proven(terminal);
    const challenge = await client.challenge();
    const honest = terminal.copy();
    client.answer(terminal, challenge, { context: { terminal: 't-2' } });
    expect((await client.expect('result')).codes).to.deep.equal(['context.mismatch']);
    const [evidence = new Uint8Array()] = client.answer(honest, challenge);
    expect((await client.expect('noResult')).code).to.equal('challenge.not-open');
    client.sendBytes(evidence);
    expect((await client.expect('noResult')).code).to.equal('challenge.not-open');
    expect((await endpoint.row(terminal)).condemned?.codes).to.deep.equal(['context.mismatch']);
  });

  it('for a challenge of another connection changes no verdict: challenges die with theirs (F-02, F-03)', async () => {
    const terminal = await endpoint.enrolled();
    const first = await endpoint.proven(terminal);
    const elsewhere = await first.challenge();
    const second = await endpoint.proven(terminal);
    const own = await second.challenge();
    expect(own.nonce).to.not.deep.equal(elsewhere.nonce);
    second.answer(terminal.copy(), elsewhere);
    expect((await second.expect('noResult')).code).to.equal('challenge.not-open');
    second.answer(terminal, own);
    expect((await second.expect('result')).verdict).to.equal('trusted');
  });

  it('made for one connection and sent over another under its open challenge’s id is untrusted (F-03)', async () => {
    const terminal = await endpoint.enrolled();
    const other = await endpoint.enrolled('t-2');
    const elsewhere = await endpoint.proven(other);
    const client = await endpoint.proven(terminal);
    const challenge = await client.challenge();
    const answer = terminal.answer(challenge, elsewhere.binding);
    client.sendAnswer(answer, challenge);
    const { verdict, codes } = await client.expect('result');
    expect(verdict).to.equal('untrusted');
    expect(codes).to.deep.equal(['context.mismatch']);
  });

  const wrong: readonly (readonly [string, Lies, string])[] = [
    ['for another purpose (F-05)', { context: { purpose: 'runtime' } }, 'context.mismatch'],
    ['for local inspection (F-05)', { context: { purpose: 'inspect' } }, 'context.mismatch'],
    [
      'bound to no channel (F-03)',
      { context: { binding: { type: 'none', value: new Uint8Array() } } },
      'context.mismatch',
    ],
    ['by another attestation key (F-08)', { signer: new TestKey('impostor') }, 'signature.invalid'],
    ['without audit', { audit: { event: undefined } }, 'audit.not-fresh'],
  ];
  for (const [what, lies, code] of wrong) {
    it(`${what} is untrusted`, async () => {
      const terminal = await endpoint.enrolled();
      const client = await endpoint.proven(terminal);
      const { verdict, codes } = await client.audited(terminal, lies);
      expect(verdict).to.equal('untrusted');
      expect(codes).to.deep.equal([code]);
      expect((await endpoint.row(terminal)).admission).to.equal('suspended');
    });
  }

  it('that is well-formed with random bytes as body is untrusted', async () => {
    const terminal = await endpoint.enrolled();
    const client = await endpoint.proven(terminal);
    const { id: challenge } = await client.challenge();
    client.send({ type: 'evidence', challenge, attest: RANDOM, signature: RANDOM, claims: RANDOM, log: RANDOM });
    const { verdict, codes } = await client.expect('result');
    expect(verdict).to.equal('untrusted');
    expect(codes).to.deep.equal(['evidence.malformed']);
  });

  it('collected for challenges in advance answers none: only one is open at a time (F-06)', async () => {
    const terminal = await endpoint.enrolled();
    const client = await endpoint.proven(terminal);
    const challenge = await client.challenge();
    endpoint.auditNow(terminal);
    endpoint.auditNow(terminal);
    await client.roundTrip();
    client.answer(terminal, challenge);
    expect((await client.next()).type, 'no second challenge before the first was answered').to.equal('result');
    const next = await client.challenge();
    client.answer(terminal, next);
    await client.expect('result');
    endpoint.auditNow(terminal);
    expect((await client.challenge()).nonce).to.not.deep.equal(next.nonce);
  });

  it('is appraised against the Reference Values of the moment, and unknown without any', async () => {
    const terminal = await endpoint.enrolled();
    endpoint.reference = undefined;
    const client = await endpoint.proven(terminal);
    const blind = await client.audited(terminal);
    expect(blind.verdict).to.equal('unknown');
    expect(blind.codes).to.deep.equal(['reference.missing']);
    expect((await endpoint.row(terminal)).accepted).to.equal(undefined);
    endpoint.reference = referenceOf();
    endpoint.auditNow(terminal);
    const challenge = await client.challenge();
    expect(challenge.purpose).to.equal('gate');
    client.answer(terminal, challenge);
    expect((await client.expect('result')).verdict).to.equal('trusted');
  });

  it('of a condemned terminal is asked for on; the gate follows once the Reference Values changed', async () => {
    const terminal = await endpoint.enrolled();
    const client = await endpoint.admitted(terminal);
    terminal.change('boot.bin');
    endpoint.auditNow(terminal);
    expect((await client.audited(terminal)).codes).to.deep.equal(['component.digest']);
    endpoint.auditNow(terminal);
    const still = await client.challenge();
    expect(still.purpose).to.equal('runtime');
    client.answer(terminal, still);
    expect((await client.expect('result')).verdict).to.equal('untrusted');
    endpoint.reference = referenceOf({ sequence: 2 }, 2);
    endpoint.auditNow(terminal);
    const gate = await client.challenge();
    expect(gate.purpose).to.equal('gate');
    expect(gate.message.cursor?.count).to.equal(0);
    client.answer(terminal, gate);
    expect((await client.expect('result')).codes).to.deep.equal(['component.digest']);
    expect((await endpoint.row(terminal)).condemned?.referenceRevision).to.equal(2);
  });

  it('is asked for as a whole once the release lists other components than were appraised', async () => {
    const terminal = await endpoint.enrolled();
    const client = await endpoint.admitted(terminal);
    endpoint.auditNow(terminal);
    const open = await client.challenge();
    expect(open.message.cursor?.count, 'from the accepted events').to.equal(terminal.count);
    const withdrawn = componentsOf(1).filter(({ name }) => name !== 'boot.bin');
    const replaced = { name: 'boot.bin', pcr: 4, phase: 'boot', digest: digestOf('boot.bin', 'patched') } as const;
    const components = [...withdrawn, replaced].sort((a, b) => (a.name < b.name ? -1 : 1));
    endpoint.reference = referenceOf({ sequence: 2, releases: [releaseOf(1, { components })] }, 2);
    terminal.running.set('boot.bin', replaced.digest);
    client.answer(terminal, open);
    expect((await client.expect('noResult')).code, 'a slice cannot tell').to.equal('state.conflict');
    endpoint.auditNow(terminal);
    const whole = await client.challenge();
    expect([whole.purpose, whole.message.cursor?.count]).to.deep.equal(['runtime', 0]);
    client.answer(terminal, whole);
    expect((await client.expect('result')).codes, 'what booted is listed no more').to.deep.equal(['component.digest']);
  });

  it('goes on from the accepted events where a manifest leaves the release as it was', async () => {
    const terminal = await endpoint.enrolled();
    const client = await endpoint.admitted(terminal);
    endpoint.reference = referenceOf({ sequence: 2, releases: [releaseOf(1), releaseOf(4)] }, 2);
    endpoint.auditNow(terminal);
    const challenge = await client.challenge();
    expect(challenge.message.cursor?.count).to.equal(terminal.count);
    client.answer(terminal, challenge);
    expect((await client.expect('result')).verdict).to.equal('trusted');
  });

  it('whose log did not replay is asked for as a whole, and tells a copy from a fault (F-20)', async () => {
    const terminal = await endpoint.enrolled();
    const copy = terminal.copy();
    const client = await endpoint.admitted(terminal);
    await client.end();
    copy.auditCounter = 50n;
    copy.answer(await unanswered(), client.binding);
    const other = await endpoint.proven(copy);
    expect((await other.audited(copy)).codes).to.deep.equal(['log.replay']);
    endpoint.auditNow(copy);
    const whole = await other.challenge();
    expect(whole.purpose).to.equal('runtime');
    expect(whole.message.cursor?.count).to.equal(0);
    other.answer(copy, whole);
    expect((await other.expect('result')).codes).to.deep.equal(['identity.rolled-back']);
    const genuine = await endpoint.proven(terminal);
    expect((await genuine.audited(terminal)).codes).to.deep.equal(['identity.diverged']);
  });

  /** Some challenge that nobody else answers. */
  async function unanswered(): Promise<ReceivedChallenge> {
    const stranger = await endpoint.enrolled('t-9');
    return await (await endpoint.proven(stranger)).challenge();
  }

  it('of a new boot under a runtime challenge counts as boot.new: back to the gate, no verdict lost', async () => {
    const terminal = await endpoint.enrolled();
    const client = await endpoint.admitted(terminal);
    endpoint.auditNow(terminal);
    const runtime = await client.challenge();
    terminal.bootRelease(2);
    client.sendAnswer(terminal.answer(runtime, client.binding, 0), runtime);
    const gate = await client.challenge();
    expect(gate.purpose).to.equal('gate');
    const pending = await endpoint.row(terminal);
    expect(pending.pendingAt).to.be.a('number');
    expect(pending.admission).to.equal('enrolled');
    client.answer(terminal, gate);
    expect((await client.expect('result')).verdict).to.equal('trusted');
    const { pendingAt, info, admission } = await endpoint.row(terminal);
    expect(pendingAt).to.equal(undefined);
    expect(info).to.deep.equal(['release.new', 'boot.new']);
    expect(admission).to.equal('admitted');
  });

  it('boot.new ends admission until the gate, and is stale until then', async () => {
    const terminal = await endpoint.enrolled();
    const client = await endpoint.admitted(terminal);
    endpoint.auditNow(terminal);
    const runtime = await client.challenge();
    terminal.bootRelease();
    client.send({ type: 'bootNew', challenge: runtime.id, boot: terminal.boot });
    const gate = await client.challenge();
    expect(gate.purpose).to.equal('gate');
    expect((await endpoint.row(terminal)).admission).to.equal('enrolled');
    await client.end();
    const again = await endpoint.proven(terminal);
    const challenge = await again.challenge();
    expect(challenge.purpose, 'stored, not remembered').to.equal('gate');
    again.answer(terminal, challenge);
    expect((await again.expect('result')).verdict).to.equal('trusted');
    expect((await endpoint.row(terminal)).info).to.deep.equal(['boot.new']);
  });

  it('that is garbage in an announced boot is not forgiven in that boot, but in the next', async () => {
    const terminal = await endpoint.enrolled();
    const client = await endpoint.admitted(terminal);
    const atTheGate = async (): Promise<ReceivedChallenge> => {
      endpoint.auditNow(terminal);
      const runtime = await client.challenge();
      client.send({ type: 'bootNew', challenge: runtime.id, boot: terminal.boot });
      return await client.challenge();
    };
    terminal.bootRelease();
    const { id: challenge } = await atTheGate();
    client.send({ type: 'evidence', challenge, attest: RANDOM, signature: RANDOM, claims: RANDOM, log: RANDOM });
    expect((await client.expect('result')).codes).to.deep.equal(['evidence.malformed']);
    client.answer(terminal, await atTheGate());
    expect((await client.expect('result')).codes).to.deep.equal(['evidence.malformed']);
    terminal.bootRelease();
    client.answer(terminal, await atTheGate());
    expect((await client.expect('result')).verdict).to.equal('trusted');
  });

  it('that is garbage in a boot announced over an earlier connection is not forgiven in that boot either', async () => {
    const terminal = await endpoint.enrolled();
    const client = await endpoint.admitted(terminal);
    terminal.bootRelease();
    endpoint.auditNow(terminal);
    const runtime = await client.challenge();
    client.send({ type: 'bootNew', challenge: runtime.id, boot: terminal.boot });
    await client.challenge();
    await client.end();
    const again = await endpoint.proven(terminal);
    const { id: challenge } = await again.challenge();
    again.send({ type: 'evidence', challenge, attest: RANDOM, signature: RANDOM, claims: RANDOM, log: RANDOM });
    expect((await again.expect('result')).codes).to.deep.equal(['evidence.malformed']);
    endpoint.auditNow(terminal);
    const next = await again.challenge();
    again.send({ type: 'bootNew', challenge: next.id, boot: terminal.boot });
    again.answer(terminal, await again.challenge());
    expect((await again.expect('result')).codes).to.deep.equal(['evidence.malformed']);
  });

  it('boot.new for a challenge that is not open changes nothing; at the gate it is refused', async () => {
    const terminal = await endpoint.enrolled();
    const client = await endpoint.admitted(terminal);
    client.send({ type: 'bootNew', challenge: new Uint8Array(8), boot: { resetCount: 9, restartCount: 0 } });
    endpoint.auditNow(terminal);
    client.answer(terminal, await client.challenge());
    expect((await client.expect('result')).verdict).to.equal('trusted');
    expect((await endpoint.row(terminal)).pendingAt).to.equal(undefined);

    const other = await endpoint.enrolled('t-2');
    const atTheGate = await endpoint.proven(other);
    const { id } = await atTheGate.challenge();
    atTheGate.send({ type: 'bootNew', challenge: id, boot: other.boot });
    expect(await atTheGate.refused()).to.deep.equal(['session.unexpected-message', 1002]);
    expect((await endpoint.row(other)).pendingAt).to.equal(undefined);
  });

  it('answers to one terminal’s challenge with another’s evidence condemn the one that sent them', async () => {
    const terminal = await endpoint.enrolled();
    const other = await endpoint.enrolled('t-2');
    const client = await endpoint.proven(terminal);
    const challenge = await client.challenge();
    for (const message of evidenceMessages(other.answer(challenge, client.binding), challenge.id, true)) {
      client.send(message);
    }
    expect((await client.expect('result')).codes).to.deep.equal(['quote.signer']);
    expect((await endpoint.row(other)).condemned).to.equal(undefined);
  });
});
