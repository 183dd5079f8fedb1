// A sweep: a metric against the swept key, a line for each value of the others.

/** Keys have a section's name before a dot, metrics do not; `varied`: keys of several values. */
function sweep_parts(item) {
  const rows = as_objects(item);
  const keys = item.columns.filter((name) => name.includes("."));
  const varied = keys.filter((key) => new Set(rows.map((row) => row[key])).size > 1);
  const metrics = item.columns.filter((name) => !keys.includes(name) && rows.some((row) => typeof row[name] === "number"));
  return { rows, keys, varied: varied.length ? varied : keys.slice(0, 1), metrics };
}

function sweep_chart(item, i, axes) {
  const { rows, keys, varied } = sweep_parts(item);
  const others = varied.filter((key) => key !== axes.x);
  const name_of = (row) => others.map((key) => `${short_key(key.replace(/^[a-z]+\./, ""))} ${row[key]}`).join(", ") || metric_title(axes.y);
  const places = [...new Set(rows.map((row) => row[axes.x]))];
  const lines = [...new Set(rows.map(name_of))].map((name, k) => ({ name, color: series_color(k), rows: rows.filter((row) => name_of(row) === name) }));
  const numeric = places.every((place) => typeof place === "number");
  return chart({
    id: `sweep-${i}`, name: `${metric_title(axes.y)} against ${axes.x}`, height: 320,
    keys: lines.length > 1 ? () => legend(lines.map((line) => [line.name, line.color])) : null,
    build: (t, width) => ({
      grid: { left: narrow(width) ? 4 : 30, right: 36, top: 12, bottom: 34, containLabel: true },
      xAxis: { type: numeric ? "value" : "category", scale: true, name: short_key(axes.x.replace(/^[a-z]+\./, "")), nameGap: 28, ...(numeric ? {} : { data: places.map(String) }), ...axis_style(t, { splitLine: { show: false } }) },
      yAxis: { type: "value", scale: true, name: narrow(width) ? "" : metric_title(axes.y), nameGap: 62, ...axis_style(t, { axisLabel: { formatter: (v) => by_name(axes.y, v) } }) },
      tooltip: tooltip(t, { trigger: "item", formatter: ({ data }) => tip(keys.map((key) => `${key} ${data.row[key]}`).join(", "), [[metric_title(axes.y), by_name(axes.y, data.row[axes.y])], ["decode is bound by", data.row.decode_bound ?? ""]]) }),
      series: lines.map((line) => ({ type: "line", name: line.name, color: line.color, symbol: "circle", symbolSize: 8, data: line.rows.filter((row) => typeof row[axes.y] === "number").map((row) => ({ value: [numeric ? row[axes.x] : String(row[axes.x]), row[axes.y]], row })) })),
    }),
  });
}

function sweep_section(item, i) {
  const { rows, keys, varied, metrics } = sweep_parts(item);
  const axes = { x: varied[0], y: metrics.includes("decode_tokens_per_s") ? "decode_tokens_per_s" : metrics[0] };
  const plot = chart_with_axes(axes, [["x", "Across", varied, String], ["y", "Up", metrics, metric_title]], () => sweep_chart(item, i, axes));
  const best = rows.filter((row) => typeof row[axes.y] === "number").sort((a, b) => b[axes.y] - a[axes.y])[0];
  const failed = rows.filter((row) => row.problem).length;
  const say = `**${rows.length}** runs${failed ? `, ${failed} of them infeasible` : ""}${best ? `; the highest ${metric_title(axes.y)}, **${by_name(axes.y, best[axes.y])}**, is at ${varied.map((key) => `${key} ${best[key]}`).join(", ")}` : ""}.`;
  const columns = [...keys.map((key) => ({ title: key, number: typeof rows[0][key] === "number", value: (row) => row[key] })),
    ...metrics.map((metric) => number_column(metric_title(metric), (row) => row[metric], (v) => (typeof v === "number" ? by_name(metric, v) : "–"))),
    text_column("Decode is bound by", "decode_bound"), text_column("Problem", "problem")];
  return section(`sweep-section-${i}`, `Sweep: ${item.label}`, say,
    card(plot),
    card(table({ columns, rows, caption: "All runs", most: 20 })));
}
