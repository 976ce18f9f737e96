// Every page of the wallet, in the order in which a payer meets them. Each journey calls `look(name, payer)` with
// the page on the screen; the tests check it there, the screenshots take its picture.

import { open } from './browser.mjs';
import { PIN, Payer, cardEnding, codeSentTo, newPhone } from './payer.mjs';

const WRONG_PIN = '147036';

async function account(world, look, options) {
  const payer = new Payer(world.server, await open(world.browser, options), newPhone());
  await payer.go('/wallet');
  await look('sign-in', payer);
  await payer.at('phone').fill('1380013');
  await payer.at('send-code').click();
  await payer.at('error').waitFor();
  await look('sign-in-error', payer);
  await payer.at('phone').fill(payer.phone);
  await payer.at('send-code').click();
  await payer.at('code').waitFor();
  await look('code', payer);
  const code = await codeSentTo(world.server, payer.phone);
  await payer.at('code').fill(code === '111111' ? '222222' : '111111');
  await payer.at('sign-in').click();
  await payer.at('error').waitFor();
  await look('code-error', payer);
  await payer.at('code').fill(code);
  await payer.at('sign-in').click();
  await payer.at('pin-new').waitFor();
  await look('pin-set', payer);
  await payer.at('pin-new').fill('123456');
  await payer.at('pin-again').fill('123456');
  await payer.at('pin-save').click();
  await payer.at('error').waitFor();
  await look('pin-set-error', payer);
  await payer.at('pin-new').fill(PIN);
  await payer.at('pin-again').fill(PIN);
  await payer.at('pin-save').click();
  await payer.at('balance').waitFor();
  await look('home-empty', payer);
  await payer.go('/wallet/bills');
  await look('bills-empty', payer);
  await payer.go('/wallet/cards');
  await look('cards-empty', payer);
  await payer.at('bind-card').click();
  await payer.at('card-number').waitFor();
  await look('card-new', payer);
  await payer.at('card-number').fill('6212345678901233');
  await payer.at('bind').click();
  await payer.at('error').waitFor();
  await look('card-new-error', payer);
  await payer.at('card-number').fill('6212 3456 7890 1232');
  await payer.at('bind').click();
  await payer.at('card').waitFor();
  await payer.bind(cardEnding('0135'));
  await payer.bind(cardEnding('0002'));
  await payer.go('/wallet/cards');
  await look('cards', payer);
  await payer.go('/wallet/top-up');
  await look('top-up', payer);
  await payer.at('amount').fill('60000');
  await payer.at('pin').fill(PIN);
  await payer.at('top-up').click();
  await payer.at('error').waitFor();
  await look('top-up-error', payer);
  await payer.choose('1232');
  await payer.at('amount').fill('3888.50');
  await payer.at('pin').fill(PIN);
  await payer.at('top-up').click();
  await payer.at('top-up-done').waitFor();
  await look('top-up-done', payer);
  await payer.go('/wallet/top-up');
  await payer.choose('0135');
  await payer.at('amount').fill('12');
  await payer.at('pin').fill(PIN);
  await payer.at('top-up').click();
  await payer.page.locator('main[data-state="unknown"]').waitFor();
  await look('top-up-unknown', payer);
  return payer;
}

async function settings(world, look, payer) {
  await payer.go('/wallet/settings');
  await look('settings', payer);
  await payer.go('/wallet/identity');
  await look('identity', payer);
  for (const channel of ['identity-card', 'face-to-face']) {
    await payer.at(`pass-${channel}`).click();
    await payer.at(`pass-${channel}`).waitFor({ state: 'detached' });
  }
  await look('identity-three', payer);
  await payer.go('/wallet/pin?next=/wallet/settings');
  await look('pin-change', payer);
  await payer.at('pin-old').fill(PIN);
  await payer.at('pin-new').fill(PIN);
  await payer.at('pin-again').fill(PIN);
  await payer.at('pin-save').click();
  await payer.at('pin-done').waitFor();
  await look('pin-changed', payer);
}

async function cashier(world, look, payer) {
  const order = await world.merchant.order('native', 36_80);
  await payer.go('/pay/scan');
  await look('scan', payer);
  await payer.at('scan-text').fill('https://example.com/');
  await payer.at('scan-go').click();
  await payer.at('error').waitFor();
  await look('scan-error', payer);
  await payer.scan(order.code_url);
  await payer.at('pay').waitFor();
  await look('cashier', payer);
  await payer.pay(WRONG_PIN);
  await payer.at('error').waitFor();
  await look('cashier-wrong-pin', payer);
  await payer.at('leave').click();
  await payer.at('pay-again').waitFor();
  await look('left', payer);
  await payer.at('pay-again').click();
  await payer.pay();
  await payer.at('paid').waitFor();
  await look('paid', payer);
  await payer.at('help').locator('summary').click();
  await look('paid-help', payer);
  const whole = await world.merchant.combined('native', [12_34, 25_00, 3_66]);
  await payer.scan(whole.code_url);
  await look('cashier-together', payer);
  await payer.pay();
  await payer.at('paid').waitFor();
  await look('paid-together', payer);
  await payer.page.locator('a[href^="/wallet/bills/"]').click();
  await payer.at('together').waitFor();
  await look('bill-together', payer);
  const dear = await world.merchant.order('native', 999_999_99, { description: '定制家具全屋套餐（含设计、安装与三年质保）'.repeat(2) });
  await payer.scan(dear.code_url);
  await payer.at('source-card').first().waitFor();
  await look('cashier-dear', payer);
}

