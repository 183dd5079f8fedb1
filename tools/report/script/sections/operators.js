// Every operator, sortable.

function operators_section(run) {
  const r = run.results;
  const share = (row) => row.busy_s / r.latency_s.total;
  const rows = r.operators.filter((op) => op.count > 0 || op.energy_j > 0);
  const columns = [
    { title: "Operator", value: (row) => row.name, show: (row) => (row.name === "(background)" ? "background" : row.name) },
    text_column("Phase", "phase"),
    number_column("Busy", (row) => row.busy_s, (v) => (v ? seconds(v) : "–")),
    { title: "of the total", number: true, value: share, show: (row) => [percent(share(row)), el("span", { class: "meter", "aria-hidden": "true" }, el("i", { style: `width:${Math.min(100, 100 * share(row)).toFixed(1)}%` }))] },
    number_column("Span", (row) => row.span_s, (v) => (v ? seconds(v) : "–")),
    number_column("Energy", (row) => row.energy_j, joules),
    { title: "Runs on", value: (row) => executor_name(row.executor) },
    number_column("Executions", (row) => row.count, (v) => (v ? v.toLocaleString("en-US") : "–")),
    number_column("MACs", (row) => row.macs, (v) => (v ? quantity(v, "") : "–")),
    number_column("DRAM bytes", (row) => row.bytes, (v) => (v ? bytes(v) : "–")),
  ];
  return section("operators", "Operators", "Busy times sum to the total: operators that run side by side share the time evenly, and the background row has the time in which none runs. The span is from first start to last end of each execution, summed.",
    card(table({ columns, rows, caption: "Operators by phase", sort: [2, "descending"], most: 24 })));
}
