// Latency of each decode step against the context it works on.

/** Least squares: seconds for one more token of context. */
function slope_of(points) {
  const mean = (pick) => points.reduce((sum, p) => sum + pick(p), 0) / points.length;
  const x = mean((p) => p[0]), y = mean((p) => p[1]);
  const spread = points.reduce((sum, p) => sum + (p[0] - x) ** 2, 0);
  return spread > 0 ? points.reduce((sum, p) => sum + (p[0] - x) * (p[1] - y), 0) / spread : 0;
}

function context_points(r) {
  return (r.step_latency_s || []).map((latency, i) => [r.workload.prompt_tokens + i + 1, latency]);
}

/** @param lines [{name, color, points}] */
function context_chart(id, lines) {
  const [scale, unit] = pick_unit(Math.max(...lines.flatMap((line) => line.points.map((p) => p[1]))), time_units);
  const rows = lines.flatMap((line) => line.points.map(([context, latency]) => ({ name: line.name, context, latency })));
  return chart({
    id, name: "Latency of a decode step against context length",
    keys: lines.length > 1 ? () => legend(lines.map((line, i) => [line.name, series_color(i)])) : null,
    behind: { columns: [text_column("Run", "name"), number_column("Context", (row) => row.context, count), number_column("Latency of the step", (row) => row.latency, seconds)], rows, most: 20 },
    height: 260,
    build: (t) => ({
      grid: { left: 8, right: 20, top: 14, bottom: 32, containLabel: true },
      xAxis: { type: "value", minInterval: 1, min: "dataMin", max: "dataMax", name: "tokens of context", nameGap: 28, ...axis_style(t, { axisLabel: { formatter: (v) => v.toLocaleString("en-US", { maximumFractionDigits: 0 }), hideOverlap: true }, splitLine: { show: false } }) },
      yAxis: { type: "value", scale: true, splitNumber: 4, ...axis_style(t, { axisLabel: { formatter: (v) => `${significant(v, 5)} ${unit}` } }) },
      tooltip: tooltip(t, { trigger: "axis", axisPointer: { lineStyle: { color: t.line } }, formatter: (at) => tip(`${at[0].value[0].toLocaleString("en-US")} tokens of context`, at.map((p) => [lines.length > 1 ? lines[p.seriesIndex].name : "step", seconds(p.value[1] * scale), lines.length > 1 ? series_color(p.seriesIndex) : null])) }),
      series: lines.map((line, i) => ({ type: "line", name: line.name, showSymbol: line.points.length < 40, symbolSize: 6, sampling: null, lineStyle: { width: 2 }, color: series_color(i), data: line.points.map(([x, y]) => [x, y / scale]) })),
    }),
  });
}

function context_section(run) {
  const points = context_points(run.results);
  if (points.length < 2 || run.results.speculation) return null; // a round's steps have other rows
  const slope = slope_of(points);
  const say = `A step takes **${seconds(points[0][1])}** at ${count(points[0][0])} tokens and **${seconds(points[points.length - 1][1])}** at ${count(points[points.length - 1][0])}: ${slope > 0 ? `about ${seconds(slope, 3)} more for each token in the KV cache` : "it does not grow with the KV cache"}.`;
  return section("context", "Latency against context", say, card(context_chart("context", [{ name: run.label, points }])));
}
