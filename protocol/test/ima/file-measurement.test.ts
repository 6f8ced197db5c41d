import { expect } from 'chai';
import { toHex } from '../../src/bytes/text.ts';
import { nodeCrypto } from '../../src/crypto/node.ts';
import { bootAggregate } from '../../src/ima/boot-aggregate.ts';
import { fileMeasurement, imaFields } from '../../src/ima/file-measurement.ts';
import { templateDigest } from '../../src/ima/template-digest.ts';
import type { HashName } from '../../src/tpm/constants.ts';
import { expectRefusal } from '../refusal.ts';
import { AGENT, dataOf, EVERY_TEMPLATE, field, sha, type Written } from './lists.ts';

function parsed(entry: Written): ReturnType<typeof fileMeasurement> {
  return fileMeasurement({ template: entry.template, data: new Uint8Array(dataOf(entry)) });
}

describe('what an IMA entry says', () => {
  it('hashes to known template digests', () => {
    const data = new Uint8Array(dataOf(AGENT));
    expect(toHex(templateDigest('ima-ng', data, nodeCrypto.sha1))).to.equal('fc5a415a8f508626a02022a96552b622a2834edc');
    const wide = '63ceeb8634008da3f559e2341d7177a754339473f922ac2f4e1c9907a8308053';
    expect(toHex(templateDigest('ima-ng', data, nodeCrypto.sha256))).to.equal(wide);
    const signed = new Uint8Array(dataOf({ ...AGENT, template: 'ima-sig', fields: [...AGENT.fields, field.absent] }));
    expect(toHex(templateDigest('ima-sig', signed, nodeCrypto.sha1))).to.equal(
      '6380dffc232265b678c8d103b10866ae9d8dd751',
    );
    const fields = [field.bareDigest(sha('sha1', Buffer.from('hello\n'))), field.name('/usr/bin/agent')];
    const old = new Uint8Array(dataOf({ ...AGENT, template: 'ima', fields }));
    expect(toHex(templateDigest('ima', old, nodeCrypto.sha1))).to.equal('207f8285983c1c1108090b4befbbeb7eab9d3109');
  });

  it('is path, digest and signature, in every template', () => {
    for (const entry of EVERY_TEMPLATE) {
      const found = parsed(entry);
      const [digest, name] = entry.fields;
      expect(Buffer.from(found?.path ?? []).toString('latin1')).to.equal(name?.shown);
      const { type, algorithm, digest: bytes } = found?.digest ?? {};
      const text = [type, algorithm].filter((part) => part !== undefined).join(':');
      const shown = `${text}:${toHex(bytes ?? new Uint8Array())}`;
      expect(shown).to.equal(entry.template === 'ima' ? `sha1:${digest?.shown}` : digest?.shown);
    }
  });

  it('has a signature only in the templates that carry one, empty where the file has none', () => {
    const signatures = EVERY_TEMPLATE.map((entry) => parsed(entry)?.signature?.length);
    expect(signatures).to.deep.equal([
      undefined,
      undefined,
      undefined,
      0,
      13,
      undefined,
      13,
      undefined,
      undefined,
      0,
      13,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('stays unknown in an unknown template', () => {
    expect(parsed({ ...AGENT, template: 'ima-future' })).to.equal(undefined);
    expect(parsed({ ...AGENT, template: 'iuid', fields: [field.u32(0)] })).to.equal(undefined);
  });

  it('is refused where a field is not written as its kind is', () => {
    const refused = (digest: string, name: string): void => {
      const fields = [digest, name].map((text) => ({ bytes: Buffer.from(text, 'latin1'), shown: '' }));
      expectRefusal(() => parsed({ ...AGENT, fields }), 'ima.malformed');
    };
    refused('sha256:\0x', '/no/nul');
    refused('sha256:\0x', '/nul\0inside\0');
    refused('sha256:\0x', '');
    refused('sha256\0x', '/a\0');
    refused('sha256:x', '/a\0');
    refused(':\0x', '/a\0');
    refused('a:b:c:\0x', '/a\0');
    refused('SHA256:\0x', '/a\0');
    refused('', '/a\0');
    const data = new Uint8Array(dataOf(AGENT));
    expectRefusal(() => imaFields({ template: 'ima-ng', data: data.subarray(0, -1) }), 'ima.malformed', 44);
    expectRefusal(() => imaFields({ template: 'ima-ng', data: data.subarray(0, 2) }), 'ima.malformed', 0);
    expectRefusal(() => imaFields({ template: 'ima', data: data.subarray(0, 19) }), 'ima.malformed', 0);
    const more = Uint8Array.from([...data, 0]);
    expectRefusal(() => imaFields({ template: 'ima-ng', data: more }), 'ima.malformed', data.length);
  });
});

describe('the boot aggregate', () => {
  const zeros = (size: number, pcrs: number) =>
    new Map(Array.from({ length: pcrs }, (_, pcr) => [pcr, new Uint8Array(size)] as const));

  it('covers PCR 0 to 7 of SHA-1 and 0 to 9 of any other bank', () => {
    const aggregate = (bank: HashName, size: number, pcrs: number): string | undefined => {
      const digest = bootAggregate(bank, { [bank]: zeros(size, pcrs) }, nodeCrypto[bank]);
      return digest === undefined ? undefined : toHex(digest);
    };
    expect(aggregate('sha1', 20, 8)).to.equal('9797edf8d0eed36b1cf92547816051c8af4e45ee');
    expect(aggregate('sha1', 20, 7)).to.equal(undefined);
    const wide = '7b6436b0c98f62380866d9432c2af0ee08ce16a171bda6951aecd95ee1307d61';
    expect(aggregate('sha256', 32, 24)).to.equal(wide);
    expect(aggregate('sha256', 32, 9)).to.equal(undefined);
    expect(aggregate('sha384', 48, 10)).to.equal(sha('sha384', Buffer.alloc(480)).toString('hex'));
  });
});
