import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  activationProof,
  encodePublicPem,
  equalBytes,
  fromHex,
  p256Spki,
  parseAttest,
  parsePublic,
  parseSelectionText,
  resetPcrs,
  TPM_ALG,
  toHex,
  writePcrFile,
  writePcrSelection,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { expect } from 'chai';
import { counterEntity, counterIndex } from '../../../src/platform/tpm2/counters.ts';
import { TPM2_STATE } from '../../../src/platform/tpm2/state.ts';
import type { Tpm2Platform } from '../../../src/platform/tpm2/tpm2-platform.ts';
import { Secret } from '../../../src/secret.ts';
import { MemoryFiles } from '../../../src/storage/memory-files.ts';
import { handlesOf } from '../../../src/tpm2/capabilities.ts';
import type { TpmClient } from '../../../src/tpm2/client.ts';
import { LOCKOUT, OWNER, permanent } from '../../../src/tpm2/command/command.ts';
import { CLEAR, SHUTDOWN, STARTUP_COMMAND } from '../../../src/tpm2/command/machine.ts';
import {
  NV_DEFINE_SPACE,
  NV_INCREMENT,
  NV_READ_PUBLIC,
  NV_UNDEFINE_SPACE,
  NV_WRITE,
} from '../../../src/tpm2/command/nv.ts';
import { PCR_EXTEND, PCR_READ } from '../../../src/tpm2/command/pcr.ts';
import { HANDLE_KIND, NV_ATTRIBUTE, STARTUP, TPM_CC } from '../../../src/tpm2/constants.ts';
import { sealPolicyDigest } from '../../../src/tpm2/sealing.ts';
import { EK_CERTIFICATES, type EkKind } from '../../../src/tpm2/templates.ts';
import { expectRefusal } from '../../refusal.ts';
import { codeOf, Tap } from '../../tpm2/fake-transport.ts';
import { holds } from '../../tpm2/holds.ts';
import { isInstalled, swtpmIsInstalled } from '../../tpm2/swtpm.ts';
import { requestFor, verified } from '../quoting.ts';
import { SwtpmMachine } from './swtpm-machine.ts';

const { sha256 } = nodeCrypto;
const EVENT = sha256(Buffer.from('event-1'));
const EMPTY: Uint8Array = new Uint8Array();
const ZEROS: Uint8Array = new Uint8Array(32);

