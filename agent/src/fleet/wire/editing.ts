import { encodeMessage, type Message } from '@mtm-attest/protocol';
import { evidenceOf } from './answer.ts';
import type { Interceptor } from './line.ts';

/** Changes every piece of evidence on its way. */
export function editing(edit: (evidence: Message<'evidence'>) => Message<'evidence'>): Interceptor {
  return {
    outgoing: (message, line) => {
      const evidence = evidenceOf(message);
      line.send(evidence === undefined ? message : encodeMessage(edit(evidence)));
    },
  };
}
