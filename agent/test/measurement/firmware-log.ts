import { createHash } from 'node:crypto';

/** Events of one PCR each: what is hashed, and extended into the SHA-256 bank. */
export type Measured = readonly [pcr: number, what: string];

export function measuredDigest([, what]: Measured): Uint8Array {
  return new Uint8Array(createHash('sha256').update(what).digest());
}

/** A crypto-agile log of the SHA-256 bank (TCG PC Client Platform Firmware Profile 10.2.2, 10.4.5.1); EV_IPL events. */
export function firmwareLog(events: readonly Measured[], algorithm = '0b00', digestBytes = '2000'): Buffer {
  const specId = Buffer.concat([
    Buffer.from('Spec ID Event03\0'),
    Buffer.from(`000000000002690201000000${algorithm}${digestBytes}00`, 'hex'),
  ]);
  const header = Buffer.concat([Buffer.from('0000000003000000', 'hex'), Buffer.alloc(20), u32(specId.length), specId]);
  const size = Buffer.from(digestBytes, 'hex').readUInt16LE();
  const records = events.map((event) => {
    const [pcr, what] = event;
    const digest = measuredDigest(event).subarray(0, size);
    return Buffer.concat([
      u32(pcr),
      u32(0x0d),
      u32(1),
      Buffer.from(algorithm, 'hex'),
      digest,
      u32(what.length),
      Buffer.from(what),
    ]);
  });
  return Buffer.concat([header, ...records]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
