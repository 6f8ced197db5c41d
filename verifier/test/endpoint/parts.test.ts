import { MAX_SLICE_BYTES, toHex } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { componentsOf, digestOf, referenceOf, releaseOf } from '../appraisal/firmware.ts';
import type { TestTerminal } from '../appraisal/terminal.ts';
import { type EndpointSettings, TestEndpoint } from './endpoint.ts';
import { evidenceMessages, listParts, type TerminalClient } from './terminal-client.ts';

/** A release with so many components that may start after boot. */
function crowdedReference(count: number): ReturnType<typeof referenceOf> {
  const many = Array.from({ length: count }, (_, i) => {
    const name = `module/${String(i).padStart(5, '0')}.bin`;
    return { name, pcr: 12, phase: 'runtime', digest: digestOf(name, 'release 1') } as const;
  });
  const components = [...componentsOf(1), ...many].sort((a, b) => (a.name < b.name ? -1 : 1));
  return referenceOf({ releases: [releaseOf(1, { components })] });
}

describe('evidence in parts', () => {
  let endpoint: TestEndpoint;
  let terminal: TestTerminal;
  async function start(settings: EndpointSettings = {}): Promise<void> {
    endpoint = await TestEndpoint.start(settings);
    terminal = await endpoint.enrolled();
  }
  afterEach(async () => {
    expect(endpoint.errors).to.deep.equal([]);
    await endpoint.stop();
  });

  async function noVerdict(client: TerminalClient, code: string): Promise<void> {
    expect((await client.expect('noResult')).code).to.equal(code);
    const row = await endpoint.row(terminal);
    expect(row.condemned).to.equal(undefined);
    expect(row.lastAffirmedAt).to.equal(undefined);
    expect(await endpoint.decisions(terminal)).to.deep.equal([]);
  }

  it('a log longer than 48 KiB comes in slices, at the gate and behind a cursor', async () => {
    await start();
    const client = await endpoint.admitted(terminal);
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 2500; i++) terminal.start('usim.bin');
      endpoint.auditNow(terminal);
      const challenge = await client.challenge();
      const sent = client.answer(terminal, challenge);
      expect(sent.length).to.be.greaterThan(2);
      expect((await client.expect('result')).verdict).to.equal('trusted');
      expect((await endpoint.row(terminal)).accepted?.count).to.equal(terminal.count);
    }
    endpoint.reference = undefined;
    endpoint.auditNow(terminal);
    expect((await client.audited(terminal)).verdict).to.equal('unknown');
    await client.end();
    endpoint.reference = referenceOf();
    terminal.bootRelease();
    for (let i = 0; i < 2500; i++) terminal.start('usim.bin');
    const again = await endpoint.proven(terminal);
    const runtime = await again.challenge();
    again.send({ type: 'bootNew', challenge: runtime.id, boot: terminal.boot });
    expect((await again.audited(terminal)).verdict).to.equal('trusted');
  });

  it('a component list longer than 48 KiB comes in parts, is kept, and is not asked for again', async () => {
    await start();
    endpoint.reference = crowdedReference(1200);
    for (let i = 0; i < 1200; i++) {
      const name = `module/${String(i).padStart(5, '0')}.bin`;
      terminal.start(name, digestOf(name, 'release 1'));
    }
    const { bytes, digest } = terminal.list();
    expect(bytes.length).to.be.greaterThan(MAX_SLICE_BYTES);
    const client = await endpoint.admitted(terminal);
    expect(endpoint.lists.get(toHex(digest))?.length).to.equal(1203);
    const row = await endpoint.store.db.selectFrom('component_lists').select('body').executeTakeFirstOrThrow();
    expect(row.body).to.deep.equal(bytes);
    endpoint.auditNow(terminal);
    const challenge = await client.challenge();
    expect(challenge.message.knownList).to.deep.equal(digest.slice(0, 16));
    expect(client.answer(terminal, challenge).length).to.equal(1);
    expect((await client.expect('result')).verdict).to.equal('trusted');
  });

  it('a list may come in pieces of any size, empty ones among them', async () => {
    await start();
    const client = await endpoint.proven(terminal);
    const challenge = await client.challenge();
    const answer = terminal.answer(challenge, client.binding);
    const [evidence] = evidenceMessages(answer, challenge.id, true);
    if (evidence?.type !== 'evidence') expect.fail('no evidence');
    client.send(evidence);
    const { bytes } = answer.list;
    for (let at = 0; at < bytes.length; at += 7) {
      const part = { type: 'part', challenge: challenge.id, kind: 'list' } as const;
      client.send({ ...part, body: new Uint8Array() });
      client.send({ ...part, body: bytes.subarray(at, at + 7), ...(at + 7 >= bytes.length ? { last: true } : {}) });
    }
    expect((await client.expect('result')).verdict).to.equal('trusted');
  });

  describe('a list that the log names and nobody knows', () => {
    /** Evidence whose list was not sent with it, and the question for it. */
    async function wanted(): Promise<{ client: TerminalClient; id: Uint8Array; list: Uint8Array; digest: Uint8Array }> {
      await start();
      const client = await endpoint.proven(terminal);
      const challenge = await client.challenge();
      const answer = terminal.answer(challenge, client.binding);
      for (const message of evidenceMessages(answer, challenge.id, false)) client.send(message);
      const want = await client.expect('want');
      expect(want.list).to.deep.equal(answer.list.digest);
      expect(want.challenge).to.deep.equal(challenge.id);
      return { client, id: challenge.id, list: answer.list.bytes, digest: answer.list.digest };
    }

    it('is asked for, and then appraised', async () => {
      const { client, id, list } = await wanted();
      for (const part of listParts(id, list)) client.send(part);
      expect((await client.expect('result')).verdict).to.equal('trusted');
    });

    it('is no verdict where the terminal does not have it', async () => {
      const { client, id } = await wanted();
      for (const part of listParts(id, new Uint8Array())) client.send(part);
      await noVerdict(client, 'list.missing');
    });

    it('is no verdict where another list comes, or one that is none', async () => {
      const { client, id } = await wanted();
      for (const part of listParts(id, new Uint8Array(100))) client.send(part);
      await noVerdict(client, 'list.missing');
    });

    it('is never asked for twice in one answer: a terminal cannot keep the verifier busy', async () => {
      const { client, id } = await wanted();
      for (const part of listParts(id, Uint8Array.of(0x90))) client.send(part);
      await noVerdict(client, 'list.missing');
      endpoint.auditNow(terminal);
      expect((await client.audited(terminal)).verdict).to.equal('trusted');
    });
  });

  it('asks for the lists of lost evidence one after the other', async () => {
    await start();
    endpoint.reference = crowdedReference(3);
    const client = await endpoint.admitted(terminal);
    for (let i = 0; i < 3; i++) {
      const name = `module/0000${i}.bin`;
      terminal.start(name, digestOf(name, 'release 1'));
      terminal.append({ type: 'audit', nonce: new Uint8Array(32).fill(i), listDigest: terminal.list().digest });
      terminal.lists.set(toHex(terminal.list().digest), terminal.list());
    }
    endpoint.auditNow(terminal);
    const challenge = await client.challenge();
    const answer = terminal.answer(challenge, client.binding, challenge.message.cursor?.count);
    for (const message of evidenceMessages(answer, challenge.id, false)) client.send(message);
    const asked: string[] = [];
    for (let i = 0; i < 3; i++) {
      const hex = toHex((await client.expect('want')).list);
      asked.push(hex);
      for (const part of listParts(challenge.id, terminal.lists.get(hex)?.bytes ?? new Uint8Array())) client.send(part);
    }
    expect(asked).to.deep.equal([...terminal.lists.keys()].slice(1));
    expect((await client.expect('result')).verdict).to.equal('trusted');
    const rows = await endpoint.store.db.selectFrom('component_lists').select('digest').execute();
    const kept = rows.map(({ digest }) => toHex(digest));
    const first = [...terminal.lists.keys()][0];
    expect(kept, 'of the gate and of the last audit, none of those between').to.have.members([
      first,
      toHex(answer.list.digest),
    ]);
  });

  it('is untrusted at once for what no list can mend: holding one back is no way round a verdict', async () => {
    await start();
    const client = await endpoint.proven(terminal);
    const forged = await client.challenge();
    const lies = { context: { terminal: 't-2' } };
    for (const message of evidenceMessages(terminal.answer(forged, client.binding, 0, lies), forged.id, false)) {
      client.send(message);
    }
    expect((await client.expect('result')).codes).to.deep.equal(['context.mismatch']);

    const other = await endpoint.enrolled('t-2');
    other.append({ type: 'started', name: 'rogue.bin', digest: new Uint8Array(32) });
    const second = await endpoint.proven(other);
    const challenge = await second.challenge();
    for (const message of evidenceMessages(other.answer(challenge, second.binding), challenge.id, false)) {
      second.send(message);
    }
    expect((await second.expect('result')).codes).to.deep.equal(['component.unlisted']);
  });

  it('keeps only lists that the log names and that matched: a terminal cannot fill the store', async () => {
    await start();
    const client = await endpoint.proven(terminal);
    const challenge = await client.challenge();
    const answer = terminal.answer(challenge, client.binding);
    const stray = await endpoint.enrolled('t-2');
    stray.running.set('stray.bin', new Uint8Array(32));
    const [evidence] = evidenceMessages(answer, challenge.id, true);
    if (evidence?.type !== 'evidence') expect.fail('no evidence');
    client.send({ ...evidence, lists: 2 });
    for (const part of listParts(challenge.id, stray.list().bytes)) client.send(part);
    for (const part of listParts(challenge.id, answer.list.bytes)) client.send(part);
    expect((await client.expect('result')).verdict).to.equal('trusted');
    await client.end();
    await (await endpoint.proven(stray)).audited(stray);
    const rows = await endpoint.store.db.selectFrom('component_lists').select('digest').execute();
    expect(rows.map(({ digest }) => toHex(digest))).to.deep.equal([toHex(answer.list.digest)]);
    expect(endpoint.lists.get(toHex(stray.list().digest))).to.equal(undefined);
  });

  describe('beyond the limits is no verdict (F-29)', () => {
    it('more events than allowed', async () => {
      await start({ policy: { maxEvents: 7 } });
      const client = await endpoint.proven(terminal);
      terminal.start('usim.bin');
      client.answer(terminal, await client.challenge());
      await noVerdict(client, 'limit.exceeded');
    });

    it('exactly as many is a verdict', async () => {
      await start({ policy: { maxEvents: 7 } });
      expect(terminal.count).to.equal(6);
      await endpoint.admitted(terminal);
    });

    it('more events than allowed in later slices, of which nothing is kept', async () => {
      await start({ policy: { maxEvents: 1000 } });
      for (let i = 0; i < 6000; i++) terminal.start('usim.bin');
      const client = await endpoint.proven(terminal);
      client.answer(terminal, await client.challenge());
      await noVerdict(client, 'limit.exceeded');
    });

    it('more bytes of lists than allowed, in one list or in many', async () => {
      await start({ policy: { maxListBytes: 1024 } });
      const client = await endpoint.proven(terminal);
      const challenge = await client.challenge();
      const answer = terminal.answer(challenge, client.binding);
      const [evidence] = evidenceMessages(answer, challenge.id, true);
      if (evidence?.type !== 'evidence') expect.fail('no evidence');
      client.send({ ...evidence, lists: 9 });
      for (let i = 0; i < 9; i++) for (const part of listParts(challenge.id, answer.list.bytes)) client.send(part);
      await noVerdict(client, 'limit.exceeded');
      endpoint.auditNow(terminal);
      expect((await client.audited(terminal)).verdict, 'the next audit is a new one').to.equal('trusted');
    });

    it('more different lists than are kept: a limit, not a fault of the terminal', async () => {
      await start();
      const names = Array.from({ length: 66 }, (_, i) => `module/${String(i).padStart(5, '0')}.bin`);
      endpoint.reference = crowdedReference(66);
      const client = await endpoint.proven(terminal);
      const challenge = await client.challenge();
      for (const name of names) {
        terminal.start(name, digestOf(name, 'release 1'));
        terminal.append({ type: 'audit', nonce: new Uint8Array(32), listDigest: terminal.list().digest });
      }
      client.answer(terminal, challenge);
      await noVerdict(client, 'limit.exceeded');
    });
  });
});
