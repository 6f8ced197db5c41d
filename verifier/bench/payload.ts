import { type Channel, type Dial, dial } from '@mtm-attest/agent';
import { type MessageName, parseMessage } from '@mtm-attest/protocol';
import type { Benchmark } from './benchmark.ts';
import { SimulatedTerminal } from './simulated-terminal.ts';
import { Site } from './site.ts';
import type { Figure } from './table.ts';

const TERMINAL = 't-0001';
const AUDITS = 3;
const PARTS = ['challenge', 'evidence', 'result'] as const satisfies readonly MessageName[];

/** Connects as terminals do, and counts the bytes of every message by its name. */
function counting(bytes: Map<string, number>): Dial {
  return async (options) => {
    const channel = await dial(options);
    const note = (name: string, message: Uint8Array): void => {
      bytes.set(name, (bytes.get(name) ?? 0) + message.length);
    };
    const counted: Channel = {
      binding: channel.binding,
      send: (message) => {
        note(parseMessage(message, 'terminal').type, message);
        channel.send(message);
      },
      receive: async (withinMs) => {
        const message = await channel.receive(withinMs);
        if (message !== undefined) note(parseMessage(message, 'verifier').type, message);
        return message;
      },
      pause: () => channel.pause(),
      close: () => channel.close(),
    };
    return counted;
  };
}

/** (c) Application payload of one steady re-attestation: a later audit on demand, nothing changed. */
export const payload: Benchmark = {
  name: 'c',
  about: 'payload of a steady re-attestation',
  async run() {
    const site = await Site.start();
    try {
      const bytes = new Map<string, number>();
      const terminal = new SimulatedTerminal(TERMINAL, site.slots, counting(bytes));
      await terminal.boot();
      await terminal.enrol(await site.token(TERMINAL));
      await terminal.connect();
      for (let i = 0; i < AUDITS; i++) {
        bytes.clear();
        const next = terminal.nextResult();
        await site.api('POST', `/v1/terminals/${TERMINAL}/audit`);
        await next;
      }
      await terminal.disconnect();
      return figuresOf(bytes);
    } finally {
      await site.stop();
    }
  },
};

function figuresOf(bytes: ReadonlyMap<string, number>): readonly Figure[] {
  const unexpected = [...bytes.keys()].filter((name) => !PARTS.some((part) => part === name));
  if (unexpected.length > 0) throw new RangeError(`not steady: ${unexpected.join(', ')}`);
  const parts = PARTS.map((name): Figure => {
    return { benchmark: 'c', what: name, unit: 'bytes', value: bytes.get(name) ?? 0 };
  });
  const whole: Figure = {
    benchmark: 'c',
    what: 'payload of a steady re-attestation',
    unit: 'bytes',
    value: parts.reduce((sum, { value }) => sum + value, 0),
    target: { bound: 'at most', value: 512 },
  };
  return [whole, ...parts];
}
