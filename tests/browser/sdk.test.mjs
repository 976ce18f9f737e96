// The npm package wechatpay-axios-plugin, unmodified, set up as the README says: it needs no browser, only Node.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';

import sdk from 'wechatpay-axios-plugin';

import { Server } from './lib/server.mjs';

const { Aes, Formatter, Rsa, Wechatpay } = sdk;

let server;
let merchant;
let platformKey;
let wxpay;
let headers;
let address;
let came;

/** The SDK pointed at the server; `certs` are the platform keys it trusts. */
function pointed(certs) {
  return new Wechatpay({
    baseURL: server.baseUrl, // the one line that differs
    mchid: merchant.mchid,
    serial: merchant.merchant_serial_no,
    privateKey: server.pem('merchant_private_key_path'),
    certs,
  });
}

before(async () => {
  server = await Server.start();
  merchant = server.sandbox;
  platformKey = server.pem('platform_public_key_path');
  wxpay = pointed({ [merchant.platform_public_key_id]: platformKey });
  headers = { 'Wechatpay-Serial': merchant.platform_public_key_id };
  const notified = new Promise((heard) => {
    address = createServer((request, answer) => {
      let body = '';
      request.setEncoding('utf8').on('data', (part) => { body += part; }).on('end', () => {
        answer.writeHead(204).end();
        heard({ headers: request.headers, body });
      });
    });
  });
  came = () => notified;
  await new Promise((open) => address.listen(0, '127.0.0.1', open));
});

after(async () => {
  address?.close();
  if (server) {
    server.prove();
    await server.stop();
  }
});

function order(more = {}) {
  return {
    mchid: merchant.mchid,
    appid: merchant.appid,
    out_trade_no: `NODE_${randomBytes(8).toString('hex')}`,
    description: '两杯茶',
    notify_url: `http://127.0.0.1:${address.address().port}/notify`,
    amount: { total: 100 },
    ...more,
  };
}

test('the Node SDK places an order, queries it and decrypts the notification', async () => {
  const asked = order();
  const placed = await wxpay.v3.pay.transactions.native.post(asked, { headers });
  assert.equal(placed.status, 200);
  assert.equal(placed.headers['wechatpay-serial'], merchant.platform_public_key_id);
  await server.post('/sandbox/v1/payments', { openid: merchant.payer_openid, code_url: placed.data.code_url });

  const { headers: signed, body } = await came();
  const text = Formatter.response(signed['wechatpay-timestamp'], signed['wechatpay-nonce'], body);
  assert.ok(Rsa.verify(text, signed['wechatpay-signature'], platformKey), 'the SDK verifies the notification');
  const { event_type, resource } = JSON.parse(body);
  assert.equal(event_type, 'TRANSACTION.SUCCESS');
  const { ciphertext, nonce, associated_data } = resource;
  const told = JSON.parse(Aes.AesGcm.decrypt(ciphertext, merchant.apiv3_key, nonce, associated_data));
  const query = await wxpay.v3.pay.transactions.outTradeNo._out_trade_no_.get({
    params: { mchid: merchant.mchid }, out_trade_no: asked.out_trade_no, headers,
  });
  assert.equal(query.data.trade_state, 'SUCCESS');
  assert.deepEqual(told, query.data);
});

test('the Node SDK closes an order and takes the signed 204', async () => {
  const asked = order();
  await wxpay.v3.pay.transactions.native.post(asked, { headers });
  const closed = await wxpay.v3.pay.transactions.outTradeNo._out_trade_no_.close.post(
    { mchid: merchant.mchid }, { out_trade_no: asked.out_trade_no, headers },
  );
  assert.equal(closed.status, 204);
});

test('the Node SDK encrypts for the platform and decrypts what comes back', async () => {
  const sealed = Rsa.encrypt('暗号 42', platformKey);
  const body = { echo_message: '明文', encrypted_echo_message: sealed };
  const { data } = await wxpay.v3.security.echo.post(body, { headers });
  assert.equal(data.echo_message, '明文');
  const key = server.pem('merchant_private_key_path');
  assert.equal(Rsa.decrypt(data.encrypted_echo_message, key), '暗号 42');
});

test('the Node SDK refuses an answer that another key signed', async () => {
  const foreign = pointed({ [merchant.platform_public_key_id]: server.pem('merchant_certificate_path') });
  await assert.rejects(foreign.v3.pay.transactions.native.post(order(), { headers }), (error) => {
    assert.match(String(error), /Verify the response's data with: .* failed/);
    return true;
  });
});
