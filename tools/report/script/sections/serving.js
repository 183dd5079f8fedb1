// Requests that came and went: latencies, load over time, requests and iterations on one axis of time, and the throughput-latency curve.

const latency_names = { ttft: "First token (TTFT)", tpot: "Later tokens (TPOT)", itl: "Between tokens (ITL)", e2e: "Whole request", queueing: "Waiting for its start" };
const percentile_keys = ["mean_ms", "p50_ms", "p75_ms", "p90_ms", "p95_ms", "p99_ms", "max_ms"];
const ms = (value) => seconds(value * 1e-3);

function served_say(s) {
  const r = s.requests;
  const slo = s.slo ? ` **${percent(s.goodput.attainment)}** keep the SLO (TTFT ${count(s.slo.ttft_ms)} ms, TPOT ${count(s.slo.tpot_ms)} ms).` : "";
  const energy = s.energy ? ` ${joules(s.energy.per_request_j)} a request, ${joules(s.energy.per_output_token_j)} an output token.` : "";
  const how = { cycle: "by cycles, each iteration simulated", detailed: "by the closed form, nothing simulated", both: "by the closed form, a sample of iterations confirmed by cycles" }[s.tier];
  return `${s.partial ? "**PARTIAL: the run was stopped.** " : ""}**${count(r.complete)}** of ${plural(r.arrived, "request")} complete in ${seconds(s.time_s)} (${how}), policy **${s.policy}**: ${significant(s.throughput.requests_per_s)} requests/s and **${significant(s.throughput.output_tokens_per_s)}** output tokens/s.${slo}${energy}`;
}

function latency_table(s) {
  const rows = Object.keys(latency_names).map((key) => ({ name: latency_names[key], ...s.latency[key] }));
  return table({ caption: "Latencies", rows, columns: [text_column("Latency", "name"), ...percentile_keys.map((key) => number_column(key.replace("_ms", ""), (row) => row[key], ms))] });
}

/** Share of requests that are done within a time, by request. */
function distribution_chart(item, i) {
  const column = (name) => item.columns.indexOf(name);
  const lines = [["TTFT", "TTFT"], ["TPOT", "TPOT"], ["whole request", "latency"]].map(([name, key]) => ({
    name, points: item.rows.map((row) => row[column(key)] * 1e-9).filter((v) => v > 0).sort((a, b) => a - b) }));
  if (lines.every((line) => line.points.length === 0)) return missing("No request came to its first token.");
  return chart({
    id: `served-latency-${i}`, name: "Share of requests within a latency", height: 260, keys: () => legend(lines.map((line, k) => [line.name, series_color(k)])),
    caption: item.left_out ? `Of the first ${count(item.rows.length)} requests; ${count(item.left_out)} more are in requests.csv.` : null,
    build: (t) => ({
      grid: { left: 8, right: 20, top: 14, bottom: 32, containLabel: true },
      xAxis: { type: "log", name: "seconds", nameGap: 28, ...axis_style(t, { axisLabel: { formatter: (v) => significant(v, 2), hideOverlap: true } }) },
      yAxis: { type: "value", min: 0, max: 1, ...axis_style(t, { axisLabel: { formatter: (v) => `${Math.round(100 * v)} %` } }) },
      tooltip: tooltip(t, { trigger: "item", formatter: (at) => tip(lines[at.seriesIndex].name, [["within", seconds(at.value[0])], ["share", percent(at.value[1])]]) }),
      series: lines.map((line, k) => ({ type: "line", step: "end", showSymbol: false, triggerLineEvent: true, color: series_color(k), lineStyle: { width: 2 },
        data: line.points.map((v, n) => [v, (n + 1) / line.points.length]) })),
    }),
  });
}

function load_chart(s, i) {
  const over = s.over_time;
  const at = (series) => series.mean.map((value, n) => [(n + 0.5) * series.interval_s, value]);
  const lines = [{ name: "running", points: at(over.running) }, { name: "waiting", points: at(over.waiting) },
    { name: "KV pages in use, %", points: at(over.kv_pages).map(([x, y]) => [x, (100 * y) / s.kv.pages]), right: true }];
  return chart({
    id: `served-load-${i}`, name: "Requests running and waiting, and KV pages in use, over time", height: 260, keys: () => legend(lines.map((line, k) => [line.name, series_color(k)])),
    build: (t) => ({
      grid: { left: 8, right: 12, top: 14, bottom: 32, containLabel: true },
      xAxis: { type: "value", min: 0, max: s.time_s, name: "seconds", nameGap: 28, ...axis_style(t, { axisLabel: { hideOverlap: true }, splitLine: { show: false } }) },
      yAxis: [{ type: "value", min: 0, ...axis_style(t) }, { type: "value", min: 0, max: 100, ...axis_style(t, { axisLabel: { formatter: (v) => `${v} %` }, splitLine: { show: false } }) }],
      tooltip: tooltip(t, { trigger: "axis", formatter: (all) => tip(`at ${seconds(all[0].value[0])}`, all.map((p) => [lines[p.seriesIndex].name, significant(p.value[1], 3), series_color(p.seriesIndex)])) }),
      series: lines.map((line, k) => ({ type: "line", showSymbol: false, yAxisIndex: line.right ? 1 : 0, color: series_color(k), lineStyle: { width: 2 }, data: line.points })),
    }),
  });
}

