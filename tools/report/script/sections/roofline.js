// Operators under the ceilings of the machine, log-log.

function roofline_points(r) {
  return r.operators.filter((op) => op.macs > 0 && op.bytes > 0 && op.busy_s > 0).map((op) => ({
    ...op, intensity: op.macs / op.bytes, rate: op.macs / op.busy_s, share: op.busy_s / r.latency_s.total,
    ceiling: ceiling_at(r.peaks, op.executor, op.macs / op.bytes),
  }));
}

function roofs_of(peaks) {
  const roofs = [];
  if (peaks.nmp_macs_per_s > 0) roofs.push({ kind: "nmp", peak: peaks.nmp_macs_per_s, slope: peaks.hb_bytes_per_s, slope_name: "HB ports", peak_name: "PEs" });
  roofs.push({ kind: "npu", peak: peaks.npu_macs_per_s, slope: peaks.bus_bytes_per_s, slope_name: "channel buses", peak_name: "NPU arrays" });
  return roofs;
}

/** What an operator of that intensity could reach; where both kinds work, what both could together. */
function ceiling_at(peaks, executor, intensity) {
  return roofs_of(peaks).filter((roof) => executor.includes(roof.kind)).reduce((sum, roof) => sum + Math.min(roof.peak, roof.slope * intensity), 0);
}

/** For where the plot has no room for it. */
function ceilings_text(peaks, kind) {
  const roof = roofs_of(peaks).find((r) => r.kind === kind);
  return roof ? `: ${roof.slope_name} ${quantity(roof.slope, "B/s", 3)}, ${roof.peak_name} ${quantity(roof.peak, "MAC/s", 3)}` : "";
}

function roofline_say(points) {
  const decode = points.filter((p) => p.phase === "decode").sort((a, b) => b.busy_s - a.busy_s)[0] || points[0];
  if (!decode) return "";
  return `The operator that decode spends most time on, **${decode.name}**, does ${significant(decode.intensity, 3)} MACs for each byte that DRAM moves and reaches **${percent(decode.rate / decode.ceiling)}** of its ceiling.`;
}

function roofline_option(t, width, peaks, points) {
  const roofs = roofs_of(peaks);
  const low_x = Math.min(0.5, ...points.map((p) => p.intensity)) / 1.6;
  const high_x = Math.max(...roofs.map((roof) => (roof.peak / roof.slope) * 3), ...points.map((p) => p.intensity * 2));
  const low_y = Math.min(...roofs.map((roof) => roof.slope * low_x), ...points.map((p) => p.rate)) / 2;
  const high_y = Math.max(...roofs.map((roof) => roof.peak)) * 3;
  const power = (v) => Math.abs(Math.log10(v) - Math.round(Math.log10(v))) < 1e-6;
  const label = (text, color, position, extra) => ({ show: true, formatter: text, color, position, fontSize: 12, fontWeight: 600, ...extra });
  const roof_series = roofs.map((roof) => {
    const knee = roof.peak / roof.slope;
    const color = executor_color(roof.kind);
    const above = roof.kind === "nmp";
    const middle = above ? knee * 0.75 : Math.sqrt(low_x * knee);
    return {
      type: "line", name: `roof ${roof.kind}`, silent: true, showSymbol: true, symbol: "circle", symbolSize: 0.01, lineStyle: { color, width: 2 }, itemStyle: { color }, z: 2,
      data: [
        { value: [low_x, roof.slope * low_x] },
        { value: [middle, roof.slope * middle], label: !narrow(width) && label(`${roof.slope_name} ${quantity(roof.slope, "B/s", 3)}`, color, above ? "left" : "right", { distance: 8, offset: above ? [0, -9] : [0, 9] }) },
        { value: [knee, roof.peak] },
        { value: [high_x, roof.peak], label: !narrow(width) && label(`${roof.peak_name} ${quantity(roof.peak, "MAC/s", 3)}`, color, "top", { align: "right", distance: 5 }) },
      ],
    };
  });
  const groups = new Map();
  for (const p of points) {
    const key = `${p.executor} ${p.phase}`;
    groups.set(key, [...(groups.get(key) || []), p]);
  }
  const point_series = [...groups].map(([key, list]) => {
    const color = executor_color(list[0].executor);
    const filled = list[0].phase === "decode";
    return {
      type: "scatter", name: key, z: 5, symbol: "circle", cursor: "default",
      symbolSize: (_, at) => 8 + 22 * Math.sqrt(list[at.dataIndex].share),
      itemStyle: filled ? { color, opacity: 0.85, borderColor: t.card, borderWidth: 1 } : { color: t.card, opacity: 0.9, borderColor: color, borderWidth: 2 },
      label: { show: !narrow(width) || list.length < 6, formatter: (at) => list[at.dataIndex].name, position: "right", color: t.text, fontSize: 11.5, textBorderColor: t.card, textBorderWidth: 3 },
      labelLayout: { hideOverlap: true },
      data: list.map((p) => ({ value: [p.intensity, p.rate], point: p })),
    };
  });
  return {
    grid: { left: 8, right: 16, top: 26, bottom: 32, containLabel: true },
    xAxis: { type: "log", min: low_x, max: high_x, name: "MACs per byte that DRAM moves", nameGap: 30, ...axis_style(t, { axisLabel: { formatter: (v) => (power(v) ? quantity(v, "", 1) : "") } }) },
    yAxis: { type: "log", min: low_y, max: high_y, ...axis_style(t, { axisLabel: { formatter: (v) => (power(v) ? quantity(v, "MAC/s", 1) : "") } }) },
    tooltip: tooltip(t, {
      trigger: "item",
      formatter: ({ data }) => (data.point ? tip(`${data.point.name}, ${data.point.phase}`, [
        ["runs on", executor_name(data.point.executor)], ["intensity", `${significant(data.point.intensity, 3)} MAC/B`],
        ["reached", quantity(data.point.rate, "MAC/s", 3)], ["of its ceiling", percent(data.point.rate / data.point.ceiling)],
        ["busy", seconds(data.point.busy_s)], ["moved", bytes(data.point.bytes)]]) : ""),
    }),
    series: [...roof_series, ...point_series],
  };
}

function roofline_section(run) {
  const r = run.results;
  if (!r.peaks) return section("roofline", "Roofline", "", card(missing("results.json has no peaks of the machine: it was written by an older bondsim. Run it again.")));
  const points = roofline_points(r);
  const kinds = [...new Set(points.map((p) => p.executor))];
  const columns = [text_column("Operator", "name"), text_column("Phase", "phase"), text_column("Runs on", "executor"),
    number_column("MAC/B", (p) => p.intensity, (v) => significant(v, 3)), number_column("Reached", (p) => p.rate, (v) => quantity(v, "MAC/s", 3)),
    number_column("Of its ceiling", (p) => p.rate / p.ceiling, percent)];
  return section("roofline", "Roofline", roofline_say(points), card(chart({
    id: "roofline", name: "Roofline: operations per second against operations per byte, each operator under the ceilings of NPU and NMP channels",
    caption: "MACs a second against MACs for each byte that DRAM commands move. Larger circles: more of the run's time; rings: prefill.",
    keys: () => legend([...kinds.map((kind) => [`${executor_name(kind)}${narrow(innerWidth) ? ceilings_text(r.peaks, kind) : ""}`, executor_color(kind), "round"]), ["prefill", "", "ring"]]),
    height: (width) => (narrow(width) ? 340 : 460),
    build: (t, width) => roofline_option(t, width, r.peaks, points),
    behind: { columns, rows: points, sort: [4, "descending"] },
  })));
}
