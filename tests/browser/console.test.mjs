// The consoles: signing in with two factors, and each journey of the people who work there, after a day of trade that was
// closed, settled and reconciled.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';

import { mustBeAccessible, mustFit, open, WIDE } from './lib/browser.mjs';
import { Desk, until, walkDesk } from './lib/desk.mjs';
import { Staff } from './lib/staff.mjs';
import { proveAfterwards, World, world } from './lib/world.mjs';

const it = world();
const desk = new Desk(it);

/** The rows that a list shows. */
const rows = (person) => person.at('row').count();

/** The path that the page shows. */
const path = (person) => new URL(person.page.url()).pathname;

test('a day of trade is closed, settled and reconciled', () => desk.day());

test('the first sign-in takes an own password and a code; the next takes both', async () => {
  const admin = await Staff.open(it, 'admin');
  await admin.enter('not the password at all');
  await admin.at('error').waitFor();
  await admin.settleIn();
  assert.match(await admin.at('who').textContent(), /admin/);
  desk.people.set('admin', admin);
  const again = await open(it.browser, { viewport: WIDE });
  const other = Object.assign(new Staff(it, again, 'admin'), { password: admin.password, secret: admin.secret });
  await other.enter(admin.password);
  await other.at('code').fill('000000');
  await other.at('go').click();
  await other.at('error').waitFor();
  await other.at('code').fill(await admin.code());
  await other.at('go').click();
  await other.at('who').waitFor();
  await other.at('sign-out').click();
  await other.at('password').waitFor();
  await other.close();
});

test('an order is found, refunded in part, and the large refund approved by somebody else with the code', async () => {
  const owner = await desk.as('owner');
  await owner.go('/console/orders?state=paid');
  const before = await rows(owner);
  assert.ok(before >= 7, `${before} orders`);
  await owner.page.keyboard.press('/');
  await owner.page.keyboard.type(desk.found);
  await owner.page.keyboard.press('Enter');
  await owner.at('timeline').waitFor();
  assert.equal(await owner.at('amount').first().textContent(), '¥28.00');
  await owner.go('/console/orders?least=100&most=5000');
  assert.equal(await rows(owner), 1);
  await owner.at('row').getByRole('link', { name: desk.large }).click();
  await owner.page.locator('[data-testid=form-refund] [data-testid=amount]').fill('3500');
  assert.match(await owner.page.locator('[name=funds] option:checked').textContent(), /^已结算资金/, 'the day is settled');
  await owner.at('refund').click();
  await owner.page.waitForURL('**/console/refunds/*');
  const refund = path(owner);
  assert.match(await owner.at('state').textContent(), /待处理/);
  assert.match(await owner.at('note').first().textContent(), /须由他人批准/);
  const finance = await desk.as('finance');
  await finance.go('/console');
  await finance.at('tile-refunds').click();
  assert.equal(await rows(finance), 1);
  await finance.go(refund);
  const form = finance.at('form-approve');
  await form.getByTestId('typed').fill('3500.01');
  await finance.stepUp(form);
  await form.getByTestId('approve').click();
  await finance.at('error').waitFor();
  await form.getByTestId('typed').fill('3500');
  await finance.stepUp(form);
  await form.getByTestId('approve').click();
  const done = finance.page.getByTestId('state').getByText('成功');
  await done.or(finance.at('approve')).first().waitFor();
  assert.match(await finance.at('timeline').textContent(), /批准退款/);

});

