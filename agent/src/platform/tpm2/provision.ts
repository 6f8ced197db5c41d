import type { DurableFiles } from '../../storage/durable-files.ts';
import type { TpmClient } from '../../tpm2/client.ts';
import { OWNER } from '../../tpm2/command/command.ts';
import { flushedAfter, withPrimary } from '../../tpm2/loaded.ts';
import { SRK_TEMPLATE } from '../../tpm2/templates.ts';
import { provideCounters } from './counters.ts';
import { createAk } from './keys.ts';
import { freshUnique, type Tpm2State, writeTpm2State } from './state.ts';

/**
 * The first start of a terminal: its counters, and what its keys are made from. The state is written last: where this is cut short, the next start
 * finds the counters and goes on.
 *
 * @throws AgentError `platform.counter-missing`, `tpm.*`
 */
export async function provision(client: TpmClient, files: DurableFiles): Promise<Tpm2State> {
  await provideCounters(client);
  const akUnique = freshUnique(client.random);
  const akName = await flushedAfter(client, await createAk(client, akUnique), async ({ name }) => name);
  const rootName = await withPrimary(client, OWNER, { area: SRK_TEMPLATE }, async ({ name }) => name);
  const state = { akUnique, sessionUnique: freshUnique(client.random), akName, rootName };
  await writeTpm2State(files, state);
  return state;
}
