import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromHex, ProtocolError, parseSelectionText, toHex } from '@mtm-attest/protocol';
import { type AgentCode, AgentError } from '../error.ts';
import type { TrustedPlatform } from '../platform/platform.ts';
import { RemotePlatform } from '../platform/soft/remote-platform.ts';
import { STATE_FILE } from '../platform/soft/state-file.ts';
import { TPM2_STATE } from '../platform/tpm2/state.ts';
import { type Inspection, inspect } from './inspection.ts';
import { openTre, TPM_OPTION } from './open-tre.ts';
import { tell } from './outcome.ts';
import type { OptionValues, Subcommand } from './subcommand.ts';
import { treDirectory } from './terminal.ts';

const MAX_NONCE_BYTES = 64;
const OPEN_TRIES = 8;

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
    tpm: TPM_OPTION,
    'device-key': { type: 'string', value: 'file', about: "key of the trusted environment's state" },
    counter: { type: 'string', value: 'file', about: "counter file outside the trusted environment's directory" },
    json: { type: 'boolean', about: 'print one JSON document' },
  },
  async run(values) {
    const selection = optionOf('--pcrs sha256:0,1', () => parseSelectionText(values.text('pcrs')));
    const nonce = optionOf('--nonce in hexadecimal', () => fromHex(values.text('nonce')));
    if (nonce.length === 0 || nonce.length > MAX_NONCE_BYTES)
      throw new AgentError('option.invalid', '--nonce of 1 to 64 bytes');
    const tre = await askedOrOpened(await treOf(values.text('state')), values);
    try {
      const made = await inspect(tre.platform, selection, nonce);
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
      await tre.close();
    }
  },
};

interface Asked {
  readonly platform: TrustedPlatform;
  close(): Promise<void>;
}

/** A TrE that runs is asked; it must not be powered on a second time. Otherwise it is powered on for this one quote. */
async function askedOrOpened(directory: string, values: OptionValues): Promise<Asked> {
  for (let tried = 1; ; tried++) {
    const asked = await running(directory);
    if (asked !== undefined) return { platform: asked, close: () => asked.close() };
    try {
      return await openTre(directory, values);
    } catch (error) {
      // It was started in the meantime: then it is asked after all.
      if (!isCode(error, 'tre.running') || tried === OPEN_TRIES) throw error;
    }
  }
}

async function running(directory: string): Promise<TrustedPlatform | undefined> {
  try {
    return await RemotePlatform.connect(directory, { role: 'inspector' });
  } catch (error) {
    if (isCode(error, 'platform.unavailable')) return undefined;
    throw error;
  }
}

function isCode(error: unknown, code: AgentCode): boolean {
  return error instanceof AgentError && error.code === code;
}

/** The state of a terminal, or that of its TrE alone. */
async function treOf(state: string): Promise<string> {
  for (const file of [STATE_FILE, TPM2_STATE]) {
    const isTre = await access(join(state, file)).then(
      () => true,
      () => false,
    );
    if (isTre) return state;
  }
  return treDirectory(state);
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
