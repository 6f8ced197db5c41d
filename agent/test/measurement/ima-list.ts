/** Entries of `binary_runtime_measurements` of the template ima-ng, each with a path of its own length; digests are not looked at here. */
export function entry(i: number): Buffer {
  const path = Buffer.from(`/${'x'.repeat(1 + (i % 90))}${i}\0`);
  const digest = Buffer.concat([Buffer.from('sha256:\0'), Buffer.alloc(32, i)]);
  const data = Buffer.concat([u32(digest.length), digest, u32(path.length), path]);
  const template = Buffer.from('ima-ng');
  return Buffer.concat([u32(10), Buffer.alloc(20, 1), u32(template.length), template, u32(data.length), data]);
}

export function entries(from: number, to: number): Buffer {
  return Buffer.concat(Array.from({ length: to - from }, (_, i) => entry(from + i)));
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** The same in `ascii_runtime_measurements`. */
export function line(i: number): Buffer {
  return Buffer.from(`10 ${'01'.repeat(20)} ima-ng sha256:${'02'.repeat(32)} /${'x'.repeat(i % 90)}${i}\n`);
}
