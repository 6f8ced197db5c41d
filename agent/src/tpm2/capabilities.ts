import type { TpmClient } from './client.ts';
import {
  type AllocatedBank,
  GET_HANDLES,
  GET_PCRS,
  GET_PROPERTIES,
  type Page,
  READ_CLOCK,
  STARTUP_COMMAND,
  type TimeInfo,
} from './command/machine.ts';
import { PROPERTY, STARTUP } from './constants.ts';
import { isRefusal } from './response-code.ts';

/** What a TPM says of itself. */

const PAGE = 64;
const MAX_PAGES = 64;

/** Clock and boot identity of a TPM that may still wait for its start: then it is started, with its PCRs at reset (Part 3, 9.3). */
export async function startedClock(client: TpmClient): Promise<TimeInfo> {
  try {
    return await client.run(READ_CLOCK, { parameters: undefined });
  } catch (error) {
    if (!isRefusal(error, 'INITIALIZE')) throw error;
  }
  await client.run(STARTUP_COMMAND, { parameters: { type: STARTUP.CLEAR } });
  return client.run(READ_CLOCK, { parameters: undefined });
}

/** Handles of one kind, ascending. @param kind one of HANDLE_KIND */
export function handlesOf(client: TpmClient, kind: number): Promise<readonly number[]> {
  return pages(kind, (from) => client.run(GET_HANDLES, { parameters: { from, count: PAGE } }), next);
}

/** Banks with at least one PCR. */
export async function allocatedBanks(client: TpmClient): Promise<readonly AllocatedBank[]> {
  const { items } = await client.run(GET_PCRS, { parameters: { from: 0, count: 1 } });
  return items.filter(({ bitmap }) => bitmap.some((byte) => byte !== 0));
}

/** Value of a property, or undefined where the TPM does not have it. @param property one of PROPERTY */
export async function propertyOf(client: TpmClient, property: number): Promise<number | undefined> {
  const { items } = await client.run(GET_PROPERTIES, { parameters: { from: property, count: 1 } });
  return items.find(([name]) => name === property)?.[1];
}

export interface Maker {
  /** four letters that the TCG gave out */
  readonly manufacturer: string;
  /** what it calls its chip */
  readonly model: string;
  readonly emulated: boolean;
}

const EMULATORS: readonly (readonly [manufacturer: string, model: RegExp])[] = [
  ['IBM', /^SW\s*TPM$/],
  ['MSFT', /^xCG fTPM$/],
];

/** An emulator is known by its words: it keeps its secrets in a file. One that lies is found out by its certificate alone. */
export async function makerOf(client: TpmClient): Promise<Maker> {
  const manufacturer = text([await propertyOf(client, PROPERTY.MANUFACTURER)]);
  const parts: (number | undefined)[] = [];
  for (let i = 0; i < 4; i++) parts.push(await propertyOf(client, PROPERTY.VENDOR_STRING_1 + i));
  const model = text(parts);
  const emulated = EMULATORS.some(([maker, words]) => maker === manufacturer && words.test(model));
  return { manufacturer, model, emulated };
}

function text(words: readonly (number | undefined)[]): string {
  const bytes = words.flatMap((word = 0) => [24, 16, 8, 0].map((shift) => (word >>> shift) & 0xff));
  // Anything but printable ASCII stays out: the text is shown.
  return String.fromCharCode(...bytes.filter((byte) => byte >= 0x20 && byte < 0x7f)).trim();
}

async function pages<T>(
  first: number,
  ask: (from: number) => Promise<Page<T>>,
  after: (last: T) => number,
): Promise<readonly T[]> {
  const all: T[] = [];
  let from = first;
  for (let page = 0; page < MAX_PAGES; page++) {
    const { more, items } = await ask(from);
    all.push(...items);
    const last = items.at(-1);
    if (!more || last === undefined) break;
    from = after(last);
  }
  return all;
}

/** The handle behind the last one. */
function next(last: number): number {
  return last + 1;
}
