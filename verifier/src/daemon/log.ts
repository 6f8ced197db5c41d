import { destination, type Logger, pino } from 'pino';
import type { LogLevel } from '../config/schema.ts';

export type Log = Logger;

/** Where lines go; each ends with a line feed. */
export interface LineSink {
  write(line: string): void;
}

const STANDARD_ERROR = 2;
const NAMES = ['authorization', 'cookie', 'key', 'password', 'secret', 'token'];
const CENSOR = '[redacted]';

/** Enrolment tokens and bearer tokens give themselves away wherever they stand in a line. */
const SECRETS = /mtm1~[^\s"\\]+|\bBearer [^\s"\\]+|-----BEGIN [A-Z ]*PRIVATE KEY-----[^"]*/g;

/** One JSON object a line on standard error. Nothing that is named or looks like a secret is written. */
export function createLog(level: LogLevel, sink: LineSink = standardError()): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: NAMES.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: CENSOR },
    },
    {
      write(line: string) {
        sink.write(line.replace(SECRETS, CENSOR));
      },
    },
  );
}

function standardError(): LineSink {
  return destination({ dest: STANDARD_ERROR, sync: true });
}
