// Several runs side by side; ratios are to the first.

const compared = [
  ["Time to first token", (r) => r.latency_s.ttft, seconds, -1],
  ["Time per token", (r) => r.latency_s.tbt_mean, seconds, -1],
  ["99th percentile", (r) => r.latency_s.tbt_p99, seconds, -1],
  ["Total", (r) => r.latency_s.total, seconds, -1],
  ["Decode throughput", (r) => r.phases.decode.tokens_per_s, (v) => `${significant(v)} tokens/s`, 1],
  ["Energy", (r) => r.energy_j.total, joules, -1],
  ["Energy per token", (r) => r.energy_j.total / tokens_of(r), joules, -1],
  ["Average power", (r) => r.energy_j.total / r.latency_s.total, (v) => quantity(v, "W"), -1],
];

function ratio_mark(value, base, better) {
  if (!(base > 0)) return null;
  const change = value / base;
  const same = Math.abs(change - 1) < 0.0005;
  return el("span", { class: `ratio ${same ? "" : (change > 1) === (better > 0) ? "good" : "bad"}` }, ratio(change));
}

function comparison_table(runs) {
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Runs side by side" }, el("table", {},
    el("caption", {}, `Ratios to ${runs[0].label}`),
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, ""), runs.map((run) => el("th", { scope: "col", class: "number" }, run.label)))),
    el("tbody", {},
      [["System", (r) => r.system], ["Model", (r) => r.model], ["Dataflow", (r) => r.dataflow]].map(([name, of]) =>
        el("tr", {}, el("th", { scope: "row" }, name), runs.map((run) => el("td", { class: "number" }, of(run.results))))),
      compared.map(([name, of, show, better]) => el("tr", {}, el("th", { scope: "row" }, name), runs.map((run, i) =>
        el("td", { class: "number" }, show(of(run.results)), i ? ratio_mark(of(run.results), of(runs[0].results), better) : null)))))));
}

function comparison_bars(runs) {
  const metrics = compared.filter(([name]) => ["Time to first token", "Time per token", "Total", "Energy"].includes(name));
  const value = (run, [, of]) => of(run.results) / (of(runs[0].results) || 1);
  const rows = metrics.flatMap((metric) => runs.map((run) => ({ metric: metric[0], run: run.label, value: metric[2](metric[1](run.results)), times: value(run, metric) })));
  return chart({
    id: "comparison", name: `Time and energy of each run, as multiples of ${runs[0].label}`, caption: `As multiples of ${runs[0].label}; shorter is better`,
    keys: () => legend(runs.map((run, i) => [run.label, series_color(i)])),
    behind: { columns: [text_column("Metric", "metric"), text_column("Run", "run"), text_column("Value", "value"), number_column("Ratio", (row) => row.times, ratio)], rows },
    height: (width) => (narrow(width) ? 60 + metrics.length * (runs.length * 18 + 14) : 280),
    build: (t, width) => {
      const flat = narrow(width);
      const names = { type: "category", data: metrics.map(([name]) => name), inverse: flat, ...axis_style(t, { axisLabel: { color: t.text, interval: 0, width: flat ? 90 : 160, overflow: "break", lineHeight: 15 }, splitLine: { show: false } }) };
      const values = { type: "value", ...axis_style(t, { axisLabel: { formatter: (v) => `${significant(v, 3)}×`, hideOverlap: true } }), splitNumber: 4 };
      return {
        grid: { left: 4, right: flat ? 48 : 8, top: 20, bottom: 4, containLabel: true },
        xAxis: flat ? values : names, yAxis: flat ? names : values,
        tooltip: tooltip(t, { trigger: "axis", axisPointer: { type: "shadow", shadowStyle: { color: "rgba(128,140,152,.12)" } }, formatter: (at) => tip(metrics[at[0].dataIndex][0], runs.map((run, i) => [run.label, `${metrics[at[0].dataIndex][2](metrics[at[0].dataIndex][1](run.results))} · ${ratio(value(run, metrics[at[0].dataIndex]))}`, series_color(i)])) }),
        series: runs.map((run, i) => ({
          name: run.label, type: "bar", barMaxWidth: flat ? 14 : 44, barGap: "12%", emphasis: { disabled: true }, itemStyle: { color: series_color(i), borderRadius: flat ? [0, 2, 2, 0] : [2, 2, 0, 0] },
          label: { show: runs.length < 7, position: flat ? "right" : "top", color: t.muted, fontSize: 11, formatter: (at) => ratio(at.value) },
          data: metrics.map((metric) => value(run, metric)),
        })),
      };
    },
  });
}

