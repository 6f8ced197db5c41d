import {
  attestationKey,
  equalBytes,
  helloMessage,
  keyOfSpki,
  LogReplay,
  type Message,
  MRTM_COMPARTMENT,
  ProtocolError,
  parseClaims,
  parseComponentList,
  parsePublic,
  parseSelectionText,
  pcrDigest,
  qualifyingData,
  type TerminalClass,
  verifyQuote,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { expect } from 'chai';
import { type Agent, createAgent } from '../../src/agent.ts';
import { startAll } from '../../src/cli/run.ts';
import { AgentError } from '../../src/error.ts';
import { TerminalDisk } from '../../src/fleet/power.ts';
import { writeEnrolment } from '../../src/session/enrolment-file.ts';
import { type Firmware, installFirmware } from '../firmware.ts';
import { expectRefusal } from '../refusal.ts';
import { ScriptedVerifier, SELECTION } from './scripted-verifier.ts';

const ENROLMENT = { terminal: 't-1', audience: 'verifier', url: 'wss://verifier.example/attest', root: 'PEM' };
const NONCE_OF_GREETING = new Uint8Array(32).fill(1);

describe('the session of a terminal', () => {
  let firmware: Firmware;
  let disk: TerminalDisk;
  let verifier: ScriptedVerifier;
  let agent: Agent;
  let warnings: unknown[];
  let results: Message<'result'>[];

  /** Powers on, boots and connects to a verifier that the test plays. */
  async function connect(): Promise<void> {
    verifier = new ScriptedVerifier();
    warnings = [];
    results = [];
    const dialled = [verifier.channel];
    agent = await createAgent({
      platform: await disk.powerOn(),
      files: disk.agent,
      slots: firmware.slots,
      backOff: { firstMs: 1, mostMs: 1 },
      dial: () => {
        const channel = dialled.shift();
        return channel === undefined ? new Promise(() => undefined) : Promise.resolve(channel);
      },
      log: { info: () => undefined, warn: (fields) => warnings.push(fields['code']) },
      onResult: (result) => results.push(result),
    });
  }

  beforeEach(async () => {
    firmware = installFirmware();
    disk = new TerminalDisk();
    await writeEnrolment(disk.agent, ENROLMENT);
    await connect();
  });

  afterEach(() => {
    verifier.close();
    firmware.remove();
  });

  async function hello(): Promise<void> {
    void agent.run();
    verifier.greet();
    await verifier.hears('hello');
  }

  /** What a verifier would check of the quote, over the log's PCR values. */
  function expectQuote(evidence: Message<'evidence'>, challenge: Uint8Array, purpose: 'gate' | 'runtime'): void {
    const { akPublic, akName } = agent.identity;
    const replay = new LogReplay(nodeCrypto.sha256);
    replay.feed(evidence.log);
    const values = replay.values();
    const bank = new Map(Array.from({ length: 24 }, (_, pcr) => [pcr, values.slice(32 * pcr, 32 * pcr + 32)]));
    const selection = parseSelectionText('sha256:0,4,5,10,11,12,13');
    verifyQuote({
      ...evidence,
      key: nodeCrypto.importKey(attestationKey(parsePublic(akPublic))),
      selection: SELECTION,
      pcrDigest: pcrDigest(selection, { sha256: bank }, nodeCrypto.sha256),
      qualifyingData: qualifyingData(
        {
          purpose,
          challengeDigest: nodeCrypto.sha256(challenge),
          binding: verifier.channel.binding,
          audience: 'verifier',
          terminal: 't-1',
          compartment: MRTM_COMPARTMENT,
          ownershipEpoch: 0n,
          akName,
          claimsDigest: nodeCrypto.sha256(evidence.claims),
        },
        nodeCrypto.sha256,
      ),
    });
  }

  it('signs the hello over the greeting, its own channel binding, audience and terminal (F-04)', async () => {
    void agent.run();
    verifier.greet();
    const { terminal, signature } = await verifier.hears('hello');
    const context = { nonce: NONCE_OF_GREETING, binding: verifier.channel.binding, audience: 'verifier', terminal };
    const key = nodeCrypto.importKey(keyOfSpki(agent.identity.sessionKey));
    expect(key.verify(helloMessage(context), signature)).to.equal(true);
    expect(key.verify(helloMessage({ ...context, audience: 'other' }), signature)).to.equal(false);
  });

  it('answers a gate challenge with a quote that the whole log explains, and the list it measured', async () => {
    await hello();
    const challenge = verifier.challenge(5);
    const evidence = await verifier.hears('evidence');
    expectQuote(evidence, challenge, 'gate');
    expect(evidence.lists).to.equal(1);
    const part = await verifier.hears('part');
    const list = parseComponentList(part.body);
    const boot = firmware.components.filter(({ phase }) => phase === 'boot');
    expect(list).to.deep.equal(boot.map(({ name, digest }) => ({ name, digest })));
    expect(part.last).to.equal(true);
  });

  it('sends only what follows the cursor, and no list that is known', async () => {
    await hello();
    verifier.challenge(5);
    const whole = await verifier.hears('evidence');
    const { body } = await verifier.hears('part');
    const replay = new LogReplay(nodeCrypto.sha256);
    replay.feed(whole.log);
    const { resetCount, restartCount } = agent.identity.boot;
    const cursor = { resetCount, restartCount, count: replay.count, prefix: new Uint8Array(16) };
    const knownList = nodeCrypto.sha256(body).slice(0, 16);
    verifier.challenge(6, { purpose: 'runtime', cursor, knownList });
    const slice = await verifier.hears('evidence');
    let events = 0;
    replay.feed(slice.log, () => (events += 1));
    expect([events, slice.lists]).to.deep.equal([1, undefined]);
  });

  it('raises its audit counter with every quote', async () => {
    await hello();
    const counters: bigint[] = [];
    for (const nonce of [1, 2, 3]) {
      verifier.challenge(nonce);
      counters.push(parseClaims((await verifier.hears('evidence')).claims).auditCounter);
      await verifier.hears('part');
    }
    expect(counters).to.deep.equal([1n, 2n, 3n]);
  });

  it('measures the real bytes again for every challenge: a change between two shows (F-24)', async () => {
    const { writeFileSync } = await import('node:fs');
    await hello();
    verifier.challenge(1);
    await verifier.hears('evidence');
    const before = await verifier.hears('part');
    writeFileSync(firmware.path('boot.bin'), 'other bytes');
    verifier.challenge(2);
    await verifier.hears('evidence');
    const after = await verifier.hears('part');
    expect(equalBytes(before.body, after.body)).to.equal(false);
  });

  it('announces another boot than the cursor names, and does not quote for it', async () => {
    await hello();
    const cursor = { resetCount: 99, restartCount: 0, count: 3, prefix: new Uint8Array(16) };
    verifier.challenge(5, { purpose: 'runtime', cursor });
    expect((await verifier.hears('bootNew')).boot).to.deep.equal(agent.identity.boot);
  });

  it('gives a list that is asked for afterwards, and an empty part for one that it never measured', async () => {
    await hello();
    verifier.challenge(5);
    await verifier.hears('evidence');
    const { body, challenge } = await verifier.hears('part');
    verifier.say({ type: 'want', challenge, list: nodeCrypto.sha256(body) });
    expect((await verifier.hears('part')).body).to.deep.equal(body);
    verifier.say({ type: 'want', challenge, list: new Uint8Array(32) });
    expect((await verifier.hears('part')).body).to.have.length(0);
  });

  it('files a result before anybody is told of it', async () => {
    await hello();
    verifier.challenge(5);
    const { challenge } = await verifier.hears('evidence');
    await verifier.hears('part');
    verifier.say({ type: 'result', challenge, verdict: 'trusted', ledgerIndex: 3, leafHash: new Uint8Array(32) });
    verifier.challenge(6);
    await verifier.hears('evidence');
    expect(results.map(({ ledgerIndex }) => ledgerIndex)).to.deep.equal([3]);
    expect(Buffer.from((await disk.agent.read('results.jsonl')) ?? []).toString()).to.include('"ledgerIndex":3');
  });

  it('a late noResult for an older challenge leaves the one answered since alone', async () => {
    await hello();
    verifier.challenge(5);
    const { challenge: first } = await verifier.hears('evidence');
    await verifier.hears('part');
    verifier.challenge(6);
    const { challenge: second } = await verifier.hears('evidence');
    await verifier.hears('part');
    verifier.say({ type: 'noResult', challenge: first, code: 'challenge.expired' });
    verifier.say({
      type: 'result',
      challenge: second,
      verdict: 'trusted',
      ledgerIndex: 4,
      leafHash: new Uint8Array(32),
    });
    await waitUntil(() => results.length > 0);
    expect(warnings).to.deep.equal([]);
  });

  it('quotes for no purpose but gate and runtime once it is enrolled (F-05)', async () => {
    await hello();
    verifier.challenge(5, { purpose: 'enrol' });
    await waitUntil(() => warnings.length > 0);
    expect(warnings).to.deep.equal(['session.refused']);
  });

  for (const [what, greeting, code] of [
    ['another audience', { audience: 'other', binding: 'tls-exporter' }, 'session.audience'],
    ['another type of binding (F-76)', { audience: 'verifier', binding: 'tls-server-end-point' }, 'session.binding'],
  ] as const) {
    it(`signs nothing for a verifier with ${what}`, async () => {
      void agent.run();
      verifier.say({ type: 'greeting', nonce: NONCE_OF_GREETING, ...greeting });
      await waitUntil(() => warnings.length > 0);
      expect(warnings).to.deep.equal([code]);
      expect(verifier.closed).to.equal(true);
    });
  }

  it('ends the connection at a message that its state does not allow (F-59)', async () => {
    await hello();
    verifier.greet();
    await waitUntil(() => warnings.length > 0);
    expect(warnings).to.deep.equal(['session.unexpected-message']);
  });

  it('ends the connection at bytes that are no message, and at messages that a terminal sends (F-42)', async () => {
    await hello();
    verifier.sayBytes(Uint8Array.from([0xc1]));
    await waitUntil(() => warnings.length > 0);
    expect(warnings).to.deep.equal(['msgpack.type']);
  });

  describe('whose log is full', () => {
    /** Backs off for 1, 2, 4 … milliseconds, the longest that the jitter allows. */
    const SLOWER = { backOff: { firstMs: 1, mostMs: 60_000 }, random: () => new Uint8Array(4).fill(0xff) };
    const REFUSALS = 8;
    let verifiers: ScriptedVerifier[];

    afterEach(() => agent.disconnect());

    /** @param maxEvents of the log, of which the boot takes six */
    async function connectFull(maxEvents: number): Promise<void> {
      warnings = [];
      verifiers = Array.from({ length: REFUSALS }, () => new ScriptedVerifier());
      const dialled = [...verifiers];
      const gone = new ScriptedVerifier();
      gone.close();
      agent = await createAgent({
        platform: await disk.powerOn(),
        files: disk.agent,
        slots: firmware.slots,
        maxEvents,
        ...SLOWER,
        dial: () => Promise.resolve((dialled.shift() ?? gone).channel),
        log: { info: () => undefined, warn: (fields) => warnings.push(fields['code']) },
      });
    }

    async function challenged(by: ScriptedVerifier, nonce: number): Promise<void> {
      by.greet();
      await by.hears('hello');
      by.challenge(nonce);
    }

    it('tells the verifier so at every challenge, comes back ever more slowly, and answers again after a reboot (F-29)', async () => {
      await connectFull(7);
      let ended = false;
      const run = agent.run().finally(() => {
        ended = true;
      });
      const [first = verifier, ...others] = verifiers;
      await challenged(first, 1);
      await first.hears('evidence');
      await first.hears('part');
      const began = performance.now();
      first.challenge(2);
      expect((await first.hears('refusal')).code).to.equal('log.full');
      for (const other of others) {
        await challenged(other, 3);
        expect((await other.hears('refusal')).code).to.equal('log.full');
        await waitUntil(() => other.closed);
      }
      expect(performance.now() - began).to.be.above(2 ** (REFUSALS - 1));
      await waitUntil(() => warnings.length >= REFUSALS);
      expect(new Set(warnings.slice(0, REFUSALS))).to.deep.equal(new Set(['log.full']));
      expect(ended).to.equal(false);
      await agent.disconnect();
      await run;
      await connectFull(7);
      void agent.run();
      const [next = verifier] = verifiers;
      await challenged(next, 4);
      await next.hears('evidence');
      await agent.disconnect();
    });

    it('boots again when only its agent is restarted, and starts no component', async () => {
      const platform = await disk.powerOn();
      const options = { platform, files: disk.agent, slots: firmware.slots, maxEvents: 6 };
      await createAgent(options);
      agent = await createAgent(options);
      await expectRefusal(() => agent.startComponent('usim.bin'), 'log.full');
      await startAll(agent, ['usim.bin'], { info: () => undefined, warn: ({ code }) => warnings.push(code) });
      expect(warnings).to.deep.equal(['log.full']);
    });
  });

  it('takes no PCRs that it does not have: nothing is signed over a selection cleared in silence (F-15)', async () => {
    await hello();
    const selection = Uint8Array.from([0, 0, 0, 1, 0, 4, 3, 1, 0, 0]);
    verifier.challenge(5, { selection });
    await waitUntil(() => warnings.length > 0);
    expect(warnings).to.deep.equal(['platform.selection']);
  });

  it('enrols by a quote over its session key, bound to the token (F-14)', async () => {
    const token = `mtm1~wss://localhost:1/attest~${'00'.repeat(32)}~t-9~simulated~${'ab'.repeat(32)}`;
    const fresh = new TerminalDisk();
    const other = new ScriptedVerifier();
    const enrolling = await createAgent({
      platform: await fresh.powerOn(),
      files: fresh.agent,
      slots: firmware.slots,
      dial: () => Promise.resolve(other.channel),
      findRoot: () => Promise.resolve('PEM'),
    });
    const done = enrolling.enrol(token);
    other.greet();
    const request = await other.hears('enrol');
    expect(request.sessionKey).to.deep.equal(enrolling.identity.sessionKey);
    other.challenge(9, { purpose: 'enrol' });
    const { claims, log } = await other.hears('evidence');
    expect(log).to.have.length(0);
    expect(parseClaims(claims).tokenDigest).to.deep.equal(nodeCrypto.sha256(new Uint8Array(32).fill(0xab)));
    other.say({ type: 'enrolled', terminal: 't-9', audience: 'verifier' });
    await done;
    expect(enrolling.enrolment).to.include({ terminal: 't-9', audience: 'verifier' });
  });

  describe('with a token for a TPM', () => {
    const EK = { area: new Uint8Array(122).fill(1), certificate: new Uint8Array(700).fill(2) };
    const PROOF = new Uint8Array(32).fill(3);
    const CREDENTIAL = { credential: new Uint8Array(68).fill(4), encryptedSecret: new Uint8Array(68).fill(5) };
    let other: ScriptedVerifier;
    let activated: unknown[];

    /** An agent whose platform says that it is a TPM. */
    async function withTpm(terminalClass: TerminalClass): Promise<{ readonly done: Promise<unknown> }> {
      other = new ScriptedVerifier();
      activated = [];
      const fresh = new TerminalDisk();
      const soft = await fresh.powerOn();
      const endorsement = {
        endorsementKey: async () => EK,
        activateCredential: async (credential: unknown) => {
          activated.push(credential);
          return PROOF;
        },
      };
      const platform = new Proxy(soft, {
        get: (target, name) => {
          const value: unknown = Reflect.get(endorsement, name) ?? Reflect.get(target, name);
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        },
      });
      const enrolling = await createAgent({
        platform,
        files: fresh.agent,
        slots: firmware.slots,
        dial: async () => other.channel,
        findRoot: async () => 'PEM',
      });
      other.greet();
      return { done: enrolling.enrol(tokenFor(terminalClass)).catch((error: unknown) => error) };
    }

    const tokenFor = (terminalClass: TerminalClass): string =>
      `mtm1~wss://v.example/attest~${'ab'.repeat(32)}~t-9~${terminalClass}~${'cd'.repeat(32)}`;

    it('shows its endorsement key, and opens the credential under its quote', async () => {
      const { done } = await withTpm('tpm-unproven');
      expect(await other.hears('enrol')).to.deep.include({ ek: EK.area, ekCertificate: EK.certificate });
      other.challenge(9, { purpose: 'enrol', ...CREDENTIAL });
      const { claims } = await other.hears('evidence');
      const tokenDigest = nodeCrypto.sha256(new Uint8Array(32).fill(0xcd));
      expect(parseClaims(claims)).to.deep.equal({ auditCounter: 1n, tokenDigest, activation: PROOF });
      expect(activated).to.deep.equal([{ idObject: CREDENTIAL.credential, secret: CREDENTIAL.encryptedSecret }]);
      other.say({ type: 'enrolled', terminal: 't-9', audience: 'verifier' });
      expect(await done).to.equal(undefined);
    });

    it('goes on with no challenge that has no credential, or half of one', async () => {
      const { credential, encryptedSecret } = CREDENTIAL;
      for (const half of [{}, { credential }, { encryptedSecret }]) {
        const { done } = await withTpm('tpm-endorsed');
        await other.hears('enrol');
        other.challenge(9, { purpose: 'enrol', ...half });
        expect(await done).to.include({ code: 'session.refused' });
        expect(activated).to.deep.equal([]);
      }
    });

    it('shows its endorsement key to nobody with another token, and opens nothing then (F-11)', async () => {
      const { credential, encryptedSecret } = CREDENTIAL;
      for (const extra of [CREDENTIAL, { credential }, { encryptedSecret }]) {
        const { done } = await withTpm('software');
        expect(await other.hears('enrol')).to.not.have.any.keys('ek', 'ekCertificate');
        other.challenge(9, { purpose: 'enrol', ...extra });
        expect(await done).to.include({ code: 'session.refused' });
        expect(activated).to.deep.equal([]);
      }
    });

    it('tells nobody the token where it is none', async () => {
      const fresh = new TerminalDisk();
      const lone = await createAgent({
        platform: await fresh.powerOn(),
        files: fresh.agent,
        slots: firmware.slots,
        dial: () => expect.fail('dialled'),
        findRoot: () => expect.fail('looked for the root'),
      });
      for (const terminalClass of ['tpm-unproven', 'tpm-endorsed'] as const) {
        await expectRefusal(() => lone.enrol(tokenFor(terminalClass)), 'token.class');
      }
    });
  });

  it('does not run without an enrolment', async () => {
    const fresh = new TerminalDisk();
    const lone = await createAgent({ platform: await fresh.powerOn(), files: fresh.agent, slots: firmware.slots });
    const error: unknown = await lone.run().catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(AgentError).with.property('code', 'token.missing');
    expect(error).not.to.be.instanceOf(ProtocolError);
  });
});

async function waitUntil(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}
