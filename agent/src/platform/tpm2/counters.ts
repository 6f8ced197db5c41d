import { Cursor, equalBytes, type NvPublic, nvName, TPM_ALG, writeNvPublic } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { AgentError } from '../../error.ts';
import type { TpmClient } from '../../tpm2/client.ts';
import { EMPTY, type Entity, OWNER, permanent } from '../../tpm2/command/command.ts';
import { NV_DEFINE_SPACE, NV_INCREMENT, NV_READ, NV_READ_PUBLIC } from '../../tpm2/command/nv.ts';
import { NV_ATTRIBUTE } from '../../tpm2/constants.ts';
import { isRefusal } from '../../tpm2/response-code.ts';
import { COUNTER_NAMES, type CounterName } from '../platform.ts';

/** Of the range that the TCG leaves to owners (Registry of Reserved TPM 2.0 Handles and Localities). */
const FIRST_INDEX = 0x01804d10;
const COUNTER_BYTES = 8;
const { AUTHREAD, AUTHWRITE, COUNTER, NO_DA, WRITTEN } = NV_ATTRIBUTE;

export function counterIndex(name: CounterName): number {
  return FIRST_INDEX + COUNTER_NAMES.indexOf(name);
}

/**
 * Not ORDERLY, though that would spare the memory of a counter that rises with every audit: the reference code forgets how far an orderly counter
 * was when a Clear removes it, so that it could come again lower. Parts are rated for some 500,000 writes; an audit each five minutes makes 105,000 a year.
 */
function areaOf(name: CounterName): NvPublic {
  return {
    index: counterIndex(name),
    nameAlg: TPM_ALG.SHA256,
    attributes: NO_DA | AUTHREAD | AUTHWRITE | COUNTER,
    authPolicy: EMPTY,
    dataSize: COUNTER_BYTES,
  };
}

/** An index by its Name once it was written. */
export function counterEntity(name: CounterName): Entity {
  const area = areaOf(name);
  return {
    handle: area.index,
    name: nvName({ ...area, attributes: area.attributes | WRITTEN }, nodeCrypto),
  };
}

/**
 * Makes the counters of a terminal that has no state yet. One that is there from an earlier state goes on: it only rises.
 * @throws AgentError `platform.counter-missing` where something else has the index; `tpm.*`
 */
export async function provideCounters(client: TpmClient): Promise<void> {
  for (const name of COUNTER_NAMES) {
    const area = areaOf(name);
    let found = await readPublic(client, area.index);
    if (found === undefined) {
      await client.run(NV_DEFINE_SPACE, { handles: [OWNER], parameters: { auth: EMPTY, area } });
      found = await readPublic(client, area.index);
    }
    if (found === undefined || !isSame(found.area, area)) throw foreign(name);
    if ((found.area.attributes & WRITTEN) === 0) {
      const entity = { handle: area.index, name: found.name };
      await client.run(NV_INCREMENT, { handles: [entity, entity], parameters: undefined });
    }
  }
}

/** @throws AgentError `platform.counter-missing` unless every counter is there as it was made: one that is gone is never made anew (C.16) */
export async function demandCounters(client: TpmClient): Promise<void> {
  for (const name of COUNTER_NAMES) {
    const found = await readPublic(client, counterIndex(name));
    if (found === undefined || !equalBytes(found.name, counterEntity(name).name)) throw foreign(name);
  }
}

export async function readCounter(client: TpmClient, name: CounterName): Promise<bigint> {
  const entity = counterEntity(name);
  return refusingAbsence(name, async () => {
    const bytes = await client.run(NV_READ, {
      handles: [entity, entity],
      parameters: { size: COUNTER_BYTES, offset: 0 },
    });
    return counterValue(bytes);
  });
}

export async function incrementCounter(client: TpmClient, name: CounterName): Promise<bigint> {
  const entity = counterEntity(name);
  await refusingAbsence(name, () => client.run(NV_INCREMENT, { handles: [entity, entity], parameters: undefined }));
  return readCounter(client, name);
}

async function readPublic(
  client: TpmClient,
  index: number,
): Promise<{ readonly area: NvPublic; readonly name: Uint8Array } | undefined> {
  try {
    return await client.run(NV_READ_PUBLIC, { handles: [permanent(index)], parameters: undefined });
  } catch (error) {
    if (isRefusal(error, 'HANDLE')) return undefined;
    throw error;
  }
}

function isSame(found: NvPublic, wanted: NvPublic): boolean {
  const attributes = (found.attributes & ~WRITTEN) >>> 0;
  return equalBytes(writeNvPublic({ ...found, attributes }), writeNvPublic(wanted));
}

async function refusingAbsence<T>(name: CounterName, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    // An index that came back unwritten was removed and made anew by somebody.
    if (isRefusal(error, 'HANDLE', 'NV_UNINITIALIZED')) throw foreign(name);
    throw error;
  }
}

function counterValue(bytes: Uint8Array): bigint {
  const cursor = new Cursor(bytes);
  const value = cursor.u64();
  cursor.end();
  return value;
}

function foreign(name: CounterName): AgentError {
  return new AgentError('platform.counter-missing', `${name}, NV index 0x${counterIndex(name).toString(16)}`);
}
