import { encodeResultRecord } from '../appraisal/result-record.ts';
import type { EndpointStore } from '../endpoint/services.ts';
import { raiseAlarm } from './alarms.ts';
import { consumeToken } from './enrolments.ts';
import type { GroupCommit } from './group-commit.ts';
import type { Database } from './open.ts';
import { findList, keepList } from './references.ts';
import { announceBoot, findTerminal, noteLate, raiseSession } from './terminals.ts';
import { findToken } from './tokens.ts';

/**
 * The store as the endpoint sees it: reads go straight to the store, every write shares the transactions of the group.
 * @param wall wall clock that never goes back, milliseconds since 1970
 * @param refresh puts newer Reference Values in force, where another process stored them
 */
export function endpointStore(
  db: Database,
  operator: string,
  group: GroupCommit,
  wall: () => number,
  refresh: () => Promise<void>,
): EndpointStore {
  return {
    find: (terminal) => findTerminal(db, operator, terminal),
    raiseSession: (terminal) => group.change(terminal, (tx) => raiseSession(tx, operator, terminal, wall())),
    commitResult: async (change) => {
      const outcome = await group.commit({ ...change, body: encodeResultRecord(change.result) });
      if (outcome.kind === 'conflict') await refresh();
      return outcome;
    },
    announceBoot: ({ terminal, session }, boot, at) =>
      group.change(terminal, (tx) => announceBoot(tx, operator, terminal, session, boot, at)),
    noteLate: ({ terminal, session }, code) =>
      group.change(terminal, (tx) => noteLate(tx, operator, terminal, session, code)),
    findToken: (secretHash, now) => findToken(db, operator, secretHash, now),
    enrol: (change, now) => group.change(change.terminal, (tx) => consumeToken(tx, operator, change, now)),
    findList: (digest) => findList(db, operator, digest),
    keepList: (digest, bytes) => group.change('', (tx) => keepList(tx, operator, digest, bytes)),
    alarm: (code, terminal, detail, at) =>
      group.change(terminal ?? '', (tx) => raiseAlarm(tx, operator, { code, terminal, detail, at })),
  };
}
