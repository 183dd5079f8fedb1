// A reproduction: every published figure beside ours.

const span_text = (low, high) => (typeof low !== "number" ? "–" : typeof high === "number" ? `${significant(low, 3)} to ${significant(high, 3)}` : significant(low, 3));

function reproduction_chart(item, i, rows) {
  const name = (row) => row.headline + (row.rows ? `, ${words(row.rows)}` : "");
  const shown = rows.filter((row) => typeof row.ratio === "number");
  const color = (row) => (row.within_10_percent === "yes" ? series_color(2) : series_color(1));
  return chart({
    id: `reproduction-${i}`, name: "Our figures by the published ones", height: 50 + shown.length * 26,
    keys: () => legend([["within 10 %", series_color(2)], ["further", series_color(1)]]),
    behind: { columns: [{ title: "Figure", value: name }, number_column("Ours by the published", (row) => row.ratio, (v) => significant(v, 3))], rows: shown, most: 20 },
    build: (t, width) => ({
      grid: { left: 4, right: 50, top: 4, bottom: 2, containLabel: true },
      xAxis: { type: "value", min: 0, ...axis_style(t, { axisLabel: { formatter: (v) => `${significant(v)}×`, hideOverlap: true } }), splitNumber: 4 },
      yAxis: { type: "category", inverse: true, data: shown.map(name), ...axis_style(t, { axisLabel: { color: t.text, width: narrow(width) ? 130 : 320, overflow: "truncate", interval: 0 } }) },
      tooltip: tooltip(t, { trigger: "axis", axisPointer: { type: "shadow", shadowStyle: { color: "rgba(128,140,152,.12)" } }, formatter: ([at]) => tip(name(shown[at.dataIndex]), [["published", span_text(shown[at.dataIndex].published, shown[at.dataIndex].published_most)], ["ours", span_text(shown[at.dataIndex].found, shown[at.dataIndex].found_most)], ["by", words(shown[at.dataIndex].tier)], ["runs", shown[at.dataIndex].runs]]) }),
      series: [{ type: "bar", barWidth: 14, emphasis: { disabled: true }, data: shown.map((row) => ({ value: row.ratio, itemStyle: { color: color(row) } })),
        label: { show: true, position: "right", color: t.muted, fontSize: 11.5, formatter: ({ value }) => `${significant(value, 3)}×` },
        markLine: { silent: true, symbol: "none", lineStyle: { color: t.muted, type: "dashed" }, label: { show: false }, data: [{ xAxis: 1 }] } }],
    }),
  });
}

function reproduction_section(item, i) {
  const rows = as_objects(item);
  const judged = rows.filter((row) => row.within_10_percent);
  const near = judged.filter((row) => row.within_10_percent === "yes").length;
  const columns = [text_column("Figure", "headline"), text_column("Tier", "tier"), { title: "Rows", value: (row) => words(row.rows ?? "") },
    { title: "Published", number: true, value: (row) => row.published, show: (row) => span_text(row.published, row.published_most) },
    { title: "Ours", number: true, value: (row) => row.found, show: (row) => span_text(row.found, row.found_most) },
    { title: "Ratio", number: true, value: (row) => row.ratio, show: (row) => span_text(row.ratio, row.ratio_most) },
    text_column("Within 10 %", "within_10_percent"), { title: "Brought nearer by", value: (row) => (row.cause ? `${row.cause}: ${span_text(row.with_cause, row.with_cause_most)}` : "") },
    number_column("Runs", (row) => row.runs, String)];
  return section(`reproduction-section-${i}`, `Reproduction: ${item.label}`, `**${near}** of ${judged.length} published figures are met within 10 %. Nothing is fitted to them.`,
    card(reproduction_chart(item, i, rows)), card(table({ columns, rows, caption: "All figures", most: 40 })));
}
