import {
  type BootIdentity,
  type ChannelBinding,
  CLOSES,
  encodeMessage,
  equalBytes,
  type Message,
  type MessageName,
  ProtocolError,
  parseMessage,
  stepVerifier,
  type VerifierInput,
  type VerifierState,
} from '@mtm-attest/protocol';
import type { WebSocket } from 'ws';
import { Enrolling } from '../enrolment/enrolling.ts';
import type { SeenSession } from '../store/liveness.ts';
import { Audit } from './audit.ts';
import { AuditTimer } from './audit-timer.ts';
import { proveTerminal } from './hello.ts';
import { Intake } from './intake.ts';
import { CLOSE_DEADLINE_MS, Refusal } from './refusal.ts';
import type { EndpointServices } from './services.ts';
import type { TerminalRecord } from './terminal-record.ts';

/** Who is told of a connection's life. */
export interface ConnectionOwner {
  /** Proven: an older connection of the same terminal gives way. */
  proven(connection: Connection, terminal: string): void;
  closed(connection: Connection): void;
}

/**
 * One WebSocket of a terminal, or of somebody who claims to be one. Frames and timers are handled one after the other; until a hello
 * verifies nothing it sends touches a terminal (F-58, F-59).
 */
export class Connection {
  readonly remote: string;
  readonly #socket: WebSocket;
  readonly #services: EndpointServices;
  readonly #owner: ConnectionOwner;
  readonly #binding: ChannelBinding;
  readonly #greetingNonce: Uint8Array;
  readonly #intake: Intake;
  readonly #auditTimer: AuditTimer;
  #state: VerifierState = 'greeting';
  #deadline: NodeJS.Timeout | undefined;
  #auditWanted = false;
  #draining = false;
  #enrolling: Enrolling | undefined;
  #audit: Audit | undefined;

