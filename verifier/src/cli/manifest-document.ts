import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { fromHex, isComponentName, isId, type Manifest, toHex } from '@mtm-attest/protocol';
import * as v from 'valibot';
import { VerifierError } from '../error.ts';
import { readFile } from './file.ts';
import { platformDocument, platformOf, platformSchema } from './platform-document.ts';

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const id = v.pipe(v.string(), v.check(isId, 'must be an id'));
const time = v.union([count, v.pipe(v.string(), v.isoTimestamp(), v.transform(Date.parse))]);
const digest = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/i), v.transform(fromHex));
const name = v.pipe(v.string(), v.check(isComponentName, 'must be a component name'));

const pcr = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(23));
const part = { name, pcr: v.optional(pcr), phase: v.optional(v.picklist(['boot', 'runtime']), 'boot') };

const component = v.union([v.strictObject({ ...part, digest }), v.strictObject({ ...part, file: v.string() })]);

const release = v.strictObject({
  release: count,
  version: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
  acceptedUntil: v.optional(time),
  components: v.pipe(v.array(component), v.minLength(1)),
  platform: v.optional(platformSchema),
});

/** What an author writes; a component names its digest, or the file whose bytes are hashed. */
const document = v.strictObject({
  issuer: id,
  model: id,
  sequence: count,
  minimum: count,
  releases: v.pipe(v.array(release), v.minLength(1)),
});

const BOOT_PCR = 4;
const RUNTIME_PCR = 12;

/**
 * @param text the document in JSON
 * @param directory where relative file names begin
 * @throws VerifierError `reference.document` naming what does not fit, `file.unreadable`
 */
export function readManifestDocument(text: string, directory: string): Manifest {
  const checked = v.safeParse(document, parse(text));
  if (!checked.success) {
    const reasons = checked.issues.map((issue) => `${v.getDotPath(issue) ?? 'document'}: ${issue.message}`);
    throw new VerifierError('reference.document', reasons.join('; '));
  }
  const { issuer, model, sequence, minimum, releases } = checked.output;
  return {
    issuer,
    model,
    sequence,
    minimum,
    releases: releases
      .map(({ components, platform, ...rest }) => ({
        ...rest,
        ...(platform === undefined ? {} : { platform: platformOf(platform, directory) }),
        components: components
          .map((one) => ({
            name: one.name,
            phase: one.phase,
            pcr: one.pcr ?? (one.phase === 'boot' ? BOOT_PCR : RUNTIME_PCR),
            digest: 'digest' in one ? one.digest : digestOf(resolve(directory, one.file)),
          }))
          .sort((a, b) => (a.name < b.name ? -1 : 1)),
      }))
      .sort((a, b) => a.release - b.release),
  };
}

/** The document again, as JSON. */
export function manifestDocument(manifest: Manifest): unknown {
  return {
    ...manifest,
    releases: manifest.releases.map(({ acceptedUntil, components, platform, ...rest }) => ({
      ...rest,
      ...(acceptedUntil === undefined ? {} : { acceptedUntil: new Date(acceptedUntil).toISOString() }),
      components: components.map((one) => ({ ...one, digest: toHex(one.digest) })),
      ...(platform === undefined ? {} : { platform: platformDocument(platform) }),
    })),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new VerifierError('reference.document', 'not JSON', { cause });
  }
}

function digestOf(file: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(readFile(file)).digest());
}
