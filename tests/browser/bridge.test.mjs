// The bridge for JSAPI pages and apps, and signing in to a merchant's page.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { open } from './lib/browser.mjs';
import { Payer, codeSentTo } from './lib/payer.mjs';
import { proveAfterwards, world } from './lib/world.mjs';

const it = world();

const query = (fields) => new URLSearchParams(fields).toString();

/** A JSAPI order of this payer's, and what the page hands to the bridge. */
async function jsapi(total) {
  const order = await it.merchant.order('jsapi', total, { payer: { openid: it.server.sandbox.payer_openid } });
  return { ...order, call: it.merchant.invoke(order.prepay_id) };
}

/** The sandbox's own payer, whose openid the merchant has. */
async function owner() {
  const { payer_phone: phone } = it.server.sandbox;
  await it.server.advance(61);
  const payer = new Payer(it.server, await open(it.browser), phone);
  await payer.post('/wallet/sign-in', '/wallet/sign-in/code', { phone });
  await payer.post(null, '/wallet/sign-in', { phone, code: await codeSentTo(it.server, phone) });
  return payer;
}

test('r_fin_04 a JSAPI page is paid and gets the result on its return page', async () => {
  const payer = await owner();
  const order = await jsapi(5_20);
  const back = `${it.shop.url}/cart?id=9`;
  await payer.go(`/pay/jsapi?${query({ ...order.call, redirect_url: back })}`);
  assert.equal(await payer.text('amount'), '¥5.20');
  await payer.pay(it.server.sandbox.payer_pin);
  await payer.at('paid').waitFor();
  await payer.at('back-to-merchant').click();
  await payer.page.waitForURL(`${back}&result=ok`);
  await it.mustBePaidOnce(payer, order.out_trade_no, 5_20);
  assert.deepEqual(payer.page.complaints, []);
  await payer.close();
});

test('WeixinJSBridge on the merchant’s page opens a window and hears ok or cancel', async () => {
  const payer = await owner();
  for (const [wanted, act] of [
    ['ok', async (window) => {
      await window.locator('[data-testid=pin]').fill(it.server.sandbox.payer_pin);
      await window.locator('[data-testid=pay]').click();
    }],
    ['cancel', (window) => window.locator('[data-testid=leave]').click()],
    ['cancel', (window) => window.close()],
  ]) {
    const order = await jsapi(1_00);
    it.shop.pages.set('/pay', `<script src="${payer.url('/assets/jsapi.js')}"></script>
      <button onclick='WeixinJSBridge.invoke("getBrandWCPayRequest", ${JSON.stringify(order.call)},
        (answer) => { document.title = answer.err_msg; })'>Pay</button>`);
    await payer.page.goto(`${it.shop.url}/pay`);
    const [window] = await Promise.all([payer.page.waitForEvent('popup'), payer.page.click('button')]);
    await window.locator('[data-testid=pay]').waitFor();
    await act(window);
    await payer.page.waitForFunction((end) => document.title === `get_brand_wcpay_request:${end}`, wanted);
    if (!window.isClosed()) await window.close();
  }
  await payer.close();
});

test('r_fin_06 an app hands its order over and gets the payer back', async () => {
  const payer = await it.payer({ balance: 9_00 });
  const order = await it.merchant.order('app', 2_50);
  const call = it.merchant.invokeApp(order.prepay_id);
  await payer.go(`/pay/app?${query({ ...call, redirect_url: `${it.shop.url}/app` })}`);
  await payer.at('leave').click();
  assert.match(await payer.at('back-to-merchant').getAttribute('href'), /\/app\?result=cancel$/);
  await payer.at('pay-again').click();
  await payer.pay();
  await payer.at('paid').waitFor();
  assert.match(await payer.at('back-to-merchant').getAttribute('href'), /\/app\?result=ok$/);
  await it.mustBePaidOnce(payer, order.out_trade_no, 2_50);
  await payer.close();
});

test('a call that the merchant did not sign, or that names another application, is refused', async () => {
  const payer = await it.payer({ balance: 9_00 });
  const order = await it.merchant.order('app', 2_50);
  const call = it.merchant.invokeApp(order.prepay_id);
  const wrong = async (fields) => {
    const answer = await payer.go(`/pay/app?${query({ ...call, ...fields })}`);
    assert.equal(answer.status(), 400);
    return payer.text('problem');
  };
  assert.match(await wrong({ noncestr: 'another' }), /签名没有通过/);
  assert.match(await wrong({ partnerid: '1900000009' }), /partnerid/);
  assert.match(await wrong({ appid: 'wx0000000000000000' }), /appid/);
  assert.match(await wrong({ prepayid: `${call.prepayid.slice(0, -2)}zz` }), /prepay_id/);
  await it.mustBeUnpaid(order.out_trade_no);
  await payer.close();
});

test('an order placed for one payer is not paid by another', async () => {
  const payer = await it.payer({ balance: 9_00 });
  const order = await jsapi(1_00);
  const answer = await payer.go(`/pay/jsapi?${query(order.call)}`);
  assert.equal(answer.status(), 403);
  assert.match(await payer.text('problem'), /另一个账户/);
  await payer.close();
});

test('a payer agrees to be known to an application, and nobody else’s address gets the code', async () => {
  const payer = await it.payer();
  // No server listens there; the browser answers in its place.
  await payer.page.route('http://127.0.0.1:3000/**', (route) => route.fulfill({ body: 'home' }));
  const asked = {
    appid: it.server.sandbox.appid,
    redirect_uri: 'http://127.0.0.1:3000/in',
    response_type: 'code',
    scope: 'snsapi_userinfo',
    state: '飞&1',
  };
  await payer.go(`/connect/oauth2/authorize?${query(asked)}`);
  await payer.at('agree').click();
  await payer.page.waitForURL('http://127.0.0.1:3000/in?**');
  const gone = new URL(payer.page.url()).searchParams;
  assert.match(gone.get('code'), /^[A-Za-z0-9]{32}$/);
  assert.equal(gone.get('state'), '飞&1');
  const foreign = await payer.go(`/connect/oauth2/authorize?${query({ ...asked, redirect_uri: 'http://evil.example/' })}`);
  assert.equal(foreign.status(), 400);
  assert.match(await payer.text('problem'), /没有在这个应用登记/);
  await payer.close();
});

proveAfterwards(it);
