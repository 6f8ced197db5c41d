import { expect } from 'chai';
import { createLog, type LineSink } from '../../src/daemon/log.ts';

class Lines implements LineSink {
  readonly lines: string[] = [];

  write(line: string): void {
    this.lines.push(line);
  }

  get last(): Record<string, unknown> {
    return JSON.parse(this.lines.at(-1) ?? '{}') as Record<string, unknown>;
  }
}

describe('the log', () => {
  it('is one JSON object a line with level, time and message', () => {
    const lines = new Lines();
    createLog('info', lines).warn({ terminal: 't-1', code: 'limit.exceeded' }, 'refused');
    expect(lines.lines).to.have.length(1);
    expect(lines.last).to.include({ level: 'warn', terminal: 't-1', code: 'limit.exceeded', msg: 'refused' });
    expect(Date.parse(String(lines.last['time']))).to.be.greaterThan(0);
    expect(lines.lines[0]?.endsWith('\n')).to.equal(true);
  });

  it('writes nothing below its level', () => {
    const lines = new Lines();
    const log = createLog('warn', lines);
    log.info('quiet');
    createLog('silent', lines).error('quiet');
    expect(lines.lines).to.deep.equal([]);
  });

  it('writes no secret, by whatever name or in whatever text it comes (invariant 1)', () => {
    const lines = new Lines();
    const log = createLog('debug', lines);
    const secret = 'c0ffee'.repeat(10);
    const token = `mtm1~wss://verifier.example/attest~${'00'.repeat(32)}~t-1~software~${secret}`;
    const pem = `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----\n`;
    log.info({ token: secret });
    log.info({ request: { headers: { authorization: `Bearer ${secret}` } } });
    log.info({ headers: { authorization: secret, cookie: secret }, password: secret, secret });
    log.info({ detail: `the token ${token} was refused` });
    log.info(`Authorization: Bearer ${secret}`);
    log.error(new Error(`cannot parse ${pem}`));
    log.info({ tls: { key: pem } });
    log.info({ note: pem });
    log.child({ token: secret }).info('child');
    expect(lines.lines).to.have.length(9);
    for (const line of lines.lines) {
      expect(line).not.to.contain(secret);
      JSON.parse(line);
    }
  });

  it('control characters stay inside the JSON (F-95)', () => {
    const lines = new Lines();
    createLog('info', lines).info({ reason: 'a\n{"level":"error"}\u001b[31m' }, 'odd');
    expect(lines.lines[0]?.split('\n')).to.have.length(2);
    expect(lines.lines[0]).not.to.contain('\u001b');
  });
});
