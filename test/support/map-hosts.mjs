// Preloaded into a service's process (node --import): HOST_MAP, JSON, says at which local port a host and port of the deployment answer.
// `*.parent:port` stands for every host below the parent. Names resolve to addresses of the kind that they have in AWS.
import dns from 'node:dns';
import net from 'node:net';

const ports = new Map(Object.entries(JSON.parse(process.env.HOST_MAP ?? '{}')));
const hosts = new Map();
const addresses = new Map();

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function mapped(...args) {
  // net.connect and tls.connect hand on one list that is normalised already; others hand options.
  const [first] = args;
  const options = Array.isArray(first) ? first[0] : first;
  if (typeof options === 'object' && options !== null && options.host !== undefined) {
    const port = portOf(hosts.get(options.host) ?? options.host, options.port);
    if (port !== undefined) Object.assign(options, { host: '127.0.0.1', port });
  }
  return connect.apply(this, args);
};

const lookup = dns.lookup;
dns.lookup = (hostname, options, done) => {
  const callback = done ?? options;
  const address = addressOf(hostname);
  if (address === undefined) return lookup(hostname, options, done);
  const isAll = typeof options === 'object' && options?.all === true;
  process.nextTick(() => (isAll ? callback(null, [{ address, family: 4 }]) : callback(null, address, 4)));
};
const lookupPromise = dns.promises.lookup;
dns.promises.lookup = async (hostname, options) => {
  const address = addressOf(hostname);
  if (address === undefined) return lookupPromise(hostname, options);
  return options?.all === true ? [{ address, family: 4 }] : { address, family: 4 };
};
// Imports by name see the functions above.
(await import('node:module')).syncBuiltinESMExports();

function portOf(host, port) {
  return ports.get(`${host}:${port}`) ?? ports.get(`*.${parentOf(host)}:${port}`);
}

/** A private address for a host of the private zone, a public one for any other; the same one each time. */
function addressOf(host) {
  const known = addresses.get(host);
  if (known !== undefined) return known;
  const isMapped = [...ports.keys()].some(
    (key) => key.startsWith(`${host}:`) || key.startsWith(`*.${parentOf(host)}:`),
  );
  if (!isMapped) return undefined;
  const address = `${host.endsWith('.internal') ? '10.0' : '52.95'}.0.${addresses.size + 1}`;
  addresses.set(host, address);
  hosts.set(address, host);
  return address;
}

function parentOf(host) {
  return host.split('.').slice(1).join('.');
}
