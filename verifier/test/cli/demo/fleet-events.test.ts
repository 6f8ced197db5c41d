import { expect } from 'chai';
import { FleetEvents } from '../../../src/cli/demo/fleet-events.ts';
import { VerifierError } from '../../../src/error.ts';
import { ALTERED, HONEST } from './fixture.ts';

function take(events: FleetEvents, ...told: readonly object[]): void {
  for (const one of told) events.take(JSON.stringify(one));
}

describe('what the simulator tells', () => {
  it('becomes the course of each terminal: first attack, last of the last steps, every check', () => {
    const events = new FleetEvents();
    take(events, { event: 'terminal', ...HONEST }, { event: 'terminal', ...ALTERED });
    expect(events.complete).to.equal(false);
    const { id } = ALTERED;
    take(
      events,
      { event: 'cast', terminals: 2 },
      { event: 'step', id, name: 'enrolled', at: 1 },
      { event: 'attack', id, at: 2 },
      { event: 'attack', id, at: 3 },
      { event: 'last-step', id, at: 4 },
      { event: 'check', id, name: 'holds', ok: true },
    );
    expect(events.complete).to.equal(true);
    expect(events.played.map(({ course }) => course)).to.deep.equal([
      { attackAt: undefined, lastStepAt: undefined, checks: [] },
      { attackAt: 2, lastStepAt: 4, checks: [{ name: 'holds', ok: true }] },
    ]);
  });

  it('is refused where it is no event, or of a terminal that was never announced', () => {
    for (const line of ['no JSON', '{}', '{"event":"dance","id":"a"}', '{"event":"attack","id":"a","at":1}']) {
      expect(() => new FleetEvents().take(line), line)
        .to.throw(VerifierError)
        .with.property('code', 'demo.events');
    }
  });
});
