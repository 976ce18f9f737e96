// Pictures of every page of the wallet and of the consoles: 390 and 1440 pixels, light and dark, Chinese and English.
// And wallet.png, the picture of the README.
// Usage: node screenshots.mjs [FOLDER] [LANGUAGE] [wallet|console]

import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { PHONE, WIDE } from './lib/browser.mjs';
import { walkDesk } from './lib/desk.mjs';
import { walk } from './lib/journeys.mjs';
import { picture } from './lib/picture.mjs';
import { World } from './lib/world.mjs';

const [folder = 'screenshots', only, part] = process.argv.slice(2);
const languages = [['zh', 'zh-CN'], ['en', 'en-GB']].filter(([short]) => only === undefined || only === short);
let count = 0;

/** Walks through pages and keeps a picture of each, numbered from 1 in `folder/language/part`. */
async function pictures(world, [short, language], name, walk) {
  const place = resolve(folder, short, name);
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  let number = 0;
  const look = async (what, { page }) => {
    number += 1;
    const before = page.viewportSize();
    for (const [width, viewport] of [['390', PHONE], ['1440', WIDE]]) {
      await page.setViewportSize(viewport);
      // A screen as high as the page, so that what sticks to its lower edge does not cover the middle.
      const height = await page.evaluate(() => document.documentElement.scrollHeight);
      await page.setViewportSize({ ...viewport, height: Math.max(height, viewport.height) });
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        const file = `${String(number).padStart(2, '0')}-${what}-${width}-${colorScheme}.png`;
        await page.screenshot({ path: join(place, file), animations: 'disabled' });
        count += 1;
      }
    }
    await page.setViewportSize(before);
    await page.emulateMedia({ colorScheme: 'light' });
  };
  try {
    await walk(world, look, { language });
  } catch (error) {
    error.message += `\nThe server's log ends:\n${world.server.tail()}`;
    throw error;
  }
}

/** A fresh sandbox for `work`. */
async function inWorld(work) {
  const world = await new World().open();
  try {
    await work(world);
  } finally {
    await world.close();
  }
}

mkdirSync(folder, { recursive: true });
if (part !== 'console') {
  await inWorld(async (world) => {
    await picture(world, join(folder, 'wallet.png'));
    for (const language of languages) await pictures(world, language, 'wallet', walk);
  });
}
if (part !== 'wallet') {
  // Each language its own: an account's first password works once.
  for (const language of languages) await inWorld((world) => pictures(world, language, 'console', walkDesk));
}
console.log(`${count} pictures`);
