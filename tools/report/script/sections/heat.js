// Temperatures in a package: maps of its layers, the time of a token against the ambient, and the course of a machine that warms up.

const celsius = (value) => (Number.isFinite(value) ? `${significant(value, 4)}${nbsp}°C` : "–");
const heat_colors = ["#20396b", "#2b6ea6", "#4fa3a5", "#b9cf6b", "#f3c13a", "#e2711d", "#9d1b1b"];

/** One layer seen from above: a rectangle a cell, row 0 below. */
function heat_map_chart(heat, map, layer, range, id) {
  const { columns, rows } = heat;
  const cells = layer.temperature_c.map((c, i) => [i % columns, Math.floor(i / columns), c]);
  const where = (i, length, cells_there) => `${significant(((i + 0.5) * length) / cells_there, 3)} mm`;
  return chart({
    id, name: `Temperature of layer ${layer.layer} at ${celsius(map.ambient_c)} ambient, ${celsius(Math.min(...layer.temperature_c))} to ${celsius(Math.max(...layer.temperature_c))}`,
    height: (width) => Math.min(340, Math.round((width * rows) / columns) + 8), caption: `${layer.layer}: ${celsius(Math.min(...layer.temperature_c))} to ${celsius(Math.max(...layer.temperature_c))}`,
    build: (t) => ({
      grid: { left: 4, right: 4, top: 4, bottom: 4 },
      xAxis: { type: "category", show: false, data: Array.from({ length: columns }, (_, i) => i) },
      yAxis: { type: "category", show: false, data: Array.from({ length: rows }, (_, i) => i) },
      visualMap: { show: false, min: range[0], max: Math.max(range[1], range[0] + 0.01), dimension: 2, inRange: { color: heat_colors } },
      tooltip: tooltip(t, { trigger: "item", formatter: (at) => tip(celsius(at.value[2]), [["x", where(at.value[0], heat.width_mm, columns)], ["y", where(at.value[1], heat.height_mm, rows)]]) }),
      series: [{ type: "heatmap", data: cells, emphasis: { disabled: true } }],
    }),
  });
}

/** The layers of one map on one scale; the reader chooses the ambient. */
function heat_maps(heat, i) {
  const holder = el("div", { class: "maps" });
  const scale = el("p", { class: "say" });
  const show = (n) => {
    const map = heat.maps[n], all = map.layers.flatMap((layer) => layer.temperature_c), range = [Math.min(...all), Math.max(...all)];
    holder.replaceChildren(...[...map.layers].reverse().map((layer) => heat_map_chart(heat, map, layer, range, `heat-map-${i}-${layer.layer}`)));
    scale.replaceChildren(`From ${celsius(range[0])} (blue) to ${celsius(range[1])} (red), all layers on one scale, the cooling first.`);
  };
  const select = el("select", { id: `heat-ambient-${i}`, onchange: () => { show(Number(select.value)); draw_charts(); } }, heat.maps.map((map, n) => el("option", { value: n }, celsius(map.ambient_c))));
  show(0);
  return card(el("div", { class: "tools" }, el("label", { for: `heat-ambient-${i}` }, "Ambient"), select), scale, holder);
}

const heat_policies = (list) => [...new Set(list.map((p) => p.policy))];

function token_chart(heat, i) {
  const policies = heat_policies(heat.points);
  const line = (policy) => heat.points.filter((p) => p.policy === policy).sort((a, b) => a.ambient_c - b.ambient_c);
  return chart({
    id: `heat-token-${i}`, name: "Time of a token in the steady state against the ambient", height: 260, caption: "Time of a token in the steady state, by throttling policy.", keys: () => legend(policies.map((name, k) => [name, series_color(k)])),
    build: (t) => ({
      grid: { left: 8, right: 20, top: 14, bottom: 32, containLabel: true },
      xAxis: { type: "value", scale: true, name: "ambient, °C", nameGap: 26, ...axis_style(t) },
      yAxis: { type: "value", min: 0, ...axis_style(t, { axisLabel: { formatter: (v) => `${significant(v)} ms` } }) },
      tooltip: tooltip(t, { trigger: "axis", formatter: (all) => tip(`${celsius(all[0].value[0])} ambient`, all.map((p) => [policies[p.seriesIndex], `${significant(p.value[1])} ms`, series_color(p.seriesIndex)])) }),
      series: policies.map((policy, k) => ({ type: "line", color: series_color(k), lineStyle: { width: 2 }, symbolSize: 6, data: line(policy).map((p) => [p.ambient_c, 1e3 * p.token_s]) })),
    }),
  });
}

/** A quantity of every course of one ambient over time. */
function course_chart(courses, { id, name, value, show, scale }) {
  return chart({
    id, name, height: 260, caption: `${name}.`, keys: () => legend(courses.map((c, k) => [c.policy, series_color(k)])),
    build: (t) => ({
      grid: { left: 8, right: 20, top: 14, bottom: 32, containLabel: true },
      xAxis: { type: "value", min: 0, name: "seconds", nameGap: 26, ...axis_style(t, { axisLabel: { hideOverlap: true }, splitLine: { show: false } }) },
      yAxis: { type: "value", scale, min: scale ? undefined : 0, ...axis_style(t, { axisLabel: { formatter: (v) => show(v) } }) },
      tooltip: tooltip(t, { trigger: "axis", formatter: (all) => tip(`after ${seconds(all[0].value[0])}`, all.map((p) => [courses[p.seriesIndex].policy, show(p.value[1]), series_color(p.seriesIndex)])) }),
      series: courses.map((c, k) => ({ type: "line", showSymbol: false, step: scale ? false : "end", color: series_color(k), lineStyle: { width: 2 }, data: c.moments.map((m) => [m.time_s, value(m)]) })),
    }),
  });
}

