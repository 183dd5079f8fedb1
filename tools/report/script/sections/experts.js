// How evenly the routing loads the experts of a model, and what that costs.

function expert_phases(r) {
  return ["prefill", "decode"].filter((phase) => r.phases?.[phase]?.experts).map((phase) => ({ phase, ...r.phases[phase].experts }));
}

function experts_chart(phases) {
  const rows = phases.flatMap((p) => {
    const macs = p.loads.reduce((sum, load) => sum + load.macs, 0), busy = p.loads.reduce((sum, load) => sum + load.busy_s, 0);
    return p.loads.map((load) => ({ phase: p.phase, expert: load.expert, rows: load.macs / macs, busy: busy > 0 ? load.busy_s / busy : 0, busy_s: load.busy_s }));
  });
  const experts = [...new Set(rows.map((row) => row.expert))].sort((a, b) => a - b);
  const lines = phases.flatMap((p) => [["rows", "rows"], ["busy", "busy time"]].map(([key, what]) => ({ phase: p.phase, key, name: `${what} in ${p.phase}` })));
  const value = (line, expert) => rows.find((row) => row.phase === line.phase && row.expert === expert)?.[line.key] ?? 0;
  return chart({
    id: "experts", name: "Share of each expert in rows and in busy time",
    keys: () => legend(lines.map((line, i) => [line.name, series_color(i)])),
    behind: { columns: [text_column("Phase", "phase"), number_column("Expert", (row) => row.expert, count), number_column("Rows", (row) => row.rows, percent), number_column("Busy", (row) => row.busy_s, seconds), number_column("of all experts", (row) => row.busy, percent)], rows, most: 20 },
    height: 260,
    build: (t) => ({
      grid: { left: 8, right: 20, top: 14, bottom: 32, containLabel: true },
      xAxis: { type: "category", data: experts.map(String), name: "expert", nameGap: 28, ...axis_style(t, { splitLine: { show: false } }) },
      yAxis: { type: "value", splitNumber: 4, ...axis_style(t, { axisLabel: { formatter: percent } }) },
      tooltip: tooltip(t, { trigger: "axis", axisPointer: { type: "shadow" }, formatter: (at) => tip(`expert ${at[0].name}`, at.map((p) => [lines[p.seriesIndex].name, percent(p.value), series_color(p.seriesIndex)])) }),
      series: lines.map((line, i) => ({ type: "bar", name: line.name, color: series_color(i), data: experts.map((expert) => value(line, expert)) })),
    }),
  });
}

function experts_section(run) {
  const phases = expert_phases(run.results);
  if (phases.length === 0) return null;
  const say = phases.map((p) => `In ${p.phase} expert **${p.busiest}** has **${percent(p.share_of_macs)}** of the rows, ${significant(p.macs_over_mean, 3)} times the mean; the longest is busy **${significant(p.busy_over_mean, 3)}** times the mean.`).join(" ");
  return section("experts", "Experts", say, card(experts_chart(phases)));
}
