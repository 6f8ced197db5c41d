import { createHash } from 'node:crypto';
import { encodeEnrolmentToken, TERMINAL_CLASSES } from '@mtm-attest/protocol';
import * as v from 'valibot';
import { canEnrol } from '../../enrolment/activation.ts';
import { VerifierError } from '../../error.ts';
import { addToken } from '../../store/tokens.ts';
import { idText, readInput } from '../input.ts';
import type { ApiRoute } from '../route.ts';
import { schemaRef } from '../schemas.ts';

const SECRET_BYTES = 32;

const tokenRequest = v.strictObject({ terminal: idText, class: v.picklist(TERMINAL_CLASSES), model: idText });

export const tokenRoutes: readonly ApiRoute[] = [
  {
    method: 'POST',
    path: '/v1/tokens',
    summary: 'Makes an enrolment token; its text is in the answer and nowhere else',
    body: schemaRef('TokenRequest'),
    answers: { 201: { about: 'the token', schema: schemaRef('Token') } },
    problems: ['token.class'],
    handle: async (services, request) => {
      const wanted = readInput(tokenRequest, request.body);
      if (!canEnrol(wanted.class)) throw new VerifierError('token.class', wanted.class);
      const { group, operator, enrolment } = services;
      const secret = services.random(SECRET_BYTES);
      const secretHash = new Uint8Array(createHash('sha256').update(secret).digest());
      const createdAt = services.now();
      const expiresAt = createdAt + enrolment.lifeMs;
      const row = { ...wanted, secretHash, createdAt, expiresAt };
      await group.change(wanted.terminal, (tx) => addToken(tx, operator, row));
      const { url, rootDigest } = enrolment;
      const token = encodeEnrolmentToken({ url, rootDigest, terminal: wanted.terminal, class: wanted.class, secret });
      return { status: 201, body: { token, terminal: wanted.terminal, expiresAt } };
    },
  },
];
