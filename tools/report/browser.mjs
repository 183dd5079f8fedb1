// Chromium under Playwright, for screenshots and tests. MODULES is where `npm ci` put node_modules (the build tree).
import { createRequire } from "node:module";
import { existsSync } from "node:fs";

export async function open_browser(modules) {
  const { chromium } = createRequire(`${modules}/package.json`)("playwright-core");
  const executablePath = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser"].find((path) => path && existsSync(path));
  if (!executablePath) throw new Error("no Chromium: install the package chromium, or name it in CHROMIUM");
  // In a container there is neither a sandbox for root nor a large /dev/shm.
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars"] });
}

export async function open_report(browser, file, { width, height = 900, scheme = "light", scale = 1 }) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, deviceScaleFactor: scale, reducedMotion: "reduce" });
  const page = await context.newPage();
  const problems = [];
  const requests = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("request", (request) => !request.url().startsWith("file:") && !request.url().startsWith("data:") && requests.push(request.url()));
  const began = performance.now();
  await page.goto(`file://${file}`, { waitUntil: "load" });
  await page.waitForFunction(() => document.documentElement.dataset.ready === "yes", null, { timeout: 20000 });
  return { page, context, problems, requests, seconds: (performance.now() - began) / 1000 };
}
