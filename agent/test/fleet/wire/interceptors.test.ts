import { parseMessage } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { editing } from '../../../src/fleet/wire/editing.ts';
import { type Interceptor, PASSING } from '../../../src/fleet/wire/line.ts';
import { cutting, late, mute, silent, slow } from '../../../src/fleet/wire/links.ts';
import { Recording } from '../../../src/fleet/wire/recording.ts';
import { Relay, replaying } from '../../../src/fleet/wire/replaying.ts';
import { Wire } from '../../../src/fleet/wire/wire.ts';
import type { Channel } from '../../../src/session/channel.ts';
import { evidence, HELLO, part, TestLine } from './fixture.ts';

function pass(interceptor: Interceptor, line: TestLine, ...messages: readonly Uint8Array[]): void {
  for (const message of messages) interceptor.outgoing(message, line);
}

class Count {
  times = 0;
  readonly told = (): void => {
    this.times += 1;
  };
}

describe('who sits on the wire', () => {
  it('records hello and the newest answer with its parts, and lets everything pass', () => {
    const recording = new Recording();
    const line = new TestLine();
    pass(recording, line, HELLO, evidence(1), part(1), evidence(2), part(2));
    expect(line.told).to.deep.equal(['hello', 'evidence 1', 'part 1', 'evidence 2', 'part 2']);
    expect(recording.answer.evidence.challenge[0]).to.equal(2);
    expect(recording.answer.parts).to.have.length(1);
    expect(recording.hello).to.equal(HELLO);
  });

  it('puts recorded evidence under the id of the open challenge (F-01)', () => {
    const recording = new Recording();
    pass(recording, new TestLine(), evidence(1), part(1));
    const line = new TestLine();
    const replayed = new Count();
    pass(replaying(recording.answer, 'open', replayed.told), line, HELLO, evidence(2), part(2));
    expect(line.told).to.deep.equal(['hello', 'evidence 2', 'part 2']);
    const [, sent = new Uint8Array()] = line.sent;
    expect(parseMessage(sent, 'terminal')).to.have.deep.property('attest', new Uint8Array([1]));
    expect(replayed.times).to.equal(1);
  });

  it('sends recorded evidence as it was, with the id of its own challenge', () => {
    const recording = new Recording();
    pass(recording, new TestLine(), evidence(1), part(1));
    const line = new TestLine();
    pass(replaying(recording.answer, 'recorded', new Count().told), line, evidence(2), part(2));
    expect(line.told).to.deep.equal(['evidence 1', 'part 1']);
  });

  it('carries an answer made for one connection to every later one (F-05)', () => {
    const relayed = new Count();
    const relay = new Relay(relayed.told);
    const first = new TestLine();
    const second = new TestLine();
    pass(relay, first, HELLO, evidence(1), part(1));
    expect(first.told).to.deep.equal(['hello']);
    expect(first.closed).to.equal(1);
    pass(relay, second, HELLO, evidence(2), part(2), evidence(3), part(3));
    expect(second.told).to.deep.equal(['hello', 'evidence 2', 'part 2', 'evidence 3', 'part 3']);
    for (const at of [1, 3]) {
      const sent = parseMessage(second.sent[at] ?? HELLO, 'terminal');
      expect(sent).to.have.deep.property('attest', new Uint8Array([1]));
    }
    expect(relayed.times).to.equal(2);
  });

  it('edits evidence and nothing else', () => {
    const line = new TestLine();
    const editor = editing((one) => ({ ...one, claims: new Uint8Array([9]) }));
    pass(editor, line, HELLO, evidence(1), part(1));
    expect(line.told).to.deep.equal(['hello', 'evidence 1', 'part 1']);
    expect(parseMessage(line.sent[1] ?? HELLO, 'terminal')).to.have.deep.property('claims', new Uint8Array([9]));
    expect(line.sent[2]).to.deep.equal(part(1));
  });
});

describe('a bad link', () => {
  it('cuts the connection before an answer, after it, or not at all', () => {
    for (const when of ['before', 'after', 'never'] as const) {
      const line = new TestLine();
      const cut = new Count();
      pass(
        cutting(() => when, cut.told),
        line,
        HELLO,
        evidence(1),
      );
      expect(line.told, when).to.deep.equal(when === 'before' ? ['hello'] : ['hello', 'evidence 1']);
      expect(line.closed, when).to.equal(when === 'never' ? 0 : 1);
      expect(cut.times, when).to.equal(when === 'never' ? 0 : 1);
    }
  });

  it('holds an answer until the one after it, each on its own connection', () => {
    const answered = new Count();
    const link = late(answered.told);
    const line = new TestLine();
    pass(link, line, HELLO, evidence(1), part(1));
    expect(line.told).to.deep.equal(['hello']);
    pass(link, line, evidence(2));
    expect(line.told).to.deep.equal(['hello', 'evidence 1', 'part 1']);
    expect(answered.times).to.equal(1);
    const other = new TestLine();
    pass(link, other, evidence(3));
    expect(other.sent).to.have.length(0);
  });

  it('lets nothing through where the terminal is mute, and keeps the connection', () => {
    const line = new TestLine();
    const kept = new Count();
    pass(mute(kept.told), line, evidence(1), part(1));
    expect([line.sent.length, line.closed, line.paused, kept.times]).to.deep.equal([0, 0, 0, 2]);
  });

  it('reads nothing more where the terminal is silent, and makes no new connection', async () => {
    const line = new TestLine();
    let end: () => void = () => undefined;
    const ends = new Promise<void>((resolve) => {
      end = resolve;
    });
    const link = silent(ends, new Count().told);
    pass(link, line, evidence(1));
    expect([line.sent.length, line.closed, line.paused]).to.deep.equal([0, 0, 1]);
    let connected = false;
    const wire = new Wire(async () => {
      connected = true;
      return unused();
    });
    wire.interceptor = link;
    const dialled = wire.dial({ url: 'wss://localhost', root: '', binding: 'tls-exporter' });
    await Promise.resolve();
    expect(connected).to.equal(false);
    end();
    await dialled;
    expect(connected).to.equal(true);
  });

  it('keeps the order of messages that it delays', async () => {
    const line = new TestLine();
    const delays = [15, 1, 5];
    const link = slow(() => delays.shift() ?? 0);
    pass(link, line, HELLO, evidence(1), part(1));
    expect(line.sent).to.have.length(0);
    await arrival(line, 3);
    expect(line.told).to.deep.equal(['hello', 'evidence 1', 'part 1']);
  });

  it('intercepts connections that were open before', async () => {
    const line = new TestLine();
    const wire = new Wire(async () => ({ ...unused(), send: (message) => line.send(message) }));
    const channel = await wire.dial({ url: 'wss://localhost', root: '', binding: 'tls-exporter' });
    expect(wire.interceptor).to.equal(PASSING);
    channel.send(HELLO);
    wire.interceptor = mute(() => undefined);
    channel.send(HELLO);
    expect(line.told).to.deep.equal(['hello']);
  });
});

function unused(): Channel {
  return {
    binding: { type: 'tls-exporter', value: new Uint8Array(32) },
    send: () => undefined,
    receive: () => Promise.resolve(undefined),
    pause: () => undefined,
    close: () => undefined,
  };
}

async function arrival(line: TestLine, messages: number): Promise<void> {
  while (line.sent.length < messages) await new Promise((resolve) => setImmediate(resolve));
}
