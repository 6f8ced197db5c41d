import {
  type BootIdentity,
  type ChannelBinding,
  type ComponentList,
  compareBootIdentity,
  type Message,
  MRTM_COMPARTMENT,
  ProtocolError,
  parseAttest,
  parseComponentList,
  prefixDigest,
  type ReasonCode,
  toHex,
  type VerificationKey,
} from '@mtm-attest/protocol';
import { nodeCrypto } from '@mtm-attest/protocol/crypto/node';
import { type AttestationResult, appraise } from '../appraisal/appraise.ts';
import { explain } from '../appraisal/explain.ts';
import type { AppraisalInput } from '../appraisal/input.ts';
import { settle } from '../appraisal/settle.ts';
import { cursorOf, type NextChallenge, nextChallenge } from '../challenge/next-challenge.ts';
import { type OpenChallenge, openChallenge } from '../challenge/open-challenge.ts';
import { platformAsked, selectionWith } from '../challenge/platform-asked.ts';
import { EvidenceCollector } from './evidence-collector.ts';
import type { CommitOutcome, EndpointServices, ResultChange } from './services.ts';
import type { TerminalRecord } from './terminal-record.ts';

const EXPIRED_KEPT = 8;

/** What came of complete evidence. */
export type AuditOutcome =
  | { readonly kind: 'result'; readonly message: Message<'result'> }
  | { readonly kind: 'no-result'; readonly code: ReasonCode }
  | { readonly kind: 'want'; readonly list: Uint8Array }
  | { readonly kind: 'new-boot'; readonly boot: BootIdentity };

/**
 * The audits of one proven terminal over one connection: its open challenge, the evidence coming in, the row they are settled on.
 * It sends nothing itself and holds no timer.
 */
export class Audit {
  readonly #services: EndpointServices;
  readonly #binding: ChannelBinding;
  readonly #akKey: VerificationKey;
  readonly #expired: string[] = [];
  #record: TerminalRecord;
  #open: OpenChallenge | undefined;
  #collector: EvidenceCollector | undefined;
  #wanted = new Set<string>();

  constructor(services: EndpointServices, record: TerminalRecord, binding: ChannelBinding, akKey: VerificationKey) {
    this.#services = services;
    this.#record = record;
    this.#binding = binding;
    this.#akKey = akKey;
  }

  get record(): TerminalRecord {
    return this.#record;
  }

  get open(): OpenChallenge | undefined {
    return this.#open;
  }

  /** Id of the challenge whose evidence is coming in. */
  get collecting(): Uint8Array | undefined {
    return this.#collector?.challenge.id;
  }

  collects(challenge: Uint8Array): boolean {
    const id = this.collecting;
    return id !== undefined && toHex(id) === toHex(challenge);
  }

