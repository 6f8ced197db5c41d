/** One connection as whoever sits on it sees it: what passes is theirs to decide. */
export interface Line {
  /** To the verifier. */
  send(message: Uint8Array): void;
  /** Reads nothing more: not even a ping is answered. */
  pause(): void;
  close(): void;
}

/** Somebody on the wire between a terminal and its verifier: a bad network, or the terminal's own owner. */
export interface Interceptor {
  /** A connection is about to be made; it is made once this resolves. */
  dialling?(): Promise<void>;
  /** A message of the terminal. Nothing goes out but what is sent on the line. */
  outgoing(message: Uint8Array, line: Line): void;
  /** A message of the verifier; the terminal reads it once this resolves. */
  incoming?(message: Uint8Array, line: Line): Promise<void>;
}

/** A wire. */
export const PASSING: Interceptor = {
  outgoing: (message, line) => {
    line.send(message);
  },
};
