// Chromium as the tests start it, and what every page must satisfy.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { chromium } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const PHONE = { width: 390, height: 844 };
export const WIDE = { width: 1440, height: 900 };

export function launch() {
  return chromium.launch({
    executablePath: process.env.FEIQIAN_CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** A fresh browser profile on a phone. Anything the page reports as an error is kept in `page.complaints`. */
export async function open(browser, { language = 'zh-CN', viewport = PHONE, dark = false } = {}) {
  const context = await browser.newContext({
    locale: language,
    viewport,
    colorScheme: dark ? 'dark' : 'light',
    hasTouch: viewport.width < 600,
    timezoneId: 'Asia/Shanghai',
  });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  page.complaints = [];
  page.on('pageerror', (error) => page.complaints.push(String(error)));
  page.on('console', (message) => {
    // Content-Security-Policy violations arrive here as well.
    if (message.type() === 'error') page.complaints.push(message.text());
  });
  return page;
}

/** No serious or critical finding of axe-core, no script error, no policy violation. */
export async function mustBeAccessible(page, where) {
  // Evaluated through the debugger, which the page's Content-Security-Policy does not bind.
  await page.evaluate(AXE);
  const result = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  const grave = result.violations
    .filter((violation) => ['serious', 'critical'].includes(violation.impact))
    .map((violation) => `${violation.id}: ${violation.help}\n    ${violation.nodes.map((n) => n.html).join('\n    ')}`);
  assert.deepEqual(grave, [], `${where} is not accessible:\n  ${grave.join('\n  ')}`);
  assert.deepEqual(page.complaints, [], `${where} reports errors`);
}

/** Nothing may stick out of the screen to the right. */
export async function mustFit(page, where) {
  const [content, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  assert.ok(content <= screen, `${where} is ${content} px wide on a screen of ${screen} px`);
}
