import { ProtocolError } from '@mtm-attest/protocol';
import { explainCode, type VerifierCode, VerifierError } from '../error.ts';

/** Exit codes of every command: holds; checked and rejected; bad options, a file that cannot be opened, an error of our own. */
export const EXIT = { holds: 0, rejected: 1, failed: 2 } as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const REJECTED: ReadonlySet<VerifierCode> = new Set([
  'config.invalid',
  'config.binding',
  'reference.signature',
  'reference.key',
  'reference.sequence',
  'reference.minimum',
  'reference.conflict',
  'reference.issuer',
  'reference.document',
  'reference.golden',
  'key.jwk',
  'ear.key',
  'ear.form',
  'ear.algorithm',
  'ear.signature',
  'ear.profile',
  'ear.claims',
  'ear.status',
  'ear.expired',
  'corim.form',
  'corim.cbor',
  'corim.limit',
  'corim.header',
  'corim.algorithm',
  'corim.signature',
  'corim.validity',
  'corim.schema',
  'corim.profile',
  'api.refused',
]);

/** Tells what went wrong on standard error, or as the one JSON document on standard output. @returns the exit code */
export function tellFailure(error: unknown, json: boolean): ExitCode {
  const told = describe(error);
  if (json) process.stdout.write(`${JSON.stringify(told.document)}\n`);
  else process.stderr.write(`${told.text}\n`);
  return told.exit;
}

interface Told {
  readonly exit: ExitCode;
  readonly document: Readonly<Record<string, unknown>>;
  readonly text: string;
}

function describe(error: unknown): Told {
  if (error instanceof VerifierError) {
    const { code, detail } = error;
    const { meaning, next } = explainCode(code);
    const exit = REJECTED.has(code) ? EXIT.rejected : EXIT.failed;
    const what = detail === undefined ? meaning : `${meaning} (${detail})`;
    return {
      exit,
      document: { ok: false, code, detail: detail ?? meaning, next },
      text: `${code}: ${what}. Next: ${next}.`,
    };
  }
  if (error instanceof ProtocolError) {
    const { code, offset } = error;
    const document = { ok: false, code, ...(offset === undefined ? {} : { offset }) };
    return { exit: EXIT.rejected, document, text: error.message };
  }
  const reason = error instanceof Error ? error.message : String(error);
  const document = { ok: false, code: 'verifier.malfunction', detail: reason };
  return { exit: EXIT.failed, document, text: `verifier.malfunction: ${reason}` };
}

/** Runs a command's work: what it returns becomes the exit code, what it throws is told. */
export async function settle(json: boolean, work: () => Promise<ExitCode> | ExitCode): Promise<void> {
  try {
    process.exitCode = await work();
  } catch (error) {
    process.exitCode = tellFailure(error, json);
  }
}

/** One JSON document, or lines for people. */
export function tell(json: boolean, document: unknown, text: string): void {
  process.stdout.write(json ? `${JSON.stringify(document)}\n` : text.endsWith('\n') ? text : `${text}\n`);
}
