import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  attestationKey,
  encodePublicPem,
  fromHex,
  type PcrSelection,
  ProtocolError,
  p256Spki,
  parseAttest,
  parsePublic,
  parseSelectionText,
  type QuoteContext,
  qualifyingData,
  toHex,
  writePcrFile,
  writePcrSelection,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { AgentError } from '../error.ts';
import type { TrustedPlatform } from '../platform/platform.ts';
import { heldFiles } from '../platform/soft/held-files.ts';
import { openSoftOnDisk } from '../platform/soft/open-soft.ts';
import { claimState } from '../platform/soft/process.ts';
import { RemotePlatform } from '../platform/soft/remote-platform.ts';
import { DiskFiles } from '../storage/disk-files.ts';
import { tell } from './outcome.ts';
import type { OptionValues, Subcommand } from './subcommand.ts';
import { treDirectory } from './terminal.ts';

const MAX_NONCE_BYTES = 64;

/** `mtm-agent quote`: a quote for inspection, in the files of tpm2-tools. The nonce is hashed into it; raw data cannot be quoted (F-14). */
export const quoteCommand: Subcommand = {
  name: 'quote',
  summary: 'quote PCRs for inspection, in files that tpm2_checkquote reads',
  options: {
    state: {
      type: 'string',
      required: true,
      value: 'directory',
      about: 'state of the terminal; made and powered on where it is absent',
    },
    pcrs: { type: 'string', required: true, value: 'banks', about: 'PCRs, as in sha256:0,1' },
    nonce: { type: 'string', required: true, value: 'hex', about: '1 to 64 bytes that make the quote fresh' },
    out: {
      type: 'string',
      required: true,
      value: 'directory',
      about: 'gets ak.pem, quote.attest, quote.sig and pcrs.bin',
    },
    'device-key': { type: 'string', value: 'file', about: "key of the trusted environment's state" },
    counter: { type: 'string', value: 'file', about: "counter file outside the trusted environment's directory" },
    json: { type: 'boolean', about: 'print one JSON document' },
  },
  async run(values) {
    const selection = optionOf('--pcrs sha256:0,1', () => parseSelectionText(values.text('pcrs')));
    const nonce = optionOf('--nonce in hexadecimal', () => fromHex(values.text('nonce')));
    if (nonce.length === 0 || nonce.length > MAX_NONCE_BYTES)
      throw new AgentError('option.invalid', '--nonce of 1 to 64 bytes');
    const directory = treDirectory(values.text('state'));
    const { platform, end } = await openTre(directory, values);
    try {
      const made = await inspect(platform, selection, nonce);
      const files = await writeFiles(values.text('out'), made.files);
      const { clock, extraData } = made;
      const document = {
        ok: true,
        qualifyingData: toHex(extraData),
        nonce: toHex(nonce),
        purpose: 'inspect',
        clock,
        files,
      };
      tell(values.flag('json'), document, textOf(document));
      return 0;
    } finally {
      await end();
    }
  },
};

interface OpenTre {
  readonly platform: TrustedPlatform;
  readonly end: () => Promise<void>;
}

/** The TrE of a running terminal is asked; it must not be powered on a second time. Otherwise it is powered on for this one quote. */
async function openTre(directory: string, values: OptionValues): Promise<OpenTre> {
  const asked = await running(directory);
  if (asked !== undefined) return { platform: asked, end: () => asked.close() };
  const claim = await claimState(directory);
  const platform = await openSoftOnDisk({
    directory,
    deviceKey: values.optional('device-key'),
    counter: values.optional('counter'),
    credentials: process.env['CREDENTIALS_DIRECTORY'],
    files: heldFiles(new DiskFiles(directory), () => claim.holds()),
  });
  const end = async (): Promise<void> => {
    await platform.close();
    await claim.release();
  };
  return { platform, end };
}

async function running(directory: string): Promise<TrustedPlatform | undefined> {
  try {
    await stat(directory);
    return await RemotePlatform.connect(directory, 'inspector');
  } catch (error) {
    if (error instanceof AgentError && error.code !== 'platform.unavailable') throw error;
    return undefined;
  }
}

interface Inspection {
  readonly files: Readonly<Record<string, Uint8Array | string>>;
  readonly extraData: Uint8Array;
  readonly clock: Readonly<Record<string, unknown>>;
}

const EMPTY = new Uint8Array();

async function inspect(platform: TrustedPlatform, selection: PcrSelection, nonce: Uint8Array): Promise<Inspection> {
  const { akName, akPublic } = await platform.identity();
  const context: QuoteContext = {
    purpose: 'inspect',
    challengeDigest: nodeCrypto.sha256(nonce),
    binding: { type: 'none', value: EMPTY },
    audience: '',
    terminal: '',
    compartment: 'mrtm',
    ownershipEpoch: 0n,
    akName,
    claimsDigest: nodeCrypto.sha256(EMPTY),
  };
  const { attest, signature } = await platform.quote({
    ...context,
    bindSessionKey: false,
    selection: writePcrSelection(selection),
  });
  const pcrs = await platform.readPcrs();
  const values = new Map(Array.from({ length: 24 }, (_, pcr) => [pcr, pcrs.slice(32 * pcr, 32 * pcr + 32)]));
  const { clockInfo } = parseAttest(attest, 'quote');
  return {
    files: {
      'ak.pem': akPem(akPublic),
      'quote.attest': attest,
      'quote.sig': signature,
      'pcrs.bin': writePcrFile(selection, { sha256: values }),
    },
    extraData: qualifyingData(context, nodeCrypto.sha256),
    clock: { ...clockInfo, clock: Number(clockInfo.clock) },
  };
}

function akPem(akPublic: Uint8Array): string {
  const key = attestationKey(parsePublic(akPublic));
  if (key.algorithm !== 'ecdsa-p256') throw new AgentError('agent.malfunction', 'an AK that is no P-256 key');
  return encodePublicPem(p256Spki(key.x, key.y));
}

async function writeFiles(directory: string, files: Inspection['files']): Promise<readonly string[]> {
  try {
    await mkdir(directory, { recursive: true });
    for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), content);
  } catch (cause) {
    throw new AgentError('file.unwritable', directory, { cause });
  }
  return Object.keys(files).map((name) => join(directory, name));
}

function textOf(document: { readonly qualifyingData: string; readonly files: readonly string[] }): string {
  const [ak, attest, signature, pcrs] = document.files;
  return [
    `qualifyingData ${document.qualifyingData}`,
    `tpm2_checkquote -u ${ak} -m ${attest} -s ${signature} -f ${pcrs} -g sha256 -q ${document.qualifyingData}`,
  ].join('\n');
}

function optionOf<T>(expected: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (cause instanceof ProtocolError) throw new AgentError('option.invalid', expected, { cause });
    throw cause;
  }
}
