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
export async function open(browser, { language = 'zh-CN', viewport = PHONE, dark = false, scripts = true } = {}) {
  const context = await browser.newContext({
    locale: language,
    viewport,
    colorScheme: dark ? 'dark' : 'light',
    hasTouch: viewport.width < 600,
    timezoneId: 'Asia/Shanghai',
    javaScriptEnabled: scripts,
  });
  context.setDefaultTimeout(30_000);
  const page = await context.newPage();
  page.complaints = [];
  page.on('pageerror', (error) => page.complaints.push(String(error)));
  page.on('console', (message) => {
    // Content-Security-Policy violations arrive here as well.
    if (message.type() !== 'error') return;
    // A page that answers 4xx with words is no mistake of the page; a script or picture that is missing is.
    const own = message.text().startsWith('Failed to load resource') && !message.location().url.includes('/assets/');
    if (!own) page.complaints.push(message.text());
  });
  return page;
}

/** No serious or critical finding of axe-core, no script error, no policy violation. Dark is looked at for contrast. */
export async function mustBeAccessible(page, where, { dark = true } = {}) {
  // Evaluated through the debugger, which the page's Content-Security-Policy does not bind.
  await page.evaluate(AXE);
  const themes = dark ? [['light', null], ['dark', ['color-contrast']]] : [['light', null]];
  for (const [theme, rules] of themes) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
    const violations = await page.evaluate(async (only) => {
      const options = { resultTypes: ['violations'], ...(only ? { runOnly: only } : {}) };
      const found = await globalThis.axe.run(document, options);
      return found.violations.map(({ id, help, impact, nodes }) => ({ id, help, impact, nodes: nodes.map((n) => n.html) }));
    }, rules);
    const grave = violations
      .filter((violation) => ['serious', 'critical'].includes(violation.impact))
      .map(({ id, help, nodes }) => `${id}: ${help}\n    ${nodes.join('\n    ')}`);
    assert.deepEqual(grave, [], `${where} is not accessible (${theme}):\n  ${grave.join('\n  ')}`);
  }
  await page.emulateMedia({ colorScheme: 'light' });
  assert.deepEqual(page.complaints, [], `${where} reports errors`);
}

/** Nothing may stick out of the screen to the right. */
export async function mustFit(page, where) {
  for (const width of [320, PHONE.width, WIDE.width]) {
    await page.setViewportSize({ width, height: 844 });
    const [content, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
    assert.ok(content <= screen, `${where} is ${content} px wide on a screen of ${screen} px`);
  }
  await page.setViewportSize(PHONE);
}
