import { expect } from 'chai';
import fc from 'fast-check';
import { fromHex, utf8 } from '../../src/bytes/text.ts';
import { tcgEventText } from '../../src/tcg-log/event-text.ts';
import { TCG_EVENT_TYPES, type TcgEventName } from '../../src/tcg-log/event-type.ts';
import { shownText } from '../../src/tcg-log/shown-text.ts';
import { UEFI_VENDOR } from '../../src/tcg-log/uefi-variable.ts';
import { DISK, END_NODE, FILE_NODE, gpt, HARD_DRIVE_NODE, hashList, imageLoad, loadOption } from './boot.ts';
import { concat, guid, le, locality, specId, variable, wide } from './log-builder.ts';

const SEED = 40_403;

function text(type: TcgEventName, data: Uint8Array, uintnBytes: 4 | 8 = 8): string {
  const { isWellFormed, text: shown } = tcgEventText(TCG_EVENT_TYPES[type].code, data, uintnBytes);
  expect(isWellFormed, shown).to.equal(true);
  return shown;
}

function global(name: string, value: Uint8Array): Uint8Array {
  return variable(UEFI_VENDOR.global, name, value);
}

const PATH = concat(HARD_DRIVE_NODE, FILE_NODE('\\EFI\\BOOT\\X.EFI'), END_NODE);
const PATH_TEXT = `HD(2,GPT,${DISK},0x1000,0x3d0800)/\\EFI\\BOOT\\X.EFI`;

