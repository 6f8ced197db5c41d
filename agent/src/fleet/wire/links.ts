import { setTimeout as delay } from 'node:timers/promises';
import { type Answer, evidenceOf, messagesOf, partOf } from './answer.ts';
import type { Interceptor, Line } from './line.ts';

/** A slow network: every message of the terminal takes a while; their order stays. @param delayMs for the next message */
export function slow(delayMs: () => number): Interceptor {
  let last: Promise<unknown> = Promise.resolve();
  return {
    outgoing: (message, line) => {
      const arrival = delay(delayMs());
      last = Promise.all([last, arrival]).then(() => {
        line.send(message);
      });
    },
  };
}

/** A network that forgets connections: closed before some answers, after others. @param cut told after each time */
export function cutting(choose: () => 'before' | 'after' | 'never', cut: () => void): Interceptor {
  return {
    outgoing: (message, line) => {
      const when = evidenceOf(message) === undefined ? 'never' : choose();
      if (when !== 'before') line.send(message);
      if (when === 'never') return;
      line.close();
      cut();
    },
  };
}

/** Answers pings, and lets nothing else of the terminal through. @param kept told of each message kept back */
export function mute(kept: () => void): Interceptor {
  return { outgoing: () => kept() };
}

/**
 * In the place of the next message nothing is sent and nothing is read any more; no new connection is made before `ends`.
 * @param quiet told when it begins
 */
export function silent(ends: Promise<void>, quiet: () => void): Interceptor {
  return {
    dialling: () => ends,
    outgoing: (_message, line) => {
      line.pause();
      quiet();
    },
  };
}

/** Holds every answer back until the terminal answers the challenge after it, which is never sent while the first can still be answered. */
export function late(answered: () => void): Interceptor {
  const held = new WeakMap<Line, { evidence: Answer['evidence']; parts: Answer['parts'][number][] }>();
  return {
    outgoing: (message, line) => {
      const evidence = evidenceOf(message);
      const part = partOf(message);
      const before = held.get(line);
      if (part !== undefined) before?.parts.push(part);
      else if (evidence === undefined) line.send(message);
      if (evidence === undefined) return;
      held.set(line, { evidence, parts: [] });
      if (before === undefined) return;
      for (const one of messagesOf(before)) line.send(one);
      answered();
    },
  };
}
