import { createHash, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect, type DetailedPeerCertificate } from 'node:tls';
import { equalBytes } from '@mtm-attest/protocol';
import { AgentError } from '../error.ts';

const LOOK_MS = 10_000;
const MAX_CHAIN = 8;

/**
 * The root certificate that a verifier presents, if it is the one that the enrolment token pins. Nothing is sent to it: the connection
 * ends here, and the next one is verified under the root found.
 *
 * @param rootDigest SHA-256 of the root's SubjectPublicKeyInfo, 32 bytes
 * @returns PEM
 * @throws AgentError `session.root`, `session.closed`, `session.timeout`
 */
export async function findServerRoot(url: string, rootDigest: Uint8Array): Promise<string> {
  const root = await looked(url, (leaf) => chainOf(leaf).find((one) => equalBytes(digestOfKey(one), rootDigest)));
  if (root === undefined) throw new AgentError('session.root', url);
  return root.toString();
}

/** What `look` finds in the chain that is presented. A throw inside the handler would end the process. */
function looked<T>(url: string, look: (leaf: DetailedPeerCertificate) => T): Promise<T> {
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port: port === '' ? 443 : Number(port),
      // RFC 6066, section 3: an address is no server name.
      ...(isIP(host) === 0 ? { servername: host } : {}),
      minVersion: 'TLSv1.3',
      // eslint-disable-next-line no-restricted-syntax -- only the chain is looked at; nothing is sent or trusted
      rejectUnauthorized: false,
    });
    socket.setTimeout(LOOK_MS, () => {
      reject(new AgentError('session.timeout', url));
      socket.destroy();
    });
    socket.on('error', (cause: Error) => {
      reject(new AgentError('session.closed', cause.message, { cause }));
    });
    socket.on('secureConnect', () => {
      try {
        resolve(look(socket.getPeerCertificate(true)));
      } catch (cause) {
        // Anybody may answer here, with certificates or keys that cannot be read.
        reject(new AgentError('session.root', url, { cause }));
      }
      socket.destroy();
    });
  });
}

function digestOfKey(certificate: X509Certificate): Uint8Array {
  const spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return new Uint8Array(createHash('sha256').update(spki).digest());
}

/** Every certificate presented, leaf first; a root names itself as its issuer. */
function chainOf(leaf: DetailedPeerCertificate): readonly X509Certificate[] {
  const chain: X509Certificate[] = [];
  let certificate: DetailedPeerCertificate | undefined = leaf;
  while (certificate?.raw !== undefined && chain.length < MAX_CHAIN) {
    chain.push(new X509Certificate(certificate.raw));
    const issuer: DetailedPeerCertificate | undefined = certificate.issuerCertificate;
    certificate = issuer === certificate ? undefined : issuer;
  }
  return chain;
}
