import { createHash, type X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { BindingType, ChannelBinding } from '@mtm-attest/protocol';
import { VerifierError } from '../error.ts';

const EXPORTER_LABEL = 'EXPORTER-Channel-Binding';
const EXPORTER_BYTES = 32;
const NO_CONTEXT = Buffer.alloc(0);

/**
 * This end's value of the channel binding; computed once, at the upgrade (afterwards a terminated socket throws).
 * `tls-exporter`: RFC 9266. `tls-server-end-point`: RFC 5929 section 4, with SHA-256, for P-256 certificates only.
 *
 * @param certificate the leaf that TLS presents, for `tls-server-end-point`
 * @throws VerifierError `config.binding`
 */
export function channelBinding(
  type: Exclude<BindingType, 'none'>,
  socket: TLSSocket,
  certificate: X509Certificate,
): ChannelBinding {
  if (type === 'tls-server-end-point') return { type, value: endPoint(certificate) };
  const value = socket.exportKeyingMaterial(EXPORTER_BYTES, EXPORTER_LABEL, NO_CONTEXT);
  return { type, value: new Uint8Array(value) };
}

function endPoint(certificate: X509Certificate): Uint8Array {
  const { asymmetricKeyType, asymmetricKeyDetails } = certificate.publicKey;
  if (asymmetricKeyType !== 'ec' || asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new VerifierError('config.binding');
  }
  return new Uint8Array(createHash('sha256').update(certificate.raw).digest());
}
