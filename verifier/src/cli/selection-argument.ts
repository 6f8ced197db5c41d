import { type PcrSelection, ProtocolError, parseSelectionText } from '@mtm-attest/protocol';
import { InvalidArgumentError } from 'commander';

/** `sha256:0,1,7+sha1:0`. @throws InvalidArgumentError */
export function selectionArgument(text: string): PcrSelection {
  return orInvalid(() => parseSelectionText(text), 'banks and PCRs as in sha256:0,1,7+sha1:0');
}

/** What `parse` gives, or the refusal that the command line shows. @throws InvalidArgumentError */
export function orInvalid<T>(parse: () => T, expected: string): T {
  try {
    return parse();
  } catch (error) {
    throw error instanceof ProtocolError ? new InvalidArgumentError(expected) : error;
  }
}