/** Bars of each request: waiting, prompt, answer. */
function requests_chart(item, i) {
  const column = (name) => item.columns.indexOf(name);
  const rows = item.rows.map((row) => ({ id: row[column("request id")], from: row[column("arrival")] * 1e-9, start: (row[column("arrival")] + row[column("queuing_delay")]) * 1e-9,
    first: (row[column("arrival")] + row[column("TTFT")]) * 1e-9, end: row[column("end_time")] * 1e-9, prompt: row[column("input")], output: row[column("output")] }))
    .sort((a, b) => a.from - b.from).slice(0, 60);
  const parts = [["waiting", part_color("dependency"), (r) => [r.from, r.start]], ["prompt", part_color("compute"), (r) => [r.start, r.first]], ["answer", part_color("column"), (r) => [r.first, r.end]]];
  const bars = rows.flatMap((r, n) => parts.map(([, color, span], k) => [n, ...span(r), k, color]));
  return chart({
    id: `served-requests-${i}`, name: "Requests over time: waiting, prompt, answer", height: 70 + rows.length * 9, keys: () => legend(parts.map(([name, color]) => [name, color])),
    caption: `The first ${rows.length} by arrival.`,
    behind: { rows, most: 15, columns: [number_column("Request", (r) => r.id, String), number_column("Arrival", (r) => r.from, seconds), number_column("Start", (r) => r.start, seconds), number_column("First token", (r) => r.first, seconds), number_column("End", (r) => r.end, seconds), number_column("Prompt", (r) => r.prompt, count), number_column("Answer", (r) => r.output, count)] },
    build: (t) => ({
      grid: { left: 8, right: 14, top: 6, bottom: 32, containLabel: true },
      xAxis: { type: "value", min: 0, name: "seconds", nameGap: 28, ...axis_style(t, { axisLabel: { hideOverlap: true } }) },
      yAxis: { type: "category", inverse: true, data: rows.map((r) => r.id), ...axis_style(t, { axisLabel: { interval: 9 } }) },
      tooltip: tooltip(t, { trigger: "item", formatter: ({ dataIndex: n }) => tip(`request ${rows[bars[n][0]].id}`, [["prompt", count(rows[bars[n][0]].prompt)], ["answer", count(rows[bars[n][0]].output)], [parts[bars[n][3]][0], seconds(bars[n][2] - bars[n][1])]]) }),
      series: [{ type: "custom", clip: true, encode: { x: [1, 2], y: 0 }, data: bars.map((b) => b.slice(0, 3)),
        renderItem: (at, api) => {
          const from = api.coord([api.value(1), api.value(0)]), to = api.coord([api.value(2), api.value(0)]);
          return { type: "rect", shape: { x: from[0], y: from[1] - 3, width: Math.max(0.5, to[0] - from[0]), height: 6 }, style: { fill: bars[at.dataIndex][4] } };
        } }],
    }),
  });
}

/** Length of each iteration by when it began. */
function iterations_chart(item, i) {
  const column = (name) => item.iterations.columns.indexOf(name);
  const of = (row, name) => row[column(name)];
  const kinds = [["prompts", (row) => of(row, "prompts") > 0 && of(row, "decodes") === 0], ["decode", (row) => of(row, "prompts") === 0], ["both", (row) => of(row, "prompts") > 0 && of(row, "decodes") > 0]];
  const groups = kinds.map(([name, has]) => ({ name, rows: item.iterations.rows.filter(has) }));
  return chart({
    id: `served-iterations-${i}`, name: "Length of each iteration by its start", height: 260, keys: () => legend(groups.map((g, k) => [g.name, series_color(k)])),
    caption: item.iterations.left_out ? `The first ${count(item.iterations.rows.length)} iterations; ${count(item.iterations.left_out)} more are in iterations.csv.` : null,
    build: (t) => ({
      grid: { left: 8, right: 20, top: 14, bottom: 32, containLabel: true },
      xAxis: { type: "value", min: 0, name: "seconds", nameGap: 28, ...axis_style(t, { axisLabel: { hideOverlap: true }, splitLine: { show: false } }) },
      yAxis: { type: "value", min: 0, ...axis_style(t, { axisLabel: { formatter: (v) => `${significant(v)} ms` } }) },
      tooltip: tooltip(t, { trigger: "item", formatter: (at) => { const row = groups[at.seriesIndex].rows[at.dataIndex]; return tip(`iteration ${of(row, "iteration")}`, [["length", seconds((of(row, "end_ns") - of(row, "start_ns")) * 1e-9)], ["prompt tokens", count(of(row, "prompt_tokens"))], ["requests that decode", count(of(row, "decodes"))], ["KV tokens", count(of(row, "kv_tokens"))]]); } }),
      series: groups.map((g, k) => ({ type: "scatter", symbolSize: 4, color: series_color(k), data: g.rows.map((row) => [of(row, "start_ns") * 1e-9, (of(row, "end_ns") - of(row, "start_ns")) * 1e-6]) })),
    }),
  });
}

