// The consoles after a money day: trade of one day, closed, settled and reconciled; the people who sign in; every page.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

import { Staff } from './staff.mjs';

const PATIENCE_MS = 60_000;
const HOUR = 3600;

/** Something that comes true by itself. */
export async function until(check, what) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await check();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await sleep(150);
  }
}

export class Desk {
  people = new Map();

  constructor(world, language = 'zh-CN') {
    Object.assign(this, { world, language });
  }

  /** An order of `total`, paid with a card that ends in `tail`, or from the sandbox payer's balance. */
  async sell(total, tail) {
    const order = await this.world.merchant.order('native', total);
    if (tail === undefined) {
      const { payer_openid: openid } = this.world.server.sandbox;
      await this.world.server.post('/sandbox/v1/payments', { openid, code_url: order.code_url });
      return order.out_trade_no;
    }
    const payer = await this.world.payer({ cards: [tail] });
    await payer.scan(order.code_url);
    await payer.at('source-card').check();
    await payer.pay();
    await payer.at('paid').or(payer.at('wait-state')).first().waitFor();
    await payer.close();
    return order.out_trade_no;
  }

  /** A day of trade with every kind of difference, and the clock moved on until it is settled and reconciled. */
  async day() {
    const { merchant, server } = this.world;
    this.found = await this.sell(28_00);
    for (const total of [12_00, 9_90, 36_50]) await this.sell(total);
    this.large = await this.sell(4_000_00);
    // More than may be paid by a code.
    const furniture = await merchant.order('app', 30_000_00);
    const { payer_openid: openid } = server.sandbox;
    await server.post('/sandbox/v1/payments', { openid, prepay_id: furniture.prepay_id, card: true });
    // The channel's bill lacks it; it says one fen more; the bank never knows.
    this.lacking = await this.sell(66_00, '0184');
    this.more = await this.sell(20_00, '0208');
    this.unknown = await this.sell(15_00, '0135');
    for (let n = 0; n < 3; n += 1) await merchant.order('native', 5_00);
    const closed = await merchant.order('native', 6_00);
    await merchant.close(closed.out_trade_no);
    const back = { out_trade_no: this.found, out_refund_no: 'TEA-BACK-1', amount: { refund: 3_00, total: 28_00, currency: 'CNY' } };
    await merchant.call('POST', '/v3/refund/domestic/refunds', { ...back, reason: '少放一杯' });
    // Long enough for any holiday: 10:30 of a day eleven days on, in the business zone.
    const now = server.now() + 8 * HOUR;
    await server.advance(11 * 24 * HOUR - (now % (24 * HOUR)) + 10.5 * HOUR);
    const available = async () => (await merchant.call('GET', '/v3/merchant/fund/balance/BASIC')).available_amount > 30_000_00;
    await until(available, 'the day is settled');
  }

  /** Signs somebody in, the first time with all that goes with it. */
  async as(name, look) {
    if (!this.people.has(name)) {
      const person = await Staff.open(this.world, name, { language: this.language });
      await person.settleIn(look);
      this.people.set(name, person);
    }
    return this.people.get(name);
  }

  /** The exceptions that reconciliation has found, once it has. */
  async exceptions(person, count = 3) {
    await until(async () => {
      await person.go('/console/exceptions?class=&state=');
      return (await person.at('row').count()) >= count;
    }, 'the day is reconciled');
  }

  /** Gives the merchant a bank account, as the administrator. */
  async bankAccount(look = async () => {}) {
    const { mchid } = this.world.server.sandbox;
    const admin = await this.as('admin');
    await admin.go(`/console/merchants/${mchid}`);
    const form = admin.at('form-bank-account');
    await form.getByTestId('holder').fill('杭州龙井茶业有限公司');
    await form.getByTestId('number').fill('3301 0401 6001 2345 678');
    await form.getByTestId('bank').fill('102331000013');
    await form.getByTestId('bank_name').fill('中国工商银行杭州分行');
    await admin.stepUp(form);
    await form.getByTestId('bank-account').click();
    await admin.page.getByText('**** 5678').waitFor();
    await look('merchant-bank-account', admin);
  }

  async close() {
    for (const person of this.people.values()) await person.close();
  }
}

