import { nobleCrypto } from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { expect } from 'chai';
import { BUILT_IN, type Implementation, type LoadedFile, protocolImplementation, replay } from '../../src/index.ts';
import { VECTOR_FILE_NAMES } from '../../src/test-type/table.ts';
import { loaded, testsOf, withTest } from '../files.ts';

const NAMES = BUILT_IN.map(({ name }) => name);
const NODE = protocolImplementation(nodeCrypto);
const NOBLE = protocolImplementation(nobleCrypto);

async function got(file: LoadedFile, change: Partial<Implementation>): Promise<readonly string[]> {
  const { disagreements } = await replay([file], [{ ...NODE, ...change }]);
  return disagreements.map(({ got: what }) => what);
}

describe('replay', () => {
  for (const name of VECTOR_FILE_NAMES.filter((one) => one !== 'appraisal')) {
    it(`${name}: both implementations of the cryptography decide as the vectors say`, async () => {
      const { ok, files, disagreements } = await replay([loaded(name)], BUILT_IN, NAMES);
      expect(disagreements).to.deep.equal([]);
      expect(ok).to.equal(true);
      expect(files[0]?.decidedByNobody).to.equal(0);
    });
  }

  it('every quote over ECDSA is decided by both, every one over RSA by node alone', async () => {
    const file = loaded('quote');
    const rsa = file.file.groups
      .filter(({ algorithm }) => algorithm !== 'ecdsa-p256')
      .flatMap(({ tests }) => tests).length;
    const { files } = await replay([file], BUILT_IN, NAMES);
    const { count } = file.file;
    expect(rsa).to.be.above(0);
    expect(files[0]?.tallies).to.deep.equal([
      { implementation: 'node', agreed: count, disagreed: 0, undecided: 0, lacks: [] },
      { implementation: 'noble', agreed: count - rsa, disagreed: 0, undecided: rsa, lacks: ['rsassa', 'rsapss'] },
    ]);
  });

  it('says that nobody decided the appraisal, and takes that for no failure', async () => {
    const file = loaded('appraisal');
    const { ok, files } = await replay([file], BUILT_IN, NAMES);
    expect(ok).to.equal(true);
    expect(files[0]).to.include({ decidedByNobody: file.file.count });
  });

  it('fails where a demanded implementation did not decide a quote over ECDSA', async () => {
    const file = loaded('quote');
    const withoutQuotes = { name: NOBLE.name, algorithms: ['ecdsa-p256', 'ed25519'] };
    const lost = await replay([file], [NODE, withoutQuotes], NAMES);
    expect(lost.ok).to.equal(false);
    const withoutEcdsa = await replay([file], [NODE, { ...NOBLE, algorithms: ['ed25519'] }], NAMES);
    expect(withoutEcdsa.disagreements[0]?.got).to.equal('not decided: lacks ecdsa-p256');
  });

  it('fails where a vector of the protocol is decided by nobody', async () => {
    const { ok, files } = await replay([loaded('quote')], [NOBLE], NAMES);
    expect(ok).to.equal(false);
    expect(files[0]?.tallies[0]?.disagreed).to.be.above(0);
  });
});

describe('replay finds an implementation that', () => {
  const codec = loaded('codec');
  const valid = testsOf(codec).filter(({ result }) => result === 'valid');
  const invalid = testsOf(codec).filter(({ result }) => result === 'invalid');

  it('takes everything', async () => {
    const echo = (input: Uint8Array) => ({ value: null, encoded: input });
    const said = await got(codec, { codec: echo });
    expect(said.filter((what) => what === 'accepted')).to.have.length(invalid.length);
    expect(said.filter((what) => what.startsWith('decoded as null'))).to.have.length(valid.length);
  });

  it('refuses everything with one code', async () => {
    const refuse = (): never => {
      throw Object.assign(new Error('no'), { code: 'msgpack.type', offset: 0 });
    };
    const right = invalid.filter(({ error, offset }) => error === 'msgpack.type' && offset === 0);
    expect(await got(codec, { codec: refuse })).to.have.length(codec.file.count - right.length);
  });

  it('blames another byte', async () => {
    const off = (input: Uint8Array): never => {
      try {
        NODE.codec?.(input) as never;
      } catch (error) {
        throw error instanceof Error ? Object.assign(error, { offset: 1000 }) : error;
      }
      throw new RangeError('valid');
    };
    expect(await got(codec, { codec: off })).to.have.length(codec.file.count);
  });

  it('writes another encoding than it read', async () => {
    const longer: NonNullable<Implementation['codec']> = async (input) => {
      const parsed = await NODE.codec?.(input);
      return { value: parsed?.value ?? null, encoded: new Uint8Array([...input, 0]) };
    };
    const said = await got(codec, { codec: longer });
    expect(said).to.deep.equal(valid.map(() => 'the input re-encodes to other bytes'));
  });

  it('has a defect: what it throws carries no code', async () => {
    const said = await got(codec, {
      codec: () => {
        throw new RangeError('stack');
      },
    });
    expect(new Set(said)).to.deep.equal(new Set(['threw RangeError: stack']));
  });

  it('refuses a high s (F-61), as many libraries do', async () => {
    const HALF = 0x7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8n;
    const said = await got(loaded('signature'), {
      signature: async (question) => {
        const s = BigInt(`0x${Buffer.from(question.signature.subarray(32, 64)).toString('hex') || '0'}`);
        const low = question.spki.length !== 91 || s <= HALF;
        return (await NODE.signature?.(question)) === true && low;
      },
    });
    expect(said).to.deep.equal(['signature.invalid']);
  });

  it('forgets the length prefixes of qualifyingData (F-67)', async () => {
    const said = await got(loaded('qualifying-data'), {
      qualifyingData: async (context) =>
        (await NODE.qualifyingData?.({ ...context, audience: context.audience + context.terminal, terminal: '' })) ??
        new Uint8Array(),
    });
    expect(said).to.have.length(3);
  });

  it('lets a message through out of order (F-59)', async () => {
    const said = await got(loaded('session'), {
      session: async (side, start, inputs) => {
        try {
          return (await NODE.session?.(side, start, inputs)) ?? '';
        } catch {
          return 'idle';
        }
      },
    });
    expect(said).to.have.length(testsOf(loaded('session')).filter(({ result }) => result === 'invalid').length);
  });
});

describe('replay finds a vector that', () => {
  const claims = loaded('claims');

  async function disagreements(file: LoadedFile['file']): Promise<number> {
    return (await replay([{ path: 'x', file }], BUILT_IN, NAMES)).disagreements.length;
  }

  it('calls a valid input invalid, or an invalid one valid', async () => {
    expect(await disagreements(withTest(claims.file, 'valid', { result: 'invalid', error: 'message.field' }))).to.equal(
      2,
    );
    expect(await disagreements(withTest(claims.file, 'invalid', { result: 'valid' }))).to.equal(2);
  });

  it('expects another code, another offset or another value', async () => {
    expect(await disagreements(withTest(claims.file, 'invalid', { error: 'message.type' }))).to.equal(2);
    expect(await disagreements(withTest(claims.file, 'invalid', { offset: 7 }))).to.equal(2);
    expect(await disagreements(withTest(claims.file, 'valid', { value: { auditCounter: '9' } }))).to.equal(2);
    expect(await disagreements(claims.file)).to.equal(0);
  });
});
