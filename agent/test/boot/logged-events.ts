import { decodeEvent, type LogEvent, LogReplay } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { expect } from 'chai';
import type { Booted } from '../../src/boot/sequence.ts';
import type { TrustedPlatform } from '../../src/platform/platform.ts';

/** Types of the events that the test firmware's boot leaves in the log. */
export const WHOLE_BOOT = ['boot', 'release', 'component', 'component', 'component', 'ready'];

/** The events of the log, which must lead to the PCRs. */
export async function loggedEvents({ log }: Booted, platform: TrustedPlatform): Promise<readonly LogEvent[]> {
  const events: LogEvent[] = [];
  const replay = new LogReplay(nodeCrypto.sha256);
  for await (const slice of log.slices(0, log.count)) {
    replay.feed(slice, (pcr, content) => events.push(decodeEvent(pcr, content)));
  }
  expect(replay.values()).to.deep.equal(await platform.readPcrs());
  return events;
}
