// `bondsim report` in a browser: node report_test.mjs BONDSIM SOURCE_DIR MODULES_DIR. Makes small results of every kind, opens their reports
// in headless Chromium and looks at them as a reader would.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [bondsim, source, modules] = process.argv.slice(2);
const { open_browser, open_report } = await import(`${source}/tools/report/browser.mjs`);
const scratch = mkdtempSync(join(tmpdir(), "bondsim-report-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));

const command = (...args) => execFileSync(bondsim, args, { cwd: source, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
const at = (name) => join(scratch, name);
const small = ["configs/experiment/h2llm-llama3-8b-sharegpt.yaml", ...["workload.prompt_tokens=8", "workload.generated_tokens=6", "model.hidden=512",
  "model.vocab=2048", "model.intermediate=1024"].flatMap((set) => ["--set", set])];

function make_results() {
  command("run", ...small, "--trace", "tasks", "--out", at("eight"));
  command("run", ...small, "--set", "system.nmp.pe.fpus=4", "--set", "model.name=<b>odd</b></script><script>alert(1)</script>", "--out", at("four"));
  command("run", ...small, "--ladder", "--out", at("ladder"));
  const served = small.filter((word, i) => !/^workload/.test(word) && !(word === "--set" && /^workload/.test(small[i + 1] ?? "")));
  command("serve", ...served, "--set", "serving.requests.limit=12", "--tier", "detailed", "--out", at("served"));
  command("serve", ...served, "--set", "serving.requests.limit=12", "--tier", "detailed", "--rate", "1,4", "--out", at("rates"));
  command("serve", ...served, "--set", "serving.requests.limit=2", "--set", "serving.requests.output_tokens=4", "--trace", "tasks", "--trace-steps", "0:3", "--out", at("traced"));
  command("heat", ...small, "--stack", "edge-passive", "--ambient", "20,84", "--policy", "duty", "--duration", "600", "--step", "20", "--run-step", "0.0001", "--out", at("heat"));
  const [header, first, second] = readFileSync(`${source}/tests/data/dse_best.csv`, "utf8").split("\n");
  writeFileSync(at("rows.csv"), [header, first, second, ""].join("\n"));
  command("dse", "--fixed", at("rows.csv"), "--out", at("fixed.csv"));
  writeFileSync(at("space.yaml"), `schema: bondsim.space/1
name: small
system: ${source}/configs/system/h2llm.yaml
workloads:
  - {model: ${source}/configs/model/llama-3-8b.yaml, workload: ${source}/configs/workload/humaneval.yaml}
objectives: [latency_s, pe_area_mm2]
parameters:
  - {key: nmp.pe.fpus, values: [1, 2, 4, 8]}
  - {key: nmp.pe.clock_mhz, values: [400, 600]}
search: {method: exhaustive}
`);
  command("dse", at("space.yaml"), "-j", "1", "--out", at("space"));
  writeFileSync(at("ops.csv"), `model,element_size_bytes,B,M,N,K,nmp_channels,normal_channels,fpu_num,freq_mhz,pe_bw_gbps,fpu_simd_width,pe_num_per_channel,ext_bw_per_channel_gbps,npu_capacity_tmacs
NMP,2,1,1,1024,512,6,,8,600,25.6,16,16,12.8,
NMP,2,1,4,2048,512,6,,4,600,25.6,16,16,12.8,
NPU,2,1,16,1024,512,0,8,,,,,,12.8,128
`);
  command("validate", "--ops", at("ops.csv"), "--jobs", "1", "--out", at("validate"));
  command("reproduce", "h2llm", "--tier", "analytical", "--quick", "--out", at("reproduction"));
  command("sweep", ...small, "--set", "system.nmp.pe.fpus=2,4", "--set", "workload.batch=1,2", "--jobs", "1", "--out", at("sweep"));
}

const tests = [];
const test = (name, body) => tests.push([name, body]);
const browser = await open_browser(modules);

/** Writes a report of these results and opens it. */
async function report(results, options = {}) {
  const file = at(`${results.join("-").replaceAll("/", "_")}.html`);
  command("report", ...results.map(at), "--out", file);
  return { file, ...(await open_report(browser, file, { width: 1280, ...options })) };
}
const results_of = (name) => JSON.parse(readFileSync(at(`${name}/results.json`), "utf8"));
const close = (a, b, tolerance) => assert.ok(Math.abs(a - b) <= tolerance * Math.max(Math.abs(a), Math.abs(b)), `${a} is not ${b}`);
const option = (page, id) => page.evaluate((chart) => {
  const o = echarts.getInstanceByDom(document.querySelector(`[data-chart="${chart}"]`)).getOption();
  return { series: o.series.map((s) => ({ name: s.name, type: s.type, data: s.data.map((d) => (d !== null && typeof d === "object" && !Array.isArray(d) ? d.value : d)) })), y: o.yAxis?.[0]?.data };
}, id);
const charts = (page) => page.evaluate(() => [...document.querySelectorAll("[data-chart]")].map((box) => ({ id: box.dataset.chart, label: box.getAttribute("aria-label"), role: box.getAttribute("role"), marks: box.querySelectorAll("svg path").length })));
/** The tooltip that a mark shows when the mouse is on it. */
async function tooltip(page, id, series, index) {
  await page.locator(`[data-chart="${id}"]`).scrollIntoViewIfNeeded();
  const point = await page.evaluate(([chart, s, i]) => {
    const box = document.querySelector(`[data-chart="${chart}"]`);
    const instance = echarts.getInstanceByDom(box);
    const data = instance.getOption().series[s].data[i];
    const value = data !== null && typeof data === "object" && !Array.isArray(data) ? data.value : data;
    const where = Array.isArray(value) ? value : [value / 2, i];
    const [x, y] = instance.convertToPixel({ seriesIndex: s }, where);
    const frame = box.getBoundingClientRect();
    return [frame.left + x, frame.top + y];
  }, [id, series, index]);
  await page.mouse.move(point[0] - 3, point[1] - 3);
  await page.mouse.move(...point, { steps: 3 });
  await page.waitForTimeout(120);
  return page.evaluate((chart) => [...document.querySelector(`[data-chart="${chart}"]`).children].filter((c) => c.tagName === "DIV" && c.style.visibility !== "hidden" && c.querySelector("table")).map((c) => c.innerText).join(""), id);
}

test("a run opens without errors, warnings or requests, and is small", async () => {
  const opened = await report(["eight"]);
  assert.deepEqual(opened.problems, []);
  assert.deepEqual(opened.requests, []);
  assert.ok(statSync(opened.file).size < 5e6, `${statSync(opened.file).size} bytes`);
  assert.equal(await opened.page.locator("h1").innerText(), "Llama-3-8B on h2llm");
  await opened.context.close();
});

test("a report is drawn within two seconds", async () => {
  const times = [];
  for (let i = 0; i < 5 && !(times[times.length - 1] < 2); ++i) {  // on a busy machine one try may be late
    const opened = await report(["eight"]);
    times.push(opened.seconds);
    await opened.context.close();
  }
  assert.ok(Math.min(...times) < 2, `${times} s`);
});

test("every chart of a run has marks, a label, and the numbers of results.json", async () => {
  const { page, context } = await report(["eight"]);
  const found = await charts(page);
  assert.deepEqual(found.map((c) => c.id), ["time", "roofline", "energy-components", "energy-operators", "context", "timeline"]);
  for (const c of found) assert.ok(c.marks > 8 && c.label.length > 10 && c.role === "img", JSON.stringify(c));
  const results = results_of("eight");
  const time = await option(page, "time");
  assert.equal(time.y.length, 9);
  time.y.forEach((_, row) => close(time.series.reduce((sum, s) => sum + s.data[row], 0), 100, 1e-9));
  const column = time.series.find((s) => s.name === "column");
  close(column.data[1], (100 * results.channels[0].time_s.column) / results.latency_s.total, 1e-9);
  const sum = (o) => o.series.flatMap((s) => s.data).reduce((a, b) => a + b, 0);
  close(sum(await option(page, "energy-components")), results.energy_j.total, 1e-9);
  close(sum(await option(page, "energy-operators")), results.energy_j.total, 1e-9);
  const points = (await option(page, "roofline")).series.filter((s) => s.type === "scatter").flatMap((s) => s.data);
  const operators = results.operators.filter((op) => op.macs > 0 && op.bytes > 0);
  assert.equal(points.length, operators.length);
  close(Math.max(...points.map((p) => p[1])), Math.max(...operators.map((op) => op.macs / op.busy_s)), 1e-9);
  assert.equal((await option(page, "context")).series[0].data.length, 6);
  await context.close();
});

test("the timeline shows the last step as the task traces say it", async () => {
  const { page, context } = await report(["eight"]);
  const rows = readFileSync(at("eight/nmp.channel0.tasks.csv"), "utf8").trim().split("\n").slice(1).map((line) => line.split(","));
  const head = rows.shift();
  const last = rows.filter((row) => row[head.indexOf("step")] === "6");
  const timeline = await option(page, "timeline");
  const lane = timeline.y.indexOf("nmp.channel0");
  const drawn = timeline.series[0].data.filter((row) => row[0] === lane);
  assert.equal(drawn.length, last.filter((row) => Number(row[1]) > Number(row[0])).length);
  const length = (row) => Number(row[1]) - Number(row[0]);
  const longest = Math.max(...last.map(length));
  const all = Math.max(...last.map((row) => Number(row[1]))) - Math.min(...last.map((row) => Number(row[0])));
  const shown = Math.max(...drawn.map((row) => row[2] - row[1])) / (Math.max(...drawn.map((row) => row[2])) - Math.min(...drawn.map((row) => row[1])));
  close(shown, longest / all, 1e-9);
  const texts = await page.locator('[data-chart="timeline"] svg text').allInnerTexts();
  assert.ok((await page.locator('[data-chart="timeline"] svg').textContent()).includes("npu.arrays"), texts.join());
  // Another step is drawn when it is chosen: the prefill, whose tasks on channel 0 are others.
  const names = await page.locator("#step option").allInnerTexts();
  assert.ok(names.includes("the prefill") && names.length > 2, names.join());
  await page.locator("#step").selectOption({ label: "the prefill" });
  const prefill = (await option(page, "timeline")).series[0].data.length;
  assert.notEqual(prefill, timeline.series[0].data.length);
  assert.match(await page.textContent("#timeline .say"), /All of the prefill/);
  await context.close();
});

test("tooltips say what is under the mouse", async () => {
  const { page, context } = await report(["eight"]);
  const results = results_of("eight");
  const largest = Object.entries(results.energy_j.components).sort((a, b) => b[1] - a[1])[0];
  const energy = await tooltip(page, "energy-components", 0, 0);
  assert.match(energy, /share/);
  assert.match(energy, new RegExp(((100 * largest[1]) / results.energy_j.total).toFixed(1).replace(".", "\\.")));
  const time = await tooltip(page, "time", 0, 1);
  assert.match(time, /nmp\.channel0/);
  assert.match(time, /column/);
  const roofline = await option(page, "roofline");
  const series = roofline.series.findIndex((s) => s.type === "scatter");
  assert.match(await tooltip(page, "roofline", series, 0), /of its ceiling/);
  await context.close();
});

test("tables sort by any column, both ways, and say so", async () => {
  const { page, context } = await report(["eight"]);
  const table = page.locator("#operators table");
  const shown = async () => (await table.locator("tbody tr td:nth-child(6)").allInnerTexts()).map((text) => { const [number, unit] = text.split(/\s/); return Number(number.replaceAll(",", "")) * { J: 1, mJ: 1e-3, "µJ": 1e-6, nJ: 1e-9, pJ: 1e-12 }[unit] || 0; });
  await page.locator("#operators button.more").click();
  await table.getByRole("button", { name: "Energy" }).click();
  const down = await shown();
  assert.deepEqual(down, [...down].sort((a, b) => b - a));
  assert.equal(await table.locator("th:nth-child(6)").getAttribute("aria-sort"), "descending");
  await table.getByRole("button", { name: "Energy" }).click();
  const up = await shown();
  assert.deepEqual(up, [...up].sort((a, b) => a - b));
  assert.notDeepEqual(up, down);
  assert.equal(up.length, results_of("eight").operators.filter((op) => op.count > 0 || op.energy_j > 0).length);
  await context.close();
});

test("the configuration is found by key, with its source", async () => {
  const { page, context } = await report(["eight"]);
  await page.getByRole("searchbox").fill("mode_change");
  const rows = page.locator(".config tbody tr:visible");
  assert.equal(await rows.count(), 1);
  assert.match(await rows.first().innerText(), /100 ns[^]*ASSUMED[^]*configs\/system\/h2llm\.yaml:21/);
  await page.getByRole("searchbox").fill("--set");
  assert.equal(await rows.count(), 5);
  await context.close();
});

test("no page is wider than a phone", async () => {
  for (const results of [["eight"], ["eight", "four"], ["space", "validate", "ladder", "fixed.csv", "heat", "sweep", "reproduction"]]) {
    for (const width of [390, 320]) {
      const { page, context, problems } = await report(results, { width });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= width, `${results}: ${wide} of ${width}`);
      assert.deepEqual(problems, []);
      await context.close();
    }
  }
});

test("charts follow the colour scheme, the width and the printer", async () => {
  const { page, context } = await report(["eight"], { scheme: "dark" });
  const color = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const fills = () => page.evaluate(() => document.querySelector('[data-chart="time"]').innerHTML);
  const dark = [await color(), await fills()];
  await page.emulateMedia({ colorScheme: "light" });
  await page.waitForTimeout(100);
  assert.notEqual(await color(), dark[0]);
  assert.notEqual(await fills(), dark[1]);
  await page.setViewportSize({ width: 700, height: 900 });
  await page.waitForTimeout(250);
  const widths = () => page.evaluate(() => [...document.querySelectorAll("[data-chart]")].map((box) => [box.clientWidth, box.querySelector("svg").clientWidth]));
  for (const [box, svg] of await widths()) assert.equal(svg, box);
  await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
  for (const [, svg] of await widths()) assert.ok(svg <= 640, `${svg}`);
  assert.ok((await page.pdf({ format: "A4" })).length > 20000);
  await context.close();
});

test("headings, tables and fields have names", async () => {
  for (const results of [["eight", "four"], ["space", "validate", "ladder", "fixed.csv", "heat", "sweep", "reproduction"]]) {
    const { page, context } = await report(results);
    const faults = await page.evaluate(() => {
      const out = [];
      if (document.querySelectorAll("h1").length !== 1) out.push("one h1");
      for (const t of document.querySelectorAll("table")) if (!t.caption && !t.closest("[aria-label]")) out.push("table without a name");
      for (const f of document.querySelectorAll("input, select")) if (!f.labels.length && !f.getAttribute("aria-label")) out.push("field without a name");
      for (const c of document.querySelectorAll(".chart")) if (!c.getAttribute("aria-label")) out.push("chart without a name");
      const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
      if (new Set(ids).size !== ids.length) out.push("an id twice");
      for (const a of document.querySelectorAll("nav a")) if (!document.querySelector(a.getAttribute("href"))) out.push(`nowhere: ${a.getAttribute("href")}`);
      return out;
    });
    assert.deepEqual(faults, []);
    await context.close();
  }
});

test("several runs are compared, and what differs between them is said", async () => {
  const { page, context, problems } = await report(["eight", "four"]);
  assert.deepEqual(problems, []);
  const different = await page.locator("#comparison table", { hasText: "What differs" }).last().innerText();
  assert.match(different, /system\.nmp\.pe\.fpus\s+8\s+4/);
  assert.doesNotMatch(different, /clock_mhz/);
  const bars = await option(page, "comparison");
  const [a, b] = [results_of("eight"), results_of("four")];
  close(bars.series[1].data[2], b.latency_s.total / a.latency_s.total, 1e-9);
  assert.match(await page.locator("#comparison table").first().innerText(), /Energy per token/);
  await page.getByLabel("Run", { exact: true }).selectOption({ label: "four" });
  const group = page.locator("#configuration");
  await page.getByRole("searchbox").fill("nmp.pe.fpus");
  assert.match(await group.locator("tbody tr:visible").innerText(), /4[^]*--set nmp\.pe\.fpus=4/);
  assert.ok((await page.locator("#one").innerText()).includes("<b>odd</b></script><script>alert(1)</script>"), "text of the data stays text");
  await context.close();
});

test("a page whose data lack something says so where it is, and draws the rest", async () => {
  const { file, context } = await report(["served"]);
  await context.close();
  const whole = readFileSync(file, "utf8");
  const with_data = (change) => {
    const damaged = whole.replace(/(<script[^>]*id="data">)([\s\S]*?)(<\/script>)/, (_, open, text, close) => {
      const data = JSON.parse(text);
      change(data);
      return open + JSON.stringify(data).replaceAll("<", "\\u003c") + close;
    });
    assert.notEqual(damaged, whole);
    writeFileSync(at("damaged.html"), damaged);
    return open_report(browser, at("damaged.html"), { width: 1280 });
  };
  const gone = await with_data((data) => delete data.served[0].served.latency);
  assert.match(await gone.page.locator("#fault-1").innerText(), /served: cannot be drawn\n*A value that this part needs is missing/);
  await gone.context.close();
  const odd = await with_data((data) => { data.served[0].served.over_time.running.mean = [{}]; data.served[0].rows = 3; });
  assert.ok((await odd.page.locator("body").innerText()).includes("cannot be drawn"));
  await odd.context.close();
});

test("scripts that are not the page's own do not run, and nothing is loaded", async () => {
  const { page, context } = await report(["four"]);
  const ran = await page.evaluate(async () => {
    const script = document.createElement("script");
    script.textContent = "window.ran = true";
    document.body.append(script);
    document.body.insertAdjacentHTML("beforeend", "<img src='data:,' onerror='window.ran = true'>");
    const fetched = await fetch("http://127.0.0.1:9/").then(() => "fetched", (e) => e.name);
    await new Promise((done) => setTimeout(done, 50));
    return [window.ran ?? false, fetched];
  });
  assert.deepEqual(ran, [false, "TypeError"]);
  await context.close();
});

test("a search shows its front, its candidates on hover, and other axes on demand", async () => {
  const { page, context, problems } = await report(["space"]);
  assert.deepEqual(problems, []);
  const front = readFileSync(at("space/front.csv"), "utf8").trim().split("\n");
  const plot = await option(page, "search-0");
  assert.equal(plot.series.find((s) => s.name === "front").data.length, front.length - 1);
  assert.ok(plot.series.find((s) => s.name === "others").data.length > front.length - 1);
  assert.match(await page.locator("#search-section-0 .say").first().innerText(), /front of latency and PE area/);
  // The knee by hand: of the front's rows the one that is nearest to the best of both, each from 0 to 1.
  const head = front[0].split(","), rows = front.slice(1).map((line) => line.split(",").map(Number));
  const scale = (name) => { const all = rows.map((row) => row[head.indexOf(name)]); return (row) => (row[head.indexOf(name)] - Math.min(...all)) / (Math.max(...all) - Math.min(...all)); };
  const far = rows.map((row) => scale("latency_s")(row) + scale("pe_area_mm2")(row));
  const knee = rows[far.indexOf(Math.min(...far))];
  assert.ok(front.length > 3, front.join("\n"));
  assert.match(await page.locator("#search-section-0 .say").first().innerText(), new RegExp(`The knee.*fpus ${knee[head.indexOf("nmp.pe.fpus")]}, clock \\(MHz\\) ${knee[head.indexOf("nmp.pe.clock_mhz")]}`));
  assert.match(await tooltip(page, "search-0", 1, 0), /On the front[^]*latency[^]*fpus/);
  await page.getByLabel("Up").selectOption("energy_j");
  const energy = front[0].split(",").indexOf("energy_j");
  const values = (await option(page, "search-0")).series.find((s) => s.name === "front").data.map((d) => d[1]);
  close(Math.min(...values), Math.min(...front.slice(1).map((line) => Number(line.split(",")[energy]))), 1e-9);
  assert.equal(await page.locator("#search-section-0 tbody tr").count(), front.length - 1);
  await context.close();
});

test("closed forms, the ladder and fixed devices have their sections", async () => {
  const { page, context, problems } = await report(["validate", "ladder", "fixed.csv"]);
  assert.deepEqual(problems, []);
  const scatter = await option(page, "validation-0");
  assert.equal(scatter.series.filter((s) => s.type === "scatter" && s.data.length === 3).length >= 3, true);
  assert.match(await page.locator("#validation-section-0 table").first().innerText(), /detailed\s+3/);
  const line = scatter.series.findIndex((s) => s.type === "scatter");
  assert.match(await tooltip(page, "validation-0", line, 0), /operator on NMP[^]*\(1 × 512\) · \(512 × 1024\)[^]*simulated/);
  assert.equal((await option(page, "ladder-0")).y.length, 8);
  assert.match(await page.locator("#dataflows-0").innerText(), /2 of 2 are proved/);
  await context.close();
});

test("requests that were served have their latencies, and rates a curve", async () => {
  const { page, context, problems } = await report(["served", "rates"]);
  assert.deepEqual(problems, []);
  const figures = JSON.parse(readFileSync(at("served/serving.json"), "utf8"));
  assert.match(await page.locator("#served-0").innerText(), /12 of 12 requests complete/);
  const lines = (await option(page, "served-latency-0")).series;
  assert.equal(lines[0].data.length, 12);
  close(Math.max(...lines[2].data.map(([x]) => x)), figures.latency.e2e.max_ms * 1e-3, 1e-6);
  assert.equal((await option(page, "served-requests-0")).y.length, 12);
  assert.deepEqual((await option(page, "curve-0")).series[0].data.map(([x]) => x), [1, 4]);
  await context.close();
});

test("iterations that were traced are drawn over the channels, one at a time", async () => {
  const { page, context, problems } = await report(["traced"]);
  assert.deepEqual(problems, []);
  const rows = readFileSync(at("traced/nmp.channel0.tasks.csv"), "utf8").trim().split("\n");
  const columns = rows[1].split(",");
  const [start, step] = ["start_ps", "step"].map((name) => columns.indexOf(name));
  const steps = [...new Set(rows.slice(2).map((row) => row.split(",")[step]))];
  assert.deepEqual(steps, ["0", "1", "2", "3"]);
  const select = page.locator("#served-timeline-0-step");
  assert.match((await select.locator("option").allInnerTexts())[0], /^iteration 0 \(1 prompt, [\d,]+ tokens\)$/);
  const drawn = async () => {
    const timeline = await option(page, "served-timeline-0");
    const lane = timeline.y.indexOf("nmp.channel0");
    return timeline.series[0].data.filter((row) => row[0] === lane).length;
  };
  const of_step = (number) => rows.slice(2).map((row) => row.split(",")).filter((row) => row[step] === number && row[start] !== row[start + 1]).length;
  assert.equal(await drawn(), of_step("3"));
  await select.selectOption("0");
  assert.equal(await drawn(), of_step("0"));
  await context.close();
});

test("heat has a map of each layer, the token's time against the ambient, and the course", async () => {
  const { page, context, problems } = await report(["heat"]);
  assert.deepEqual(problems, []);
  const heat = JSON.parse(readFileSync(at("heat/heat.json"), "utf8"));
  const maps = (await charts(page)).filter((c) => c.id.startsWith("heat-map-0-")).map((c) => c.id);
  assert.deepEqual(maps, [...heat.maps[0].layers].reverse().map((layer) => `heat-map-0-${layer.layer}`));
  const cells = (await option(page, "heat-map-0-dram")).series[0].data.map(([, , c]) => c);
  assert.deepEqual(cells, heat.maps[0].layers.find((layer) => layer.layer === "dram").temperature_c);
  await page.locator("#heat-ambient-0").selectOption("1");
  const hotter = (await option(page, "heat-map-0-dram")).series[0].data.map(([, , c]) => c);
  assert.ok(Math.min(...hotter) > Math.max(...cells));
  const token = (await option(page, "heat-token-0")).series;
  assert.deepEqual(token[0].data, heat.points.filter((p) => p.policy === "none").map((p) => [p.ambient_c, 1e3 * p.token_s]));
  assert.equal((await option(page, "heat-bank-0-0")).series[0].data.length, 30);
  assert.deepEqual((await option(page, "heat-run-0-0")).series[2].data, heat.runs[0].moments.map((m) => [m.time_s, m.npu_c]));
  assert.match(await page.locator("#heat-0").innerText(), /84.°C banks are beyond their first refresh step/);
  await context.close();
});

let failed = 0;
test("a sweep has a line for each value of the second key, and other axes on demand", async () => {
  const { page, problems, context } = await report(["sweep"]);
  const series = () => page.evaluate(() => document.querySelectorAll('[data-chart="sweep-0"] svg path[fill="none"][stroke]').length);
  assert.match(await page.textContent("#sweep-section-0 .say"), /4 runs; the highest/);
  assert.equal(await page.locator("#sweep-section-0 .legend li").count(), 2);
  const before = await page.evaluate(() => document.querySelector('[data-chart="sweep-0"]').innerHTML);
  await page.locator("#sweep-section-0 select").nth(1).selectOption("energy_j");
  assert.notEqual(await page.evaluate(() => document.querySelector('[data-chart="sweep-0"]').innerHTML), before);
  assert.ok((await series()) > 0);
  assert.deepEqual(problems, []);
  await context.close();
});

test("a reproduction has every published figure beside ours", async () => {
  const { page, problems, context } = await report(["reproduction"]);
  const rows = readFileSync(at("reproduction/headlines.csv"), "utf8").trim().split("\n").length - 1;
  assert.equal(await page.locator("#reproduction-section-0 > .card:last-child tbody tr").count(), rows);
  const bars = (await option(page, "reproduction-0")).series[0].data;
  assert.ok(bars.length > 5 && bars.length < rows, `${bars.length} of ${rows}`);
  assert.match(await page.textContent("#reproduction-section-0 .say"), /of \d+ published figures are met within 10 %/);
  assert.deepEqual(problems, []);
  await context.close();
});

test("axe finds no serious fault of accessibility on a desktop and on a phone", async () => {
  const axe = readFileSync(`${modules}/node_modules/axe-core/axe.min.js`, "utf8");
  for (const results of [["eight", "four"], ["served", "rates"], ["space", "validate", "ladder", "fixed.csv", "heat", "sweep", "reproduction"]]) {
    for (const width of [1280, 375]) {
      const { page, context } = await report(results, { width });
      await page.evaluate(axe);
      const faults = await page.evaluate(async () => (await window.axe.run()).violations.filter((v) => ["serious", "critical"].includes(v.impact)).map((v) => `${v.id}: ${v.nodes.length} of ${v.nodes[0].html.slice(0, 120)}`));
      assert.deepEqual(faults, [], `${results} at ${width}`);
      await context.close();
    }
  }
});

const only = process.env.BONDSIM_REPORT_TEST;  // part of a name: run those alone
make_results();
for (const [name, body] of tests.filter(([name]) => !only || name.includes(only))) {
  const began = Date.now();
  try {
    await body();
    console.log(`ok      ${name} (${Date.now() - began} ms)`);
  } catch (error) {
    ++failed;
    console.log(`FAILED  ${name}\n${error.stack}`);
  }
}
await browser.close();
process.exit(failed ? 1 : 0);
