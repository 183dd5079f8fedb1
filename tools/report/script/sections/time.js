// Where the time of each executor went: exclusive parts that sum to the run's length.

function executors_of(r) {
  return [{ name: "npu", kind: "npu", parts: r.npu.time_s },
    ...r.channels.map((channel) => ({ name: channel.name, kind: channel.kind, parts: channel.time_s }))];
}

/** Mean parts of the executors of a kind. */
function mean_parts(executors, kind) {
  const chosen = executors.filter((e) => e.kind === kind);
  return Object.fromEntries(time_parts.map((part) => [part, chosen.reduce((sum, e) => sum + (e.parts[part] || 0), 0) / Math.max(1, chosen.length)]));
}

function largest(parts, number) {
  return Object.entries(parts).sort((a, b) => b[1] - a[1]).slice(0, number).filter(([, value]) => value > 0);
}

function time_say(executors, total) {
  const sentence = (kind, who) => {
    if (!executors.some((e) => e.kind === kind)) return "";
    const shares = largest(mean_parts(executors, kind), 2).map(([part, value]) => `**${percent(value / total)}** ${part_phrase(part)}`);
    return `${who}: ${shares.join(", ")}. `;
  };
  return sentence("nmp", "NMP channels") + sentence("normal", "Normal channels") + sentence("npu", "NPU");
}

/** A part of a bar; a gap to the next where the part is wide enough to keep its colour. */
const gapped = (value, longest) => (value > longest * 0.008 ? { value, itemStyle: { borderWidth: 1 } } : value);

/** Rows of stacked bars: {name, parts}. `whole` is what 100 % is; without it, bars are in seconds. */
function parts_chart({ id, name, rows, whole, caption }) {
  const used = time_parts.filter((part) => rows.some((row) => row.parts[part] > 0));
  const [scale, unit] = pick_unit(Math.max(...rows.map((row) => Object.values(row.parts).reduce((a, b) => a + b, 0))), time_units);
  const longest = whole ? 100 : Math.max(...rows.map((row) => Object.values(row.parts).reduce((a, b) => a + b, 0))) / scale;
  const shown = (value) => (whole ? (100 * value) / whole : value / scale);
  const columns = [text_column("Executor", "name"), ...used.map((part) => number_column(words(part), (row) => row.parts[part] || 0, (value) => (whole ? percent(value / whole) : seconds(value))))];
  return chart({
    id, name, caption, behind: { columns, rows },
    keys: () => legend(used.map((part) => [words(part), part_color(part)])),
    height: 26 + rows.length * 34,
    build: (t, width) => ({
      grid: { left: 4, right: 26, top: 4, bottom: 2, containLabel: true },
      xAxis: { type: "value", max: whole ? 100 : null, ...axis_style(t, { axisLabel: { formatter: (v) => (whole ? `${v} %` : `${significant(v)} ${unit}`), hideOverlap: true } }), splitNumber: narrow(width) ? 3 : 5 },
      yAxis: { type: "category", inverse: true, data: rows.map((row) => row.name), ...axis_style(t, { axisLabel: { color: t.text, width: narrow(width) ? 110 : 260, overflow: "truncate" } }) },
      tooltip: tooltip(t, {
        trigger: "axis", axisPointer: { type: "shadow", shadowStyle: { color: "rgba(128,140,152,.12)" } },
        formatter: ([first]) => tip(rows[first.dataIndex].name, largest(rows[first.dataIndex].parts, 10).map(([part, value]) =>
          [words(part), whole ? `${percent(value / whole)} · ${seconds(value)}` : seconds(value), part_color(part)])),
      }),
      series: used.map((part) => ({
        name: part, type: "bar", stack: "time", barWidth: 22, itemStyle: { color: part_color(part), borderColor: t.card },
        emphasis: { disabled: true }, data: rows.map((row) => gapped(shown(row.parts[part] || 0), longest)),
      })),
    }),
  });
}

function time_section(run) {
  const r = run.results;
  const executors = executors_of(r);
  const used = time_parts.filter((part) => executors.some((e) => e.parts[part] > 0));
  return section("time", "Where the time went", time_say(executors, r.latency_s.total), card(
    parts_chart({
      id: "time", name: "Share of the run's time by executor and cause", rows: executors, whole: r.latency_s.total,
      caption: `Every bar is the run's ${seconds(r.latency_s.total)}; its parts exclude each other.`,
    }),
    el("details", {}, el("summary", {}, "What the parts mean"),
      el("ul", {}, used.map((part) => el("li", {}, el("b", {}, words(part)), `: ${palette.parts[part].meaning}`))))));
}
