// Closed forms against the cycle model.

function accuracy(rows, form) {
  const errors = rows.map((row, i) => [row[`${form}_error_percent`], i]).filter(([e]) => typeof e === "number");
  const of = (f) => errors.reduce((sum, [e]) => sum + f(e), 0) / Math.max(1, errors.length);
  const worst = errors.reduce((most, at) => (Math.abs(at[0]) > Math.abs(most[0]) ? at : most), [0, -1]);
  return { form, points: errors.length, mape: of(Math.abs), bias: of((e) => e), worst: worst[0], worst_row: worst[1] + 1, near: of((e) => (Math.abs(e) <= 10 ? 1 : 0)), tau: kendall(rows.filter((row) => typeof row[`${form}_error_percent`] === "number").map((row) => [row.cycle_latency_s, row[`${form}_latency_s`]])) };
}

/** Kendall's tau-b of pairs: how far both sides put them in the same order. */
function kendall(pairs) {
  let concordant = 0, x_only = 0, y_only = 0;
  for (let i = 0; i < pairs.length; ++i) {
    for (let k = 0; k < i; ++k) {
      const x = Math.sign(pairs[i][0] - pairs[k][0]), y = Math.sign(pairs[i][1] - pairs[k][1]);
      concordant += x * y;
      x_only += x !== 0;
      y_only += y !== 0;
    }
  }
  return x_only && y_only ? concordant / Math.sqrt(x_only * y_only) : NaN;
}

/** Rows are operators alone, of a suite or a file, or of an experiment, and its whole steps. */
function case_name(row) {
  if (row.operator) return `${words(row.operator)}, ${row.phase === "prefill" ? "prefill" : `step ${row.step}`}`;
  return row.model ? `operator on ${row.model}` : "operator";
}

function case_shape(row) {
  return typeof row.M === "number" ? [["shape", `${row.B > 1 ? `${row.B} × ` : ""}(${row.M} × ${row.K}) · (${row.K} × ${row.N})`]] : [];
}

function validation_scatter(item, i, rows) {
  const values = rows.flatMap((row) => [row.cycle_latency_s, ...item.forms.map((form) => row[`${form}_latency_s`])]).filter((v) => typeof v === "number" && v > 0);
  const low = Math.min(...values) / 1.5, high = Math.max(...values) * 1.5;
  const power = (v) => Math.abs(Math.log10(v) - Math.round(Math.log10(v))) < 1e-6;
  const line = (factor) => [[low, low * factor], [high, high * factor]];
  const symbols = ["circle", "triangle", "rect", "diamond", "roundRect"];
  return chart({
    id: `validation-${i}`, name: "Latency by closed form against latency simulated", caption: "Each point is an operator or a whole step; on the line both agree, the band is ±10 %.",
    keys: () => legend(item.forms.map((form, k) => [form, series_color(k), "round"])), height: (width) => Math.min(520, Math.max(300, width * 0.75)),
    build: (t) => ({
      grid: { left: 34, right: 36, top: 10, bottom: 34, containLabel: true },
      xAxis: { type: "log", min: low, max: high, name: "simulated", nameGap: 28, ...axis_style(t, { axisLabel: { formatter: (v) => (power(v) ? seconds(v, 2) : "") } }) },
      yAxis: { type: "log", min: low, max: high, name: "closed form", nameGap: 58, ...axis_style(t, { axisLabel: { formatter: (v) => (power(v) ? seconds(v, 2) : "") } }) },
      tooltip: tooltip(t, { trigger: "item", formatter: ({ data }) => (data.row ? tip(case_name(data.row), [...case_shape(data.row), ["simulated", seconds(data.row.cycle_latency_s)], [data.form, seconds(data.row[`${data.form}_latency_s`])], ["error", `${significant(data.row[`${data.form}_error_percent`], 3)} %`], ["mostly", words(String(data.row.dominant || "–"))], ["row", data.at + 1]]) : "") }),
      series: [
        { type: "line", silent: true, showSymbol: false, clip: true, lineStyle: { color: t.muted, width: 1.2 }, data: line(1) },
        ...[0.9, 1.1].map((factor) => ({ type: "line", silent: true, showSymbol: false, clip: true, lineStyle: { color: t.muted, width: 1, type: "dashed", opacity: 0.6 }, data: line(factor) })),
        ...item.forms.map((form, k) => ({
          type: "scatter", name: form, symbol: symbols[k % symbols.length], symbolSize: 7, cursor: "default", itemStyle: { color: series_color(k), opacity: 0.6 },
          data: rows.map((row, at) => ({ value: [row.cycle_latency_s, row[`${form}_latency_s`]], row, form, at })).filter(({ value }) => value.every((v) => typeof v === "number" && v > 0)),
        })),
      ],
    }),
  });
}

function validation_section(item, i) {
  const rows = as_objects(item);
  const table_of = item.forms.map((form) => accuracy(rows, form));
  const best = [...table_of].filter((a) => a.points).sort((a, b) => a.mape - b.mape)[0];
  const say = best ? `Over ${best.points} cases **${best.form}** is off by **${significant(best.mape, 3)} %** on average, by ${significant(best.worst, 3)} % at worst.` : "";
  const columns = [text_column("Closed form", "form"), number_column("Points", (a) => a.points, count), number_column("Mean error", (a) => a.mape, (v) => `${significant(v, 3)} %`), number_column("Worst", (a) => a.worst, (v) => `${significant(v, 3)} %`),
    number_column("Row", (a) => a.worst_row, String), number_column("Bias", (a) => a.bias, (v) => `${significant(v, 3)} %`), number_column("Within 10 %", (a) => a.near, percent), number_column("Kendall τ", (a) => a.tau, (v) => significant(v, 4))];
  const text_keys = ["operator", "phase", "executor", "model"];
  const shape_keys = [...text_keys, "step", "B", "M", "N", "K", "nmp_channels", "normal_channels"].filter((key) => item.columns.includes(key) && rows.some((row) => row[key] !== "" && row[key] !== rows[0][key]));
  const row_columns = [number_column("Row", (row) => row.at, String), ...shape_keys.map((key) => (text_keys.includes(key) ? text_column({ model: "on", executor: "on" }[key] || key, key) : number_column(words(key), (row) => row[key], (v) => (typeof v === "number" ? v.toLocaleString("en-US") : String(v ?? ""))))),
    number_column("Simulated", (row) => row.cycle_latency_s, (v) => (typeof v === "number" ? seconds(v) : "–")), ...item.forms.map((form) => number_column(form, (row) => Number(row[`${form}_error_percent`] === "" ? NaN : row[`${form}_error_percent`]), (v) => (Number.isFinite(v) ? `${significant(v, 3)} %` : "–"))), { title: "Mostly", value: (row) => words(String(row.dominant ?? "")) }];
  return section(`validation-section-${i}`, `Closed forms: ${item.label}`, say, card(validation_scatter(item, i, rows)), card(table({ columns, rows: table_of, caption: "Errors of the closed forms against the cycle model" })),
    card(table({ columns: row_columns, rows: rows.map((row, at) => ({ ...row, at: at + 1 })), caption: "Every case; the columns of the closed forms are their errors", most: 15 })));
}