describe('the tpm2 back end, on an emulator', () => {
  let machine: SwtpmMachine;
  let platform: Tpm2Platform;

  before(function () {
    if (!swtpmIsInstalled()) this.skip();
  });

  beforeEach(async () => {
    machine = new SwtpmMachine();
    platform = await machine.powerOn();
  });

  afterEach(() => machine.remove());

  /** The TPM as it is for anybody else on the machine. */
  async function asOwner<T>(use: (client: TpmClient) => Promise<T>): Promise<T> {
    await platform.close();
    return machine.tpm.once(use);
  }

  async function undefine(client: TpmClient): Promise<void> {
    await client.run(NV_UNDEFINE_SPACE, { handles: [OWNER, counterEntity('audit')], parameters: undefined });
  }

  describe('boot identity', () => {
    it('follows each kind of boot as Part 1, 36 has it, with its PCRs (F-22)', async () => {
      const boots: object[] = [];
      for (const kind of ['restart', 'resume', 'reset', 'power-cut'] as const) {
        await platform.extend(10, EVENT);
        const before = await platform.readPcrs();
        const earlier = await verified(platform, requestFor(kind));
        platform = await machine.reboot(kind);
        const { clockInfo } = await verified(platform, requestFor(kind));
        const { boot } = await platform.identity();
        expect(clockInfo).to.include(boot);
        const kept = equalBytes(await platform.readPcrs(), before);
        const reset = equalBytes(await platform.readPcrs(), resetPcrs());
        expect({ kind, kept, reset }).to.deep.equal({ kind, kept: kind === 'resume', reset: kind !== 'resume' });
        if (clockInfo.safe) expect(clockInfo.clock >= earlier.clockInfo.clock).to.equal(true);
        boots.push(boot);
      }
      expect(boots).to.deep.equal([
        { resetCount: 1, restartCount: 1 },
        { resetCount: 1, restartCount: 2 },
        { resetCount: 2, restartCount: 0 },
        { resetCount: 3, restartCount: 0 },
      ]);
    });

    it('that changed behind a running agent is noticed at the next quote, told once, and the AK is there again', async () => {
      const told: object[] = [];
      await platform.close();
      platform = await machine.open((boot) => told.push(boot));
      await platform.extend(10, EVENT);
      const pcrs = await platform.readPcrs();
      const { akName } = await platform.identity();
      await machine.client?.run(SHUTDOWN, { parameters: { type: STARTUP.STATE } });
      await machine.tpm.powerOn('none');
      await machine.client?.run(STARTUP_COMMAND, { parameters: { type: STARTUP.STATE } });
      await expectRefusal(() => platform.quote(requestFor('late')), 'platform.resumed');
      const boot = { resetCount: 1, restartCount: 1 };
      expect(told).to.deep.equal([boot]);
      expect(await platform.identity()).to.deep.include({ boot, akName });
      expect((await verified(platform, requestFor('later'))).clockInfo).to.include(boot);
      expect(await platform.readPcrs()).to.deep.equal(pcrs);
      expect(told).to.have.length(1);
    });
  });

  describe('counters', () => {
    it('that are gone after a Clear are a refusal, while it runs and at the next start; they are not made anew (F-73)', async () => {
      const last = await platform.incrementCounter('audit');
      await machine.client?.run(CLEAR, { handles: [LOCKOUT], parameters: undefined });
      await expectRefusal(() => platform.incrementCounter('audit'), 'platform.counter-missing');
      await expectRefusal(() => platform.readCounter('storage-protect'), 'platform.counter-missing');
      await platform.close();
      await expectRefusal(() => machine.open(), 'platform.counter-missing');
      const left = await machine.tpm.once((client) => handlesOf(client, HANDLE_KIND.NV_INDEX));
      expect(left).to.deep.equal([]);
      // A terminal that is enrolled anew has another AK, and counters that go on above all that ever were in this TPM.
      machine.files = new MemoryFiles();
      platform = await machine.open();
      expect((await platform.readCounter('audit')) > last).to.equal(true);
    });

    it('one that somebody removed is a refusal, also where he made it anew and did not count it up', async () => {
      await asOwner(undefine);
      await expectRefusal(() => machine.open(), 'platform.counter-missing');
      await machine.tpm.once((client) => defineAudit(client));
      await expectRefusal(() => machine.open(), 'platform.counter-missing');
    });

    it('one that was made anew and counted up goes on above its old value: it cannot be put back (F-73)', async () => {
      const last = await platform.incrementCounter('audit');
      await asOwner(async (client) => {
        await undefine(client);
        await defineAudit(client);
        const { name } = await client.run(NV_READ_PUBLIC, {
          handles: [permanent(counterIndex('audit'))],
          parameters: undefined,
        });
        const entity = { handle: counterIndex('audit'), name };
        await client.run(NV_INCREMENT, { handles: [entity, entity], parameters: undefined });
      });
      platform = await machine.open();
      expect((await platform.incrementCounter('audit')) > last).to.equal(true);
    });

    it('an index that something else uses is left alone', async () => {
      await asOwner(async (client) => {
        await undefine(client);
        await defineAudit(client, NV_ATTRIBUTE.AUTHREAD | NV_ATTRIBUTE.AUTHWRITE);
      });
      await expectRefusal(() => machine.open(), 'platform.counter-missing');
      machine.files = new MemoryFiles();
      await expectRefusal(() => machine.open(), 'platform.counter-missing');
      expect(await machine.files.list('')).to.deep.equal([]);
    });

    it('keep their value, whenever the power goes', async () => {
      let last = await platform.readCounter('audit');
      for (let cut = 0; cut < 4; cut++) {
        for (let i = 0; i <= cut; i++) {
          const next = await platform.incrementCounter('audit');
          expect(next > last).to.equal(true);
          last = next;
        }
        platform = await machine.reboot('power-cut');
        expect(await platform.readCounter('audit')).to.equal(last);
      }
    });

    function defineAudit(client: TpmClient, attributes = 0x00040014): Promise<undefined> {
      const area = {
        index: counterIndex('audit'),
        nameAlg: TPM_ALG.SHA256,
        attributes: attributes | NV_ATTRIBUTE.NO_DA,
        authPolicy: EMPTY,
        dataSize: 8,
      };
      return client.run(NV_DEFINE_SPACE, { handles: [OWNER], parameters: { auth: EMPTY, area } });
    }
  });

  describe('banks', () => {
    it('are all extended at once, each with its own hash of the digest (F-16)', async () => {
      await platform.extend(10, EVENT);
      const selection = parseSelectionText('sha1:10+sha256:10+sha384:10+sha512:10');
      const read = await machine.client?.run(PCR_READ, { parameters: { selection } });
      const zeros = (size: number): Uint8Array => new Uint8Array(size);
      expect(read?.values.map(toHex)).to.deep.equal(
        [
          nodeCrypto.sha1(Buffer.concat([zeros(20), nodeCrypto.sha1(EVENT)])),
          sha256(Buffer.concat([zeros(32), EVENT])),
          nodeCrypto.sha384(Buffer.concat([zeros(48), nodeCrypto.sha384(EVENT)])),
          nodeCrypto.sha512(Buffer.concat([zeros(64), nodeCrypto.sha512(EVENT)])),
        ].map(toHex),
      );
    });

    it('that cannot be extended here, or a SHA-256 bank that is not whole, are a refusal (F-16)', async () => {
      await platform.close();
      for (const [from, to] of [
        ['000c03ffffff', '001203ffffff'],
        ['000b03ffffff', '000b03ffff7f'],
        ['000b03ffffff', '000b03000000'],
      ] as const) {
        machine.wrap = (transport) => {
          const tap = new Tap(transport);
          tap.alter = (command, response) =>
            codeOf(command) === TPM_CC.GetCapability ? fromHex(toHex(response).replace(from, to)) : response;
          return tap;
        };
        await expectRefusal(() => machine.open(), 'platform.bank');
      }
      // A bank without PCRs is none.
      machine.wrap = (transport) => {
        const tap = new Tap(transport);
        tap.alter = (command, response) =>
          codeOf(command) === TPM_CC.GetCapability
            ? fromHex(toHex(response).replace('000c03ffffff', '001203000000'))
            : response;
        return tap;
      };
      await machine.open();
    });

    it('extended past the agent show in the values, in SHA-256 alone where that was extended', async () => {
      const digests = [{ algorithm: TPM_ALG.SHA256, digest: EVENT }];
      await machine.client?.run(PCR_EXTEND, { handles: [permanent(11)], parameters: { digests } });
      const values = await platform.readPcrs();
      expect(values.subarray(352, 384)).to.deep.equal(sha256(Buffer.concat([ZEROS, EVENT])));
    });
  });

  describe('keys', () => {
    it('are the same at every start, and others for another state directory', async () => {
      const first = await platform.identity();
      platform = await machine.reboot('reset');
      expect(await platform.identity()).to.deep.include({ akName: first.akName, sessionKey: first.sessionKey });
      await platform.close();
      machine.files = new MemoryFiles();
      platform = await machine.open();
      const other = await platform.identity();
      expect(other.akName).not.to.deep.equal(first.akName);
      expect(other.sessionKey).not.to.deep.equal(first.sessionKey);
      expect(other).to.include({ backEnd: 'tpm2', protection: 'none' });
    });

    it('of a state that came from another TPM are not made there', async () => {
      const stranger = new SwtpmMachine();
      try {
        stranger.files = machine.files;
        await expectRefusal(() => stranger.powerOn(), 'platform.other-tpm');
      } finally {
        await stranger.remove();
      }
    });

    it('leave no slot behind, and start where dead agents left theirs', async () => {
      for (let i = 0; i < 4; i++) {
        // Its connection ends, nothing is flushed.
        for (let slot = 0; slot < 3; slot++) machine.client?.forget(HANDLE_KIND.TRANSIENT + slot);
        await platform.close();
        platform = await machine.open();
      }
      await platform.signHello({
        nonce: ZEROS,
        binding: { type: 'tls-exporter', value: ZEROS },
        audience: 'operator.example',
        terminal: 'terminal-1',
      });
      expect(await asOwner((client) => handlesOf(client, HANDLE_KIND.LOADED_SESSION))).to.deep.equal([]);
    });
  });

  it('lets no quote and no hello out whose signature fell over on the bus', async () => {
    await platform.close();
    for (const code of [TPM_CC.Quote, TPM_CC.Sign]) {
      machine.wrap = (transport) => {
        const tap = new Tap(transport);
        // The last byte of s, before the five of the password's answer.
        tap.alter = (command, response) =>
          codeOf(command) === code
            ? response.map((byte, i) => (i === response.length - 6 ? byte ^ 1 : byte))
            : response;
        return tap;
      };
      platform = await machine.open();
      const hello = {
        nonce: ZEROS,
        binding: { type: 'tls-exporter', value: ZEROS },
        audience: 'operator.example',
        terminal: 'terminal-1',
      } as const;
      const asked = (): Promise<unknown> =>
        code === TPM_CC.Quote ? platform.quote(requestFor('bus')) : platform.signHello(hello);
      await expectRefusal(asked, 'tpm.response');
      await platform.close();
    }
  });

  it('seals to the PCRs and opens there alone', async () => {
    const selection = parseSelectionText('sha256:11');
    const policy = { selection, pcrDigest: sha256(ZEROS) };
    const blob = await platform.seal(new Secret(EVENT), sealPolicyDigest(policy));
    const opened = await platform.unseal(blob, policy);
    expect(opened.use((bytes) => Uint8Array.from(bytes))).to.deep.equal(EVENT);
    await platform.extend(11, EVENT);
    await expectRefusal(() => platform.unseal(blob, policy), 'tpm.policy');
  });

  /** What a maker leaves in a chip. */
  async function certify(kind: EkKind, content: Uint8Array): Promise<void> {
    await asOwner(async (client) => {
      const index = EK_CERTIFICATES[kind];
      const { OWNERREAD, OWNERWRITE, NO_DA } = NV_ATTRIBUTE;
      const attributes = OWNERREAD | OWNERWRITE | NO_DA;
      const area = { index, nameAlg: TPM_ALG.SHA256, attributes, authPolicy: EMPTY, dataSize: content.length };
      await client.run(NV_DEFINE_SPACE, { handles: [OWNER], parameters: { auth: EMPTY, area } });
      for (let offset = 0; offset < content.length; offset += 512) {
        const data = content.subarray(offset, offset + 512);
        await client.run(NV_WRITE, { handles: [OWNER, permanent(index)], parameters: { data, offset } });
      }
    });
    platform = await machine.open();
  }

  it('is known by the endorsement key that its maker certified, else by P-256, with the certificate and nothing behind it', async () => {
    const typeOf = async (): Promise<string> => parsePublic((await platform.endorsementKey()).area).parameters.type;
    const certificate = Uint8Array.of(0x30, 0x82, 0x04, 0x48, ...Uint8Array.from({ length: 1096 }, (_, i) => i & 0xff));
    expect([await typeOf(), (await platform.endorsementKey()).certificate]).to.deep.equal(['ecc', undefined]);
    await certify('rsa-2048', Uint8Array.of(...certificate, ...new Uint8Array(20).fill(0xff)));
    expect([await typeOf(), (await platform.endorsementKey()).certificate]).to.deep.equal(['rsa', certificate]);
    await certify('ecc-p256', certificate.subarray(0, 1099));
    expect(await typeOf(), 'a certificate that is cut off is none').to.equal('rsa');
  });

  it('a state file that was altered, or is of another version, is refused, and shows none of its content', async () => {
    await platform.close();
    const bytes = (await machine.files.read(TPM2_STATE)) ?? EMPTY;
    const text = Buffer.from(bytes).toString('utf8');
    const unique = /"akUnique":"([0-9a-f]{128})"/.exec(text)?.[1] ?? '';
    expect(unique).to.have.length(128);
    for (const [altered, code] of [
      [text.slice(0, 100), 'state.tampered'],
      [text.replace(unique, unique.slice(2)), 'state.tampered'],
      [text.replace('"version":1', '"version":2'), 'state.version'],
      ['[]', 'state.version'],
      [text.replace(unique, `${'00'.repeat(32)}${unique.slice(64)}`), 'platform.other-tpm'],
    ] as const) {
      await machine.files.replace(TPM2_STATE, Buffer.from(altered));
      const error = await machine.open().catch((cause: unknown) => cause);
      expect(error).to.include({ code });
      expect(String(error)).not.to.include(unique.slice(64));
    }
  });

  describe('to tpm2-tools', () => {
    before(function () {
      if (!isInstalled('tpm2_checkquote')) this.skip();
    });

    it('its quotes hold, and no other nonce does', async () => {
      await platform.extend(10, EVENT);
      const selection = parseSelectionText('sha256:0,10,23');
      const { attest, signature } = await platform.quote(
        requestFor('tools', { selection: writePcrSelection(selection) }),
      );
      const { extraData } = parseAttest(attest, 'quote');
      const { akPublic } = await platform.identity();
      const { parameters } = parsePublic(akPublic);
      if (parameters.type !== 'ecc') return expect.fail('another kind of key');
      const pem = encodePublicPem(p256Spki(parameters.x, parameters.y));
      const values = await platform.readPcrs();
      const bank = new Map([0, 10, 23].map((pcr) => [pcr, values.subarray(32 * pcr, 32 * pcr + 32)]));
      const files = { 'ak.pem': pem, attest, sig: signature, pcrs: writePcrFile(selection, { sha256: bank }) };
      for (const [name, content] of Object.entries(files)) writeFileSync(join(machine.tpm.directory, name), content);
      const check = (nonce: Uint8Array): string =>
        machine.tpm.tool(
          'tpm2_checkquote',
          ...['-u', 'ak.pem', '-m', 'attest', '-s', 'sig', '-f', 'pcrs', '-g', 'sha256', '-q', toHex(nonce)],
        );
      check(extraData);
      expect(() => check(sha256(extraData))).to.throw();
    });

    for (const kind of ['rsa-2048', 'ecc-p256'] as const) {
      it(`its ${kind} endorsement key is the standard one, and credentials made by them open`, async () => {
        if (kind === 'rsa-2048') await certify(kind, Uint8Array.of(0x30, 0x82, 0, 1, 0));
        const { area } = await platform.endorsementKey();
        const { akName } = await platform.identity();
        await platform.close();
        const algorithm = kind === 'rsa-2048' ? 'rsa' : 'ecc';
        machine.tpm.tool('tpm2_createek', '-c', 'ek.ctx', '-G', algorithm, '-u', 'ek.pub', '-f', 'tss');
        machine.tpm.tool('tpm2_flushcontext', '-t');
        expect(machine.tpm.read('ek.pub').subarray(2)).to.deep.equal(area);
        writeFileSync(join(machine.tpm.directory, 'secret'), EVENT);
        const credential = ['-u', 'ek.pub', '-s', 'secret', '-n', toHex(akName), '-o', 'credential'];
        machine.tpm.tool('tpm2_makecredential', '-Q', '-T', 'none', ...credential);
        // The file: magic, version, then both TPM2Bs.
        const bytes = Buffer.from(machine.tpm.read('credential'));
        const idLength = bytes.readUInt16BE(8);
        const idObject = new Uint8Array(bytes.subarray(10, 10 + idLength));
        const secret = new Uint8Array(bytes.subarray(12 + idLength));
        const taps: Tap[] = [];
        machine.wrap = (transport) => {
          const tap = new Tap(transport);
          taps.push(tap);
          return tap;
        };
        platform = await machine.open();
        const proof = await platform.activateCredential({ idObject, secret });
        const bus = taps.flatMap(({ exchanges }) => exchanges.flatMap(({ command, response }) => [command, response]));
        expect(
          bus.some((seen) => holds(seen, EVENT)),
          'shown on the bus',
        ).to.equal(false);
        expect(proof, 'the secret itself is not told (F-11)').to.deep.equal(activationProof(EVENT, sha256));
        idObject[40] = (idObject[40] ?? 0) ^ 1;
        await expectRefusal(() => platform.activateCredential({ idObject, secret }), 'tpm.refused');
      });
    }
  });
});
