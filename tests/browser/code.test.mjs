// The payment code: shown to a till, paid at once when small, confirmed with the PIN when not.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { PIN } from './lib/payer.mjs';
import { proveAfterwards, world } from './lib/world.mjs';

const it = world();

async function shownDigits(payer) {
  await payer.page.locator('.bright summary').click();
  return (await payer.text('payment-code')).replace(/\s/g, '');
}

/** A payer whose code is on the screen, and its digits. */
async function showing(options) {
  const payer = await it.payer(options);
  await payer.go('/wallet/code');
  return [payer, await shownDigits(payer)];
}

const refused = (promise, status, code) => assert.rejects(promise, (error) => {
  assert.deepEqual([error.status, error.code], [status, code], String(error));
  return true;
});

test('r_fin_07 a till scans the code and is paid at once; the phone shows it by itself', async () => {
  const [payer, digits] = await showing({ balance: 20_00 });
  assert.match(digits, /^\d{18}$/);
  for (const picture of ['.bars svg', '.symbol svg']) {
    const box = await payer.page.locator(picture).boundingBox();
    assert.ok(box.width > 150 && box.height > 60, `${picture} is ${box.width} × ${box.height}`);
  }
  assert.match(await payer.page.locator('#left').innerText(), /剩余 \d+ 秒/);
  const sold = await it.merchant.scan(digits, 3_50);
  assert.equal(sold.trade_state, 'SUCCESS');
  await payer.at('paid').waitFor();
  assert.equal(await payer.text('amount'), '¥3.50');
  // The code is used up.
  await refused(it.merchant.scan(digits, 3_50), 400, 'INVALID_REQUEST');
  assert.equal(await payer.balance(), '¥16.50');
  await payer.go('/wallet/code');
  const fresh = await shownDigits(payer);
  assert.notEqual(fresh, digits);
  assert.equal((await it.merchant.scan(fresh, 1_00)).trade_state, 'SUCCESS');
  assert.deepEqual(payer.page.complaints, []);
  await payer.close();
});

test('a code renews itself when its minute is over, and the old one dies', async () => {
  const payer = await it.payer({ balance: 20_00 });
  await payer.page.clock.install();
  await payer.go('/wallet/code');
  const digits = await shownDigits(payer);
  const before = await payer.page.locator('#left').innerText();
  await payer.page.clock.runFor(5_000);
  assert.notEqual(await payer.page.locator('#left').innerText(), before);
  await payer.page.clock.runFor(56_000);
  await payer.page.waitForURL('**/wallet/code?since=*');
  await payer.page.waitForFunction(() => document.readyState === 'complete');
  assert.notEqual(await shownDigits(payer), digits);
  await it.server.advance(75);
  await refused(it.merchant.scan(digits, 1_00), 400, 'INVALID_REQUEST');
  await payer.close();
});

test('above ¥1,000 the phone asks for the PIN', async () => {
  const [payer, digits] = await showing({ balance: 3_000_00, identity: true });
  const sold = await it.merchant.scan(digits, 1_500_00);
  assert.equal(sold.code, 'USERPAYING');
  await payer.page.waitForURL('**/wallet/code/confirm/*');
  assert.equal(await payer.text('amount'), '¥1,500.00');
  await payer.pay('147036');
  assert.match(await payer.text('error'), /还可以再试/);
  assert.equal((await it.merchant.query(sold.out_trade_no)).trade_state, 'USERPAYING');
  await payer.pay();
  await payer.at('paid').waitFor();
  assert.equal((await it.merchant.query(sold.out_trade_no)).trade_state, 'SUCCESS');
  assert.equal(await payer.balance(), '¥1,500.00');
  await payer.close();
});

test('a payer who refuses pays nothing', async () => {
  const [payer, digits] = await showing({ balance: 3_000_00, identity: true });
  const sold = await it.merchant.scan(digits, 1_000_01);
  await payer.page.waitForURL('**/wallet/code/confirm/*');
  await payer.at('refuse').click();
  assert.equal(await payer.text('balance'), '¥3,000.00');
  assert.equal(await payer.at('to-confirm').count(), 0);
  assert.equal((await it.merchant.query(sold.out_trade_no)).trade_state, 'PAYERROR');
  await payer.close();
});

test('without scripts the code is looked after by hand', async () => {
  const [payer, digits] = await showing({ balance: 20_00, scripts: false });
  assert.equal((await it.merchant.scan(digits, 2_00)).trade_state, 'SUCCESS');
  await payer.at('check-now').click();
  await payer.at('paid').waitFor();
  await payer.close();
});

test('with payments without PIN switched off every code payment asks', async () => {
  const payer = await it.payer({ balance: 20_00 });
  await payer.go('/wallet/settings');
  await payer.at('free-pay-off').click();
  await payer.at('free-pay-on').waitFor();
  await payer.go('/wallet/code');
  const digits = await shownDigits(payer);
  // Away from the code's page, which would go on by itself: home tells of the payment as well.
  await payer.go('/wallet');
  const sold = await it.merchant.scan(digits, 1_00);
  assert.equal(sold.code, 'USERPAYING');
  await payer.go('/wallet');
  await payer.at('to-confirm').click();
  await payer.pay(PIN);
  await payer.at('paid').waitFor();
  await payer.close();
});

proveAfterwards(it);