  constructor(
    socket: WebSocket,
    binding: ChannelBinding,
    remote: string,
    services: EndpointServices,
    owner: ConnectionOwner,
  ) {
    this.#socket = socket;
    this.#binding = binding;
    this.remote = remote;
    this.#services = services;
    this.#owner = owner;
    this.#greetingNonce = services.random(32);
    const { policy } = services;
    this.#intake = new Intake(socket, services, {
      isClosed: () => this.#closed(),
      isProven: () => this.#audit !== undefined,
      isReceiving: () => this.#state === 'receiving',
      message: (bytes, arrivedAt) => this.#message(bytes, arrivedAt),
      refuse: (refusal) => {
        this.#refuse(refusal);
      },
      failed: (error) => {
        this.#failed(error);
      },
    });
    this.#auditTimer = new AuditTimer(services, () => {
      this.requestAudit();
    });
    socket.on('close', () => {
      this.#gone();
    });
    socket.on('error', (error) => {
      services.log.info({ remote, terminal: this.terminal, reason: error.message }, 'connection failed');
      this.#gone();
    });
    this.#arm(policy.unauthenticatedDeadlineMs);
    this.#send({ type: 'greeting', nonce: this.#greetingNonce, audience: policy.audience, binding: policy.binding });
  }

  /** The proven terminal, or undefined. */
  get terminal(): string | undefined {
    return this.#audit?.record.terminal;
  }

  /** The session of the proven terminal, or undefined. */
  get session(): SeenSession | undefined {
    const record = this.#audit?.record;
    return record === undefined ? undefined : { terminal: record.terminal, session: record.session };
  }

  get socket(): WebSocket {
    return this.#socket;
  }

  /** Audits now, or right after the open challenge. */
  requestAudit(): void {
    if (this.#auditWanted) return;
    this.#auditWanted = true;
    this.#intake.enqueue(async () => {
      if (this.#state === 'idle') await this.#wantedAudit();
    });
  }

  /** A newer connection proved to be the same terminal. */
  supersede(): void {
    this.#refuse(new Refusal('session.superseded'));
  }

  /** A newer connection needs the place of this one, which has proven nothing. */
  displace(): void {
    this.#refuse(new Refusal('limit.connections'));
  }

  /** The daemon stops: what is in hand is answered, nothing more is taken; a peer that does not close in time is cut off. */
  async drain(): Promise<void> {
    this.#draining = true;
    this.#intake.stop();
    this.#intake.enqueue(async () => {
      this.#socket.close(CLOSES.goingAway.code);
      this.#gone();
    });
    await this.#intake.idle();
    if (this.#socket.readyState === this.#socket.CLOSED) return;
    const cut = setTimeout(() => {
      this.#socket.terminate();
    }, CLOSE_DEADLINE_MS);
    await new Promise((resolve) => this.#socket.once('close', resolve));
    clearTimeout(cut);
  }

  async #message(bytes: Uint8Array, arrivedAt: number): Promise<void> {
    const message = parseMessage(bytes, 'terminal');
    switch (message.type) {
      case 'hello':
        return this.#hello(message);
      case 'enrol':
        return this.#enrol(message);
      case 'evidence':
        return this.#evidence(message, bytes, arrivedAt);
      case 'part':
        return this.#part(message);
      case 'bootNew':
        return this.#bootNew(message, arrivedAt);
      case 'refusal':
        this.#step('refusal');
        this.#services.log.info({ terminal: this.terminal, code: message.code }, 'the terminal refused');
        this.#socket.close(CLOSES.policy.code);
        return undefined;
    }
  }

  async #hello(message: Message<'hello'>): Promise<void> {
    this.#step('hello');
    const context = {
      nonce: this.#greetingNonce,
      binding: this.#binding,
      audience: this.#services.policy.audience,
      terminal: message.terminal,
    };
    const proven = await proveTerminal(this.#services, context, message.signature, this.remote);
    if (this.#closed()) return;
    const record = await this.#services.store.raiseSession(proven.record.terminal);
    if (record === undefined || !isSameEnrolment(record, proven.record)) {
      throw new Refusal('session.unproven');
    }
    if (this.#closed()) return;
    this.#step('session-committed');
    this.#audit = new Audit(this.#services, record, this.#binding, proven.akKey);
    this.#disarm();
    this.#owner.proven(this, record.terminal);
    this.#auditTimer.start(record.nextAuditAt);
    await this.#challenge();
  }

  async #enrol(message: Message<'enrol'>): Promise<void> {
    this.#step('enrol');
    this.#enrolling = await Enrolling.begin(this.#services, message, this.#binding);
    if (this.#closed()) return;
    this.#arm(this.#services.policy.enrolmentDeadlineMs);
    this.#step('challenge-sent');
    this.#sendBytes(this.#enrolling.challenge.bytes);
  }

  async #evidence(message: Message<'evidence'>, bytes: Uint8Array, arrivedAt: number): Promise<void> {
    if (this.#enrolling !== undefined && this.#audit === undefined) return this.#enrolment(message, arrivedAt);
    const audit = this.#provenAudit();
    const late = this.#lateness(audit, message.challenge, arrivedAt);
    if (late !== undefined) {
      this.#step('evidence-not-open');
      await audit.noteLate(late);
      this.#noResult(message.challenge, late);
      return;
    }
    this.#step('evidence');
    this.#arm(this.#services.policy.partsDeadlineMs);
    audit.evidence(message, bytes);
    await this.#concludeIfComplete(audit);
  }

  async #enrolment(message: Message<'evidence'>, arrivedAt: number): Promise<void> {
    const enrolling = this.#enrolling;
    this.#enrolling = undefined;
    if (enrolling === undefined) throw new ProtocolError('session.unexpected-message');
    this.#step('evidence');
    await enrolling.conclude(message, arrivedAt);
    if (this.#closed()) return;
    this.#step('enrolled');
    this.#arm(this.#services.policy.unauthenticatedDeadlineMs);
    this.#send({ type: 'enrolled', terminal: enrolling.terminal, audience: this.#services.policy.audience });
  }

  async #part(message: Message<'part'>): Promise<void> {
    const audit = this.#provenAudit();
    if (!audit.collects(message.challenge)) {
      this.#step('part-not-open');
      return;
    }
    this.#step('part');
    audit.part(message);
    await this.#concludeIfComplete(audit);
  }

  async #concludeIfComplete(audit: Audit): Promise<void> {
    if (!audit.complete) return;
    this.#step('evidence-complete');
    const id = audit.collecting;
    const outcome = await audit.conclude(this.#auditTimer.nextAt);
    if (this.#closed()) return;
    switch (outcome.kind) {
      case 'want':
        this.#step('want-sent');
        this.#send({ type: 'want', challenge: id ?? new Uint8Array(8), list: outcome.list });
        return;
      case 'new-boot':
        this.#step('bootNew');
        this.#disarm();
        await this.#gateAfterNewBoot(audit, outcome.boot);
        return;
      case 'no-result':
        if (outcome.code === 'session.superseded') throw new Refusal('session.superseded');
        this.#step('result-sent');
        this.#disarm();
        this.#noResult(id ?? new Uint8Array(8), outcome.code);
        break;
      case 'result':
        this.#step('result-sent');
        this.#disarm();
        this.#send(outcome.message);
    }
    await this.#wantedAudit();
  }

  async #bootNew(message: Message<'bootNew'>, arrivedAt: number): Promise<void> {
    const audit = this.#provenAudit();
    if (this.#lateness(audit, message.challenge, arrivedAt) !== undefined) {
      this.#step('bootNew-not-open');
      return;
    }
    if (audit.open?.wholeLog === true) throw new ProtocolError('session.unexpected-message');
    this.#step('bootNew');
    this.#disarm();
    await this.#gateAfterNewBoot(audit, message.boot);
  }

  #provenAudit(): Audit {
    if (this.#audit === undefined) throw new ProtocolError('session.unexpected-message');
    return this.#audit;
  }

  /** Why an answer changes nothing, if so; where the clock passed the challenge's life before its timer did, the deadline is now. */
  #lateness(audit: Audit, challenge: Uint8Array, arrivedAt: number): ReturnType<Audit['lateness']> {
    const late = audit.lateness(challenge, arrivedAt);
    if (late !== undefined && this.#state === 'challenged' && audit.open === undefined) this.#step('deadline');
    return late;
  }

  async #gateAfterNewBoot(audit: Audit, boot: BootIdentity): Promise<void> {
    if (!(await audit.newBoot(boot))) throw new Refusal('session.superseded');
    if (!this.#closed()) await this.#challenge();
  }

  async #wantedAudit(): Promise<void> {
    if (!this.#auditWanted || this.#draining || this.#closed()) return;
    this.#auditWanted = false;
    await this.#challenge();
  }

  async #challenge(): Promise<void> {
    const audit = this.#audit;
    if (audit === undefined) return;
    const open = await audit.challenge();
    if (this.#closed()) return;
    this.#step('challenge-sent');
    this.#arm(this.#services.policy.nonceLifeMs);
    this.#sendBytes(open.bytes);
  }

  #arm(ms: number): void {
    this.#disarm();
    const deadline = setTimeout(() => {
      this.#intake.enqueue(async () => {
        if (this.#deadline !== deadline) return;
        this.#expired();
        await this.#wantedAudit();
      });
    }, ms);
    this.#deadline = deadline;
  }

  #disarm(): void {
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
  }

  #expired(): void {
    this.#deadline = undefined;
    if (this.#state === 'idle' || this.#state === 'appraising') return;
    this.#step('deadline');
    if (this.#closed()) this.#refuse(new Refusal('session.deadline'));
    else this.#audit?.expire();
  }

  #noResult(challenge: Uint8Array, code: string): void {
    this.#services.metrics.noResult(code);
    this.#send({ type: 'noResult', challenge, code });
  }

  #step(input: VerifierInput): void {
    this.#state = stepVerifier(this.#state, input);
  }

  #closed(): boolean {
    return this.#state === 'closed';
  }

  #failed(error: unknown): void {
    if (error instanceof Refusal) return this.#refuse(error);
    if (error instanceof ProtocolError) return this.#refuse(new Refusal(error.code));
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#services.log.error({ terminal: this.terminal, detail }, 'a connection met a defect');
    return this.#refuse(new Refusal('verifier.malfunction'));
  }

  #refuse(refusal: Refusal): void {
    this.#services.metrics.refusal(refusal.code);
    const { code, reason } = refusal;
    this.#services.log.info({ remote: this.remote, terminal: this.terminal, code, reason }, 'refused');
    if (this.#socket.readyState === this.#socket.OPEN) {
      this.#socket.send(encodeMessage({ type: 'refusal', code: refusal.code }));
      this.#socket.close(refusal.close);
    }
    this.#gone();
  }

  #gone(): void {
    this.#state = 'closed';
    this.#disarm();
    this.#auditTimer.stop();
    this.#owner.closed(this);
  }

  #send<N extends MessageName>(message: Message<N>): void {
    this.#sendBytes(encodeMessage(message));
  }

  #sendBytes(bytes: Uint8Array): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(bytes);
  }
}

/** Between the look at the row and the new session the terminal may have been enrolled anew: the old keys speak for nobody then. */
function isSameEnrolment(a: TerminalRecord, b: TerminalRecord): boolean {
  return equalBytes(a.akName, b.akName) && equalBytes(a.sessionKey, b.sessionKey);
}
