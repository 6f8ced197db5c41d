import { expect } from 'chai';
import { Health } from '../../src/daemon/health.ts';
import { Metrics } from '../../src/daemon/metrics.ts';

describe('health', () => {
  it('is ready only between start and drain, while the store takes transactions', () => {
    const health = new Health();
    expect(health.readiness).to.deep.equal({ ready: false, reason: 'starting' });
    health.started();
    expect(health.readiness.ready).to.equal(true);
    health.storeFailed();
    expect(health.readiness).to.deep.equal({ ready: false, reason: 'the store fails' });
    health.storeWorks();
    expect(health.readiness.ready).to.equal(true);
    health.draining();
    health.started();
    expect(health.readiness).to.deep.equal({ ready: false, reason: 'draining' });
  });
});

describe('metrics', () => {
  it('count by code and verdict, never by terminal', async () => {
    const metrics = new Metrics('1.2.3');
    metrics.result('trusted', 'gate');
    metrics.result('trusted', 'gate');
    metrics.refusal('session.unproven');
    metrics.noResult('challenge.expired');
    metrics.committed(100, 3);
    metrics.failed();
    let open = 3;
    metrics.watch('connections', 'proven connections', () => open);
    open = 4;
    const text = await metrics.text();
    for (const line of [
      'mtm_verifier_results_total{verdict="trusted",purpose="gate"} 2',
      'mtm_verifier_refusals_total{code="session.unproven"} 1',
      'mtm_verifier_no_results_total{code="challenge.expired"} 1',
      'mtm_verifier_store_failures_total 1',
      'mtm_verifier_commit_entries_bucket{le="128"} 1',
      'mtm_verifier_commit_duration_seconds_bucket{le="0.005"} 1',
      'mtm_verifier_connections 4',
      'mtm_verifier_info{version="1.2.3"} 1',
    ]) {
      expect(text).to.contain(`${line}\n`);
    }
    expect(metrics.contentType).to.match(/^text\/plain/);
  });

  it('of two verifiers in one process are apart', async () => {
    const one = new Metrics('1');
    new Metrics('1').result('trusted', 'gate');
    expect(await one.text()).not.to.contain('mtm_verifier_results_total{');
  });
});
