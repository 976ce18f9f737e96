// A merchant's transfer: shown on the wallet's home page, opened by the merchant's link, received with one button.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { test } from 'node:test';

import { PHONE } from './lib/browser.mjs';
import { proveAfterwards, world } from './lib/world.mjs';

const it = world();
const BILLS = '/v3/fund-app/mch-transfer/transfer-bills';

/** A page as it looks on a phone, kept when FEIQIAN_SCREENSHOTS names a folder. */
async function picture(page, name) {
  const folder = process.env.FEIQIAN_SCREENSHOTS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await page.setViewportSize(PHONE);
  await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true, animations: 'disabled' });
}

/** A payer with money who has paid the merchant, and the payer's openid. */
async function customer(total) {
  const payer = await it.payer({ balance: total, identity: true });
  const order = await it.merchant.order('native', total);
  await payer.scan(order.code_url);
  await payer.pay();
  await payer.at('paid').waitFor();
  return { payer, openid: (await it.merchant.query(order.out_trade_no)).payer.openid };
}

async function transfer(openid, amount) {
  return it.merchant.call('POST', BILLS, {
    appid: it.server.sandbox.appid,
    out_bill_no: `T${randomBytes(8).toString('hex')}`,
    transfer_scene_id: '1000',
    openid,
    transfer_amount: amount,
    transfer_remark: '新会员有礼',
    user_recv_perception: '现金奖励',
    transfer_scene_report_infos: [
      { info_type: '活动名称', info_content: '新会员有礼' },
      { info_type: '奖励说明', info_content: '注册会员抽奖一等奖' },
    ],
  });
}

test('a transfer is seen, understood and received', async () => {
  const { payer, openid } = await customer(80_00);
  await it.server.advance(33 * 3600);
  const settled = async () => {
    await it.server.advance(60);
    return (await it.merchant.call('GET', '/v3/merchant/fund/balance/BASIC')).available_amount > 0;
  };
  await payer.until(settled, 'the day is settled');

  const made = await transfer(openid, 6_66);
  assert.equal(made.state, 'WAIT_USER_CONFIRM');
  await payer.go('/wallet');
  assert.match(await payer.text('to-receive'), /6\.66/);
  await picture(payer.page, 'transfer-home');
  await payer.go(`/pay/transfer?package_info=${made.package_info}`);
  assert.match(await payer.text('payee'), /飞钱咖啡/);
  assert.equal(await payer.text('amount'), '¥6.66');
  assert.equal(await payer.text('perception'), '现金奖励');
  assert.equal(await payer.text('scene'), '现金营销');
  assert.match(await payer.page.content(), /注册会员抽奖一等奖/);
  await picture(payer.page, 'transfer-waiting');
  await payer.at('receive').click();
  await payer.at('state').waitFor();
  assert.equal(await payer.text('amount'), '+¥6.66');
  assert.match(await payer.text('state'), /已存入余额/);
  await picture(payer.page, 'transfer-received');
  const done = await it.merchant.call('GET', `${BILLS}/out-bill-no/${made.out_bill_no}`);
  assert.equal(done.state, 'SUCCESS');
  await payer.go('/wallet');
  assert.equal(await payer.text('balance'), '¥6.66');
  assert.equal(await payer.at('to-receive').count(), 0);
  await payer.go('/wallet/bills');
  assert.match(await payer.at('bill').first().innerText(), /\+¥6\.66/);
  await payer.at('bill').first().click();
  await payer.at('number').waitFor();
  assert.equal(await payer.text('number'), made.transfer_bill_no);

  // Cancelled by the merchant while the page is open: said on the page, nothing moves.
  const other = await transfer(openid, 1_00);
  await payer.go(`/pay/transfer?package_info=${other.package_info}`);
  await payer.at('receive').waitFor();
  await it.merchant.call('POST', `${BILLS}/out-bill-no/${other.out_bill_no}/cancel`, {});
  await payer.at('receive').click();
  await payer.at('state').waitFor();
  assert.match(await payer.text('state'), /商户已撤销/);

  // Somebody else's link leads nowhere, and so does a forged one.
  const stranger = await it.payer();
  const third = await transfer(openid, 1_00);
  for (const text of [third.package_info, `${third.package_info.slice(0, -1)}A`, '']) {
    await stranger.go(`/pay/transfer?package_info=${text}`);
    await stranger.at('problem').waitFor();
  }
  await payer.go(`/pay/transfer?package_info=${third.package_info}&lang=en`);
  await payer.at('receive').waitFor();
  await picture(payer.page, 'transfer-waiting-en');
  assert.deepEqual(payer.page.complaints, []);
  await stranger.close();
  await payer.close();
});

proveAfterwards(it);
