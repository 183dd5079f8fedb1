// Energy by component and by operator: the same integers added in two orders.

function components_chart(r) {
  const rows = Object.entries(r.energy_j.components).filter(([, value]) => value > 0).sort((a, b) => b[1] - a[1]).map(([name, value]) => ({ name, value }));
  const total = r.energy_j.total;
  const [scale, unit] = pick_unit(rows[0]?.value || 1, energy_units);
  return chart({
    id: "energy-components", name: "Energy by component", caption: "By component", height: 30 + rows.length * 30,
    behind: { columns: [{ title: "Component", value: (row) => component_name(row.name) }, number_column("Energy", (row) => row.value, joules), number_column("Share", (row) => row.value / total, percent)], rows },
    build: (t, width) => ({
      grid: { left: 4, right: narrow(width) ? 104 : 118, top: 2, bottom: 2, containLabel: true },
      xAxis: { type: "value", ...axis_style(t, { axisLabel: { formatter: (v) => `${significant(v / scale)} ${unit}`, hideOverlap: true } }), splitNumber: 3 },
      yAxis: { type: "category", inverse: true, data: rows.map((row) => component_name(row.name)), ...axis_style(t, { axisLabel: { color: t.text } }) },
      tooltip: tooltip(t, { trigger: "item", formatter: ({ dataIndex: i }) => tip(component_name(rows[i].name), [["energy", joules(rows[i].value)], ["share", percent(rows[i].value / total)], ["a token", joules(rows[i].value / tokens_of(r))]]) }),
      series: [{
        type: "bar", barWidth: 18, itemStyle: { borderRadius: [0, 3, 3, 0] }, cursor: "default",
        data: rows.map((row) => ({ value: row.value, itemStyle: { color: component_color(row.name) } })),
        label: { show: true, position: "right", color: t.muted, fontSize: 12, formatter: ({ dataIndex: i }) => `${joules(rows[i].value, 3)} · ${percent(rows[i].value / total)}` },
      }],
    }),
  });
}

/** The largest operators of both phases; the small ones together. */
function operator_rows(r, most) {
  const rows = r.operators.filter((op) => op.energy_j > 0).map((op) => ({
    name: `${op.name === "(background)" ? "background" : op.name}, ${op.phase}`, energy: op.energy_j, parts: op.energy_components_j,
  })).sort((a, b) => b.energy - a.energy);
  const rest = rows.slice(most);
  if (rest.length < 2) return rows;
  const parts = {};
  for (const row of rest) for (const [name, value] of Object.entries(row.parts)) parts[name] = (parts[name] || 0) + value;
  return [...rows.slice(0, most), { name: `${rest.length} others`, energy: rest.reduce((sum, row) => sum + row.energy, 0), parts }];
}

function energy_operators_chart(r) {
  const rows = operator_rows(r, 11);
  const used = Object.keys(r.energy_j.components).filter((name) => rows.some((row) => row.parts[name] > 0));
  const [scale, unit] = pick_unit(rows[0]?.energy || 1, energy_units);
  return chart({
    id: "energy-operators", name: "Energy by operator and component", caption: "By operator; colours as on the other chart", height: 30 + rows.length * 30,
    behind: { columns: [text_column("Operator", "name"), number_column("Energy", (row) => row.energy, joules), number_column("Share", (row) => row.energy / r.energy_j.total, percent)], rows },
    build: (t, width) => ({
      grid: { left: 4, right: 58, top: 2, bottom: 2, containLabel: true },
      xAxis: { type: "value", ...axis_style(t, { axisLabel: { formatter: (v) => `${significant(v / scale)} ${unit}`, hideOverlap: true } }), splitNumber: 3 },
      yAxis: { type: "category", inverse: true, data: rows.map((row) => row.name), ...axis_style(t, { axisLabel: { color: t.text, width: Math.min(190, width * 0.36), overflow: "truncate" } }) },
      tooltip: tooltip(t, {
        trigger: "axis", axisPointer: { type: "shadow", shadowStyle: { color: "rgba(128,140,152,.12)" } },
        formatter: ([first]) => tip(rows[first.dataIndex].name, [["all", joules(rows[first.dataIndex].energy)], ...largest(rows[first.dataIndex].parts, 6).map(([name, value]) => [component_name(name), joules(value), component_color(name)])]),
      }),
      series: used.map((name, i) => ({
        name, type: "bar", stack: "energy", barWidth: 18, emphasis: { disabled: true }, itemStyle: { color: component_color(name) },
        label: { show: i === used.length - 1, position: "right", color: t.muted, fontSize: 12, formatter: ({ dataIndex }) => percent(rows[dataIndex].energy / r.energy_j.total) },
        data: rows.map((row) => row.parts[name] || 0),
      })),
    }),
  });
}

function energy_section(run) {
  const r = run.results;
  const top = largest(r.energy_j.components, 2).map(([name, value]) => `**${component_name(name)} ${percent(value / r.energy_j.total)}**`);
  const say = `${joules(r.energy_j.total)} in all: ${top.join(", ")}. ${percent(r.energy_j.resting_on_estimates / r.energy_j.total)} rests on table entries that are estimates.`;
  return section("energy", "Where the energy went", say, el("div", { class: "pair" }, card(components_chart(r)), card(energy_operators_chart(r))));
}