test('an exception is filtered, suggested by one, approved by another, and one is repaired by asking', async () => {
  const [finance, second] = [await desk.as('finance'), await desk.as('finance-2')];
  await desk.exceptions(finance);
  await finance.go('/console/exceptions?class=amount&age=7');
  assert.equal(await rows(finance), 1, 'one fen more, ten days old');
  await finance.at('row').getByRole('link').click();
  await finance.at('number').waitFor();
  const page = path(finance);
  assert.match(await finance.at('number').textContent(), /^card\/payment\/\d+\/amount$/);
  const suggest = finance.at('form-suggest');
  await suggest.getByTestId('why').fill('渠道多收一分');
  await suggest.getByTestId('suggest').click();
  await finance.page.getByTestId('state').getByText('待批准').waitFor();
  assert.equal(await finance.at('form-approve').count(), 0, 'not by oneself');
  await second.go('/console/exceptions?who=to-decide');
  assert.equal(await rows(second), 1);
  await second.go(page);
  const approve = second.at('form-approve');
  await approve.getByTestId('typed').fill('0.01');
  await second.stepUp(approve);
  await approve.getByTestId('approve').click();
  await second.page.getByTestId('state').getByText('已调整').waitFor();
  assert.match(await second.at('timeline').textContent(), /批准调整/);
  await finance.go('/console/exceptions?class=status');
  assert.ok((await rows(finance)) >= 1);
  await finance.at('row').first().getByRole('link').click();
  await finance.at('form-ask-channel').getByTestId('ask-channel').click();
  await finance.at('number').waitFor();
  assert.equal(await finance.at('error').count(), 0);
});

test('money is held with a reason, explained to the merchant, and released early', async () => {
  const [finance, owner] = [await desk.as('finance'), await desk.as('owner')];
  await finance.go(`/console/holds?merchant=${it.server.sandbox.mchid}`);
  const form = finance.at('form-hold');
  await form.getByTestId('amount').fill('300');
  await form.getByTestId('reason').selectOption('risk');
  await form.getByTestId('until').fill('2030-01-02T09:00');
  await form.getByTestId('note').fill('核实交易真实性');
  await form.getByTestId('hold').click();
  await finance.at('number').waitFor();
  const hold = path(finance);
  assert.match(await finance.at('state').textContent(), /冻结中/);
  await owner.go('/console/balance');
  await owner.page.getByText('核实交易真实性').waitFor();
  await owner.page.locator(`a[href="${hold}"]`).click();
  assert.equal(await owner.at('amount').first().textContent(), '¥300.00');
  assert.equal(await owner.at('form-release').count(), 0);
  await finance.at('typed').fill('300');
  await finance.at('release').click();
  await finance.page.getByTestId('state').getByText('已解除').waitFor();
});

test('a bank account is changed, a payout asked for by the owner and approved with the code', async () => {
  const owner = await desk.as('owner');
  await owner.go('/console/balance');
  await owner.at('form-payout').getByTestId('amount').fill('25000');
  await owner.at('form-payout').getByTestId('payout').click();
  await owner.at('error').waitFor();
  assert.match(await owner.at('error').textContent(), /还没有登记银行账户/);
  await desk.bankAccount();
  await owner.go('/console/balance');
  await owner.at('form-payout').getByTestId('amount').fill('25000');
  await owner.at('form-payout').getByTestId('payout').click();
  await owner.at('number').waitFor();
  const payout = path(owner);
  assert.equal(await owner.at('form-approve').count(), 0, 'not by the merchant');
  const second = await desk.as('finance-2');
  await second.go('/console');
  await second.at('tile-payouts').click();
  assert.equal(await rows(second), 1);
  await second.go(payout);
  const form = second.at('form-approve');
  await form.getByTestId('typed').fill('25,000.00');
  await second.stepUp(form);
  await form.getByTestId('approve').click();
  await second.page.getByText('批准出款').first().waitFor();
  await until(async () => {
    await owner.go(payout);
    return /已发送|银行已受理|已到账/.test(await owner.at('state').textContent());
  }, 'the payout goes to the bank');
});

