// node screenshots.mjs REPORT.html DIRECTORY MODULES_DIR: pictures of a report, written by tools/screenshots.
import { statSync } from "node:fs";
import { open_browser, open_report } from "./browser.mjs";

const [file, directory, modules] = process.argv.slice(2);
const browser = await open_browser(new URL(`file://${process.cwd()}/${modules}`).pathname);

/** Part of the page from one element to the end of another. */
async function shoot(name, options, from, to) {
  const { page, context } = await open_report(browser, file, { height: 1000, ...options });
  await page.addStyleTag({ content: "nav { position: static !important; }" });
  const box = await page.evaluate(([a, b]) => {
    const [top, bottom] = [document.querySelector(a).getBoundingClientRect().top, document.querySelector(b).getBoundingClientRect().bottom];
    return { y: Math.max(0, top + scrollY - 14), height: bottom - top + 28 };
  }, [from, to]);
  const path = `${directory}/${name}.png`;
  await page.screenshot({ path, fullPage: true, clip: { x: 0, width: options.width, ...box } });
  console.log(`written to ${path} (${Math.round(statSync(path).size / 1000)} kB)`);
  await context.close();
}

await shoot("desktop", { width: 1180 }, "header", "#time");
await shoot("desktop-timeline", { width: 1180, scheme: "dark" }, "#timeline", "#timeline");
await shoot("roofline", { width: 1180 }, "#roofline", "#roofline");
await shoot("phone", { width: 390, scale: 1.5 }, "header", "#time");
await browser.close();