  /** Opens the next challenge, from stored state alone. */
  async challenge(): Promise<OpenChallenge> {
    const record = this.#record;
    const { accepted, model } = record;
    const reference = this.#services.reference(model);
    const listed = accepted === undefined ? undefined : reference?.releases.get(accepted.release);
    const next = nextChallenge({
      admitted: record.admission === 'admitted',
      pending: record.pendingAt !== undefined,
      accepted,
      condemned: record.condemned,
      referenceRevision: this.#services.referenceRevision(),
      referenceDigest: listed?.digest,
    });
    const { clock, policy, random } = this.#services;
    const { firmware, ima, pcrs } = platformAsked(reference, next.from);
    this.#open = openChallenge({
      purpose: next.purpose,
      nonce: random(32),
      selection: selectionWith(policy.selection, pcrs),
      firmware,
      ima,
      cursor: cursorOf(next.from, (from) => prefixDigest(from.count, from.pcrs, nodeCrypto.sha256)),
      knownList: await this.#knownList(next),
      expiresAt: clock.monotonic() + policy.nonceLifeMs,
      challengedAt: clock.wall(),
    });
    return this.#open;
  }

  /** The challenge's life is over: evidence for it is late from now on. */
  expire(): void {
    if (this.#open !== undefined) {
      if (this.#expired.length === EXPIRED_KEPT) this.#expired.shift();
      this.#expired.push(toHex(this.#open.id));
    }
    this.#open = undefined;
    this.#collector = undefined;
  }

  /** @returns undefined where the challenge is open and in its life; otherwise why the evidence changes nothing */
  lateness(challenge: Uint8Array, arrivedAt: number): 'challenge.expired' | 'challenge.not-open' | undefined {
    const id = toHex(challenge);
    if (this.#open !== undefined && toHex(this.#open.id) === id) {
      if (arrivedAt <= this.#open.expiresAt) return undefined;
      this.expire();
      return 'challenge.expired';
    }
    return this.#expired.includes(id) ? 'challenge.expired' : 'challenge.not-open';
  }

  /**
   * Evidence for the open challenge, which is consumed whatever follows (F-01).
   * @throws ProtocolError `session.unexpected-message` where it announces what was not asked for
   */
  evidence(message: Message<'evidence'>, bytes: Uint8Array): void {
    const open = this.#consume();
    const { accepted, model } = this.#record;
    const against = { previous: accepted, reference: this.#services.reference(model) };
    this.#wanted = new Set();
    this.#collector = new EvidenceCollector(open, message, nodeCrypto.sha256(bytes), against, this.#services.policy);
  }

  part(message: Message<'part'>): void {
    this.#collector?.part(message);
  }

  /** True once nothing is due any more. */
  get complete(): boolean {
    return this.#collector?.complete ?? false;
  }

  /** The terminal runs another boot than the challenge named: no appraisal, back to the gate. @returns false where the session is gone */
  async newBoot(boot: BootIdentity): Promise<boolean> {
    this.#open = undefined;
    this.#collector = undefined;
    const at = this.#services.clock.wall();
    if (!(await this.#services.store.announceBoot(this.#record, boot, at))) return false;
    const version = this.#record.version + 1;
    this.#record = { ...this.#record, admission: 'enrolled', pendingAt: at, announcedBoot: boot, version };
    return true;
  }

  async noteLate(code: NonNullable<TerminalRecord['lateCode']>): Promise<void> {
    if (this.#record.lateCode === code) return;
    await this.#services.store.noteLate(this.#record, code);
    this.#record = { ...this.#record, lateCode: code };
  }

  /** Appraises what came and makes the result durable; a conflict is settled once more on the newer row, then given up. */
  async conclude(nextAuditAt: number): Promise<AuditOutcome> {
    const collector = this.#collector;
    if (collector === undefined) throw new ProtocolError('session.unexpected-message');
    if (collector.exceeded) return this.#noResult('limit.exceeded');
    const boot = this.#laterBoot(collector);
    if (boot !== undefined) return { kind: 'new-boot', boot };
    const { lists, missing } = await this.#lists(collector);
    if (missing !== undefined && this.#isOpen(collector, lists)) return this.#want(collector, missing);
    this.#collector = undefined;
    for (let attempt = 0; attempt < 2; attempt++) {
      const input = this.#input(collector, lists);
      const result = appraise(input);
      const undecided =
        result.verdict === 'untrusted' ? undefined : result.findings.find(({ code }) => isUndecided(code));
      if (undecided !== undefined) return { kind: 'no-result', code: undecided.code };
      const change = this.#change(collector, input, result, nextAuditAt);
      const outcome = await this.#services.store.commitResult(change);
      if (outcome.kind === 'committed') return this.#committed(collector, change, result, outcome);
      if (outcome.kind === 'session-gone') return { kind: 'no-result', code: 'session.superseded' };
      const newer = await this.#services.store.find(this.#record.terminal);
      if (newer === undefined || newer.session !== this.#record.session) {
        return { kind: 'no-result', code: 'session.superseded' };
      }
      this.#record = newer;
    }
    return { kind: 'no-result', code: 'state.conflict' };
  }

  #consume(): OpenChallenge {
    const open = this.#open;
    if (open === undefined) throw new ProtocolError('session.unexpected-message');
    this.#open = undefined;
    return open;
  }

  #noResult(code: ReasonCode): AuditOutcome {
    this.#collector = undefined;
    return { kind: 'no-result', code };
  }

  #want(collector: EvidenceCollector, list: Uint8Array): AuditOutcome {
    const id = toHex(list);
    if (this.#wanted.has(id)) return this.#noResult('list.missing');
    this.#wanted.add(id);
    collector.expectList();
    return { kind: 'want', list };
  }

  /** Evidence of a later boot under a runtime challenge says the same as boot.new (SPEC.md 6.4). */
  #laterBoot({ challenge, message }: EvidenceCollector): BootIdentity | undefined {
    const { accepted } = this.#record;
    if (challenge.purpose !== 'runtime' || accepted === undefined) return undefined;
    try {
      const { resetCount, restartCount } = parseAttest(message.attest).clockInfo;
      const boot = { resetCount, restartCount };
      return compareBootIdentity(boot, accepted) > 0 ? boot : undefined;
    } catch (error) {
      if (error instanceof ProtocolError) return undefined;
      throw error;
    }
  }

  async #knownList({ from }: NextChallenge): Promise<Uint8Array | undefined> {
    const digest = (from ?? this.#record.accepted)?.listDigest;
    if (digest === undefined) return undefined;
    return (await this.#knowsList(digest)) === undefined ? undefined : digest.subarray(0, 16);
  }

  async #knowsList(digest: Uint8Array): Promise<ComponentList | undefined> {
    const cached = this.#services.lists.get(toHex(digest));
    if (cached !== undefined) return cached;
    const bytes = await this.#services.store.findList(digest);
    if (bytes === undefined) return undefined;
    const list = parseComponentList(bytes);
    this.#services.lists.set(toHex(digest), list);
    return list;
  }

  /** The lists that the log names, and the digest of the first one that is nowhere. */
  async #lists(
    collector: EvidenceCollector,
  ): Promise<{ readonly lists: ReadonlyMap<string, ComponentList>; readonly missing: Uint8Array | undefined }> {
    const lists = new Map<string, ComponentList>();
    let missing: Uint8Array | undefined;
    for (const [id, digest] of collector.fold.listDigests) {
      const list = collector.lists.get(id)?.list ?? (await this.#knowsList(digest));
      if (list !== undefined) lists.set(id, list);
      else missing ??= digest;
    }
    return { lists, missing };
  }

  /** Whether a missing list can still decide: evidence that fails anyway is not given a way round its verdict. */
  #isOpen(collector: EvidenceCollector, lists: ReadonlyMap<string, ComponentList>): boolean {
    return appraise(this.#input(collector, lists)).verdict !== 'untrusted';
  }

  #input(collector: EvidenceCollector, lists: ReadonlyMap<string, ComponentList>): AppraisalInput {
    const { policy, reference, clock } = this.#services;
    const record = this.#record;
    return {
      challenge: collector.challenge,
      evidence: collector.message,
      binding: this.#binding,
      audience: policy.audience,
      enrolment: {
        terminal: record.terminal,
        compartment: MRTM_COMPARTMENT,
        ownershipEpoch: 0n,
        akName: record.akName,
        qualifiedName: record.qualifiedName,
        akKey: this.#akKey,
      },
      log: collector.fold.facts(),
      firmware: collector.platform.firmware,
      ima: collector.platform.ima,
      lists,
      reference: reference(record.model),
      previous: record.accepted,
      now: clock.wall(),
    };
  }

  #change(
    collector: EvidenceCollector,
    input: AppraisalInput,
    result: AttestationResult,
    nextAuditAt: number,
  ): ResultChange {
    const { policy } = this.#services;
    const record = this.#record;
    const { challenge } = collector;
    const referenceRevision = this.#services.referenceRevision();
    const settled = settle(record, result, {
      purpose: challenge.purpose,
      at: input.now,
      referenceRevision,
    });
    const judged = this.#services.judge({ ...record, ...settled }, input.now);
    return {
      record,
      settled,
      nextAuditAt,
      referenceRevision,
      challengedAt: challenge.challengedAt,
      explanation: explain(
        settled.condemned === undefined ? [...result.findings, ...result.warnings] : result.findings,
      ),
      result: {
        operator: policy.operator,
        terminal: record.terminal,
        compartment: MRTM_COMPARTMENT,
        at: input.now,
        purpose: challenge.purpose,
        verdict: judged.verdict,
        codes: judged.codes,
        boot: result.boot,
        challengeDigest: challenge.digest,
        evidenceDigest: collector.digest,
        manifestSequence: input.reference?.sequence ?? 0,
        bindingType: this.#binding.type,
        class: record.class,
      },
    };
  }

  async #committed(
    collector: EvidenceCollector,
    change: ResultChange,
    result: AttestationResult,
    { ledgerIndex, leafHash }: Extract<CommitOutcome, { kind: 'committed' }>,
  ): Promise<AuditOutcome> {
    const { verdict, codes, purpose } = change.result;
    this.#record = {
      ...this.#record,
      ...change.settled,
      nextAuditAt: change.nextAuditAt,
      version: this.#record.version + 1,
    };
    if (result.verdict === 'trusted' && result.state !== undefined) {
      await this.#keepList(collector, result.state.listDigest);
    }
    this.#services.metrics.result(verdict, purpose);
    const reasons = verdict === 'trusted' ? {} : { codes };
    return {
      kind: 'result',
      message: { type: 'result', challenge: collector.challenge.id, verdict, ledgerIndex, leafHash, ...reasons },
    };
  }

  /** Of lists that matched their Reference Values, the one that the next challenge can name as known: a terminal cannot fill the store. */
  async #keepList({ lists }: EvidenceCollector, digest: Uint8Array): Promise<void> {
    if (lists.size === 0) return;
    const id = toHex(digest);
    const received = lists.get(id);
    if (received === undefined || this.#services.lists.get(id) !== undefined) return;
    await this.#services.store.keepList(digest, received.bytes);
    this.#services.lists.set(id, received.list);
  }
}

/** Nothing could be appraised, and another challenge can: a list is missing, or the Reference Values changed since this one was sent. */
function isUndecided(code: ReasonCode): boolean {
  return code === 'list.missing' || code === 'state.conflict';
}
