// What a search found: its front among all that it judged.

const short_key = (key) => key.replace(/^(channels|nmp\.pe|nmp\.hb|nmp|npu)\./, "").replaceAll("_", " ").replace(/ (mhz|gbps|kib|ns)$/, (_, unit) => ` (${{ mhz: "MHz", gbps: "GB/s", kib: "KiB", ns: "ns" }[unit]})`);

/** The member of a front farthest below the line between its ends, both axes from 0 to 1: beyond it, a gain in one objective costs more of the other. */
function knee_of(front, axes) {
  const on_plane = front.filter((row) => typeof row[axes.x] === "number" && typeof row[axes.y] === "number");
  if (on_plane.length < 3) return null;
  const part = (axis) => {
    const values = on_plane.map((row) => row[axis]), low = Math.min(...values), high = Math.max(...values);
    return (row) => (high > low ? (row[axis] - low) / (high - low) : 0);
  };
  const x = part(axes.x), y = part(axes.y), gain = (row) => 1 - x(row) - y(row);
  const best = on_plane.reduce((a, b) => (gain(b) > gain(a) ? b : a));
  return gain(best) > 0.01 ? best : null;
}

function search_scatter(item, i, axes) {
  const front = as_objects(item).sort((a, b) => a[axes.x] - b[axes.x]);
  const column = (metric) => item.metrics.indexOf(metric) + 1;
  const knee = knee_of(front, axes);
  const scaled = (metric) => ({ type: "value", scale: true, name: metric_title(metric), ...(metric === axes.y ? { nameGap: 62 } : { nameGap: 28 }) });
  return chart({
    id: `search-${i}`, name: `Pareto front: ${metric_title(axes.y)} against ${metric_title(axes.x)}`, height: 420,
    caption: "Coloured: nothing that was judged is better in one objective and no worse in the others.",
    keys: () => legend([["Pareto front", series_color(4), "round"], ...(knee ? [["knee", series_color(1), "round"]] : []), ["other candidates", part_color("dependency"), "round"]]),
    build: (t, width) => ({
      grid: { left: narrow(width) ? 4 : 30, right: 36, top: 12, bottom: 34, containLabel: true },
      xAxis: { ...axis_style(t, { axisLabel: { formatter: (v) => by_name(axes.x, v), hideOverlap: true } }), ...scaled(axes.x), splitNumber: narrow(width) ? 3 : 5 },
      yAxis: { ...axis_style(t, { axisLabel: { formatter: (v) => by_name(axes.y, v) } }), ...scaled(axes.y), ...(narrow(width) ? { name: "" } : {}) },
      tooltip: tooltip(t, {
        trigger: "item",
        formatter: ({ data }) => tip(data.row ? (data.row === knee ? "The knee of the front" : "On the front") : "Not on the front", data.row
          ? [...item.metrics.map((m) => [metric_title(m), by_name(m, data.row[m])]), ...item.parameters.map((p) => [short_key(p), data.row[p]])]
          : [...item.metrics.map((m) => [metric_title(m), by_name(m, data.other[column(m)])]), ...data.other[0].split(" ").map((pair) => [short_key(pair.split("=")[0]), pair.split("=")[1]])]),
      }),
      series: [
        { type: "scatter", name: "others", symbolSize: 4, large: false, cursor: "default", itemStyle: { color: part_color("dependency"), opacity: 0.45 }, data: item.others.map((other) => ({ value: [other[column(axes.x)], other[column(axes.y)]], other })) },
        { type: "line", name: "front", step: "end", silent: false, symbol: "circle", symbolSize: 10, lineStyle: { width: 1.5 }, color: series_color(4), itemStyle: { borderColor: t.card, borderWidth: 1.5, color: series_color(4) }, data: front.map((row) => ({ value: [row[axes.x], row[axes.y]], row, ...(row === knee ? { symbol: "diamond", symbolSize: 16, itemStyle: { color: series_color(1), borderColor: t.card, borderWidth: 1.5 } } : {}) })) },
      ],
    }),
  });
}

