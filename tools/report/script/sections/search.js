// What a search found: its front among all that it judged.

const short_key = (key) => key.replace(/^(channels|nmp\.pe|nmp\.hb|nmp|npu)\./, "").replaceAll("_", " ");

function search_scatter(item, i, axes) {
  const front = as_objects(item).sort((a, b) => a[axes.x] - b[axes.x]);
  const column = (metric) => item.metrics.indexOf(metric) + 1;
  const scaled = (metric) => ({ type: "value", scale: true, name: metric_title(metric), ...(metric === axes.y ? { nameGap: 62 } : { nameGap: 28 }) });
  return chart({
    id: `search-${i}`, name: `Pareto front: ${metric_title(axes.y)} against ${metric_title(axes.x)}`, height: 420,
    caption: "Coloured: nothing that was judged is better in one objective and no worse in the others.",
    keys: () => legend([["Pareto front", series_color(4), "round"], ["other candidates", part_color("dependency"), "round"]]),
    build: (t, width) => ({
      grid: { left: narrow(width) ? 4 : 30, right: 18, top: 12, bottom: 34, containLabel: true },
      xAxis: { ...axis_style(t, { axisLabel: { formatter: (v) => by_name(axes.x, v), hideOverlap: true } }), ...scaled(axes.x), splitNumber: narrow(width) ? 3 : 5 },
      yAxis: { ...axis_style(t, { axisLabel: { formatter: (v) => by_name(axes.y, v) } }), ...scaled(axes.y), ...(narrow(width) ? { name: "" } : {}) },
      tooltip: tooltip(t, {
        trigger: "item",
        formatter: ({ data }) => tip(data.row ? "On the front" : "Not on the front", data.row
          ? [...item.metrics.map((m) => [metric_title(m), by_name(m, data.row[m])]), ...item.parameters.map((p) => [short_key(p), data.row[p]])]
          : [...item.metrics.map((m) => [metric_title(m), by_name(m, data.other[column(m)])]), ...data.other[0].split(" ").map((pair) => [short_key(pair.split("=")[0]), pair.split("=")[1]])]),
      }),
      series: [
        { type: "scatter", name: "others", symbolSize: 4, large: false, cursor: "default", itemStyle: { color: part_color("dependency"), opacity: 0.45 }, data: item.others.map((other) => ({ value: [other[column(axes.x)], other[column(axes.y)]], other })) },
        { type: "line", name: "front", step: "end", silent: false, symbol: "circle", symbolSize: 10, lineStyle: { width: 1.5 }, color: series_color(4), itemStyle: { borderColor: t.card, borderWidth: 1.5, color: series_color(4) }, data: front.map((row) => ({ value: [row[axes.x], row[axes.y]], row })) },
      ],
    }),
  });
}

function search_section(item, i) {
  const rows = as_objects(item);
  const axes = { x: item.objectives[0], y: item.objectives[1] || item.metrics.find((m) => m !== item.objectives[0]) };
  const holder = el("div", {}, search_scatter(item, i, axes));
  const choice = (axis, name) => el("label", {}, `${name} `, el("select", { onchange: (event) => {
    axes[axis] = event.target.value;
    holder.replaceChildren(search_scatter(item, i, axes));
    draw_charts();
  } }, item.metrics.map((m) => el("option", { value: m, selected: m === axes[axis] }, metric_title(m)))));
  const judged = item.feasible + item.infeasible;
  const say = `**${rows.length}** of ${judged.toLocaleString("en-US")} candidates are in the front of ${item.objectives.map(metric_title).join(" and ")}${item.infeasible ? `; ${item.infeasible.toLocaleString("en-US")} were infeasible` : ""}.`;
  const metric_column = (m) => number_column(metric_title(m), (row) => row[m], (v) => by_name(m, v));
  const columns = [...item.objectives.map(metric_column), ...item.parameters.map((p) => ({ title: short_key(p), number: true, value: (row) => row[p], show: (row) => (typeof row[p] === "number" ? significant(row[p], 6) : row[p]) })), ...item.metrics.filter((m) => !item.objectives.includes(m)).map(metric_column)];
  return section(`search-section-${i}`, `Search: ${item.label}`, say,
    card(el("div", { class: "tools" }, choice("x", "Across"), choice("y", "Up")), holder, item.others.length < item.feasible ? el("p", { class: "say" }, `${item.others.length.toLocaleString("en-US")} of the ${item.feasible.toLocaleString("en-US")} feasible candidates are drawn, one for each spot of the plane of the first two objectives.`) : null),
    card(table({ columns, rows, caption: "The front", sort: [0, "ascending"], most: 20 })));
}
