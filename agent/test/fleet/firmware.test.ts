import { createHash, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Manifest, manifestMessage, parseManifest, parseSignedManifest, toHex } from '@mtm-attest/protocol';
import { expect } from 'chai';
import { nextSlot, openSlot } from '../../src/boot/slots.ts';
import {
  alterComponent,
  Firmware,
  FLEET_MODEL,
  NEXT_RELEASE,
  OLD_RELEASE,
  PARTS,
  PRESENT_RELEASE,
  type Shipment,
  select,
} from '../../src/fleet/firmware.ts';
import { Maker } from '../../src/fleet/maker.ts';
import { measureFile } from '../../src/measurement/file.ts';
import { expectRefusal } from '../refusal.ts';

const { privateKey } = generateKeyPairSync('ed25519');
const MAKER = new Maker(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());

function manifestOf({ manifest }: Shipment): Manifest {
  return parseManifest(parseSignedManifest(manifest).payload);
}

describe('firmware of a simulated fleet', () => {
  let directory: string;
  let firmware: Firmware;

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'mtm-fw-'));
    firmware = await Firmware.build(directory, MAKER, 7);
  });

  after(() => {
    rmSync(directory, { recursive: true });
  });

  it('consists of real files whose digests the manifest lists', async () => {
    const slot = await openSlot(firmware.sharedSlots, await nextSlot(firmware.sharedSlots));
    expect(slot.release.components.map(({ name }) => name)).to.deep.equal(PARTS.map(({ name }) => name));
    for (const { name, digest } of slot.release.components) {
      expect(statSync(slot.path(name)).size, name).to.be.greaterThan(0);
      expect(toHex(await measureFile(slot.path(name)))).to.equal(toHex(digest));
    }
  });

  it('has three releases of different bytes', () => {
    const numbers = [firmware.old(), firmware.next()].flatMap((one) =>
      manifestOf(one).releases.map(({ release }) => release),
    );
    expect(numbers).to.deep.equal([OLD_RELEASE, PRESENT_RELEASE, NEXT_RELEASE]);
    const digests = [firmware.old(), firmware.next()].flatMap((one) =>
      manifestOf(one).releases.map(({ components }) => components.map(({ digest }) => toHex(digest)).join()),
    );
    expect(new Set(digests).size).to.equal(3);
  });

  it('ships each release under a manifest that the maker signed, with a sequence above what the verifier has', () => {
    const shipments = [firmware.old(), firmware.present(), firmware.next()];
    expect(shipments.map((one) => manifestOf(one).sequence)).to.deep.equal([8, 9, 10]);
    expect(shipments.map((one) => manifestOf(one).minimum)).to.deep.equal([1, 2, 2]);
    for (const shipment of shipments) {
      const { payload, signatures } = parseSignedManifest(shipment.manifest);
      const [signature] = signatures;
      const publicKey = createPublicKey(privateKey);
      const spki = publicKey.export({ type: 'spki', format: 'der' });
      expect(verify(null, manifestMessage(payload), publicKey, signature?.signature ?? new Uint8Array())).to.equal(
        true,
      );
      expect(toHex(signature?.keyId ?? new Uint8Array())).to.equal(createHash('sha256').update(spki).digest('hex'));
      expect(manifestOf(shipment).model).to.equal(FLEET_MODEL);
    }
  });

  it('gives an attacked terminal copies of its own: what it alters, nobody else runs', async () => {
    const slots = await firmware.ownSlots('altered-1');
    const [{ name } = { name: '' }] = PARTS;
    const shared = join(firmware.sharedSlots, 'a', 'files', name);
    const before = readFileSync(shared);
    await alterComponent(slots, 'a', name);
    expect(readFileSync(shared).equals(before)).to.equal(true);
    expect(readFileSync(join(slots, 'a', 'files', name)).equals(before)).to.equal(false);
    expect(statSync(shared).ino).to.not.equal(statSync(join(slots, 'a', 'files', name)).ino);
  });

  it('boots an update only once its slot is selected', async () => {
    const slots = await firmware.ownSlots('updated-1');
    await firmware.install(slots, 'b', firmware.next());
    expect((await openSlot(slots, await nextSlot(slots))).release.release).to.equal(PRESENT_RELEASE);
    await select(slots, 'b');
    expect((await openSlot(slots, await nextSlot(slots))).release.release).to.equal(NEXT_RELEASE);
  });

  it('is signed with an Ed25519 key and no other', async () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
    const pem = other.export({ type: 'pkcs8', format: 'pem' }).toString();
    await expectRefusal(() => new Maker(pem), 'file.unreadable');
    await expectRefusal(() => new Maker('no key'), 'file.unreadable');
  });
});
