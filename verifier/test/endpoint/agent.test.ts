import { type Dial, dial } from '@mtm-attest/agent';
import { type Message, parseMessage, toHex } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { Device, manifestFor, PARTS } from './device.ts';
import { TerminalClient } from './terminal-client.ts';
import { TestVerifier } from './verifier.ts';

const QUIET = ['audit.intervalMs=3600000', 'audit.graceMs=3600000'];

describe('the daemon and the terminal’s own agent', () => {
  let verifier: TestVerifier;
  let device: Device;
  afterEach(async () => {
    await device.remove();
    await verifier.remove();
  });

  /** Release 1 installed and published, the terminal enrolled. */
  async function enrolled(settings: readonly string[] = QUIET, parts = PARTS, options = {}): Promise<void> {
    verifier = await TestVerifier.start(settings);
    device = new Device(parts);
    device.switchTo('a', 1, await verifier.publish(manifestFor([device.install('a', 1)])));
    const agent = await device.powerOn(options);
    await agent.enrol(await verifier.token('t-1', 'model-1'));
  }

  async function audited(): Promise<readonly [string, ...string[]]> {
    await verifier.call('POST', '/v1/terminals/t-1/audit');
    return shown(await device.results.next());
  }

  const shown = ({ verdict, codes }: Message<'result'>): readonly [string, ...string[]] => [verdict, ...(codes ?? [])];

  async function admitted(): Promise<void> {
    device.connect();
    expect(shown(await device.results.next())).to.deep.equal(['trusted']);
  }

  it('agree: enrolled, admitted at the gate, audited, each result in the ledger where the agent filed it', async () => {
    await enrolled();
    expect(await verifier.verdict('t-1')).to.deep.equal(['unknown', 'enrolment.fresh']);
    device.connect();
    for (let i = 0; i < 4; i++) {
      if (i > 0) await verifier.call('POST', '/v1/terminals/t-1/audit');
      const { verdict, ledgerIndex, leafHash } = await device.results.next();
      expect(verdict).to.equal('trusted');
      expect(ledgerIndex).to.equal(i);
      expect((await verifier.call('GET', `/v1/ledger/${i}`))['leafHash']).to.equal(toHex(leafHash));
    }
    expect(await verifier.verdict('t-1')).to.deep.equal(['trusted']);
    const purposes = (await verifier.history('t-1')).map(({ purpose }) => purpose);
    expect(purposes).to.deep.equal(['gate', 'runtime', 'runtime', 'runtime']);
  });

  it('a listed file altered before boot is untrusted at the gate', async () => {
    await enrolled();
    await device.powerOff();
    device.alter('boot.bin');
    await device.powerOn();
    device.connect();
    expect(shown(await device.results.next())).to.deep.equal(['untrusted', 'component.digest']);
  });

  it('a listed file altered after boot is found by the audit, and stays found when it is restored (F-24)', async () => {
    await enrolled();
    await admitted();
    device.alter('app/main.bin');
    expect(await audited()).to.deep.equal(['untrusted', 'component.digest']);
    device.install('a', 1);
    expect(await audited()).to.deep.equal(['untrusted', 'component.digest']);
    await device.powerOff();
    await device.powerOn();
    device.connect();
    expect(shown(await device.results.next()), 'a gate appraisal of the next boot decides').to.deep.equal(['trusted']);
  });

  it('a file outside the manifest that is started is untrusted', async () => {
    await enrolled();
    await admitted();
    await device.agent.startComponent('usim.bin');
    expect(await audited()).to.deep.equal(['trusted']);
    await device.agent.startComponent('rogue.bin', device.path('boot.bin'));
    expect(await audited()).to.deep.equal(['untrusted', 'component.unlisted']);
  });

  it('an orderly reboot into a new release is trusted, and says so', async () => {
    await enrolled();
    await admitted();
    const releases = [device.install('a', 1), device.install('b', 2)];
    device.switchTo('b', 2, await verifier.publish(manifestFor(releases, { sequence: 2 })));
    expect(await audited(), 'publishing the next release condemns nobody').to.deep.equal(['trusted']);
    await device.powerOff();
    await device.powerOn();
    device.connect();
    expect((await device.results.next()).verdict).to.equal('trusted');
    expect(await verifier.verdict('t-1')).to.deep.equal(['trusted', 'release.new', 'boot.new']);
    expect((await verifier.history('t-1')).filter(({ verdict }) => verdict === 'untrusted')).to.deep.equal([]);
  });

  it('an old release below the minimum is untrusted, with its own old manifest (F-30)', async () => {
    await enrolled();
    await admitted();
    const releases = [device.install('a', 1), device.install('b', 2)];
    await verifier.publish(manifestFor(releases, { sequence: 2, minimum: 2 }));
    expect(await audited()).to.deep.equal(['untrusted', 'release.below-minimum']);
    await verifier.publish(manifestFor([device.install('b', 2)], { sequence: 3, minimum: 2 }));
    expect(await audited()).to.deep.equal(['untrusted', 'release.below-minimum']);
  });

  it('a log and a list longer than one message go over in parts', async () => {
    const many = Array.from({ length: 900 }, (_, i) => {
      const name = `lib/a-rather-long-name-of-a-module/${String(i).padStart(4, '0')}.bin`;
      return { name, pcr: 10, phase: 'boot' } as const;
    });
    const parts = [...PARTS, ...many].sort((a, b) => (a.name < b.name ? -1 : 1));
    await enrolled(QUIET, parts);
    await admitted();
    device.alter(many[450]?.name ?? '');
    expect(await audited()).to.deep.equal(['untrusted', 'component.digest']);
  });

  it('evidence that is lost on its way, with its list, costs no verdict: the list is asked for', async () => {
    let lose = false;
    let lost = false;
    const asked: string[] = [];
    /** Loses one answer with its connection; before the next one is made, another component starts. */
    const lossy: Dial = async (options) => {
      if (lost) await device.agent.startComponent('wifi.bin');
      lost = false;
      const channel = await dial(options);
      return {
        binding: channel.binding,
        receive: async (withinMs) => {
          const bytes = await channel.receive(withinMs);
          if (bytes !== undefined) asked.push(parseMessage(bytes, 'verifier').type);
          return bytes;
        },
        pause: () => {
          channel.pause();
        },
        close: () => {
          channel.close();
        },
        send: (bytes) => {
          if (lose && parseMessage(bytes, 'terminal').type === 'evidence') {
            [lose, lost] = [false, true];
            channel.close();
          }
          channel.send(bytes);
        },
      };
    };
    await enrolled(QUIET, PARTS, { dial: lossy });
    await admitted();
    await device.agent.startComponent('usim.bin');
    lose = true;
    await verifier.call('POST', '/v1/terminals/t-1/audit');
    expect(shown(await device.results.next()), 'over the next connection').to.deep.equal(['trusted']);
    expect(asked.slice(-4)).to.deep.equal(['greeting', 'challenge', 'want', 'result']);
  });

  it('a daemon that was restarted goes on where it was: a runtime audit, from the stored cursor', async () => {
    await enrolled();
    await admitted();
    await verifier.end();
    await verifier.begin();
    expect(shown(await device.results.next())).to.deep.equal(['trusted']);
    const purposes = (await verifier.history('t-1')).map(({ purpose }) => purpose);
    expect(purposes).to.deep.equal(['gate', 'runtime']);
  });

  it('a stranger in the terminal’s name gets nothing, and the operator hears of it', async () => {
    await enrolled();
    await admitted();
    const stranger = await TerminalClient.connect(verifier.listenUrl, verifier.ca);
    await stranger.expect('greeting');
    stranger.send({ type: 'hello', terminal: 't-1', signature: new Uint8Array(64).fill(1) });
    expect(await stranger.refused()).to.deep.equal(['session.unproven', 1008]);
    expect(await audited()).to.deep.equal(['trusted']);
    const { alarms } = await verifier.call('GET', '/v1/alarms');
    expect(
      (alarms as { code: string; terminal: string }[]).map(({ code, terminal }) => [code, terminal]),
    ).to.deep.equal([['connection.unproven', 't-1']]);
  });

  it('scheduled audits and time alone make the history: trusted, then unreachable once the power is cut', async () => {
    await enrolled(['audit.intervalMs=50', 'audit.graceMs=400', 'audit.freshnessMs=60000']);
    device.connect();
    for (let i = 0; i < 4; i++) expect(shown(await device.results.next())).to.deep.equal(['trusted']);
    await device.powerOff();
    for (;;) {
      const last = (await verifier.history('t-1')).at(-1);
      if (last?.verdict === 'unreachable') break;
      expect(last?.verdict).to.equal('trusted');
    }
    expect(await verifier.verdict('t-1')).to.deep.equal(['unreachable', 'connection.lost']);
  });

  it('writes no token and no key into its log (invariant 1)', async () => {
    verifier = await TestVerifier.start(QUIET);
    device = new Device();
    device.switchTo('a', 1, await verifier.publish(manifestFor([device.install('a', 1)])));
    const token = await verifier.token('t-1', 'model-1');
    const agent = await device.powerOn();
    await agent.enrol(token);
    await admitted();
    const secret = token.split('~').at(-1) ?? '';
    expect(secret.length).to.equal(64);
    expect(verifier.log.join('\n')).to.not.contain(secret);
    expect(verifier.log.join('\n')).to.not.match(/PRIVATE KEY|Bearer [A-Za-z0-9]/);
  });
});
