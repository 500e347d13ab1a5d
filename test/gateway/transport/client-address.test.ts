import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientAddress } from '../../../runtime/gateway/transport/client-address.ts';

test('without proxies the address is that of the socket, whatever a header says', () => {
  assert.equal(clientAddress(['1.2.3.4'], '10.0.0.9', 0), '10.0.0.9');
});

test('behind proxies it is the one that the outermost of them wrote; what a client put before it is not looked at', () => {
  assert.equal(clientAddress(['6.6.6.6, 203.0.113.7'], '10.0.0.9', 1), '203.0.113.7');
  assert.equal(clientAddress(['6.6.6.6', '203.0.113.7, 10.1.1.1'], '10.0.0.9', 2), '203.0.113.7');
  assert.equal(clientAddress(['2001:db8::1'], '10.0.0.9', 1), '2001:db8::1');
});

test('what is missing or is no address is nobody, not the proxy', () => {
  for (const values of [[], [''], ['1.2.3.4, evil'], ['1.2.3.4, 203.0.113.7:443']]) {
    assert.equal(clientAddress(values, '10.0.0.9', 1), undefined);
  }
  assert.equal(clientAddress(['203.0.113.7'], '10.0.0.9', 2), undefined);
});
