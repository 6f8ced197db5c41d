import { type ComponentList, type ReferenceComponent, toHex } from '@mtm-attest/protocol';
import type { Finding } from './finding.ts';
import type { ModelReference, ReleaseReference } from './input.ts';
import type { MeasuredComponent } from './log-facts.ts';

const MAX_FINDINGS = 16;

/** Whether a terminal may run this release at all (F-30). */
export function releaseFindings(reference: ModelReference, release: number, now: number): readonly Finding[] {
  const listed = reference.releases.get(release);
  if (release < reference.minimum) {
    return [
      {
        code: 'release.below-minimum',
        detail: `release ${release}; the manifest allows ${reference.minimum} and later`,
      },
    ];
  }
  if (listed === undefined) {
    const known = [...reference.releases.keys()].join(', ');
    return [{ code: 'release.unknown', detail: `release ${release}; the manifest lists ${known}` }];
  }
  if (listed.acceptedUntil !== undefined && now > listed.acceptedUntil) {
    const until = new Date(listed.acceptedUntil).toISOString();
    return [{ code: 'release.expired', detail: `release ${release} was accepted until ${until}` }];
  }
  return [];
}

/** Every boot measurement must be the listed one, in its PCR, and none may be missing: a release is a complete set (F-34). */
export function bootFindings(
  reference: ModelReference,
  release: ReleaseReference,
  measured: readonly MeasuredComponent[],
): readonly Finding[] {
  const findings: Finding[] = [];
  const seen = new Set<string>();
  for (const one of measured) {
    seen.add(one.name);
    if (findings.length === MAX_FINDINGS) continue;
    const listed = release.components.get(one.name);
    if (listed?.phase !== 'boot') findings.push(unlisted(one.name, one.digest, reference, one.event));
    else if (!sameBytes(listed.digest, one.digest)) findings.push(changed(listed, one.digest, reference, one.event));
    else if (listed.pcr !== one.pcr) findings.push(inOtherPcr(listed, one));
  }
  return [...findings, ...missing(release, seen)].slice(0, MAX_FINDINGS);
}

/** A component started after boot must be listed, in either phase, with this digest. */
export function startedFindings(
  reference: ModelReference,
  release: ReleaseReference,
  started: readonly MeasuredComponent[],
): readonly Finding[] {
  const findings: Finding[] = [];
  for (const one of started) {
    if (findings.length === MAX_FINDINGS) break;
    const finding = componentFinding(reference, release, one.name, one.digest, one.event);
    if (finding !== undefined) findings.push(finding);
  }
  return findings;
}

/** What an audit measured: every entry listed, every boot component there. */
export function listFindings(
  reference: ModelReference,
  release: ReleaseReference,
  list: ComponentList,
): readonly Finding[] {
  const findings: Finding[] = [];
  const seen = new Set<string>();
  for (const { name, digest } of list) {
    seen.add(name);
    if (findings.length === MAX_FINDINGS) continue;
    const finding = componentFinding(reference, release, name, digest);
    if (finding !== undefined) findings.push(finding);
  }
  return [...findings, ...missing(release, seen)].slice(0, MAX_FINDINGS);
}

function componentFinding(
  reference: ModelReference,
  release: ReleaseReference,
  name: string,
  digest: Uint8Array,
  event?: number,
): Finding | undefined {
  const listed = release.components.get(name);
  if (listed === undefined) return unlisted(name, digest, reference, event);
  return sameBytes(listed.digest, digest) ? undefined : changed(listed, digest, reference, event);
}

function unlisted(component: string, digest: Uint8Array, reference: ModelReference, event?: number): Finding {
  return {
    code: 'component.unlisted',
    detail: `${component} runs and is not listed`,
    component,
    found: toHex(digest),
    ...(event === undefined ? {} : { event }),
    ...allowedBy(reference, component, digest),
  };
}

function changed(listed: ReferenceComponent, digest: Uint8Array, reference: ModelReference, event?: number): Finding {
  return {
    code: 'component.digest',
    detail: `${listed.name} was changed`,
    component: listed.name,
    expected: toHex(listed.digest),
    found: toHex(digest),
    ...(event === undefined ? {} : { event }),
    ...allowedBy(reference, listed.name, digest),
  };
}

function inOtherPcr(listed: ReferenceComponent, one: MeasuredComponent): Finding {
  return {
    code: 'component.pcr',
    detail: `${one.name} was extended into PCR ${one.pcr}; the release says PCR ${listed.pcr}`,
    component: one.name,
    event: one.event,
  };
}

function missing(release: ReleaseReference, seen: ReadonlySet<string>): readonly Finding[] {
  return [...release.components.values()]
    .filter(({ name, phase }) => phase === 'boot' && !seen.has(name))
    .map(({ name, digest }) => ({
      code: 'component.missing' as const,
      detail: `${name} was not measured`,
      component: name,
      expected: toHex(digest),
    }));
}

/** Which other release of the manifest lists these bytes under this name: usually the explanation. */
function allowedBy(reference: ModelReference, name: string, digest: Uint8Array): { readonly allowedBy?: string } {
  for (const { release, version, components } of reference.releases.values()) {
    const listed = components.get(name);
    if (listed !== undefined && sameBytes(listed.digest, digest))
      return { allowedBy: `release ${release} (${version})` };
  }
  return {};
}

/** Public digests: no secret, no constant time needed. */
function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
