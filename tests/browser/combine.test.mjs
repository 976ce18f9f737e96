// Combined orders (合单): several merchants' orders that the payer pays with one confirmation.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { open } from './lib/browser.mjs';
import { Payer, PIN, codeSentTo } from './lib/payer.mjs';
import { world } from './lib/world.mjs';

const it = world();
const AMOUNTS = [12_34, 25_00, 3_66];
const TOTAL = '¥41.00';

/** Every merchant has all of its money, the payer is told of one payment, and the merchant of one too. */
async function mustBePaidTogether(payer, whole) {
  const paid = await it.merchant.queryWhole(whole.combine_out_trade_no);
  assert.deepEqual(paid.sub_orders.map((part) => part.trade_state), ['SUCCESS', 'SUCCESS', 'SUCCESS']);
  assert.deepEqual(paid.sub_orders.map((part) => part.amount.payer_amount), AMOUNTS);
  const sent = () => it.merchant.notifications(whole.combine_out_trade_no);
  await payer.until(async () => (await sent()).every(({ state }) => state === 'delivered'), 'the notification is delivered');
  assert.deepEqual((await sent()).map((each) => each.event_type), ['TRANSACTION.SUCCESS']);
  return paid;
}

test('r_fin_63 a scanned combined code is paid in at most three steps, and shows who gets what', async () => {
  const payer = await it.payer({ balance: 50_00 });
  const whole = await it.merchant.combined('native', AMOUNTS);
  let steps = 0;
  const step = async (act) => {
    steps += 1;
    await act();
  };
  await payer.go('/pay/scan');
  await payer.at('scan-text').fill(whole.code_url);
  await step(() => payer.at('scan-go').click());
  assert.equal(await payer.text('amount'), TOTAL);
  assert.equal(await payer.text('payee'), '3 家商户');
  const parts = await payer.at('part').allInnerTexts();
  assert.deepEqual(parts.map((part) => /¥[0-9.]+/.exec(part)[0]), ['¥12.34', '¥25.00', '¥3.66']);
  assert.match(parts[0], /飞钱咖啡/);
  await step(() => payer.at('pin').fill(PIN));
  await step(() => payer.at('pay').click());
  await payer.at('paid').waitFor();
  assert.ok(steps <= 3, `${steps} steps`);
  assert.equal(await payer.text('amount'), TOTAL);
  const paid = await mustBePaidTogether(payer, whole);
  assert.equal(await payer.text('number'), paid.combine_transaction_id);
  assert.equal(await payer.balance(), '¥9.00');

  // The bill has each order, marked, and leads from one to the others.
  await payer.go('/wallet/bills');
  assert.equal(await payer.at('together').count(), 3);
  await payer.at('bill').first().click();
  assert.equal(await payer.at('together').locator('li').count(), 2);
  assert.match(await payer.text('together'), /¥41\.00/);
  assert.deepEqual(payer.page.complaints, []);
  await payer.close();
});

test('a combined H5 link is paid and leads back to the shop', async () => {
  const payer = await it.payer({ balance: 50_00 });
  const whole = await it.merchant.combined('h5', AMOUNTS);
  const back = `${it.shop.url}/thanks?cart=8`;
  await payer.page.goto(`${whole.h5_url}&redirect_url=${encodeURIComponent(back)}`);
  assert.equal(await payer.text('amount'), TOTAL);
  await payer.pay();
  await payer.at('paid').waitFor();
  await payer.at('back-to-merchant').click();
  await payer.page.waitForURL(back);
  await mustBePaidTogether(payer, whole);
  await payer.close();
});

test('a combined JSAPI page is paid through the bridge', async () => {
  const { payer_phone: phone, payer_openid: openid, payer_pin } = it.server.sandbox;
  await it.server.advance(61);
  const payer = new Payer(it.server, await open(it.browser), phone);
  await payer.post('/wallet/sign-in', '/wallet/sign-in/code', { phone });
  await payer.post(null, '/wallet/sign-in', { phone, code: await codeSentTo(it.server, phone) });
  const whole = await it.merchant.combined('jsapi', AMOUNTS, { combine_payer_info: { openid } });
  const back = `${it.shop.url}/cart`;
  const call = { ...it.merchant.invoke(whole.prepay_id), redirect_url: back };
  await payer.go(`/pay/jsapi?${new URLSearchParams(call)}`);
  assert.equal(await payer.text('amount'), TOTAL);
  await payer.pay(payer_pin);
  await payer.at('paid').waitFor();
  await payer.at('back-to-merchant').click();
  await payer.page.waitForURL(`${back}?result=ok`);
  await mustBePaidTogether(payer, whole);
  await payer.close();
});

test('none is paid when the balance is too little', async () => {
  const payer = await it.payer({ balance: 40_99 });
  const whole = await it.merchant.combined('native', AMOUNTS);
  await payer.scan(whole.code_url);
  assert.equal(await payer.at('source-balance').isDisabled(), true);
  const stands = await it.merchant.queryWhole(whole.combine_out_trade_no);
  assert.deepEqual(stands.sub_orders.map((part) => part.trade_state), ['NOTPAY', 'NOTPAY', 'NOTPAY']);
  await payer.close();
});