test('the merchant asks for a payout by the signed API, and the console shows its number', async () => {
  const { merchant } = it;
  const asked = { out_payout_no: 'API-PAYOUT-1', amount: { total: 100_00, currency: 'CNY' } };
  const made = await merchant.call('POST', '/v3/feiqian/payouts', asked);
  const again = await merchant.call('POST', '/v3/feiqian/payouts', asked);
  assert.equal(again.payout_id, made.payout_id);
  const other = merchant.call('POST', '/v3/feiqian/payouts', { ...asked, amount: { total: 1, currency: 'CNY' } });
  await assert.rejects(other, { status: 400, code: 'INVALID_REQUEST' });
  const one = await merchant.call('GET', '/v3/feiqian/payouts/API-PAYOUT-1');
  assert.equal(one.amount.total, 100_00);
  const { data } = await merchant.call('GET', '/v3/feiqian/payouts?limit=1');
  assert.deepEqual(data.map((each) => each.payout_id), [made.payout_id]);
  const owner = await desk.as('owner');
  await owner.go(`/console/payouts/${made.payout_id}`);
  await owner.page.getByText('API-PAYOUT-1').waitFor();
});

test('a bill is downloaded, and every list as a file', async () => {
  const owner = await desk.as('owner');
  await owner.go('/console/bills');
  const last = owner.at('row').last();
  const href = await last.getByRole('link', { name: '全部' }).getAttribute('href');
  const file = await until(async () => {
    const answer = await owner.page.request.get(it.server.baseUrl + href);
    return answer.ok() ? answer : null;
  }, 'the bill is made');
  const text = gunzipSync(await file.body()).toString();
  assert.ok(text.includes(desk.found), text.slice(0, 400));
  for (const list of ['orders', 'refunds', 'notifications', 'settlements', 'holds', 'payouts', 'people']) {
    await owner.go(`/console/${list}`);
    const [download] = await Promise.all([owner.page.waitForEvent('download'), owner.at('export').click()]);
    const text = readFileSync(await download.path(), 'utf8');
    assert.ok(text.startsWith('\ufeff') && text.split('\r\n').length > 1, list);
    assert.match(download.suggestedFilename(), new RegExp(`^${list}-\\d{4}-\\d{2}-\\d{2}\\.csv$`));
  }
});

test('staff is added with the code, and the newcomer signs in', async () => {
  const admin = await desk.as('admin');
  await admin.go('/console/people');
  const form = admin.at('form-add-person');
  await form.getByTestId('name').fill('auditor-1');
  await form.getByTestId('role').selectOption('auditor');
  await admin.stepUp(form);
  await form.getByTestId('add-person').click();
  const note = await admin.at('note').first().textContent();
  const password = /：\s*(\S+)/.exec(note)[1];
  const page = await open(it.browser, { viewport: WIDE });
  const newcomer = Object.assign(Object.create(Staff.prototype), {
    world: it, page, name: 'auditor-1', first: password, password: 'eleven long enough words', used: 0,
  });
  await newcomer.settleIn();
  await newcomer.go('/console/journal?record=staff');
  assert.ok((await rows(newcomer)) > 0);
  await newcomer.close();
});

for (const language of ['zh-CN', 'en-GB']) {
  test(`every page is accessible and fits, in ${language}`, async () => {
    const own = await new World().open();
    try {
      const seen = new Set();
      await walkDesk(own, async (name, person) => {
        seen.add(name);
        const { page } = person;
        const said = await page.evaluate(() => `${document.title} ${document.body.innerText}`);
        assert.doesNotMatch(said, /\{ ?\$/, name);
        // A text that has no entry would show its key.
        assert.doesNotMatch(said, /\b(col|fact|field|menu|note|hint|error|effect|account|tile|term|limit|why|state|command)-[a-z-]+/, name);
        assert.equal(await page.locator('h1').count(), 1, `${name}: one headline`);
        await mustFit(page, name);
        await page.setViewportSize(WIDE);
        await mustBeAccessible(page, name);
      }, { language });
      assert.ok(seen.size >= 45, `${seen.size} pages`);
      await own.server.end();
      own.server.prove();
    } finally {
      await own.close();
    }
  });
}

proveAfterwards(it);
