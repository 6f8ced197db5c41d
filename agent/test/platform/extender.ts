/** An agent that extends PCR 10 until it is killed, four requests under way; one line for each that was answered. Argument: the TrE's directory. */
import { writeSync } from 'node:fs';
import { RemotePlatform } from '../../src/platform/soft/remote-platform.ts';

const UNDER_WAY = 4;
const platform = await RemotePlatform.connect(process.argv[2] ?? '', { role: 'agent' });

async function extendForever(): Promise<void> {
  for (;;) {
    await platform.extend(10, new Uint8Array(32).fill(1));
    writeSync(1, 'extended\n');
  }
}

await Promise.all(Array.from({ length: UNDER_WAY }, extendForever));