/** Both tiers' word on the candidates that were simulated. */
function confirmation_card(item, i) {
  if (!item.confirmed) return null;
  const rows = as_objects(item.confirmed);
  const first = item.objectives[0];
  const pair = [`analytical_${first}`, `cycle_${first}`];
  const columns = [...pair.map((key) => number_column(`${metric_title(first)}, ${key.split("_")[0]}`, (row) => row[key], (v) => by_name(first, v))),
    number_column("cycle rank", (row) => row.cycle_rank, String), number_column("analytical rank", (row) => row.analytical_rank, String),
    ...item.parameters.map((p) => ({ title: short_key(p), number: true, value: (row) => row[p] }))];
  const agreement = item.agreement.map((a) => `${metric_title(a.metric)}: Kendall τ **${significant(a.kendall_tau, 3)}**, Spearman ρ ${significant(a.spearman_rho, 3)} over ${a.candidates} candidates`).join("; ");
  return card(el("h3", {}, "Closed form against cycles"), agreement ? el("p", { class: "say" }, rich(agreement)) : null, chart({
    id: `search-${i}-confirmed`, name: `${metric_title(first)} by closed form against simulation`, height: 260,
    build: (t) => ({
      grid: { left: 34, right: 36, top: 10, bottom: 34, containLabel: true },
      xAxis: { type: "value", scale: true, name: "simulated", nameGap: 28, ...axis_style(t, { axisLabel: { formatter: (v) => by_name(first, v), hideOverlap: true } }) },
      yAxis: { type: "value", scale: true, name: "closed form", nameGap: 58, ...axis_style(t, { axisLabel: { formatter: (v) => by_name(first, v) } }) },
      tooltip: tooltip(t, { trigger: "item", formatter: ({ dataIndex: k }) => tip(`rank ${rows[k].cycle_rank} by cycles, ${rows[k].analytical_rank} by closed form`, [...pair.map((key) => [key.split("_")[0], by_name(first, rows[k][key])]), ...item.parameters.map((p) => [short_key(p), rows[k][p]])]) }),
      series: [{ type: "scatter", symbolSize: 8, cursor: "default", itemStyle: { color: series_color(0), opacity: 0.7 }, data: rows.map((row) => [row[pair[1]], row[pair[0]]]) }],
    }),
  }), table({ columns, rows, caption: "Candidates that both tiers judged", sort: [2, "ascending"], most: 12 }));
}

function search_section(item, i) {
  const rows = as_objects(item);
  const axes = { x: item.objectives[0], y: item.objectives[1] || item.metrics.find((m) => m !== item.objectives[0]) };
  const plot = chart_with_axes(axes, [["x", "Across", item.metrics, metric_title], ["y", "Up", item.metrics, metric_title]], () => search_scatter(item, i, axes));
  const judged = item.feasible + item.infeasible;
  const tiers = Object.keys(item.judged).length > 1 ? `, judged by the cycle model out of ${item.judged.analytical.toLocaleString("en-US")} that the closed form screened` : "";
  const say = `**${rows.length}** of ${judged.toLocaleString("en-US")} candidates are in the front of ${item.objectives.map(metric_title).join(" and ")}${tiers}${item.infeasible ? `; ${item.infeasible.toLocaleString("en-US")} were infeasible` : ""}.`;
  const knee = knee_of(rows, axes);
  const at_knee = knee ? ` The knee, ${item.objectives.slice(0, 2).map((m) => `${metric_title(m)} **${by_name(m, knee[m])}**`).join(" and ")}: ${item.parameters.map((p) => `${short_key(p)} ${knee[p]}`).join(", ")}.` : "";
  const metric_column = (m) => number_column(metric_title(m), (row) => row[m], (v) => by_name(m, v));
  const columns = [...item.objectives.map(metric_column), ...item.parameters.map((p) => ({ title: short_key(p), number: true, value: (row) => row[p], show: (row) => (typeof row[p] === "number" ? significant(row[p], 6) : row[p]) })), ...item.metrics.filter((m) => !item.objectives.includes(m)).map(metric_column)];
  return section(`search-section-${i}`, `Search: ${item.label}`, say + at_knee,
    card(plot, item.others.length < item.feasible ? el("p", { class: "say" }, `${item.others.length.toLocaleString("en-US")} of the ${item.feasible.toLocaleString("en-US")} feasible candidates are drawn, one for each spot of the plane of the first two objectives.`) : null),
    card(table({ columns, rows, caption: "The front", sort: [0, "ascending"], most: 20 })), confirmation_card(item, i));
}
