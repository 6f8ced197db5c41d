import { encodeMessage, type Message, parseMessage } from '@mtm-attest/protocol';

/** A terminal's whole answer to a challenge: evidence, then the parts that follow it. */
export interface Answer {
  readonly evidence: Message<'evidence'>;
  readonly parts: readonly Message<'part'>[];
}

export function evidenceOf(message: Uint8Array): Message<'evidence'> | undefined {
  const parsed = parseMessage(message, 'terminal');
  return parsed.type === 'evidence' ? parsed : undefined;
}

export function partOf(message: Uint8Array): Message<'part'> | undefined {
  const parsed = parseMessage(message, 'terminal');
  return parsed.type === 'part' ? parsed : undefined;
}

/** The messages of an answer, under the id they were made for or another one. */
export function* messagesOf(
  { evidence, parts }: Answer,
  challenge: Uint8Array = evidence.challenge,
): Generator<Uint8Array> {
  yield encodeMessage({ ...evidence, challenge });
  for (const part of parts) yield encodeMessage({ ...part, challenge });
}
