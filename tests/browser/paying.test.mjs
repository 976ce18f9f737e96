// The cashier: orders paid by a scanned or pasted code and by H5, and every reason not to pay.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { PIN, codeSentTo } from './lib/payer.mjs';
import { proveAfterwards, world } from './lib/world.mjs';

const it = world();

test('t_30 r_fin_63 a pasted code is paid in at most three steps', async () => {
  const payer = await it.payer({ balance: 50_00 });
  const order = await it.merchant.order('native', 12_34);
  let steps = 0;
  const step = async (act) => {
    steps += 1;
    await act();
  };
  await payer.go('/pay/scan');
  await payer.at('scan-text').fill(order.code_url);
  await step(() => payer.at('scan-go').click());
  assert.equal(await payer.text('amount'), '¥12.34');
  assert.match(await payer.text('payee'), /飞钱咖啡/);
  await step(() => payer.at('pin').fill(PIN));
  await step(() => payer.at('pay').click());
  await payer.at('paid').waitFor();
  assert.ok(steps <= 3, `${steps} steps`);
  assert.equal(await payer.text('amount'), '¥12.34');
  const paid = await it.merchant.query(order.out_trade_no);
  assert.equal(await payer.text('number'), paid.transaction_id);
  await it.mustBePaidOnce(payer, order.out_trade_no, 12_34);
  assert.equal(await payer.balance(), '¥37.66');
  assert.deepEqual(payer.page.complaints, []);
  await payer.close();
});

test('the key pad types the PIN, and echoes no digit', async () => {
  const payer = await it.payer({ balance: 5_00 });
  const order = await it.merchant.order('native', 1_00);
  await payer.scan(order.code_url);
  const key = (label) => payer.page.locator('.pad button', { hasText: label });
  for (const digit of PIN) await key(digit).click();
  await key('⌫').click();
  await key(PIN.at(-1)).click();
  assert.equal(await payer.at('pin').getAttribute('type'), 'password');
  await payer.at('pay').click();
  await payer.at('paid').waitFor();
  await payer.close();
});

test('r_fin_09 an H5 link signs in, pays and leads back to the shop', async () => {
  const known = await it.payer({ balance: 5_00 });
  await known.page.context().clearCookies();
  const order = await it.merchant.order('h5', 3_21);
  const back = `${it.shop.url}/thanks?cart=7`;
  // A payer's second sign-in comes a minute after the first at the earliest.
  await it.server.advance(61);
  await known.page.goto(`${order.h5_url}&redirect_url=${encodeURIComponent(back)}`);
  await known.at('phone').fill(known.phone);
  await known.at('send-code').click();
  await known.at('code').fill(await codeSentTo(it.server, known.phone));
  await known.at('sign-in').click();
  assert.equal(await known.text('amount'), '¥3.21');
  await known.pay();
  await known.at('paid').waitFor();
  await known.at('back-to-merchant').click();
  await known.page.waitForURL(back);
  assert.equal(await known.page.locator('#at').innerText(), '/thanks?cart=7');
  await it.mustBePaidOnce(known, order.out_trade_no, 3_21);
  await known.close();
});

test('leaving pays nothing and the order can be paid again', async () => {
  const payer = await it.payer({ balance: 5_00 });
  const order = await it.merchant.order('native', 2_00);
  await payer.scan(order.code_url);
  await payer.at('leave').click();
  await payer.at('pay-again').waitFor();
  await it.mustBeUnpaid(order.out_trade_no);
  await payer.at('pay-again').click();
  await payer.pay();
  await payer.at('paid').waitFor();
  await payer.close();
});

test('a wrong PIN says how many tries are left, pays nothing, and locks in the end', async () => {
  const payer = await it.payer({ balance: 5_00 });
  const order = await it.merchant.order('native', 2_00);
  await payer.scan(order.code_url);
  await payer.pay('147036');
  const said = await payer.text('error');
  const left = Number(/还可以再试 (\d+) 次/.exec(said)?.[1]);
  assert.ok(left >= 1, said);
  assert.match(said, /没有扣款/);
  await it.mustBeUnpaid(order.out_trade_no);
  for (let tries = left; tries > 0; tries -= 1) await payer.pay('147036');
  assert.match(await payer.text('error'), /锁定/);
  await payer.pay();
  assert.match(await payer.text('error'), /锁定/);
  await it.mustBeUnpaid(order.out_trade_no);
  assert.equal(await payer.balance(), '¥5.00');
  await payer.close();
});

test('too little money offers a top-up and a card, and either leads back to the order', async () => {
  const payer = await it.payer({ cards: [] });
  const order = await it.merchant.order('native', 8_00);
  await payer.scan(order.code_url);
  assert.ok(await payer.at('source-balance').isDisabled());
  assert.equal(await payer.at('pay').count(), 0);
  await payer.at('cashier-bind').click();
  await payer.at('card-number').fill('6212345678901232');
  await payer.at('bind').click();
  assert.ok(await payer.at('source-card').isChecked());
  await payer.at('cashier-top-up').click();
  await payer.at('amount').fill('10');
  await payer.at('pin').fill(PIN);
  await payer.at('top-up').click();
  await payer.at('top-up-done').waitFor();
  await payer.at('go-on').click();
  assert.ok(await payer.at('source-balance').isChecked());
  await payer.pay();
  await payer.at('paid').waitFor();
  assert.equal(await payer.balance(), '¥2.00');
  await payer.close();
});

