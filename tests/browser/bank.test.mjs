// Paying and topping up by card: the bank says yes, says no, or does not say.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { PIN } from './lib/payer.mjs';
import { proveAfterwards, world } from './lib/world.mjs';

const it = world();

/** Pays a fresh order with the payer's only card. */
async function payByCard(payer, total) {
  const order = await it.merchant.order('native', total);
  await payer.scan(order.code_url);
  await payer.at('source-card').check();
  await payer.pay();
  return order;
}

test('a card pays an order', async () => {
  const payer = await it.payer({ cards: ['0000'] });
  const order = await payByCard(payer, 45_60);
  await payer.at('paid').waitFor();
  await it.mustBePaidOnce(payer, order.out_trade_no, 45_60);
  await payer.close();
});

test('r_ops_26 a slow bank is waited for, and the page goes on by itself', async () => {
  const payer = await it.payer({ cards: ['0101'] });
  const order = await payByCard(payer, 1_00);
  await payer.page.waitForURL('**/pay/waiting/**');
  assert.match(await payer.text('wait-state'), /正在等银行答复/);
  await payer.at('paid').waitFor();
  await it.mustBePaidOnce(payer, order.out_trade_no, 1_00);
  await payer.close();
});

test('r_ops_14 r_fin_66 a bank that declines takes nothing, and the order can be paid another way', async () => {
  const payer = await it.payer({ cards: ['0002'] });
  const order = await payByCard(payer, 1_00);
  await payer.at('declined').waitFor();
  const said = await payer.page.locator('main').innerText();
  assert.match(said, /卡内余额不足/);
  assert.match(said, /没有扣款/);
  await it.mustBeUnpaid(order.out_trade_no);
  await payer.at('pay-again').click();
  await payer.at('pay').waitFor();
  await payer.close();
});

test('r_ops_14 an unknown outcome is called unknown, is not paid twice, and ends when the bank knows', async () => {
  const payer = await it.payer({ balance: 0, cards: ['0119'] });
  const order = await payByCard(payer, 9_00);
  await payer.page.locator('main[data-state="unknown"]').waitFor();
  assert.match(await payer.text('wait-state'), /银行还没有给出结果/);
  const said = await payer.page.locator('main').innerText();
  assert.match(said, /不会重复扣款/);
  assert.match(said, /请不要换别的方式再付/);
  assert.match(said, /已询问银行 \d+ 次/);
  assert.match(await payer.text('number'), /\d+/);
  assert.notEqual((await it.merchant.query(order.out_trade_no)).trade_state, 'SUCCESS');
  assert.deepEqual(await it.merchant.notifications(order.out_trade_no), []);
  // Scanning again leads back to the wait, not to a second payment.
  await payer.scan(order.code_url);
  await payer.page.waitForURL('**/pay/waiting/**');
  // The bank knows after half a minute; the page notices by itself.
  await it.server.advance(120);
  await payer.at('paid').waitFor();
  await it.mustBePaidOnce(payer, order.out_trade_no, 9_00);
  await payer.close();
});

test('a top-up that the bank declines leaves the balance as it was', async () => {
  const payer = await it.payer({ cards: ['0005'] });
  await payer.go('/wallet/top-up');
  await payer.at('amount').fill('50');
  await payer.at('pin').fill(PIN);
  await payer.at('top-up').click();
  await payer.at('top-up-declined').waitFor();
  assert.match(await payer.page.locator('main').innerText(), /没有扣款/);
  assert.equal(await payer.balance(), '¥0.00');
  await payer.close();
});

proveAfterwards(it);
