import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toHex } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { readManifestDocument } from '../../src/cli/manifest-document.ts';
import { Device, PARTS } from '../endpoint/device.ts';
import { BOOT_KIT, bootOrder, FIRMWARE, file, firmwareWith, LOADER, Machine } from '../endpoint/machine.ts';
import { TestVerifier } from '../endpoint/verifier.ts';
import { eventDigest, type FirmwareEvent, firmwareLog, listBytes } from '../support/machine-logs.ts';
import { documentOf, type Ended, mtmVerifier } from './command.ts';

interface Entry {
  readonly pcr: number;
  readonly type: string;
  readonly digest?: string;
  readonly volatile?: string;
  reviewed?: boolean;
  readonly required: boolean;
}

const ipl = (pcr: number, text: string, hashed?: string): FirmwareEvent => ({
  pcr,
  type: 'EV_IPL',
  data: Buffer.from(text),
  ...(hashed === undefined ? {} : { hashed: Buffer.from(hashed) }),
});

describe('mtm-verifier reference from-log', () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mtm-golden-'));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  const path = (name: string): string => join(directory, name);

  function fromLog(events: readonly FirmwareEvent[], ...options: readonly string[]): Ended {
    writeFileSync(path('firmware.bin'), firmwareLog(events));
    const args = ['reference', 'from-log', '--firmware', path('firmware.bin'), '--out', path('part.json'), '--json'];
    return mtmVerifier([...args, ...options]);
  }

  const part = (): { firmware: Entry[]; ima?: { files: unknown } } =>
    JSON.parse(readFileSync(path('part.json'), 'utf8')) as ReturnType<typeof part>;

  function review(): void {
    const written = part();
    for (const entry of written.firmware) if (entry.volatile !== undefined) entry.reviewed = true;
    writeFileSync(path('part.json'), JSON.stringify(written));
  }

  const documentWith = (platform: unknown): string =>
    JSON.stringify({
      issuer: 'maker',
      model: 'model-1',
      sequence: 1,
      minimum: 1,
      releases: [{ release: 1, version: '1', components: [{ name: 'a', digest: '5a'.repeat(32) }], platform }],
    });

  it('lists every event with its digest, but for volatile ones, which it names with the reason and what it saw', () => {
    const { status, stdout } = fromLog([
      ...FIRMWARE,
      ipl(8, 'grub_cmd: linux /vmlinuz', 'linux /vmlinuz'),
      ipl(9, '/vmlinuz', 'bytes of the kernel'),
      ipl(9, 'a text beside it'),
      ipl(14, 'MokList', 'keys'),
    ]);
    expect(status, stdout).to.equal(0);
    const { firmware } = part();
    const shown = firmware.map(
      ({ pcr, type, volatile, required }) => `${pcr} ${type} ${volatile === undefined} ${required}`,
    );
    expect(shown.filter((text) => !text.includes('EV_SEPARATOR'))).to.deep.equal([
      '0 EV_S_CRTM_VERSION true true',
      '4 EV_EFI_BOOT_SERVICES_APPLICATION true true',
      '9 EV_IPL true true',
      '9 EV_IPL true true',
      '1 EV_EFI_VARIABLE_BOOT false false',
      '8 EV_IPL false false',
      '14 EV_IPL false false',
    ]);
    expect(firmware).to.have.length(FIRMWARE.length + 4);
    expect(firmware.find(({ pcr, type }) => pcr === 4 && type !== 'EV_SEPARATOR')?.digest).to.equal(
      toHex(eventDigest(LOADER)),
    );
    const { toReview } = documentOf(stdout) as { toReview: { volatile: string; seen: { text: string }[] }[] };
    expect(toReview.map(({ volatile }) => volatile.length > 20)).to.deep.equal([true, true, true]);
    expect(toReview[1]?.seen[0]?.text).to.include('linux /vmlinuz');
  });

  it('is not signed before a person has reviewed what is volatile', () => {
    fromLog(FIRMWARE);
    const refused = () => readManifestDocument(documentWith({ file: 'part.json' }), directory);
    expect(refused).to.throw(/reference\.document.*"reviewed": true.*PCR 1/s);
    review();
    expect(refused().releases[0]?.platform?.firmware?.filter(({ digest }) => digest === undefined)).to.have.length(1);
  });

  it('comes back from a signed manifest as it was put in, keys of signers and excludes too', () => {
    fromLog(FIRMWARE);
    review();
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    writeFileSync(path('key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    writeFileSync(path('signer.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
    const files = [
      { path: '/usr/bin/b', digests: ['02'.repeat(32), '01'.repeat(32)] },
      { path: '/usr/bin/a', digests: ['03'.repeat(48)] },
    ];
    const ima = { files, keys: [{ file: 'signer.pem' }], excludes: ['/tmp/'], violations: true };
    const sign = (text: string, out: string): Ended => {
      writeFileSync(path(`${out}.json`), text);
      return mtmVerifier([
        'manifest',
        'sign',
        '--key',
        path('key.pem'),
        '--in',
        path(`${out}.json`),
        '--out',
        path(out),
      ]);
    };
    const signed = sign(documentWith({ firmware: part().firmware, ima }), 'one.bin');
    expect(signed.status, signed.stderr).to.equal(0);
    const shown = documentOf(mtmVerifier(['manifest', 'show', path('one.bin'), '--json']).stdout);
    const spki = toHex(publicKey.export({ type: 'spki', format: 'der' }));
    expect(shown)
      .to.have.nested.property('manifest.releases[0].platform.ima')
      .that.deep.equals({
        rule: 'per-bank',
        files: [files[1], { path: '/usr/bin/b', digests: ['01'.repeat(32), '02'.repeat(32)] }],
        keys: [{ spki }],
        excludes: ['/tmp/'],
        violations: true,
      });
    expect(sign(JSON.stringify(shown['manifest']), 'two.bin').status).to.equal(0);
    const signedAs = (name: string): unknown =>
      documentOf(mtmVerifier(['manifest', 'show', path(name), '--json']).stdout)['manifest'];
    expect(signedAs('two.bin')).to.deep.equal(signedAs('one.bin'));
  });

  it('says which entries of a list no release can list', () => {
    writeFileSync(
      path('ima.bin'),
      Buffer.concat([
        listBytes({ path: 'boot_aggregate', digest: Buffer.alloc(32) }),
        listBytes(file('/sbin/init')),
        listBytes({ ...file('/var/log/x'), violation: true }),
      ]),
    );
    const { stdout } = fromLog(FIRMWARE, '--ima', path('ima.bin'));
    expect(part().ima?.files).to.deep.equal([{ path: '/sbin/init', digests: [toHex(file('/sbin/init').digest)] }]);
    expect(documentOf(stdout)['notListed']).to.deep.equal(['entry 2: /var/log/x is a violation']);
  });

  it('exits 1 with a code for a log that is none, and where no log is named', () => {
    writeFileSync(path('bad'), Buffer.alloc(100, 1));
    const bad = mtmVerifier(['reference', 'from-log', '--firmware', path('bad'), '--out', path('x'), '--json']);
    expect([bad.status, documentOf(bad.stdout)['code']]).to.deep.equal([1, 'tcg-log.header']);
    const twice = fromLog([...FIRMWARE, ...FIRMWARE.slice(2, 3)]);
    expect([twice.status, documentOf(twice.stdout)['code']]).to.deep.equal([1, 'reference.golden']);
    const none = mtmVerifier(['reference', 'from-log', '--out', path('x'), '--json']);
    expect([none.status, documentOf(none.stdout)['code']]).to.deep.equal([1, 'reference.golden']);
  });

  it('makes of a machine in order what its verifier admits it by, with another boot order too, and nothing else', async () => {
    const verifier = await TestVerifier.start(['audit.intervalMs=3600000', 'audit.graceMs=3600000']);
    const device = new Device(PARTS.map((one) => (one.pcr === 10 ? { ...one, pcr: 4 } : one)));
    const machine = new Machine(device);
    try {
      const release = device.install('a', 1);
      const unsigned = { issuer: 'maker', model: 'model-1', sequence: 1, minimum: 1, releases: [release] };
      device.switchTo('a', 1, verifier.signed(unsigned));
      await machine.powerOn();
      await machine.measures(file('/sbin/init'));
      const args = ['--firmware', machine.firmwareLog, '--ima', machine.imaLog, '--out', path('part.json')];
      expect(mtmVerifier(['reference', 'from-log', ...args]).status).to.equal(0);
      review();
      const [read] = readManifestDocument(documentWith({ file: 'part.json' }), directory).releases;
      await verifier.publish({ ...unsigned, releases: [{ ...release, platform: read?.platform }] });
      await device.agent.enrol(await verifier.token('t-1', 'model-1'));
      const gate = async (): Promise<readonly string[]> => {
        device.connect();
        const { verdict, codes } = await device.results.next();
        await device.powerOff();
        return [verdict, ...(codes ?? [])];
      };
      expect(await gate()).to.deep.equal(['trusted']);
      await machine.powerOn(firmwareWith(bootOrder(2, 0, 1, 0)));
      expect(await gate()).to.deep.equal(['trusted']);
      await machine.powerOn([...FIRMWARE, BOOT_KIT]);
      expect(await gate()).to.deep.equal(['untrusted', 'firmware.unlisted']);
    } finally {
      await device.remove();
      await verifier.remove();
      machine.remove();
    }
  });
});
