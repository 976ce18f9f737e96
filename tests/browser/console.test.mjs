// The consoles: signing in with two factors, finding an order, giving money back with somebody's approval.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { mustBeAccessible, mustFit } from './lib/browser.mjs';
import { Staff, totp } from './lib/staff.mjs';
import { proveAfterwards, world } from './lib/world.mjs';

const it = world();

/** An order paid from the sandbox payer's balance. */
async function paid(total) {
  const order = await it.merchant.order('native', total);
  await it.server.post('/sandbox/v1/payments', { openid: it.server.sandbox.payer_openid, code_url: order.code_url });
  return order.out_trade_no;
}

test('the first sign-in takes an own password and a code; the next takes both', async () => {
  const admin = await Staff.open(it, 'admin');
  await admin.enter('not the password at all');
  await admin.at('error').waitFor();
  await admin.settleIn();
  assert.match(await admin.at('who').textContent(), /admin/);
  await admin.at('sign-out').click();
  await admin.at('password').waitFor();
  await admin.enter(admin.password);
  await admin.at('code').fill(totp(admin.secret, -1));
  await admin.at('go').click();
  await admin.at('error').waitFor();
  await admin.at('code').fill(totp(admin.secret, 1));
  await admin.at('go').click();
  await admin.at('who').waitFor();
  await mustBeAccessible(admin.page, 'the orders page');
  await admin.close();
});

test('an order is found, refunded in part, and the large refund approved by somebody else', async () => {
  const number = await paid(4_000_00);
  const small = await paid(12_00);
  const owner = await Staff.open(it, 'owner');
  await owner.settleIn();
  assert.equal(await owner.at('row').count(), 2);
  await owner.page.keyboard.press('/');
  await owner.page.keyboard.type(small);
  await owner.page.keyboard.press('Enter');
  await owner.at('timeline').waitFor();
  assert.equal(await owner.at('amount').first().textContent(), '¥12.00');
  await owner.go('/console/orders?least=100');
  assert.equal(await owner.at('row').count(), 1);
  await owner.at('row').getByRole('link', { name: number }).click();
  await mustBeAccessible(owner.page, 'an order');
  await mustFit(owner.page, 'an order');
  await owner.page.locator('[data-testid=form-refund] [data-testid=amount]').fill('3500');
  await owner.at('refund').click();
  await owner.at('number').waitFor();
  const refund = new URL(owner.page.url()).pathname;
  assert.match(await owner.at('state').textContent(), /待处理/);
  assert.match(await owner.at('note').first().textContent(), /须由他人批准/);
  const finance = await Staff.open(it, 'finance');
  await finance.settleIn();
  await finance.go(refund);
  await finance.at('typed').fill('3500.01');
  await finance.at('approve').click();
  await finance.at('error').waitFor();
  await finance.at('typed').fill('3500');
  await finance.at('approve').click();
  const done = finance.page.getByTestId('state').getByText('成功');
  const second = finance.at('approve');
  await done.or(second).first().waitFor();
  assert.match(await finance.at('timeline').textContent(), /批准退款/);
  await owner.close();
  await finance.close();
});

proveAfterwards(it);