function course_cards(heat, i) {
  return [...new Set(heat.courses.map((c) => c.ambient_c))].flatMap((ambient, n) => {
    const courses = heat.courses.filter((c) => c.ambient_c === ambient);
    const id = (what) => `heat-${what}-${i}-${n}`;
    const at = `at ${celsius(ambient)} ambient`;
    const parts = [["bank", "bank", "Hottest bank"], ["pe", "PE", "Hottest PE"], ["npu", "NPU", "NPU"]].filter(([key]) => courses[0].moments.some((m) => Number.isFinite(m[`${key}_c`])));
    return [...parts.map(([key, , title]) => card(course_chart(courses, { id: id(key), name: `${title} over time ${at}`, value: (m) => m[`${key}_c`], show: celsius, scale: true }))),
      card(course_chart(courses, { id: id("speed"), name: `Tokens a second over time ${at}`, value: (m) => m.tokens_per_s, show: (v) => significant(v, 3), scale: false }))];
  });
}

/** Hottest bank, PE and NPU within one run. */
function run_card(heat, run, i, n) {
  const parts = [["bank", "bank_c"], ["PE", "pe_c"], ["NPU", "npu_c"]].filter(([, key]) => Number.isFinite(run.moments[0][key]));
  return card(chart({
    id: `heat-run-${i}-${n}`, name: `Temperatures within a run at ${celsius(run.ambient_c)} ambient`, height: 260, caption: `Within a run at ${celsius(run.ambient_c)} ambient, its power as simulated.`, keys: () => legend(parts.map(([name], k) => [name, series_color(k)])),
    build: (t) => ({
      grid: { left: 8, right: 20, top: 14, bottom: 32, containLabel: true },
      xAxis: { type: "value", min: 0, name: "seconds", nameGap: 26, ...axis_style(t, { axisLabel: { hideOverlap: true }, splitLine: { show: false } }) },
      yAxis: { type: "value", scale: true, ...axis_style(t, { axisLabel: { formatter: celsius } }) },
      tooltip: tooltip(t, { trigger: "axis", formatter: (all) => tip(`after ${seconds(all[0].value[0])}`, all.map((p) => [parts[p.seriesIndex][0], celsius(p.value[1]), series_color(p.seriesIndex)])) }),
      series: parts.map(([, key], k) => ({ type: "line", showSymbol: false, color: series_color(k), lineStyle: { width: 2 }, data: run.moments.map((m) => [m.time_s, m[key]]) })),
    }),
  }));
}

function points_table(heat) {
  return table({ caption: "Steady states", rows: heat.points, columns: [
    number_column("Ambient", (p) => p.ambient_c, celsius), text_column("Policy", "policy"), number_column("Level", (p) => p.level, String), number_column("Power", (p) => p.power_w, (v) => quantity(v, "W")),
    number_column("of it leakage", (p) => p.leakage_w, (v) => quantity(v, "W")), number_column("Hottest bank", (p) => p.hottest.bank_c, celsius), number_column("PE", (p) => p.hottest.pe_c ?? NaN, celsius), number_column("NPU", (p) => p.hottest.npu_c, celsius),
    number_column("Channels refreshed faster", (p) => p.refresh_steps.filter((s) => s > 0).length, String), number_column("Token", (p) => p.token_s, seconds), number_column("Tokens/s", (p) => p.tokens_per_s, (v) => significant(v, 4)),
    number_column("Iterations", (p) => p.iterations, String), { title: "State", value: (p) => (p.runaway ? "runs away" : p.settled ? "settled" : "swings") }] });
}

function courses_table(heat) {
  return table({ caption: "Burst and sustained speed, from a machine at the ambient's temperature", rows: heat.courses, columns: [
    number_column("Ambient", (c) => c.ambient_c, celsius), text_column("Policy", "policy"), number_column("Burst, tokens/s", (c) => c.burst_tokens_per_s, (v) => significant(v, 4)), number_column("for", (c) => c.burst_s, seconds),
    number_column("Sustained, tokens/s", (c) => c.sustained_tokens_per_s, (v) => significant(v, 4))] });
}

function heat_cards(heat, i) {
  const parts = [card(points_table(heat))];
  if (new Set(heat.points.map((p) => p.ambient_c)).size > 1) parts.push(card(token_chart(heat, i)));
  parts.push(heat_maps(heat, i), ...(heat.runs ?? []).map((run, n) => run_card(heat, run, i, n)));
  if (heat.courses.length) parts.push(card(courses_table(heat)), ...course_cards(heat, i));
  return parts;
}

function heat_say(heat) {
  const free = heat.points.filter((p) => p.policy === "none"), hot = free.find((p) => p.refresh_steps.some((s) => s > 0));
  const first = free[0];
  const limit = hot ? ` At **${celsius(hot.ambient_c)}** banks are beyond their first refresh step and a token takes **${seconds(hot.token_s)}** instead of ${seconds(first.token_s)}.` : "";
  return `**${heat.model}** on ${heat.system} in stack **${heat.stack}**: **${quantity(first.power_w, "W")}** make ${celsius(first.hottest.bank_c)} in the hottest bank at ${celsius(first.ambient_c)} ambient.${limit}`;
}

function heat_study_section(item, i) {
  return section(`heat-${i}`, `Heat: ${item.label}`, heat_say(item.heat), ...heat_cards(item.heat, i));
}

/** Of a run at the temperatures that it makes. */
function heat_section(run) {
  return run.heat ? section("heat", "Heat", heat_say(run.heat), ...heat_cards(run.heat, "run")) : null;
}
