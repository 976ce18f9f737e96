// A payer's account: signing up, PIN, cards, top-up, bills, settings, language.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { open } from './lib/browser.mjs';
import { PIN, Payer, cardEnding, codeSentTo, newPhone } from './lib/payer.mjs';
import { proveAfterwards, world } from './lib/world.mjs';

const it = world();

test('somebody new signs up, sets a PIN, binds a card and tops up', async () => {
  const page = await open(it.browser);
  const payer = new Payer(it.server, page, newPhone());
  await payer.go('/wallet');
  await payer.at('phone').fill('12345');
  await payer.at('send-code').click();
  assert.match(await payer.text('error'), /11 位/);
  await payer.at('phone').fill(payer.phone);
  await payer.at('send-code').click();
  const code = await codeSentTo(it.server, payer.phone);
  await payer.at('code').fill(code === '111111' ? '222222' : '111111');
  await payer.at('sign-in').click();
  assert.match(await payer.text('error'), /还可以再试 2 次/);
  await payer.at('code').fill(code);
  await payer.at('sign-in').click();

  const setPin = async (pin, again) => {
    await payer.at('pin-new').fill(pin);
    await payer.at('pin-again').fill(again);
    await payer.at('pin-save').click();
  };
  await setPin('123456', '123456');
  assert.match(await payer.text('error'), /太容易猜到/);
  await setPin(PIN, '258148');
  assert.match(await payer.text('error'), /不一致/);
  await setPin(PIN, PIN);
  assert.equal(await payer.text('balance'), '¥0.00');

  await payer.at('setup-card').click();
  await payer.at('card-number').fill('6212345678901233');
  await payer.at('bind').click();
  assert.match(await payer.text('error'), /卡号不对/);
  await payer.at('card-number').fill('6212345678901232');
  await payer.at('bind').click();
  assert.match(await payer.text('card'), /1232/);
  assert.doesNotMatch(await page.content(), /6212345678901232/);

  await payer.go('/wallet');
  await payer.at('go-top-up').click();
  await payer.at('amount').fill('0');
  await payer.at('pin').fill(PIN);
  await payer.at('top-up').click();
  assert.match(await payer.text('error'), /大于零/);
  await payer.at('amount').fill('88.50');
  await payer.at('pin').fill(PIN);
  await payer.at('top-up').click();
  await payer.at('top-up-done').waitFor();
  await payer.at('go-on').click();
  assert.equal(await payer.text('balance'), '¥88.50');
  assert.match(await payer.text('bill'), /\+¥88\.50/);
  assert.deepEqual(page.complaints, []);
  await payer.close();
});

test('bills list a payment and its detail tells how it came about', async () => {
  const payer = await it.payer({ balance: 20_00 });
  const order = await it.merchant.order('native', 7_77);
  await payer.scan(order.code_url);
  await payer.pay();
  await payer.at('paid').waitFor();
  await payer.go('/wallet/bills');
  assert.equal(await payer.at('bill').count(), 2);
  const newest = await payer.at('bill').first().innerText();
  assert.match(newest, /飞钱咖啡/);
  assert.match(newest, /-¥7\.77/);
  await payer.at('bill').first().click();
  assert.equal(await payer.text('amount'), '-¥7.77');
  assert.equal(await payer.text('number'), (await it.merchant.query(order.out_trade_no)).transaction_id);
  const steps = await payer.page.locator('.timeline li').allInnerTexts();
  assert.ok(steps.some((step) => step.includes('商户下单')), steps.join('|'));
  assert.ok(steps.some((step) => step.includes('输入支付密码确认付款') && step.includes('您')), steps.join('|'));
  // Nobody else sees it.
  const bill = payer.page.url();
  const other = await it.payer();
  const answer = await other.page.goto(bill);
  assert.equal(answer.status(), 404);
  await other.close();
  await payer.close();
});

test('twenty-five bills come a page at a time', async () => {
  const payer = await it.payer({ balance: 30_00 });
  for (let n = 0; n < 24; n += 1) {
    const order = await it.merchant.order('native', 1_00);
    const target = `/pay/code?pr=${encodeURIComponent(order.code_url)}`;
    await payer.post(target, '/pay/confirm', { source: 'balance', pin: PIN });
  }
  await payer.go('/wallet/bills');
  const first = await payer.at('bill').count();
  assert.ok(first < 25, `${first} on one page`);
  await payer.at('older').click();
  await payer.page.waitForURL('**/wallet/bills?from=*');
  assert.equal(first + await payer.at('bill').count(), 25);
  await payer.close();
});

test('a PIN is changed with the old one, and from then on only the new one pays', async () => {
  const payer = await it.payer({ balance: 20_00 });
  await payer.go('/wallet/settings');
  await payer.at('go-pin').click();
  await payer.at('pin-old').fill('147036');
  await payer.at('pin-new').fill('836251');
  await payer.at('pin-again').fill('836251');
  await payer.at('pin-save').click();
  assert.match(await payer.text('error'), /还可以再试/);
  await payer.at('pin-old').fill(PIN);
  await payer.at('pin-new').fill('836251');
  await payer.at('pin-again').fill('836251');
  await payer.at('pin-save').click();
  await payer.at('pin-done').waitFor();
  const order = await it.merchant.order('native', 1_00);
  await payer.scan(order.code_url);
  await payer.pay(PIN);
  await payer.at('error').waitFor();
  await payer.pay('836251');
  await payer.at('paid').waitFor();
  await payer.close();
});

test('the browser’s language is spoken until another is chosen, which is kept', async () => {
  const payer = await it.payer({ language: 'en-GB' });
  await payer.go('/wallet');
  assert.equal(await payer.page.getAttribute('html', 'lang'), 'en');
  await payer.at('language').click();
  assert.equal(await payer.page.getAttribute('html', 'lang'), 'zh-CN');
  await payer.go('/wallet/bills');
  assert.equal(await payer.page.getAttribute('html', 'lang'), 'zh-CN');
  await payer.close();
});

test('signing out ends the session', async () => {
  const payer = await it.payer();
  await payer.go('/wallet/settings');
  const cookies = await payer.page.context().cookies();
  assert.ok(cookies.length > 0 && cookies.every((cookie) => cookie.httpOnly), JSON.stringify(cookies));
  await payer.at('sign-out').click();
  await payer.at('phone').waitFor();
  // The cookie of before opens nothing any more.
  await payer.page.context().addCookies(cookies);
  await payer.go('/wallet');
  await payer.at('phone').waitFor();
  await payer.close();
});

test('a card that is bound already is not bound twice', async () => {
  const payer = await it.payer({ cards: ['0000'] });
  await payer.go('/wallet/cards/new');
  await payer.at('card-number').fill(cardEnding('0000'));
  await payer.at('bind').click();
  assert.match(await payer.text('error'), /已经绑定/);
  await payer.close();
});

proveAfterwards(it);