function comparison_time(runs) {
  const rows = runs.flatMap((run) => {
    const executors = executors_of(run.results);
    return ["npu", "nmp", "normal"].filter((kind) => executors.some((e) => e.kind === kind)).map((kind) => ({ name: `${run.label}: ${{ npu: "NPU", nmp: "NMP", normal: "normal" }[kind]}`, parts: mean_parts(executors, kind) }));
  });
  return parts_chart({ id: "comparison-time", name: "Time by cause of each run's NPU, NMP channels and normal channels", rows, caption: "Time by cause; channels of a kind as their mean" });
}

function comparison_energy(runs) {
  const used = Object.keys(runs[0].results.energy_j.components).filter((name) => runs.some((run) => run.results.energy_j.components[name] > 0));
  const [scale, unit] = pick_unit(Math.max(...runs.map((run) => run.results.energy_j.total)), energy_units);
  const columns = [text_column("Run", "label"), ...used.map((name) => number_column(component_name(name), (run) => run.results.energy_j.components[name], joules))];
  return chart({
    id: "comparison-energy", name: "Energy of each run by component", caption: "Energy by component", behind: { columns, rows: runs },
    keys: () => legend(used.map((name) => [component_name(name), component_color(name)])),
    height: 40 + runs.length * 38,
    build: (t, width) => ({
      grid: { left: 4, right: 70, top: 4, bottom: 2, containLabel: true },
      xAxis: { type: "value", ...axis_style(t, { axisLabel: { formatter: (v) => `${significant(v / scale)} ${unit}`, hideOverlap: true } }), splitNumber: 4 },
      yAxis: { type: "category", inverse: true, data: runs.map((run) => run.label), ...axis_style(t, { axisLabel: { color: t.text, width: narrow(width) ? 110 : 220, overflow: "truncate" } }) },
      tooltip: tooltip(t, { trigger: "axis", axisPointer: { type: "shadow", shadowStyle: { color: "rgba(128,140,152,.12)" } }, formatter: ([first]) => tip(runs[first.dataIndex].label, largest(runs[first.dataIndex].results.energy_j.components, 8).map(([name, v]) => [component_name(name), joules(v), component_color(name)])) }),
      series: used.map((name, i) => ({
        name, type: "bar", stack: "energy", barWidth: 24, emphasis: { disabled: true }, itemStyle: { color: component_color(name) },
        label: { show: i === used.length - 1, position: "right", color: t.muted, fontSize: 12, formatter: ({ dataIndex }) => joules(runs[dataIndex].results.energy_j.total, 3) },
        data: runs.map((run) => run.results.energy_j.components[name] || 0),
      })),
    }),
  });
}

/** Keys whose values are not the same in all runs. */
function differences(runs) {
  const of = runs.map((run) => new Map((run.results.config.values || []).map((v) => [v.key, v.unit ? `${v.value} ${v.unit}` : v.value])));
  if (of.some((values) => values.size === 0)) return missing("Not all of these runs list their configuration, so what differs between them cannot be said.");
  const keys = [...new Set(of.flatMap((values) => [...values.keys()]))].filter((key) => new Set(of.map((values) => values.get(key))).size > 1);
  if (!keys.length) return el("p", { class: "say" }, "The configurations are the same.");
  return table({
    caption: "What differs between the configurations", rows: keys, most: 20,
    columns: [{ title: "Key", value: (key) => key, show: (key) => el("code", {}, key) }, ...runs.map((run, i) => ({ title: run.label, number: true, value: (key) => of[i].get(key) ?? "–" }))],
  });
}

function comparison_section(runs) {
  const work = (run) => JSON.stringify([run.results.model, run.results.workload]);
  const alike = runs.every((run) => work(run) === work(runs[0]));
  const total = (run) => (alike ? run.results.latency_s.total : run.results.latency_s.tbt_mean);
  const fastest = [...runs].sort((a, b) => total(a) - total(b))[0];
  const slowest = [...runs].sort((a, b) => total(b) - total(a))[0];
  const say = fastest === slowest || total(fastest) === total(slowest) ? "All take the same time." : `**${fastest.label}** is the fastest, ${significant(total(slowest) / total(fastest), 3)} times as fast as ${slowest.label}${alike ? "" : " for a token"}.`;
  const warning = alike ? null : el("p", { class: "say warning" }, "These runs do not do the same work: their models or workloads differ, so only numbers for a token can be compared.");
  const contexts = runs.map((run) => ({ name: run.label, points: context_points(run.results) })).filter((line) => line.points.length > 1);
  return section("comparison", "Comparison", say, warning, card(comparison_table(runs)), card(comparison_bars(runs)), card(comparison_time(runs)), card(comparison_energy(runs)),
    contexts.length ? card(el("h3", {}, "Latency against context"), context_chart("comparison-context", contexts)) : null, card(differences(runs)));
}