async function h5(world, look, payer) {
  const order = await world.merchant.order('h5', 18_00);
  await payer.page.goto(`${order.h5_url}&redirect_url=${encodeURIComponent(`${world.shop.url}/thanks`)}`);
  await payer.at('pay').waitFor();
  await look('h5', payer);
  await payer.pay();
  await payer.at('paid').waitFor();
  await look('h5-paid', payer);
}

async function poor(world, look, payer) {
  const other = await world.payer(payer.options);
  const order = await world.merchant.order('native', 8_00);
  await other.scan(order.code_url);
  await other.at('cashier-bind').waitFor();
  await look('cashier-nothing', other);
  await other.close();
}

async function code(world, look, payer) {
  await payer.go('/wallet/code');
  await payer.page.locator('.bright summary').click();
  const digits = (await payer.text('payment-code')).replace(/\s/g, '');
  await look('payment-code', payer);
  // The code's page would go on by itself; home tells of the payment as well.
  await payer.go('/wallet');
  await world.merchant.scan(digits, 1_280_00);
  await payer.go('/wallet');
  await payer.at('to-confirm').waitFor();
  await look('home-to-confirm', payer);
  await payer.at('to-confirm').click();
  await payer.at('pay').waitFor();
  await look('code-confirm', payer);
  await payer.pay(WRONG_PIN);
  await payer.at('error').waitFor();
  await look('code-confirm-error', payer);
  await payer.pay();
  await payer.at('paid').waitFor();
  await look('code-paid', payer);
}

async function bank(world, look, payer) {
  const pay = async (tail) => {
    const order = await world.merchant.order('native', 66_00);
    await payer.scan(order.code_url);
    await payer.choose(tail);
    await payer.pay();
  };
  await pay('0135');
  await payer.page.locator('main[data-state="unknown"]').waitFor();
  await look('bank-unknown', payer);
  await pay('0002');
  await payer.at('declined').waitFor();
  await look('bank-declined', payer);
}

async function bills(world, look, payer) {
  await payer.go('/wallet');
  await look('home', payer);
  await payer.go('/wallet/bills');
  await look('bills', payer);
  await payer.at('bill').first().click();
  await payer.at('number').waitFor();
  await look('bill', payer);
  await payer.go('/wallet/bills');
  await payer.at('bill').last().click();
  await payer.at('number').waitFor();
  await look('bill-top-up', payer);
}

async function problems(world, look, payer) {
  await payer.go('/wallet/nowhere');
  await look('problem-no-page', payer);
  const closed = await world.merchant.order('native', 1_00);
  await world.merchant.close(closed.out_trade_no);
  await payer.scan(closed.code_url);
  await payer.at('problem').waitFor();
  await look('problem-closed', payer);
  const soon = new Date((world.server.now() + 65) * 1000).toISOString().replace(/\.\d+Z/, '+00:00');
  const expired = await world.merchant.order('native', 1_00, { time_expire: soon });
  await world.server.advance(70);
  await payer.scan(expired.code_url);
  await payer.at('problem').waitFor();
  await look('problem-expired', payer);
  const jsapi = await world.merchant.order('jsapi', 1_00, { payer: { openid: world.server.sandbox.payer_openid } });
  const call = { ...world.merchant.invoke(jsapi.prepay_id), nonceStr: 'other', redirect_url: `${world.shop.url}/cart` };
  await payer.go(`/pay/jsapi?${new URLSearchParams(call)}`);
  await look('problem-pay-sign', payer);
  const asked = {
    appid: world.server.sandbox.appid,
    redirect_uri: 'http://127.0.0.1:3000/in',
    response_type: 'code',
    scope: 'snsapi_userinfo',
  };
  await payer.go(`/connect/oauth2/authorize?${new URLSearchParams(asked)}`);
  await look('authorise', payer);
}

/** Walks through all of them in a fresh browser. */
export async function walk(world, look, options = {}) {
  const payer = await account(world, look, options);
  payer.options = options;
  for (const journey of [settings, cashier, h5, poor, code, bank, bills, problems]) await journey(world, look, payer);
  await payer.close();
}