test('paid, closed and expired orders say so and take nothing', async () => {
  const payer = await it.payer({ balance: 20_00 });
  const other = await it.payer({ balance: 20_00 });
  const paid = await it.merchant.order('native', 1_00);
  await payer.scan(paid.code_url);
  await payer.pay();
  await payer.at('paid').waitFor();
  // The one who paid sees the receipt again, anybody else that it is paid.
  await payer.scan(paid.code_url);
  await payer.at('paid').waitFor();
  await other.scan(paid.code_url);
  assert.match(await other.text('problem'), /已经付过款/);

  const closed = await it.merchant.order('native', 1_00);
  await payer.scan(closed.code_url);
  await it.merchant.close(closed.out_trade_no);
  await payer.pay();
  assert.match(await payer.text('problem'), /已经结束/);
  await it.mustBeUnpaid(closed.out_trade_no, 'CLOSED');

  const soon = new Date((it.server.now() + 90) * 1000).toISOString().replace(/\.\d+Z/, '+00:00');
  const expired = await it.merchant.order('native', 1_00, { time_expire: soon });
  await payer.scan(expired.code_url);
  await payer.at('pay').waitFor();
  await it.server.advance(100);
  await payer.scan(expired.code_url);
  assert.match(await payer.text('problem'), /付款期限/);
  assert.deepEqual(await it.merchant.notifications(expired.out_trade_no), []);
  assert.equal(await payer.balance(), '¥19.00');
  await payer.close();
  await other.close();
});

test('two clicks, and the same form sent twice, pay once', async () => {
  const payer = await it.payer({ balance: 20_00 });
  const order = await it.merchant.order('native', 6_00);
  await payer.scan(order.code_url);
  await payer.at('pin').fill(PIN);
  const form = await payer.page.$eval('form[action="/pay/confirm"]', (element) => [...new FormData(element)]);
  const send = () => payer.page.request.post(payer.url('/pay/confirm'), { form: Object.fromEntries(form) });
  const answers = await Promise.all([send(), send(), payer.at('pay').dblclick({ noWaitAfter: true })]);
  for (const answer of answers.slice(0, 2)) assert.match(await answer.text(), /data-testid="paid"/);
  await payer.at('paid').waitFor();
  await it.mustBePaidOnce(payer, order.out_trade_no, 6_00);
  assert.equal(await payer.balance(), '¥14.00');
  await payer.close();
});

test('without scripts a pasted code is paid all the same', async () => {
  const payer = await it.payer({ balance: 9_00, scripts: false });
  const order = await it.merchant.order('native', 4_00);
  await payer.go('/wallet');
  await payer.at('go-scan').click();
  await payer.at('scan-text').fill(order.code_url);
  await payer.at('scan-go').click();
  assert.equal(await payer.page.locator('.pad').count(), 0);
  await payer.pay();
  await payer.at('paid').waitFor();
  await it.mustBePaidOnce(payer, order.out_trade_no, 4_00);
  await payer.close();
});

test('a form without the session’s token, or from another site, is refused', async () => {
  const payer = await it.payer({ balance: 9_00 });
  const order = await it.merchant.order('native', 4_00);
  await payer.scan(order.code_url);
  const form = Object.fromEntries(await payer.page.$eval('form[action="/pay/confirm"]', (f) => [...new FormData(f)]));
  const send = (fields, headers = {}) => payer.page.request.post(payer.url('/pay/confirm'), { form: { ...fields, pin: PIN }, headers });
  const { form: _, ...without } = form;
  assert.equal((await send(without)).status(), 403);
  assert.equal((await send({ ...form, form: `${form.form.slice(0, -1)}x` })).status(), 403);
  assert.equal((await send(form, { 'Sec-Fetch-Site': 'cross-site' })).status(), 403);
  assert.equal((await send(form, { Origin: it.shop.url })).status(), 403);
  await it.mustBeUnpaid(order.out_trade_no);
  // A page of the shop that posts by itself gets nowhere either.
  const inputs = Object.entries({ ...form, pin: PIN }).map(([n, v]) => `<input name="${n}" value='${v}'>`).join('');
  it.shop.pages.set('/trap', `<form method="post" action="${payer.url('/pay/confirm')}">${inputs}<button>x</button></form>`);
  await payer.page.goto(`${it.shop.url}/trap`);
  await payer.page.click('button');
  await payer.page.waitForURL('**/pay/confirm');
  await it.mustBeUnpaid(order.out_trade_no);
  await payer.close();
});

proveAfterwards(it);
