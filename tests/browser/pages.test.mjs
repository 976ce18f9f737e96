// Every page there is, in both languages: accessible in light and dark, no policy violation, nothing sticks out,
// and nothing left in the other language.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { mustBeAccessible, mustFit } from './lib/browser.mjs';
import { walk } from './lib/journeys.mjs';
import { proveAfterwards, world } from './lib/world.mjs';

const it = world();

// What merchants and banks call themselves and their goods is shown as they wrote it.
const NAMES = /飞钱咖啡|龙井茶 两杯|定制家具全屋套餐（含设计、安装与三年质保）|沙箱公众号|桂花糕 一盒|茶杯垫|飞钱连锁总部|望江店/g;

/** What a reader sees or hears, without the link to the other language and merchants' own words. */
async function words(page) {
  const text = await page.evaluate(() => {
    const copy = document.body.cloneNode(true);
    for (const other of copy.querySelectorAll('[data-testid=language], [lang]')) other.remove();
    const spoken = ['aria-label', 'title', 'placeholder', 'alt', 'data-text', 'data-renewed'];
    const attributes = [...copy.querySelectorAll('*')].flatMap((element) => spoken.map((name) => element.getAttribute(name) ?? ''));
    return [document.title, copy.textContent, ...attributes].join(' ');
  });
  return text.replace(NAMES, '');
}

for (const [language, html, other] of [['zh-CN', 'zh-CN', 'en'], ['en-GB', 'en', 'zh']]) {
  test(`every page in ${html}`, async () => {
    const seen = new Set();
    const look = async (name, payer) => {
      seen.add(name);
      const where = `${name} (${html}, ${new URL(payer.page.url()).pathname})`;
      const { page } = payer;
      assert.equal(await page.getAttribute('html', 'lang'), html, where);
      const said = await words(page);
      if (html === 'en') assert.doesNotMatch(said, /[\u3400-\u9fff]/, where);
      else assert.match(said, /[\u3400-\u9fff]/, where);
      // A text that has no entry would show its key.
      assert.doesNotMatch(said, /\b[a-z]+-[a-z]+(-[a-z]+)* = |\{ ?\$/, where);
      assert.equal(await page.locator('h1').count(), 1, `${where}: one headline`);
      assert.match(await payer.at('sandbox-band').innerText(), /127\.0\.0\.1/, where);
      assert.match(await payer.at('language').getAttribute('href'), new RegExp(`[?&]lang=${other}$`), where);
      await mustFit(page, where);
      // Colours do not depend on the language.
      await mustBeAccessible(page, where, { dark: html === 'zh-CN' });
    };
    await walk(it, look, { language });
    assert.ok(seen.size >= 40, `${seen.size} pages`);
  });
}

test('the language link shows the same page in the other language', async () => {
  const payer = await it.payer({ balance: 20_00, cards: ['0002'] });
  const order = await it.merchant.order('native', 1_00);
  const [first] = await payer.page.request.get(payer.url('/wallet/bills')).then(async (a) => /\/wallet\/bills\/\d+/.exec(await a.text()));
  const paths = ['/wallet', '/wallet/bills', first, '/wallet/cards', '/wallet/cards/new?next=%2Fwallet%2Fcards', '/wallet/top-up?next=%2Fwallet',
    '/wallet/settings', '/wallet/identity', '/wallet/pin?next=/wallet', '/wallet/code', '/pay/scan', '/wallet/nowhere',
    `/pay/code?pr=${encodeURIComponent(order.code_url)}`];
  for (const path of paths) {
    await payer.go(path);
    const here = payer.page.url();
    const marks = () => payer.page.$$eval('[data-testid]', (all) => all.map((element) => element.dataset.testid));
    const before = await marks();
    for (const language of ['en', 'zh-CN']) {
      await payer.at('language').click();
      await payer.page.waitForFunction((wanted) => document.documentElement.lang === wanted, language);
      assert.deepEqual(await marks(), before, `${path} in ${language}`);
      if (!path.startsWith('/pay/code')) assert.equal(payer.page.url(), here);
    }
  }
  assert.deepEqual(payer.page.complaints, []);
  await payer.close();
});

test('every page refuses frames, foreign scripts and caches', async () => {
  const payer = await it.payer();
  for (const path of ['/wallet', '/wallet/sign-in', '/wallet/nowhere', '/pay/code?pr=x', '/wallet/code/pending']) {
    const headers = (await payer.page.request.get(payer.url(path))).headers();
    const policy = headers['content-security-policy'];
    assert.match(policy, /default-src 'none'.*frame-ancestors 'none'/, path);
    assert.doesNotMatch(policy, /unsafe|\*/, path);
    assert.equal(headers['cache-control'], 'no-store', path);
    assert.equal(headers['x-content-type-options'], 'nosniff', path);
  }
  await payer.close();
});

proveAfterwards(it);
