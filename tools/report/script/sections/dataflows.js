// Dataflows found for fixed devices.

function dataflows_section(item, i) {
  const rows = as_objects(item).map((row, at) => ({ ...row, at: at + 1 }));
  const naming = ["system", "model", "dataset", "batch"].filter((key) => item.columns.includes(key) && new Set(rows.map((row) => row[key])).size > 1);
  const name = (row) => (naming.length ? naming.map((key) => (key === "batch" ? `batch ${row[key]}` : row[key])).join(", ") : `row ${row.at}`);
  const times = ["prefill_latency_s_per_layer", "decode_latency_s_per_layer"];
  const shown = rows.filter((row) => typeof row.total_latency_s_per_layer === "number").slice(0, 60);
  const proved = rows.filter((row) => row.proved_optimal === "yes").length;
  const [scale, unit] = pick_unit(Math.max(...shown.map((row) => row.total_latency_s_per_layer)), time_units);
  const columns = [number_column("Row", (row) => row.at, String), ...naming.map((key) => text_column(words(key), key)), ...["total_latency_s_per_layer", ...times].map((key) => number_column(words(key.replace("_latency_s_per_layer", "")), (row) => row[key], (v) => (typeof v === "number" ? seconds(v) : "–"))), { title: "Proved", value: (row) => row.proved_optimal ?? "" }, { title: "Dataflow", value: (row) => row.dataflow ?? "", show: (row) => el("code", {}, row.dataflow ?? "") }];
  return section(`dataflows-${i}`, `Dataflows: ${item.label}`, `The best dataflow of each device and workload, latency of one layer; **${proved}** of ${rows.length} are proved to be optimal.`,
    card(chart({
      id: `dataflows-${i}`, name: "Latency of a layer by row, prefill and decode", height: 40 + shown.length * 24,
      keys: () => legend([["prefill", series_color(1)], ["decode", series_color(0)]]),
      build: (t, width) => ({
        grid: { left: 4, right: 70, top: 4, bottom: 2, containLabel: true },
        xAxis: { type: "value", ...axis_style(t, { axisLabel: { formatter: (v) => `${significant(v / scale)} ${unit}`, hideOverlap: true } }), splitNumber: 4 },
        yAxis: { type: "category", inverse: true, data: shown.map(name), ...axis_style(t, { axisLabel: { color: t.text, width: narrow(width) ? 120 : 280, overflow: "truncate", interval: 0 } }) },
        tooltip: tooltip(t, { trigger: "axis", axisPointer: { type: "shadow", shadowStyle: { color: "rgba(128,140,152,.12)" } }, formatter: ([at]) => tip(name(shown[at.dataIndex]), [["total", seconds(shown[at.dataIndex].total_latency_s_per_layer)], ...times.map((key) => [words(key.replace("_latency_s_per_layer", "")), seconds(shown[at.dataIndex][key])]), ["proved optimal", shown[at.dataIndex].proved_optimal]]) }),
        series: times.map((key, k) => ({ type: "bar", stack: "t", barWidth: 14, emphasis: { disabled: true }, itemStyle: { color: series_color(1 - k) }, data: shown.map((row) => row[key]),
          label: { show: k === 1, position: "right", color: t.muted, fontSize: 11.5, formatter: ({ dataIndex }) => seconds(shown[dataIndex].total_latency_s_per_layer, 3) } })),
      }),
    })), card(table({ columns, rows, caption: "All rows", most: 20 })));
}
