import { AgentError } from '../error.ts';
import { tell } from './outcome.ts';
import type { Subcommand } from './subcommand.ts';
import { openTerminal, TERMINAL_OPTIONS } from './terminal.ts';

/** `mtm-agent enrol` */
export const enrolCommand: Subcommand = {
  name: 'enrol',
  summary: 'enrol the terminal with the token that the operator handed out',
  options: { ...TERMINAL_OPTIONS, json: { type: 'boolean', about: 'print one JSON document' } },
  async run(values) {
    const { agent, platform, endsTre } = await openTerminal(values);
    try {
      const { enrolment, identity } = agent;
      if (enrolment === undefined) throw new AgentError('token.missing');
      const { terminal, audience, url } = enrolment;
      const text = `${terminal} is enrolled with ${audience} at ${url}; state protection: ${identity.protection}`;
      tell(values.flag('json'), { ok: true, terminal, audience, url, protection: identity.protection }, text);
      return 0;
    } finally {
      if (endsTre) await platform.powerOff().catch(() => undefined);
      await agent.stop();
    }
  },
};
