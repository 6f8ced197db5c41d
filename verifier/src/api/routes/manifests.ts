import { createHash } from 'node:crypto';
import { MAX_MANIFEST_BYTES, parseManifest, parseSignedManifest } from '@mtm-attest/protocol';
import { VerifierError } from '../../error.ts';
import { newestManifests } from '../../store/references.ts';
import type { ApiRoute } from '../route.ts';
import { schemaRef } from '../schemas.ts';

export const manifestRoutes: readonly ApiRoute[] = [
  {
    method: 'GET',
    path: '/v1/manifests',
    summary: 'The newest manifest of every model',
    answers: { 200: { about: 'the manifests', schema: schemaRef('ManifestList') } },
    handle: async ({ db, operator, references }) => {
      const stored = await newestManifests(db, operator);
      const manifests = stored.map(({ body, ...rest }) => ({
        ...rest,
        releases: parseManifest(parseSignedManifest(body).payload).releases.map(({ release }) => release),
        digest: createHash('sha256').update(body).digest('hex'),
        inForce: references.find(rest.model)?.sequence === rest.sequence,
      }));
      return { status: 200, body: { revision: references.revision, manifests } };
    },
  },
  {
    method: 'POST',
    path: '/v1/manifests',
    summary: 'Publishes a signed manifest; it is in force when this is answered',
    body: { maxBytes: MAX_MANIFEST_BYTES },
    answers: {
      200: { about: 'this very document was there before', schema: schemaRef('PublishedManifest') },
      201: { about: 'it replaces the one before', schema: schemaRef('PublishedManifest') },
    },
    problems: [
      'reference.signature',
      'reference.sequence',
      'reference.minimum',
      'reference.conflict',
      'reference.issuer',
    ],
    handle: async ({ references, now }, request) => {
      if (!(request.body instanceof Uint8Array)) throw new VerifierError('request.invalid');
      const { manifest, changed, revision } = await references.publish(request.body, now());
      const { issuer, model, sequence } = manifest;
      return { status: changed ? 201 : 200, body: { issuer, model, sequence, changed, revision } };
    },
  },
];
