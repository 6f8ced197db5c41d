import { resolve } from 'node:path';
import { type BootIdentity, compareBootIdentity, utf8 } from '@mtm-attest/protocol';
import { AgentError } from '../error.ts';
import { AuditedSet } from '../measurement/audited-set.ts';
import { measureFile } from '../measurement/file.ts';
import { ListFiles } from '../measurement/list-files.ts';
import { LogFile } from '../measurement/log-file.ts';
import type { TrustedPlatform } from '../platform/platform.ts';
import type { DurableFiles } from '../storage/durable-files.ts';
import { AT_RESET, type BootStart, isAt } from './boot-start.ts';
import { nextSlot, openSlot, SLOT_NAMES, type Slot, type SlotName } from './slots.ts';

/** What runs after a boot. */
export interface Booted {
  readonly slot: Slot;
  readonly log: LogFile;
  readonly audited: AuditedSet;
}

export interface BootOptions {
  readonly platform: TrustedPlatform;
  /** the agent's own durable files */
  readonly files: DurableFiles;
  /** directory of the two slots */
  readonly slots: string;
  /** agent version for the boot event */
  readonly version: string;
  /** where our own log begins; the reset values unless given */
  readonly start?: BootStart | undefined;
  /** most events of the boot's log; 1,000,000 unless given (F-29) */
  readonly maxEvents?: number | undefined;
}

const BOOTED = 'booted.json';
const STARTED = 'started.json';

/**
 * The measured boot: every boot component of the slot's release is hashed, logged and extended before the boot counts as complete. A boot that
 * was cut short goes on after its last logged component; an agent that was only restarted, and one whose platform resumed, finds its boot
 * complete (SPEC.md 4.5).
 *
 * @throws AgentError `slot.*`, `log.*`, `boot.record`
 */
export async function boot(options: BootOptions): Promise<Booted> {
  const { platform, files, slots, version, maxEvents, start } = options;
  const slot = await openSlot(slots, await bootedSlot(options));
  const log = await LogFile.open(files, platform, version, maxEvents, start);
  const { logged } = log;
  const { release, components } = slot.release;
  if (logged.release === undefined) {
    await log.append({ type: 'release', release, manifestDigest: slot.manifestDigest });
  }
  const audited = new AuditedSet();
  for (const component of components.filter(({ phase }) => phase === 'boot')) {
    const path = slot.path(component.name);
    audited.add(component.name, path);
    if (logged.ready || logged.components.has(component.name)) continue;
    const digest = await measureFile(path);
    await log.append({ type: 'component', name: component.name, digest }, component.pcr);
  }
  if (!logged.ready) await log.append({ type: 'ready' });
  const paths = await startedPaths(files);
  for (const name of logged.started) audited.add(name, paths[name] ?? slot.path(name));
  return { slot, log, audited };
}

/**
 * Starts a component after boot: measured, logged and extended before it may run; audited from then on. One at a time.
 * @throws AgentError `component.name`: an event under such a name could be logged, and the log never read again; `log.*`
 */
export async function startComponent(booted: Booted, files: DurableFiles, name: string, path?: string): Promise<void> {
  const ofSlot = booted.slot.path(name);
  const file = path === undefined ? ofSlot : resolve(path);
  const paths = { ...(await startedPaths(files)), [name]: file };
  await files.replace(STARTED, utf8(JSON.stringify(paths)));
  await booted.log.append({ type: 'started', name, digest: await measureFile(file) });
  booted.audited.add(name, file);
}

/**
 * The slot of this boot: the pointer is read once a boot, and an update that moves it waits for the next one. A boot lasts as long as its
 * PCRs: a Resume keeps them under another boot identity, and what runs is still what booted.
 */
async function bootedSlot({ platform, files, slots, start = AT_RESET }: BootOptions): Promise<SlotName> {
  const before = parseJson(await files.read(BOOTED));
  if (!isAt(start, await platform.readPcrs(), start.pcrs)) {
    if (isBooted(before)) return before.slot;
    throw new AgentError('boot.record');
  }
  const { boot: identity } = await platform.identity();
  if (isBooted(before) && compareBootIdentity(before, identity) === 0) return before.slot;
  const slot = await nextSlot(slots);
  await new ListFiles(files).clear();
  await files.replace(STARTED, utf8('{}'));
  await files.replace(BOOTED, utf8(JSON.stringify({ slot, ...identity })));
  return slot;
}

function isBooted(value: unknown): value is BootIdentity & { readonly slot: SlotName } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'slot' in value &&
    SLOT_NAMES.some((name) => name === value.slot) &&
    'resetCount' in value &&
    typeof value.resetCount === 'number' &&
    'restartCount' in value &&
    typeof value.restartCount === 'number'
  );
}

async function startedPaths(files: DurableFiles): Promise<Readonly<Record<string, string>>> {
  const value = parseJson(await files.read(STARTED));
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function parseJson(bytes: Uint8Array | undefined): unknown {
  if (bytes === undefined) return undefined;
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (cause) {
    throw new AgentError('boot.record', undefined, { cause });
  }
}
