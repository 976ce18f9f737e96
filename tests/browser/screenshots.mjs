// Pictures of every page of the wallet: 390 and 1440 pixels, light and dark, Chinese and English.
// And wallet.png, the picture of the README.
// Usage: node screenshots.mjs [FOLDER] [LANGUAGE]

import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { PHONE, WIDE } from './lib/browser.mjs';
import { walk } from './lib/journeys.mjs';
import { picture } from './lib/picture.mjs';
import { World } from './lib/world.mjs';

const [folder = 'screenshots', only] = process.argv.slice(2);
const languages = [['zh', 'zh-CN'], ['en', 'en-GB']].filter(([short]) => only === undefined || only === short);
const world = await new World().open();
let count = 0;
try {
  mkdirSync(folder, { recursive: true });
  await picture(world, join(folder, 'wallet.png'));
  for (const [short, language] of languages) {
    const place = resolve(folder, short);
    rmSync(place, { recursive: true, force: true });
    mkdirSync(place, { recursive: true });
    let number = 0;
    const look = async (name, { page }) => {
      number += 1;
      for (const [width, viewport] of [['390', PHONE], ['1440', WIDE]]) {
        await page.setViewportSize(viewport);
        // A screen as high as the page, so that what sticks to its lower edge does not cover the middle.
        const height = await page.evaluate(() => document.documentElement.scrollHeight);
        await page.setViewportSize({ ...viewport, height: Math.max(height, viewport.height) });
        for (const colorScheme of ['light', 'dark']) {
          await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
          const file = `${String(number).padStart(2, '0')}-${name}-${width}-${colorScheme}.png`;
          await page.screenshot({ path: join(place, file), animations: 'disabled' });
          count += 1;
        }
      }
      await page.setViewportSize(PHONE);
      await page.emulateMedia({ colorScheme: 'light' });
    };
    try {
      await walk(world, look, { language });
    } catch (error) {
      error.message += `\nThe server's log ends:\n${world.server.tail()}`;
      throw error;
    }
  }
} finally {
  await world.close();
}
console.log(`${count} pictures`);
