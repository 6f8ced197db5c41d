import { createHash } from 'node:crypto';
import type { HashName } from '../../src/tpm/constants.ts';

/** One field of an entry as a kernel holds it, and as the ASCII form shows it. */
export interface WrittenField {
  readonly bytes: Buffer;
  readonly shown: string;
}

/** An entry as a kernel would write it; written without the code under test. */
export interface Written {
  readonly pcr: number;
  readonly template: string;
  readonly fields: readonly WrittenField[];
  readonly violation?: boolean;
}

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

export const field = {
  digest: (algorithm: string, digest: Buffer): WrittenField => ({
    bytes: Buffer.concat([Buffer.from(`${algorithm}:\0`, 'latin1'), digest]),
    shown: `${algorithm}:${digest.toString('hex')}`,
  }),
  bareDigest: (digest: Buffer): WrittenField => ({ bytes: digest, shown: digest.toString('hex') }),
  name: (name: string): WrittenField => ({ bytes: Buffer.from(`${name}\0`, 'latin1'), shown: name }),
  hex: (bytes: Buffer): WrittenField => ({ bytes, shown: bytes.toString('hex') }),
  u16: (value: number): WrittenField => ({ bytes: u32(value).subarray(0, 2), shown: String(value) }),
  u32: (value: number): WrittenField => ({ bytes: u32(value), shown: String(value) }),
  absent: { bytes: Buffer.alloc(0), shown: '' } as WrittenField,
};

export const sha = (name: HashName, bytes: Uint8Array): Buffer => createHash(name).update(bytes).digest();

/** Template data; of the template `ima`, digest and name. */
export function dataOf({ template, fields }: Written): Buffer {
  if (template === 'ima') return Buffer.concat(fields.map(({ bytes }) => withoutNul(bytes)));
  return Buffer.concat(fields.flatMap(({ bytes }) => [u32(bytes.length), bytes]));
}

/** The digest that a kernel computes. */
function templateDigestOf(entry: Written, hash: HashName): Buffer {
  const data = dataOf(entry);
  return sha(hash, entry.template === 'ima' ? Buffer.concat([data, Buffer.alloc(276 - data.length)]) : data);
}

/** The digest that a list of one bank shows. */
export function shownDigest(entry: Written, bank: HashName): Buffer {
  const digest = templateDigestOf(entry, bank);
  return entry.violation === true ? Buffer.alloc(digest.length) : digest;
}

export function binaryOf(entry: Written, bank: HashName = 'sha1'): Buffer {
  const head = [u32(entry.pcr), shownDigest(entry, bank), u32(entry.template.length), Buffer.from(entry.template)];
  const data = dataOf(entry);
  if (entry.template !== 'ima') return Buffer.concat([...head, u32(data.length), data]);
  return Buffer.concat([...head, data.subarray(0, 20), u32(data.length - 20), data.subarray(20)]);
}

export function asciiOf(entry: Written, bank: HashName = 'sha1'): Buffer {
  const pcr = String(entry.pcr).padStart(2);
  const shown = entry.fields.map((one) => ` ${one.shown}`).join('');
  return Buffer.from(`${pcr} ${shownDigest(entry, bank).toString('hex')} ${entry.template}${shown}\n`, 'latin1');
}

export const WRITERS = { ascii: asciiOf, binary: binaryOf } as const;

export function listOf(entries: readonly Written[], form: keyof typeof WRITERS, bank: HashName = 'sha1'): Uint8Array {
  return new Uint8Array(Buffer.concat(entries.map((entry) => WRITERS[form](entry, bank))));
}

/** PCR values by hand: H(old || digest), zeros at first. */
export function replayedBy(entries: readonly Written[], bank: HashName, rule: 'per-bank' | 'padded', pcr = 10): string {
  const size = sha(bank, Buffer.alloc(0)).length;
  let value: Buffer = Buffer.alloc(size);
  for (const entry of entries) {
    if (entry.pcr !== pcr) continue;
    const own = Buffer.alloc(size);
    templateDigestOf(entry, rule === 'padded' ? 'sha1' : bank).copy(own);
    value = sha(bank, Buffer.concat([value, entry.violation === true ? Buffer.alloc(size, 0xff) : own]));
  }
  return value.toString('hex');
}

function withoutNul(bytes: Buffer): Buffer {
  return bytes.at(-1) === 0 && bytes.length !== 20 ? bytes.subarray(0, -1) : bytes;
}

const SIGNATURE = Buffer.from('030204aabbccdd0004deadbeef', 'hex');
const hello = sha('sha256', Buffer.from('hello\n'));

/** An entry whose digests are known answers. */
export const AGENT: Written = {
  pcr: 10,
  template: 'ima-ng',
  fields: [field.digest('sha256', hello), field.name('/usr/bin/agent')],
};

/** Of every template one entry or more, a violation, a second PCR, and a custom format. */
export const EVERY_TEMPLATE: readonly Written[] = [
  { pcr: 10, template: 'ima-ng', fields: [field.digest('sha1', Buffer.alloc(20)), field.name('boot_aggregate')] },
  AGENT,
  { pcr: 10, template: 'ima', fields: [field.bareDigest(sha('sha1', hello)), field.name('/sbin/init')] },
  { pcr: 10, template: 'ima-sig', fields: [...AGENT.fields, field.absent] },
  { pcr: 10, template: 'ima-sig', fields: [...AGENT.fields, field.hex(SIGNATURE)] },
  { pcr: 10, template: 'ima-ngv2', fields: [field.digest('ima:sha256', hello), field.name('/etc/passwd')] },
  {
    pcr: 10,
    template: 'ima-sigv2',
    fields: [field.digest('verity:sha256', hello), field.name('/usr/lib/libc.so'), field.hex(SIGNATURE)],
  },
  {
    pcr: 10,
    template: 'ima-buf',
    fields: [field.digest('sha256', hello), field.name('kexec-cmdline'), field.hex(Buffer.from('root=/dev/sda1'))],
  },
  {
    pcr: 10,
    template: 'ima-ng',
    violation: true,
    fields: [field.digest('sha1', Buffer.alloc(20)), field.name('/tmp/x')],
  },
  {
    pcr: 11,
    template: 'ima-modsig',
    fields: [...AGENT.fields, field.absent, field.digest('sha512', sha('sha512', hello)), field.hex(SIGNATURE)],
  },
  { pcr: 9, template: 'ima-modsig', fields: [...AGENT.fields, field.hex(SIGNATURE), field.absent, field.absent] },
  {
    pcr: 10,
    template: 'evm-sig',
    fields: [
      ...AGENT.fields,
      field.hex(SIGNATURE),
      field.name('security.selinux|security.ima'),
      field.hex(Buffer.from('1f0000002a000000', 'hex')),
      field.hex(Buffer.from('0102')),
      field.u32(0),
      field.u32(4_294_967_295),
      field.u16(33261),
    ],
  },
  { pcr: 10, template: 'evm-sig', fields: [...AGENT.fields, ...Array.from({ length: 7 }, () => field.absent)] },
  { pcr: 10, template: 'd-ng|n-ng|imode', fields: [...AGENT.fields, field.u16(420)] },
];
