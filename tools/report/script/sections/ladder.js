// Second-order effects turned on one by one.

function as_objects({ columns, rows }) {
  return rows.map((row) => Object.fromEntries(columns.map((column, i) => [column, row[i]])));
}

function ladder_section(item, i) {
  const rows = as_objects(item);
  const last = rows[rows.length - 1];
  const costs = rows.slice(1).map((row, k) => ({ name: row.rung, change: row.total_s - rows[k].total_s }));
  const top = [...costs].sort((a, b) => b.change - a.change)[0];
  const [scale, unit] = pick_unit(last.total_s, time_units);
  const say = `From ${seconds(rows[0].total_s)} with every effect off to **${seconds(last.total_s)}** with all on${top ? `; **${words(top.name.replace("+ ", ""))}** costs most` : ""}.`;
  const columns = [{ title: "Effect", value: (row) => words(row.rung) }, number_column("Prefill", (row) => row.prefill_s, seconds), number_column("Per token", (row) => row.token_s, seconds), number_column("Total", (row) => row.total_s, seconds), number_column("Change", (row) => row.change, percent)];
  return section(`ladder-${i}`, `Fidelity ladder: ${item.label}`, say, card(chart({
    id: `ladder-${i}`, name: "Total time as effects are turned on one by one", height: 36 + rows.length * 34, behind: { columns, rows },
    build: (t) => ({
      grid: { left: 4, right: 74, top: 4, bottom: 2, containLabel: true },
      xAxis: { type: "value", ...axis_style(t, { axisLabel: { formatter: (v) => `${significant(v)} ${unit}`, hideOverlap: true } }), splitNumber: 4 },
      yAxis: { type: "category", inverse: true, data: rows.map((row) => words(row.rung)), ...axis_style(t, { axisLabel: { color: t.text } }) },
      tooltip: tooltip(t, { trigger: "axis", axisPointer: { type: "none" }, formatter: ([at]) => tip(words(rows[at.dataIndex].rung), [["total", seconds(rows[at.dataIndex].total_s)], ["prefill", seconds(rows[at.dataIndex].prefill_s)], ["per token", seconds(rows[at.dataIndex].token_s)], ["change", percent(rows[at.dataIndex].change)]]) }),
      series: [
        { type: "bar", stack: "s", barWidth: 20, silent: true, emphasis: { disabled: true }, itemStyle: { color: part_color("idle") }, data: rows.map((row, k) => (k ? Math.min(row.total_s, rows[k - 1].total_s) : row.total_s) / scale) },
        { type: "bar", stack: "s", barWidth: 20, emphasis: { disabled: true }, label: { show: true, position: "right", color: t.muted, fontSize: 12, formatter: ({ dataIndex: k }) => (k ? `${rows[k].change >= 0 ? "+" : "−"}${percent(Math.abs(rows[k].change))}` : seconds(rows[k].total_s, 3)) },
          data: rows.map((row, k) => ({ value: k ? Math.abs(row.total_s - rows[k - 1].total_s) / scale : 0, itemStyle: { color: k && row.total_s < rows[k - 1].total_s ? part_color("column") : part_color("refresh") } })) },
      ],
    }),
  })));
}
