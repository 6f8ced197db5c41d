import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { openSoftOnDisk, type SoftOnDisk } from '../../src/platform/soft/open-soft.ts';
import { expectRefusal } from '../refusal.ts';
import { inTemporaryDirectory } from '../temporary-directory.ts';

async function protectionOf(options: SoftOnDisk): Promise<string> {
  const tre = await openSoftOnDisk(options);
  const { protection } = await tre.platform.identity();
  await tre.close();
  return protection;
}

describe('the device key', () => {
  it('comes from the file named, 32 bytes or 64 digits, the same key in both forms', async () => {
    await inTemporaryDirectory(async (root) => {
      const options = { directory: join(root, 'tre'), deviceKey: join(root, 'key') };
      writeFileSync(options.deviceKey, Buffer.alloc(32, 0xab), { mode: 0o600 });
      expect(await protectionOf(options)).to.equal('device-key');
      writeFileSync(options.deviceKey, `${'aB'.repeat(32)}\n`);
      expect(await protectionOf(options)).to.equal('device-key');
      writeFileSync(options.deviceKey, Buffer.alloc(32, 0xac));
      await expectRefusal(() => openSoftOnDisk(options), 'state.tampered');
    });
  });

  it('comes from the service credential, whose mask may show as permissions of the group, before the fallback', async () => {
    await inTemporaryDirectory(async (root) => {
      const credentials = join(root, 'credentials');
      mkdirSync(credentials);
      writeFileSync(join(credentials, 'mtm-device-key'), Buffer.alloc(32, 1), { mode: 0o440 });
      expect(await protectionOf({ directory: join(root, 'tre'), credentials })).to.equal('device-key');
      await expectRefusal(() => openSoftOnDisk({ directory: join(root, 'tre') }), 'device-key.missing');
      rmSync(join(credentials, 'mtm-device-key'));
      expect(await protectionOf({ directory: join(root, 'other'), credentials })).to.equal('none');
    });
  });

  it('beside the state protects nothing, also where it was named', async () => {
    await inTemporaryDirectory(async (root) => {
      const directory = join(root, 'tre');
      expect(await protectionOf({ directory })).to.equal('none');
      expect(await protectionOf({ directory, deviceKey: join(directory, 'device.key') })).to.equal('none');
      rmSync(join(directory, 'device.key'));
      await expectRefusal(() => openSoftOnDisk({ directory }), 'device-key.missing');
    });
  });

  it('is refused where it is missing, readable by others, a directory, or of another form; no weaker key takes its place', async () => {
    await inTemporaryDirectory(async (root) => {
      const options = { directory: join(root, 'tre'), deviceKey: join(root, 'key') };
      await expectRefusal(() => openSoftOnDisk(options), 'device-key.unreadable');
      await expectRefusal(() => openSoftOnDisk({ ...options, deviceKey: root }), 'device-key.unreadable');
      for (const content of ['', 'short', 'g'.repeat(64), '0'.repeat(63), '0'.repeat(1000)]) {
        writeFileSync(options.deviceKey, content, { mode: 0o600 });
        await expectRefusal(() => openSoftOnDisk(options), 'device-key.malformed');
      }
      chmodSync(options.deviceKey, 0o640);
      await expectRefusal(() => openSoftOnDisk(options), 'device-key.exposed');
    });
  });

  it('is not looked for in a directory that others may enter and use', async () => {
    await inTemporaryDirectory(async (root) => {
      const shared = join(root, 'shared');
      mkdirSync(shared);
      chmodSync(shared, 0o755);
      writeFileSync(join(shared, 'of-others'), '');
      await expectRefusal(() => openSoftOnDisk({ directory: shared }), 'state.exposed');
      rmSync(join(shared, 'of-others'));
      expect(await protectionOf({ directory: shared })).to.equal('none');
    });
  });
});
