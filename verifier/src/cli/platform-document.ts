import { createPublicKey } from 'node:crypto';
import { resolve } from 'node:path';
import {
  compareBytes,
  type FirmwareReference,
  fromHex,
  type ImaReference,
  type PlatformReference,
  TCG_EVENT_TYPES,
  tcgEventName,
  toHex,
  utf8,
} from '@mtm-attest/protocol';
import * as v from 'valibot';
import { VerifierError } from '../error.ts';
import { readFile } from './file.ts';

const hex = (...sizes: readonly number[]) =>
  v.pipe(
    v.string(),
    v.regex(/^(?:[0-9a-f]{2})*$/i),
    v.check((text) => sizes.includes(text.length / 2), `must be ${sizes.join(', ')} bytes in hexadecimal`),
    v.transform(fromHex),
  );

const type = v.union([
  v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffffffff)),
  v.pipe(
    v.string(),
    v.check((name) => Object.hasOwn(TCG_EVENT_TYPES, name), 'must be an event type of the TCG, or its number'),
    v.transform((name) => TCG_EVENT_TYPES[name as keyof typeof TCG_EVENT_TYPES].code),
  ),
]);

const event = {
  pcr: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(23)),
  type,
  label: v.pipe(v.string(), v.minLength(1), v.maxLength(256)),
};

const exactEvent = v.strictObject({ ...event, digest: hex(32), required: v.optional(v.boolean(), true) });

const volatileEvent = v.strictObject({
  ...event,
  volatile: v.string(),
  reviewed: v.boolean(),
  required: v.optional(v.boolean(), false),
  seen: v.optional(v.unknown()),
});

const spki = v.pipe(v.string(), v.regex(/^(?:[0-9a-f]{2})+$/i), v.transform(fromHex));
const key = v.union([v.strictObject({ file: v.string() }), v.strictObject({ spki })]);

const ima = v.strictObject({
  rule: v.optional(v.picklist(['per-bank', 'padded']), 'per-bank'),
  files: v.array(v.strictObject({ path: v.string(), digests: v.array(hex(32, 48, 64)) })),
  keys: v.optional(v.array(key), []),
  excludes: v.optional(v.array(v.string()), []),
  violations: v.optional(v.boolean(), false),
});

const inline = v.strictObject({
  firmware: v.optional(v.pipe(v.array(v.union([exactEvent, volatileEvent])), v.minLength(1))),
  ima: v.optional(ima),
});

/** `platform` of a release in a document: there, or in a file of its own, as `reference from-log` writes it. */
export const platformSchema = v.union([v.strictObject({ file: v.string() }), inline]);

type Written = v.InferOutput<typeof platformSchema>;
type WrittenIma = v.InferOutput<typeof ima>;
type WrittenEvent = v.InferOutput<typeof exactEvent> | v.InferOutput<typeof volatileEvent>;

/**
 * @param directory where relative file names begin
 * @throws VerifierError `reference.document`, `reference.key`, `file.unreadable`
 */
export function platformOf(written: Written, directory: string): PlatformReference {
  const { firmware, ima: list } = 'file' in written ? fromFile(resolve(directory, written.file)) : written;
  return {
    ...(firmware === undefined ? {} : { firmware: firmwareOf(firmware) }),
    ...(list === undefined ? {} : { ima: imaOf(list, directory) }),
  };
}

function fromFile(file: string): v.InferOutput<typeof inline> {
  const checked = v.safeParse(inline, parseJson(file));
  if (checked.success) return checked.output;
  const reasons = checked.issues.map((issue) => `${v.getDotPath(issue) ?? 'platform'}: ${issue.message}`);
  throw new VerifierError('reference.document', `${file}: ${reasons.join('; ')}`);
}

function parseJson(file: string): unknown {
  try {
    return JSON.parse(readFile(file).toString('utf8'));
  } catch (cause) {
    if (cause instanceof VerifierError) throw cause;
    throw new VerifierError('reference.document', `${file}: not JSON`, { cause });
  }
}

function firmwareOf(events: readonly WrittenEvent[]): readonly FirmwareReference[] {
  const unseen = events.filter((one) => 'reviewed' in one && !one.reviewed);
  if (unseen.length > 0) {
    const labels = unseen.map(({ pcr, label }) => `PCR ${pcr}, ${label}`).join('; ');
    throw new VerifierError('reference.document', `any digest would do; say "reviewed": true where it may: ${labels}`);
  }
  return events
    .map((one): FirmwareReference => {
      const { pcr, type: code, required, label } = one;
      return { pcr, type: code, required, label, ...('digest' in one ? { digest: one.digest } : {}) };
    })
    .sort((a, b) => a.pcr - b.pcr || a.type - b.type || compareBytes(a.digest ?? NONE, b.digest ?? NONE));
}

const NONE = new Uint8Array();

function imaOf({ rule, files, keys, excludes, violations }: WrittenIma, directory: string): ImaReference {
  const byText = (a: string, b: string): number => compareBytes(utf8(a), utf8(b));
  return {
    rule,
    files: files
      .map(({ path, digests }) => ({ path, digests: digests.toSorted(compareBytes) }))
      .sort((a, b) => byText(a.path, b.path)),
    keys: keys.map((one) => ('spki' in one ? one.spki : spkiOf(resolve(directory, one.file)))).sort(compareBytes),
    excludes: excludes.toSorted(byText),
    violations,
  };
}

function spkiOf(file: string): Uint8Array {
  const pem = readFile(file);
  try {
    return new Uint8Array(createPublicKey(pem).export({ type: 'spki', format: 'der' }));
  } catch (cause) {
    throw new VerifierError('reference.key', file, { cause });
  }
}

/** `platform` again, as JSON; what was signed was reviewed. */
export function platformDocument({ firmware, ima: list }: PlatformReference): unknown {
  return {
    ...(firmware === undefined ? {} : { firmware: firmware.map(eventDocument) }),
    ...(list === undefined
      ? {}
      : {
          ima: {
            ...list,
            files: list.files.map(({ path, digests }) => ({ path, digests: digests.map(toHex) })),
            keys: list.keys.map((spki) => ({ spki: toHex(spki) })),
          },
        }),
  };
}

function eventDocument({ pcr, type: code, digest, required, label }: FirmwareReference): unknown {
  const about = { pcr, type: tcgEventName(code) ?? code, required, label };
  return digest === undefined ? { ...about, volatile: label, reviewed: true } : { ...about, digest: toHex(digest) };
}
