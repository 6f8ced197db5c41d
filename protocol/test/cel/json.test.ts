import { expect } from 'chai';
import fc from 'fast-check';
import { encodeCelJson } from '../../src/cel/json-export.ts';
import { readCelJson } from '../../src/cel/json-import.ts';
import type { CelRecord } from '../../src/cel/record.ts';
import type { ProtocolCode } from '../../src/error.ts';
import { expectRefusal } from '../refusal.ts';
import { celLogs, EVENT_1 } from './records.ts';

const SEED = 40_402;

function read(text: string): CelRecord[] {
  const records: CelRecord[] = [];
  expect(readCelJson(Buffer.from(text), (record) => records.push(record))).to.equal(records.length);
  return records;
}

function jsonOf(records: readonly CelRecord[]): string {
  return `[${records.map(encodeCelJson).join(',')}]`;
}

const DIGEST = 'ce36863f51b6baf9d16397ffb3e9af506b284a816f72d487e55943c1fd974d6d';
const TEXT = `[{"recnum":0,"pcr":10,"digests":[{"hashAlg":"sha256","digest":"${DIGEST}"}],"content_type":"pcclient_std","content":{"event_type":"EV_EFI_ACTION","event_data":"6576656e742d31"}}]`;

function refused(change: (text: string) => string, code: ProtocolCode = 'cel.json'): void {
  const text = change(TEXT);
  expect(text).to.not.equal(TEXT);
  expectRefusal(() => read(text), code);
}

describe('CEL-JSON', () => {
  it('has the members of the specification, event types by name', () => {
    expect(jsonOf([EVENT_1])).to.equal(TEXT);
    expect(read(TEXT)).to.deep.equal([EVENT_1]);
    expect(read(TEXT.replace('"EV_EFI_ACTION"', '2147483655'))).to.deep.equal([EVENT_1]);
    expect(read(`${TEXT.replaceAll(',', ', ')}\n`)).to.deep.equal([EVENT_1]);
    expect(read('[]')).to.deep.equal([]);
  });

  it('gives back every record that it writes, and the same text for it again', () => {
    const property = fc.property(celLogs, (log) => {
      const text = jsonOf(log);
      expect(read(text)).to.deep.equal(log);
      expect(jsonOf(read(text))).to.equal(text);
    });
    fc.assert(property, { seed: SEED });
  });

  it('names algorithms that have no name here by number', () => {
    const digests = [{ algorithm: 0x27, digest: new Uint8Array(32) }];
    const text = jsonOf([{ ...EVENT_1, digests }]);
    expect(text).to.include('"hashAlg":"0x0027"');
    expect(read(text)[0]?.digests).to.deep.equal(digests);
    refused((good) => good.replace('sha256', 'sha385'), 'cel.digests');
  });

  it('refuses members that are unknown, missing, or stand twice (F-40)', () => {
    refused((text) => text.replace('"pcr":10', '"pcr":10,"note":1'));
    refused((text) => text.replace('"pcr":10', '"pcr":10,"pcr":10'));
    refused((text) => text.replace('"event_type":', '"event_data":"","event_type":'));
    refused((text) => text.replace('"pcr":10,', ''));
    refused((text) => text.replace('"pcr":10', '"pcr":10,"nv_index":536870912'));
    refused((text) => text.replace('"recnum":0,', ''));
    refused((text) => text.replace('"__proto__', '').replace('"pcr":10', '"pcr":10,"__proto__":{}'));
    refused((text) => text.replace('pcclient_std', 'pcclient\\u005fstd'));
  });

  it('refuses values of another kind, and content of an unknown type', () => {
    for (const number of ['-1', '1.5', '"0"', 'null', '1e400', '9007199254740992', '-0'])
      refused((text) => text.replace('"recnum":0', `"recnum":${number}`));
    refused((text) => text.replace('6576', '657'));
    refused((text) => text.replace(DIGEST, DIGEST.toUpperCase()));
    refused((text) => text.replace('EV_EFI_ACTION', 'EV_UNHEARD_OF'));
    refused((text) => text.replace('EV_EFI_ACTION', 'constructor'));
    refused((text) => text.replace('pcclient_std', 'unheard_of'), 'cel.content-type');
    refused((text) => text.replace('"pcr":10', '"pcr":24'), 'cel.index');
    refused((text) => text.slice(1, -1));
    refused((text) => text.slice(0, -1));
    refused((text) => `${text}x`);
    refused((text) => text.replace(/"digests":\[.*?\]/, '"digests":[]'), 'cel.digests');
    expectRefusal(() => readCelJson(Uint8Array.of(0x5b, 0xff, 0x5d), () => undefined), 'cel.json');
  });

  it('refuses management events that are none', () => {
    const event = (content: string): string =>
      TEXT.replace('pcclient_std', 'cel').replace(/"content":.*\}\}/, `"content":${content}}`);
    expect(read(event('{"type":"state_trans","data":"kexec"}'))[0]?.content).to.deep.equal({
      type: 'cel',
      event: { type: 'state_trans', transition: 'kexec' },
    });
    expectRefusal(() => read(event('{"type":"state_trans","data":"sleep"}')), 'cel.json');
    expectRefusal(() => read(event('{"type":"firmware_end","data":0}')), 'cel.json');
    expectRefusal(() => read(event('{"type":"cel_version","data":{"major":65536,"minor":0}}')), 'cel.json');
    expectRefusal(() => read(event('{"type":"else"}')), 'cel.content-type');
  });

  it('refuses many small objects before it builds them (F-46)', () => {
    const text = `[${'{},'.repeat(2_000_000)}{}]`;
    const before = process.memoryUsage().heapUsed;
    expectRefusal(() => read(text), 'cel.json');
    expect(process.memoryUsage().heapUsed - before).to.be.below(4 * text.length);
    expect(read(jsonOf(Array.from({ length: 500 }, () => EVENT_1)))).to.have.length(500);
  });

  it('is not taken in by depth: nothing recurses on input (F-45)', () => {
    for (const text of ['['.repeat(200_000), `${'['.repeat(200_000)}${']'.repeat(200_000)}`])
      expectRefusal(() => read(text), 'cel.json');
  });
});
