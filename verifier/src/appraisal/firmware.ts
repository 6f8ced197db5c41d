import { tcgEventName, toHex } from '@mtm-attest/protocol';
import { firmwareKey } from '../reference/firmware-key.ts';
import type { Outcome } from './check.ts';
import type { Finding } from './finding.ts';
import type { FirmwareEvent } from './firmware-facts.ts';
import type { AppraisalInput, FirmwareAllowed, ModelReference, ReleaseReference } from './input.ts';
import { toSign } from './to-sign.ts';

const MAX_FINDINGS = 16;
const NONE: FirmwareAllowed = new Map();

/**
 * Every event in a PCR of the quote is listed, and those that the release demands are there (SPEC.md 7.8). An event is what its PCR, type and
 * digest together say: a true event under another type is another one (F-27). Where any digest will do, the data must be what the type promises.
 */
export function firmwareFindings(
  { log, firmware, challenge }: AppraisalInput,
  reference: ModelReference,
  release: ReleaseReference,
): Outcome {
  const allowed = release.platform?.firmware;
  if (log.from > 0 || (allowed === undefined && firmware === undefined)) return { affirms: ['firmware'], findings: [] };
  if (firmware === undefined) {
    return { affirms: [], findings: [{ code: 'platform-log.missing', detail: 'the terminal sent no firmware log' }] };
  }
  const findings: Finding[] = [];
  const warnings: Finding[] = [];
  const matched = new Set<string>();
  for (const event of firmware.events) {
    if (!challenge.selectedPcrs.includes(event.pcr)) continue;
    const key = matchOf(allowed ?? NONE, event);
    if (key === undefined) findings.push(unlisted(event, reference));
    else if (allowed?.get(key)?.digest === undefined) warnings.push(taken(event));
    if (key !== undefined) matched.add(key);
  }
  findings.push(...missing(allowed ?? NONE, matched));
  return {
    affirms: findings.length === 0 ? ['firmware'] : [],
    findings: findings.slice(0, MAX_FINDINGS),
    warnings: warnings.slice(0, MAX_FINDINGS),
  };
}

/** The key of the entry that allows an event; an exact one before one that takes any digest. */
function matchOf(allowed: FirmwareAllowed, event: FirmwareEvent): string | undefined {
  const { pcr, type, digest } = event;
  const exact = digest === undefined ? undefined : firmwareKey(pcr, type, digest);
  if (exact !== undefined && allowed.has(exact)) return exact;
  const any = firmwareKey(pcr, type, undefined);
  return event.isAsItsTypeSays && allowed.has(any) ? any : undefined;
}

function unlisted(event: FirmwareEvent, reference: ModelReference): Finding {
  const { pcr, type, digest, text, isAsItsTypeSays } = event;
  const found = digest === undefined ? {} : { found: toHex(digest) };
  const odd = isAsItsTypeSays ? '' : '; its data is not what its type promises, so no entry without digest takes it';
  const entry = {
    pcr,
    type: tcgEventName(type) ?? type,
    digest: found.found,
    label: text === '' ? nameOf(type) : text,
  };
  return {
    code: 'firmware.unlisted',
    detail: `${described(event)}${odd}`,
    event: event.event,
    component: nameOf(type),
    ...found,
    ...allowedBy(reference, event),
    ...(digest === undefined ? {} : { toSign: toSign(entry) }),
  };
}

function taken(event: FirmwareEvent): Finding {
  const found = event.digest === undefined ? {} : { found: toHex(event.digest) };
  return {
    code: 'firmware.volatile',
    detail: described(event),
    event: event.event,
    component: nameOf(event.type),
    ...found,
  };
}

function missing(allowed: FirmwareAllowed, matched: ReadonlySet<string>): readonly Finding[] {
  return [...allowed]
    .filter(([key, { required }]) => required && !matched.has(key))
    .map(([, { pcr, type, digest, label }]) => ({
      code: 'firmware.missing' as const,
      detail: `no ${nameOf(type)} in PCR ${pcr}: ${printable(label)}`,
      component: nameOf(type),
      ...(digest === undefined ? {} : { expected: toHex(digest) }),
    }));
}

function described({ event, pcr, type, digest, text }: FirmwareEvent): string {
  const value = digest === undefined ? 'no digest of the SHA-256 bank' : `sha256 ${toHex(digest)}`;
  return `event ${event}, ${nameOf(type)} in PCR ${pcr}, ${value}: ${text}`;
}

/** Which other release of the manifest lists this event. */
function allowedBy(reference: ModelReference, { pcr, type, digest }: FirmwareEvent): { readonly allowedBy?: string } {
  if (digest === undefined) return {};
  const key = firmwareKey(pcr, type, digest);
  const other = [...reference.releases.values()].find(({ platform }) => platform?.firmware?.has(key));
  return other === undefined ? {} : { allowedBy: `release ${other.release} (${other.version})` };
}

function nameOf(type: number): string {
  return tcgEventName(type) ?? `type 0x${type.toString(16)}`;
}

function printable(label: string): string {
  return label.replace(/[^\x20-\x7e]/g, '?');
}
