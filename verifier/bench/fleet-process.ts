/** Started by fleet.ts as a process of its own: terminals whose agents sign and measure, so that their cost is not the daemon's or the benchmark's. */
import type { FleetOrder } from './fleet.ts';
import { forEachTerminal, SimulatedTerminal } from './simulated-terminal.ts';
import { Waves } from './wave.ts';

const terminals: SimulatedTerminal[] = [];
const waves = new Waves();

async function obey(order: FleetOrder): Promise<number> {
  switch (order.order) {
    case 'enrol': {
      const added = order.tokens.map(([id, token]) => ({
        terminal: new SimulatedTerminal(id, order.slots, waves.dial),
        token,
      }));
      const tokens = new Map(added.map(({ terminal, token }) => [terminal, token]));
      await forEachTerminal([...tokens.keys()], async (terminal) => {
        await terminal.boot();
        await terminal.enrol(tokens.get(terminal) ?? '');
      });
      terminals.push(...tokens.keys());
      return terminals.length;
    }
    case 'connect': {
      const wanted = terminals.slice(order.from, order.to);
      await forEachTerminal(wanted, (terminal) => terminal.connect());
      return wanted.length;
    }
    case 'disconnect':
      await forEachTerminal(terminals, async (terminal) => {
        await terminal.disconnect();
        await terminal.boot();
      });
      return terminals.length;
    case 'wave':
      waves.size = order.size;
      return order.size;
    case 'count':
      return terminals.reduce((sum, { results }) => sum + results, 0);
  }
}

process.on('message', (order: FleetOrder) => {
  void obey(order).then((answer) => process.send?.(answer));
});
process.on('disconnect', () => process.exit());
