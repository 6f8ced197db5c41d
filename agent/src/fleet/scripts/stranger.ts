import { dial } from '../../session/dial.ts';
import { Moment } from '../moment.ts';
import { random } from '../power.ts';
import { audited, type Script, type Stage } from '../stage.ts';
import { forgedHello, Stranger, throughStranger } from '../stranger.ts';
import type { SimulatedTerminal } from '../terminal.ts';
import { messagesOf } from '../wire/answer.ts';
import { PASSING } from '../wire/line.ts';
import { cutting } from '../wire/links.ts';
import { Recording } from '../wire/recording.ts';

const GARBAGE_BYTES = 512;

/** Somebody without the session key relays, replays and sends garbage in the victim's name (F-58). */
export const stranger: Script = async (stage) => {
  const victim = stage.terminal();
  const recording = new Recording();
  victim.wire.interceptor = recording;
  await audited(stage, victim);
  const { enrolment } = victim.agent;
  if (enrolment === undefined) throw new RangeError('a victim that is not enrolled');
  const somebody = new Stranger(dial, { url: enrolment.url, root: enrolment.root, binding: 'tls-exporter' });
  stage.attack();
  const attempts = {
    'garbage is turned away': random(GARBAGE_BYTES),
    'a forged hello is turned away': forgedHello(victim.id),
    'the replayed hello of the victim is turned away': recording.hello,
    'replayed evidence without a hello is turned away': [...messagesOf(recording.answer)][0] ?? random(GARBAGE_BYTES),
  };
  for (const [name, message] of Object.entries(attempts)) stage.check(name, await somebody.isTurnedAway(message));
  await relay(stage, victim);
  stage.step('relayed, replayed and sent garbage');
  stage.check('connection.unproven is among the alarms', await isAlarmed(stage));
  stage.lastStep();
};

/** The victim's next connection leads through the stranger, the one after that to the verifier again. */
async function relay(stage: Stage, victim: SimulatedTerminal): Promise<void> {
  const relayed = new Moment(stage.site.stopping);
  const { route } = victim.wire;
  victim.wire.route = throughStranger(route, () => {
    victim.wire.route = route;
    relayed.now();
  });
  let cuts = 0;
  victim.wire.interceptor = cutting(
    () => (cuts === 0 ? 'after' : 'never'),
    () => {
      cuts += 1;
    },
  );
  await relayed.reached;
  victim.wire.interceptor = PASSING;
  await victim.results();
}

async function isAlarmed({ id, site }: Stage): Promise<boolean> {
  const alarms = await site.api.alarms();
  return alarms.some(({ terminal, code }) => terminal === id && code === 'connection.unproven');
}
