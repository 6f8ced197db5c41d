import {
  attestationKey,
  EK_ATTRIBUTES,
  equalBytes,
  fromHex,
  helloMessage,
  keyOfSpki,
  LogReplay,
  nameOf,
  parseAttest,
  parsePublic,
  parseSelectionText,
  parseSignature,
  qualifyingData,
  resetPcrs,
  toHex,
  writePcrSelection,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { expect } from 'chai';
import type { TrustedPlatform } from '../../src/platform/platform.ts';
import { expectRefusal } from '../refusal.ts';
import { MACHINES, type Machine } from './machines.ts';
import { requestFor, verified } from './quoting.ts';

const { sha256 } = nodeCrypto;
const HALF_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n / 2n;
const EVENT = sha256(Buffer.from('event-1'));

function sOf(signature: Uint8Array): bigint {
  return BigInt(`0x${toHex(signature.subarray(32))}`);
}

for (const { name, make, isThere = () => true } of MACHINES) {
  describe(`the platform: ${name}`, () => {
    let machine: Machine | undefined;
    let platform: TrustedPlatform;

    before(async function () {
      if (!isThere()) this.skip();
      machine = make();
      platform = await machine.powerOn();
    });

    after(() => machine?.remove());

    it('begins with 24 PCRs at their reset values, and extends as a TPM does', async () => {
      expect(await platform.readPcrs()).to.deep.equal(resetPcrs());
      await platform.extend(10, EVENT);
      const values = await platform.readPcrs();
      expect(toHex(values.subarray(320, 352))).to.equal(
        'ed3e31ddfc05890b8f86977c4ff8755d7d8bdfa4faecb0aa3f80d1a1187b33d6',
      );
      const replay = new LogReplay(sha256, { count: 0, pcrs: values });
      // A TPM lets nobody extend 17 to 22 from where an operating system runs.
      for (const pcr of [0, 10, 16, 23]) {
        replay.extend(pcr, sha256(Uint8Array.of(pcr)));
        await platform.extend(pcr, sha256(Uint8Array.of(pcr)));
      }
      expect(await platform.readPcrs()).to.deep.equal(replay.values());
    });

    it('names an attestation key that is restricted, by its Name', async () => {
      const { akPublic, akName, sessionKey } = await platform.identity();
      expect(attestationKey(parsePublic(akPublic)).algorithm).to.equal('ecdsa-p256');
      expect(nameOf(akPublic, nodeCrypto)).to.deep.equal(akName);
      expect(keyOfSpki(sessionKey).algorithm).to.equal('ecdsa-p256');
    });

    it('gives quotes that verify for the context asked for', async () => {
      const quote = await verified(platform, requestFor('a'));
      const { boot } = await platform.identity();
      expect(quote.clockInfo).to.include(boot);
      await verified(platform, requestFor('b', { purpose: 'enrol', bindSessionKey: true }));
      await verified(
        platform,
        requestFor('c', { purpose: 'inspect', binding: { type: 'none', value: new Uint8Array() } }),
      );
    });

    it('quotes no raw data: extraData is the digest of the whole context, and nothing else fits into it (F-14)', async () => {
      const { akName } = await platform.identity();
      const wanted = sha256(Buffer.from('chosen by the caller'));
      const request = requestFor('', { challengeDigest: wanted, claimsDigest: wanted });
      const { extraData } = parseAttest((await platform.quote(request)).attest, 'quote');
      expect(equalBytes(extraData, wanted)).to.equal(false);
      expect(extraData).to.deep.equal(qualifyingData({ ...request, akName }, sha256));
      const withMore = Object.assign({ extraData: wanted, qualifyingData: wanted }, request);
      expect(parseAttest((await platform.quote(withMore)).attest, 'quote').extraData).to.deep.equal(extraData);
      for (const digest of [new Uint8Array(), wanted.subarray(1), Uint8Array.of(...wanted, 0)]) {
        await expectRefusal(() => platform.quote(requestFor('', { challengeDigest: digest })), 'platform.refused');
        await expectRefusal(() => platform.quote(requestFor('', { claimsDigest: digest })), 'platform.refused');
      }
    });

    it('refuses a selection of other banks, of another form, or that is none (F-15)', async () => {
      for (const selection of [
        writePcrSelection(parseSelectionText('sha1:0')),
        writePcrSelection(parseSelectionText('sha256:0+sha384:1')),
        fromHex('00000001000b04ffffffff'),
        fromHex('00000001000b0401000000'),
        fromHex('00000001000b020100'),
        fromHex('00000001000b0301000000'),
        fromHex('00000001000b03'),
        fromHex('00000011'),
      ]) {
        await expectRefusal(() => platform.quote(requestFor('', { selection })), 'platform.selection');
      }
      await expectRefusal(() => platform.extend(24, EVENT), 'platform.selection', 'platform.refused');
      await expectRefusal(() => platform.extend(0, EVENT.subarray(1)), 'platform.selection', 'platform.refused');
    });

    it('signs with a low s, quotes and hellos alike (F-61)', async () => {
      for (let i = 0; i < 12; i++) {
        const { signature } = parseSignature((await platform.quote(requestFor(`low-${i}`))).signature);
        const context = {
          nonce: sha256(Uint8Array.of(i)),
          binding: { type: 'tls-exporter', value: EVENT },
          audience: 'operator.example',
          terminal: 'terminal-1',
        } as const;
        const hello = await platform.signHello(context);
        expect(sOf(signature) <= HALF_ORDER && sOf(hello) <= HALF_ORDER).to.equal(true);
        const { sessionKey } = await platform.identity();
        expect(nodeCrypto.importKey(keyOfSpki(sessionKey)).verify(helloMessage(context), hello)).to.equal(true);
        const other = helloMessage({ ...context, terminal: 'terminal-2' });
        expect(nodeCrypto.importKey(keyOfSpki(sessionKey)).verify(other, hello)).to.equal(false);
      }
    });

    it('counts upwards by one, also for requests that overlap', async () => {
      const other = await platform.readCounter('rim-protect');
      const first = await platform.incrementCounter('audit');
      const more = await Promise.all(Array.from({ length: 5 }, () => platform.incrementCounter('audit')));
      expect(more).to.deep.equal([1n, 2n, 3n, 4n, 5n].map((n) => first + n));
      expect(await platform.readCounter('audit')).to.equal(first + 5n);
      expect(await platform.readCounter('rim-protect')).to.equal(other);
    });

    it('gives random bytes, at most 1024', async () => {
      expect(await platform.random(32)).to.have.length(32);
      expect(await platform.random(32)).not.to.deep.equal(await platform.random(32));
      await expectRefusal(() => platform.random(1025), 'platform.refused');
    });

    it('is a TPM Reset after an orderly stop: resetCount one higher, PCRs reset, the clock goes on and is safe', async () => {
      const before = await verified(platform, requestFor('before'));
      const counter = await platform.readCounter('audit');
      const { akName, sessionKey } = await platform.identity();
      await machine?.powerOff();
      await expectRefusal(() => platform.readPcrs(), 'platform.unavailable');
      platform = (await machine?.powerOn()) ?? platform;
      expect(await platform.readPcrs()).to.deep.equal(resetPcrs());
      const { clockInfo } = await verified(platform, requestFor('after'));
      expect(clockInfo).to.include({ resetCount: before.clockInfo.resetCount + 1, restartCount: 0, safe: true });
      expect(clockInfo.clock >= before.clockInfo.clock).to.equal(true);
      expect(await platform.readCounter('audit')).to.equal(counter);
      expect(await platform.identity()).to.deep.include({ akName, sessionKey });
    });

    it('is a TPM Reset after a power cut: resetCount one higher, PCRs reset, counters kept, the clock no longer safe', async () => {
      await platform.extend(0, EVENT);
      const counter = await platform.incrementCounter('audit');
      const before = await verified(platform, requestFor('before the cut'));
      await machine?.powerCut();
      platform = (await machine?.powerOn()) ?? platform;
      expect(await platform.readPcrs()).to.deep.equal(resetPcrs());
      const { clockInfo } = await verified(platform, requestFor('after the cut'));
      expect(clockInfo).to.include({ resetCount: before.clockInfo.resetCount + 1, restartCount: 0, safe: false });
      expect(await platform.readCounter('audit')).to.equal(counter);
    });

    it('has an endorsement key where it is a TPM, and opens no credential that was not made for it (F-11)', async () => {
      const { backEnd } = await platform.identity();
      const ek = await platform.endorsementKey();
      expect(ek !== undefined).to.equal(backEnd === 'tpm2');
      if (ek !== undefined) expect(parsePublic(ek.area).attributes).to.equal(EK_ATTRIBUTES);
      const credential = { idObject: new Uint8Array(68), secret: new Uint8Array(68) };
      const code = backEnd === 'tpm2' ? 'tpm.refused' : 'platform.refused';
      await expectRefusal(() => platform.activateCredential(credential), code);
    });

    it('answers nothing once it was closed', async () => {
      await platform.close();
      for (const ask of [
        () => platform.identity(),
        () => platform.extend(0, EVENT),
        () => platform.quote(requestFor('late')),
        () => platform.incrementCounter('audit'),
        () => platform.random(1),
        () => platform.endorsementKey(),
        () => platform.activateCredential({ idObject: EVENT, secret: EVENT }),
      ]) {
        await expectRefusal(ask, 'platform.unavailable');
      }
      await platform.close();
    });
  });
}
