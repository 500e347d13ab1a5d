// Preloaded into a service's process (node --import): HOST_MAP, JSON, says at which local port a host and port of the deployment answer.
import net from 'node:net';

const ports = new Map(Object.entries(JSON.parse(process.env.HOST_MAP ?? '{}')));
const connect = net.Socket.prototype.connect;

/** @this {import('node:net').Socket} */
net.Socket.prototype.connect = function mapped(...args) {
  // net.connect and tls.connect hand on one list that is normalised already; others hand options or port and host.
  const [first] = args;
  const options = Array.isArray(first) ? first[0] : first;
  if (typeof options === 'object' && options !== null && options.host !== undefined) {
    const port = portOf(options.host, options.port);
    if (port !== undefined) {
      options.host = '127.0.0.1';
      options.port = port;
    }
  }
  return connect.apply(this, args);
};

function portOf(host, port) {
  const own = ports.get(`${host}:${port}`);
  if (own !== undefined) return own;
  const parent = `*.${host.split('.').slice(1).join('.')}:${port}`;
  return ports.get(parent);
}
