// What each executor did in one step.

/** The NPU's arrays, vector units and DMA work side by side: each has a lane. */
function lane_of([executor, , , , kind]) {
  if (executor !== "npu") return executor;
  const lanes = { npu_gemm: "npu.arrays", npu_vector: "npu.vector", wait: null, idle: null };
  return kind in lanes ? lanes[kind] : "npu.DMA";
}

/** Where the decoder layer ends: it is most of a real step, and least of what was simulated of it. */
function end_of_layer(rows, span) {
  const ends = rows.filter((row) => row[5] >= 0).map((row) => row[2]);
  return ends.length ? Math.min(span, Math.max(...ends) * 1.01) : span;
}

function timeline_option(t, width, lanes, rows, span) {
  const [scale, unit] = pick_unit(span * 1e-12, time_units);
  const of = (ps) => (ps * 1e-12) / scale;
  const waiting = (row) => row[4] === "wait" || row[4] === "idle";
  return {
    grid: { left: 4, right: 14, top: 6, bottom: 36, containLabel: true },
    xAxis: { type: "value", min: 0, max: of(span), position: "bottom", ...axis_style(t, { axisLabel: { formatter: (v) => `${significant(v)} ${unit}`, hideOverlap: true, showMaxLabel: false } }) },
    yAxis: { type: "category", inverse: true, data: lanes, ...axis_style(t, { axisLabel: { color: t.text } }) },
    dataZoom: [{ type: "inside", startValue: 0, endValue: of(end_of_layer(rows, span)), filterMode: "weakFilter", zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false },
      { type: "slider", startValue: 0, endValue: of(end_of_layer(rows, span)), filterMode: "weakFilter", height: 20, bottom: 8, borderColor: t.line, fillerColor: "rgba(0,114,178,.14)", handleStyle: { color: t.accent }, showDetail: false, brushSelect: false, showDataShadow: false, backgroundColor: "transparent" }],
    tooltip: tooltip(t, {
      trigger: "item",
      formatter: ({ dataIndex: i }) => tip(rows[i][3] ? `${rows[i][3]}, ${words(rows[i][4])}` : words(rows[i][4]), [
        ["from", seconds(rows[i][1] * 1e-12, 5)], ["for", seconds((rows[i][2] - rows[i][1]) * 1e-12)], ["mostly", words(rows[i][7] || "–"), part_color(rows[i][7])],
        ["layer", rows[i][5] < 0 ? "outside the layers" : rows[i][6] > 1 ? `stands for ${rows[i][6]}` : String(rows[i][5])]]),
    }),
    series: [{
      type: "custom", clip: true, encode: { x: [1, 2], y: 0 },
      renderItem: (at, api) => {
        const from = api.coord([api.value(1), api.value(0)]), to = api.coord([api.value(2), api.value(0)]);
        const row = rows[at.dataIndexInside === undefined ? at.dataIndex : at.dataIndex];
        const tall = waiting(row) ? 6 : Math.min(24, api.size([0, 1])[1] * 0.72);
        const left = Math.max(from[0], at.coordSys.x), right = Math.min(to[0], at.coordSys.x + at.coordSys.width);
        if (right < left) return null;
        const wide = Math.max(0.6, right - left);
        const color = part_color(row[7]);
        const text = row[3] && wide > row[3].length * 7 + 8 ? row[3] : "";
        return {
          type: "rect", shape: { x: left, y: from[1] - tall / 2, width: wide, height: tall, r: Math.min(2, wide / 3) },
          style: { fill: color, opacity: waiting(row) ? 0.75 : 1, stroke: wide > 3 ? t.card : null, lineWidth: wide > 3 ? 0.5 : 0 },
          textConfig: { position: "inside" }, textContent: text ? { style: { text, fontSize: 11, fill: dark() || ["row", "mode_switch", "vector", "idle", "buffer_wait"].includes(row[7]) ? "#11171d" : "#fff", fontFamily: t.font } } : undefined,
        };
      },
      data: rows.map((row) => [lanes.indexOf(lane_of(row)), of(row[1]), of(row[2])]),
    }],
  };
}

const step_name = (run, step) => (step === 0 ? "the prefill" : `decode step ${step} (${count(run.results.workload.prompt_tokens + step)} tokens of context)`);

/** One step, drawn and in words. @param name of a step @param id of the chart */
function step_card(timeline, line, name, id) {
  const rows = line.rows.filter((row) => lane_of(row) !== null && row[2] > row[1]);
  const lanes = ["npu.arrays", "npu.vector", "npu.DMA", ...timeline.executors.filter((e) => e !== "npu")].filter((lane) => rows.some((row) => lane_of(row) === lane));
  const span = line.end_ps - line.start_ps;
  const used = time_parts.filter((part) => rows.some((row) => row[7] === part));
  const layers = Math.max(1, ...rows.map((row) => row[6]));
  const step = name(line.step);
  const say = `All of ${step}, as simulated: the embedding, one decoder layer${layers > 1 ? `, which stands for **${layers}**` : ""}, and the LM head. Thin bars: no task.`;
  const columns = [{ title: "Executor", value: (row) => lane_of(row) }, { title: "Operator", value: (row) => row[3] }, { title: "Task", value: (row) => words(row[4]) },
    number_column("Start", (row) => row[1] * 1e-12, (v) => seconds(v, 5)), number_column("Length", (row) => (row[2] - row[1]) * 1e-12, seconds), { title: "Mostly", value: (row) => words(row[7] || "") }];
  return [el("p", { class: "say" }, rich(say)), card(chart({
    id, name: `Timeline of ${step} by executor`, height: 60 + lanes.length * 34,
    caption: "Colours: what most of the task's time went to. It opens on the decoder layer; the slider below moves and widens the window, as do ctrl and the wheel.",
    keys: () => legend(used.map((part) => [words(part), part_color(part)])),
    build: (t, width) => timeline_option(t, width, lanes, rows, span),
    behind: { columns, rows, sort: [3, "ascending"], most: 25 },
  }))];
}

/** A timeline of one step at a time, and what chooses the step. */
function step_picker(timeline, name, id = "timeline", word = "Step") {
  const steps = timeline.steps;
  const holder = el("div", {}, step_card(timeline, steps[steps.length - 1], name, id));
  const picker = id === "timeline" ? "step" : `${id}-step`;
  const select = el("select", { id: picker, onchange: () => {
    holder.replaceChildren(...step_card(timeline, steps[Number(select.value)], name, id));
    draw_charts();
  } }, steps.map((line, i) => el("option", { value: i, selected: i === steps.length - 1 }, name(line.step))));
  const tools = steps.length > 1 ? el("div", { class: "tools" }, el("label", { for: picker }, word), select) : null;
  return [tools, holder];
}

function timeline_section(run) {
  const title = "Timeline of a step";
  if (!run.timeline) return section("timeline", title, "", card(missing(run.notes.join(" ") || "There are no task traces.")));
  return section("timeline", title, "", ...step_picker(run.timeline, (step) => step_name(run, step)));
}