/** One of the iterations that were traced over the channels. */
function iteration_timeline(item, i) {
  const column = (name) => item.iterations.columns.indexOf(name);
  const name = (number) => {
    const row = item.iterations.rows.find((r) => r[column("iteration")] === number);
    if (!row) return `iteration ${count(number)}`;
    const parts = [];
    if (row[column("prompts")] > 0) parts.push(`${plural(row[column("prompts")], "prompt")}, ${count(row[column("prompt_tokens")])} tokens`);
    if (row[column("decodes")] > 0) parts.push(`${plural(row[column("decodes")], "request")} in decode`);
    return `iteration ${count(number)} (${parts.join("; ")})`;
  };
  return [el("h3", {}, "One iteration over the channels"), ...step_picker(item.timeline, name, `served-timeline-${i}`, "Iteration")];
}

function served_section(item, i) {
  const s = item.served;
  const parts = [card(latency_table(s)), card(distribution_chart(item, i)), card(load_chart(s, i)), card(requests_chart(item, i))];
  if (item.iterations && item.iterations.rows.length) parts.push(card(iterations_chart(item, i)));
  if (item.timeline) parts.push(...iteration_timeline(item, i));
  if (s.confirmation) {
    parts.push(card(table({ caption: "Iterations confirmed by cycles", rows: s.confirmation.strata, columns: [text_column("Iterations of", "iterations_of"), number_column("Number", (r) => r.iterations, count), number_column("Simulated", (r) => r.simulated, count), number_column("Error of the closed form", (r) => (r.simulated ? r.error : NaN), percent)] })),
      card(table({ caption: "Estimated error of the figures", rows: s.confirmation.metrics, columns: [text_column("Figure", "name"), number_column("Closed form", (r) => r.form_ms, ms), number_column("Corrected", (r) => r.corrected_ms, ms), number_column("Error", (r) => r.error, percent)] })));
  }
  return section(`served-${i}`, `Requests served: ${item.label}`, served_say(s), ...parts);
}

/** Latency against throughput, a point for each rate. */
function curve_section(item, i) {
  const rows = as_objects(item);
  const lines = [["TTFT p50", "ttft_p50_ms"], ["TTFT p99", "ttft_p99_ms"], ["TPOT p50", "tpot_p50_ms"], ["TPOT p99", "tpot_p99_ms"]];
  const limits = item.slo ? [[item.slo.ttft_ms, "SLO: TTFT"], [item.slo.tpot_ms, "SLO: TPOT"]] : [];
  const kept = rows.filter((row) => row.attainment >= 0.9);
  const say = item.slo && kept.length ? `At least 90 % of the requests keep the SLO up to **${significant(Math.max(...kept.map((row) => row.rate_per_s)))} requests/s** of the rates tried.` : "";
  const columns = item.columns.map((name) => number_column(words(name), (row) => row[name], (v) => (name === "attainment" ? percent(v) : name.endsWith("_ms") ? ms(v) : significant(v))));
  return section(`curve-${i}`, `Throughput and latency: ${item.label}`, say, card(chart({
    id: `curve-${i}`, name: "Latency against the request rate", height: 300, keys: () => legend(lines.map(([name], k) => [name, series_color(k)])), behind: { columns, rows },
    build: (t) => ({
      grid: { left: 8, right: 20, top: 20, bottom: 32, containLabel: true },
      xAxis: { type: "value", min: 0, name: "requests asked a second", nameGap: 28, ...axis_style(t, { axisLabel: { hideOverlap: true }, splitLine: { show: false } }) },
      yAxis: { type: "log", ...axis_style(t, { axisLabel: { formatter: (v) => seconds(v * 1e-3, 2) } }) },
      tooltip: tooltip(t, { trigger: "axis", formatter: (all) => { const row = rows[all[0].dataIndex]; return tip(`${significant(row.rate_per_s)} requests/s`, [...lines.map(([name, key], k) => [name, ms(row[key]), series_color(k)]), ["served", `${significant(row.requests_per_s)} requests/s`], ["output", `${significant(row.output_tokens_per_s)} tokens/s`], ["keep the SLO", percent(row.attainment)]]); } }),
      series: lines.map(([name, key], k) => ({ type: "line", name, color: series_color(k), lineStyle: { width: 2 }, symbolSize: 6, data: rows.map((row) => [row.rate_per_s, Math.max(1e-3, row[key])]),
        markLine: k === 0 && limits.length ? { silent: true, symbol: "none", lineStyle: { color: t.muted, type: "dashed" }, label: { color: t.muted, position: "insideStartTop", formatter: ({ name: text }) => text }, data: limits.map(([value, text]) => ({ yAxis: value, name: text })) } : undefined })),
    }),
  })));
}
