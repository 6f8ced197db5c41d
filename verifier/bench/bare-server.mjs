// What an idle connection costs at the least: TLS 1.3, ws, one message each way, and nothing kept.
// Arguments: certificate chain, key. Says its port in one line.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { WebSocketServer } from 'ws';

const [, , chain, key] = process.argv;
const server = createServer({ cert: readFileSync(chain), key: readFileSync(key), minVersion: 'TLSv1.3' });
const sockets = new WebSocketServer({ server, perMessageDeflate: false, maxPayload: 65_536 });
sockets.on('connection', (socket) => {
  socket.on('message', (message) => socket.send(message));
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`));