/** Leads through every page of the consoles. `look` is called on each, with its name and whoever looks at it. */
export async function walkDesk(world, look, { language }) {
  const desk = new Desk(world, language);
  const { mchid } = world.server.sandbox;
  const of = `merchant=${mchid}`;
  // Empty first: what a page says when nothing is there.
  const owner = await desk.as('owner', look);
  const empty = ['', 'orders', 'refunds', 'notifications', 'balance', 'holds', 'settlements', 'payouts', 'bills'];
  for (const page of empty) {
    await owner.go(`/console/${page}`.replace(/\/$/, ''));
    await look(`empty-${page === '' ? 'start' : page}`, owner);
  }
  await owner.close();
  desk.people.delete('owner');
  await desk.day();
  const finance = await desk.as('finance');
  await desk.exceptions(finance);
  const show = async (person, name, path) => {
    await person.go(path);
    await look(name, person);
  };
  const follow = async (person, name) => {
    await person.at('row').first().getByRole('link').first().click();
    await person.at('number').waitFor();
    await look(name, person);
  };
  await show(finance, 'start-platform', '/console');
  await show(finance, 'start-merchant', `/console?${of}`);
  await show(finance, 'orders-platform', '/console/orders');
  await show(finance, 'orders', `/console/orders?${of}&least=5&state=paid`);
  await show(finance, 'order', `/console/search?q=${desk.found}&${of}`);
  await show(finance, 'refunds', `/console/refunds?${of}`);
  await follow(finance, 'refund');
  await show(finance, 'notifications', `/console/notifications?${of}`);
  await follow(finance, 'notification');
  await show(finance, 'balance-choose', '/console/balance');
  await show(finance, 'settlements', `/console/settlements?${of}`);
  await finance.at('row').last().getByRole('link').first().click();
  await finance.at('number').waitFor();
  await look('settlement', finance);
  await show(finance, 'bills', `/console/bills?${of}`);
  await desk.bankAccount(look);
  // Money set aside, by a form that was wrong first.
  await finance.go(`/console/holds?${of}`);
  const hold = finance.at('form-hold');
  await hold.getByTestId('amount').fill('900000');
  await hold.getByTestId('note').fill('case 7');
  await hold.getByTestId('hold').click();
  await finance.at('error').waitFor();
  await look('hold-refused', finance);
  await finance.at('form-hold').getByTestId('amount').fill('300');
  await finance.at('form-hold').getByTestId('hold').click();
  await finance.at('number').waitFor();
  await look('hold', finance);
  await show(finance, 'holds', `/console/holds?${of}`);
  // A large payout, asked for and shown to whoever approves.
  await finance.go(`/console/balance?${of}`);
  await look('balance', finance);
  await finance.at('form-payout').getByTestId('amount').fill('25000');
  await finance.at('form-payout').getByTestId('payout').click();
  await finance.at('number').waitFor();
  const payout = new URL(finance.page.url()).pathname;
  await look('payout-own', finance);
  const second = await desk.as('finance-2');
  await second.go(payout);
  await second.at('typed').fill('1');
  await second.page.locator('[data-testid=form-approve] [name=code]').fill('000000');
  await second.at('approve').click();
  await second.at('error').waitFor();
  await look('payout-refused', second);
  await show(second, 'payouts', `/console/payouts?${of}`);
  await show(finance, 'exceptions', '/console/exceptions?state=every');
  await follow(finance, 'exception');
  const suggest = finance.at('form-suggest');
  await suggest.getByTestId('why').fill('按渠道账单调整');
  await suggest.getByTestId('suggest').click();
  await finance.at('note').nth(1).waitFor();
  await look('exception-own', finance);
  const exception = new URL(finance.page.url()).pathname;
  await show(second, 'exception-to-decide', exception);
  await show(finance, 'exceptions-none', '/console/exceptions?class=currency');
  const admin = await desk.as('admin');
  await show(admin, 'merchants', '/console/merchants');
  await show(admin, 'merchant', `/console/merchants/${mchid}?amount=100&product=native`);
  await show(admin, 'people', '/console/people');
  await follow(admin, 'person');
  await show(admin, 'journal', '/console/journal');
  await show(admin, 'journal-found', '/console/journal?outcome=refused');
  await show(admin, 'problem', '/console/orders/1');
  await show(admin, 'forbidden', '/console/balance');
  await desk.close();
  assert.ok(true);
}
