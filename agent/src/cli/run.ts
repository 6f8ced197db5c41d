import type { Agent } from '../agent.ts';
import { AgentError } from '../error.ts';
import type { AgentLog } from '../log.ts';
import type { RemotePlatform } from '../platform/soft/remote-platform.ts';
import { firstSignal } from './signal.ts';
import type { Subcommand } from './subcommand.ts';
import { openTerminal, STANDARD_ERROR, TERMINAL_OPTIONS } from './terminal.ts';

/** `mtm-agent run` */
export const runCommand: Subcommand = {
  name: 'run',
  summary: 'boot the terminal, connect to its verifier and answer until a signal comes',
  options: {
    ...TERMINAL_OPTIONS,
    'keep-tre': {
      type: 'boolean',
      about: 'leave the trusted environment running at the end, as a service of its own would',
    },
    start: {
      type: 'string',
      multiple: true,
      value: 'component',
      about: 'start this component of the release after boot; may be repeated',
    },
  },
  async run(values) {
    const { agent, platform, endsTre } = await openTerminal(values);
    try {
      const ends = firstSignal();
      await startAll(agent, values.list('start'), STANDARD_ERROR);
      const end = await Promise.race([ends, agent.run().then(() => 0 as const), lost(platform)]);
      await agent.disconnect();
      if (endsTre && !values.flag('keep-tre')) await platform.powerOff();
      return end;
    } finally {
      await platform.close();
    }
  },
};

/** A full log takes no component, nor will it take an audit: the terminal goes on, to tell its verifier so. */
export async function startAll(
  agent: Pick<Agent, 'startComponent'>,
  components: readonly string[],
  log: AgentLog,
): Promise<void> {
  for (const component of components) {
    try {
      await agent.startComponent(component);
    } catch (error) {
      if (!(error instanceof AgentError && error.code === 'log.full')) throw error;
      log.warn({ component, code: error.code, reason: error.message }, 'the component was not started');
    }
  }
}

/** A terminal whose TrE lost its power has lost its own: whoever runs it starts both anew. */
async function lost(platform: RemotePlatform): Promise<never> {
  await platform.ended;
  throw new AgentError('platform.unavailable');
}