describe('a TCG event in words', () => {
  it('names variables of secure boot and what they hold', () => {
    const config = 'EV_EFI_VARIABLE_DRIVER_CONFIG';
    expect(text(config, global('SecureBoot', Uint8Array.of(1)))).to.equal('SecureBoot: enabled');
    expect(text(config, global('SecureBoot', Uint8Array.of(0)))).to.equal('SecureBoot: disabled');
    expect(text(config, global('PK', new Uint8Array()))).to.equal('PK: not set');
    const lists = concat(hashList(3), hashList(1));
    expect(text(config, variable(UEFI_VENDOR.security, 'dbx', lists))).to.equal('dbx: 4 SHA-256 digests');
    expect(text(config, variable(UEFI_VENDOR.shim, 'MokListX', hashList(1)))).to.equal(
      'shim MokListX: 1 SHA-256 digest',
    );
    expect(text(config, variable(DISK, 'dbx', Uint8Array.of(1, 2)))).to.equal(`${DISK} dbx: 0102`);
  });

  it('takes a variable by its own name only, not by what every object has (F-44)', () => {
    for (const name of ['constructor', '__proto__', 'toString', 'Boot####']) {
      expect(text('EV_EFI_VARIABLE_BOOT', global(name, Uint8Array.of(7)))).to.equal(`${name}: 07`);
    }
  });

  it('names boot entries with their order, description and path', () => {
    expect(text('EV_EFI_VARIABLE_BOOT', global('BootOrder', fromHex('01000b00')))).to.equal('BootOrder: 0001, 000B');
    const option = global('Boot000B', loadOption('debian', PATH, Uint8Array.of(9)));
    expect(text('EV_EFI_VARIABLE_BOOT2', option)).to.equal(`Boot000B: "debian" ${PATH_TEXT}, data 09`);
    const two = global('Boot0001', loadOption('x', concat(PATH, FILE_NODE('a'), END_NODE)));
    expect(text('EV_EFI_VARIABLE_BOOT', two)).to.equal(`Boot0001: "x" ${PATH_TEXT}; a`);
  });

  it('names the authority that let an image run, and what shim keeps', () => {
    const authority = 'EV_EFI_VARIABLE_AUTHORITY';
    const certificate = concat(guid(DISK), fromHex('3082000100'));
    expect(text(authority, variable(UEFI_VENDOR.security, 'db', certificate))).to.equal(
      `db: certificate of 5 bytes, owner ${DISK}`,
    );
    expect(text(authority, variable(UEFI_VENDOR.shim, 'Shim', fromHex('3082000100')))).to.equal(
      'shim Shim: certificate of 5 bytes',
    );
    expect(text(authority, variable(UEFI_VENDOR.shim, 'SbatLevel', utf8('sbat,1,2021030218')))).to.equal(
      'shim SbatLevel: sbat,1,2021030218',
    );
    expect(text(authority, variable(UEFI_VENDOR.shim, 'MokListTrusted', Uint8Array.of(1)))).to.equal(
      'shim MokListTrusted: enabled',
    );
    const trailing = concat(variable(UEFI_VENDOR.shim, 'MokListTrusted', Uint8Array.of(1)), Uint8Array.of(0xaf));
    expect(text(authority, trailing)).to.equal('shim MokListTrusted: enabled, followed by af');
  });

  it('names an image by its path, on machines of 64 and of 32 bits', () => {
    const application = 'EV_EFI_BOOT_SERVICES_APPLICATION';
    expect(text(application, imageLoad(PATH))).to.equal(`${PATH_TEXT}, 139264 bytes`);
    expect(text(application, imageLoad(new Uint8Array(), Uint8Array.of(0)))).to.equal(
      'no path, 139264 bytes, followed by 00',
    );
    const narrow = concat(le(0, 8), le(512, 4), le(0, 4), le(PATH.length, 4), PATH);
    expect(text(application, narrow, 4)).to.equal(`${PATH_TEXT}, 512 bytes`);
  });

  it('writes the nodes of a device path as the UEFI specification does', () => {
    const cases: readonly (readonly [string, string])[] = [
      ['02010c00d041030a00000000', 'PciRoot(0x0)'],
      ['02010c00d041080a01000000', 'PciRoot(0x1)'],
      ['02010c00d041010000000000', 'Acpi(0x141d0,0x0)'],
      ['01010600021f', 'Pci(0x1f,0x2)'],
      ['03120a000100ffff0000', 'Sata(0x1,0xffff,0x0)'],
      ['031710000100000001020304050607ff', 'NVMe(0x1,ff-07-06-05-04-03-02-01)'],
      [`030b2500a4ae1114f9e0${'00'.repeat(26)}01`, 'MAC(a4ae1114f9e0,0x1)'],
      ['03180a00612f1b5b3f41', 'Uri(a/\\u{1b}[?A)'],
      ['04081800000000000002010000000000ffff030000000000', 'Offset(0x10200,0x3ffff)'],
      ['06070500ff', 'Path(6,7,ff)'],
    ];
    for (const [hex, shown] of cases) {
      expect(text('EV_EFI_BOOT_SERVICES_DRIVER', imageLoad(fromHex(`${hex}7fff0400`)))).to.equal(
        `${shown}, 139264 bytes`,
      );
    }
    const mbr = concat(
      Uint8Array.of(4, 1, 42, 0),
      le(1, 4),
      le(63, 8),
      le(100, 8),
      fromHex('78563412'),
      new Uint8Array(12),
    );
    const path = concat(mbr, Uint8Array.of(1, 1), fromHex('7f010400'), FILE_NODE('b'), END_NODE);
    expect(text('EV_EFI_BOOT_SERVICES_DRIVER', imageLoad(path))).to.match(/^HD\(1,MBR,12345678,0x3f,0x64\), b, /);
  });

  it('names partitions, blobs, tables, tags, versions and separators', () => {
    expect(text('EV_EFI_GPT_EVENT', gpt())).to.equal(`disk ${DISK}: ${DISK} "EFI System Partition" 2048-4095`);
    const blob = concat(le(0x820000, 8), le(917_504, 8));
    expect(text('EV_EFI_PLATFORM_FIRMWARE_BLOB', blob)).to.equal('917504 bytes at 0x820000');
    expect(text('EV_POST_CODE', blob)).to.equal('917504 bytes at 0x820000');
    expect(text('EV_POST_CODE', utf8('ACPI DATA'))).to.equal('ACPI DATA');
    const named = concat(Uint8Array.of(4), utf8('BIOS'), blob);
    expect(text('EV_EFI_PLATFORM_FIRMWARE_BLOB2', named)).to.equal('BIOS, 917504 bytes at 0x820000');
    const tables = concat(le(1, 8), guid(DISK), le(0x1000, 8));
    expect(text('EV_EFI_HANDOFF_TABLES', tables)).to.equal(`tables ${DISK}`);
    expect(text('EV_EFI_HANDOFF_TABLES2', concat(Uint8Array.of(1), utf8('T'), tables))).to.equal(`T, tables ${DISK}`);
    const tags = concat(le(0x8f3b22ec, 4), le(4, 4), utf8('abc\0'), le(0x99, 4), le(1, 4), Uint8Array.of(7));
    expect(text('EV_EVENT_TAG', tags)).to.equal('initrd: abc, tag 0x99: 07');
    expect(text('EV_S_CRTM_VERSION', wide('1.2\0'))).to.equal('1.2');
    expect(text('EV_S_CRTM_VERSION', guid(DISK))).to.equal(DISK);
    expect(text('EV_SEPARATOR', new Uint8Array(4))).to.equal('end of pre-boot');
    expect(text('EV_SEPARATOR', new Uint8Array(4).fill(0xff))).to.equal('end of pre-boot');
    expect(text('EV_SEPARATOR', le(1, 4))).to.equal('error');
    expect(text('EV_SEPARATOR', utf8('WBCL'))).to.equal('WBCL');
    expect(text('EV_NO_ACTION', locality(3).data)).to.equal('StartupLocality 3');
    expect(text('EV_NO_ACTION', specId(3, ['sha1']))).to.equal('Spec ID Event03');
    expect(text('EV_IPL', utf8('grub_cmd: boot\0'))).to.equal('grub_cmd: boot');
    expect(text('EV_IPL', wide('kernel\0'))).to.equal('kernel');
    expect(tcgEventText(0x7777, utf8('text'))).to.deep.equal({ text: 'text', isWellFormed: true });
    expect(tcgEventText(0x7777, fromHex('00ff')).text).to.equal('00ff');
  });

  it('shows data of another form than its type has as hexadecimal, and says so', () => {
    const cut = global('SecureBoot', Uint8Array.of(1)).subarray(0, -1);
    const cases: readonly (readonly [TcgEventName, Uint8Array])[] = [
      ['EV_EFI_VARIABLE_DRIVER_CONFIG', cut],
      ['EV_EFI_VARIABLE_DRIVER_CONFIG', concat(guid(DISK), le(0xffffffffffffffffn, 8), le(1, 8))],
      ['EV_EFI_VARIABLE_DRIVER_CONFIG', variable(UEFI_VENDOR.security, 'db', hashList(2).subarray(0, -1))],
      [
        'EV_EFI_VARIABLE_DRIVER_CONFIG',
        variable(UEFI_VENDOR.security, 'db', concat(guid(DISK), le(28, 4), new Uint8Array(8))),
      ],
      ['EV_EFI_VARIABLE_BOOT', global('Boot0001', le(1, 4))],
      ['EV_EFI_VARIABLE_BOOT', global('BootOrder', Uint8Array.of(1))],
      ['EV_EFI_BOOT_SERVICES_APPLICATION', imageLoad(fromHex('01010300'))],
      ['EV_EFI_BOOT_SERVICES_APPLICATION', imageLoad(fromHex('010106001f'))],
      ['EV_EFI_GPT_EVENT', gpt().subarray(0, -1)],
      ['EV_EFI_GPT_EVENT', concat(Uint8Array.of(0), gpt().subarray(1))],
      ['EV_EFI_HANDOFF_TABLES', le(0xffffffffffffffffn, 8)],
      ['EV_EVENT_TAG', concat(le(1, 4), le(0xffffffff, 4))],
    ];
    for (const [type, data] of cases) {
      const { isWellFormed, text: shown } = tcgEventText(TCG_EVENT_TYPES[type].code, data);
      expect(isWellFormed, `${type}: ${shown}`).to.equal(false);
      expect(shown).to.match(/^[0-9a-f]+(\.\.\. \(\d+ bytes\))?$/);
    }
  });

  it('draws nothing on a screen: all but printable ASCII is escaped, and the escape cannot be forged (F-95)', () => {
    expect(shownText('a\u001b[31m\u202e\u{1f600}\n\\EFI')).to.equal('a\\u{1b}[31m\\u{202e}\\u{1f600}\\u{a}\\EFI');
    expect(shownText('\\u{1b}')).to.equal('\\u{5c}u{1b}');
    const label = global('Boot0001', loadOption('a\u001b]0;x\u0007', concat(FILE_NODE('\u001b[2J'), END_NODE)));
    expect(text('EV_EFI_VARIABLE_BOOT', label)).to.equal('Boot0001: "a\\u{1b}]0;x\\u{7}" \\u{1b}[2J');
  });

  it('is short, printable and never an exception, whatever type and data (F-29, F-95)', () => {
    const forms = fc.constantFrom(
      global('SecureBoot', Uint8Array.of(1)),
      global('Boot0001', loadOption('x', PATH)),
      variable(UEFI_VENDOR.security, 'db', hashList(2)),
      imageLoad(PATH),
      gpt(),
      new Uint8Array(),
    );
    const changes = fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 6 });
    const type = fc.constantFrom(...Object.values(TCG_EVENT_TYPES).map(({ code }) => code), 0x5555);
    const property = fc.property(type, forms, fc.uint8Array({ maxLength: 60 }), changes, (code, form, more, edits) => {
      const data = concat(form, more);
      for (const [at, value] of edits) if (at < data.length) data[at] = value;
      const { text: shown } = tcgEventText(code, data);
      expect(shown).to.match(/^[\x20-\x7e]*$/);
    });
    fc.assert(property, { seed: SEED, numRuns: 5000 });
    const nodes = imageLoad(fromHex('0a0a0400'.repeat(100_000)));
    expect(text('EV_EFI_BOOT_SERVICES_DRIVER', nodes).length).to.be.below(5000);
    expect(text('EV_IPL', new Uint8Array(1_000_000).fill(0x41)).length).to.be.below(2000);
  });
});
