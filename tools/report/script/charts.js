// What all charts share: how they look, how they follow width and colour scheme, the table behind each for readers who do not see it.

const drawn = [];

function theme() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(name).trim();
  return { text: of("--text"), muted: of("--muted"), line: of("--line"), soft: of("--line-soft"), card: of("--card"), accent: of("--accent"), font: of("--sans") };
}

const narrow = (width) => width < 460;

function axis_style(t, extra = {}) {
  return {
    axisLine: { show: false }, axisTick: { show: false },
    axisLabel: { color: t.muted, fontSize: 12, ...extra.axisLabel },
    splitLine: { lineStyle: { color: t.soft }, ...extra.splitLine },
    nameTextStyle: { color: t.muted, fontSize: 12 },
    nameLocation: "middle",
    minorSplitLine: { show: false },
  };
}

function tooltip(t, extra = {}) {
  return {
    confine: true, backgroundColor: t.card, borderColor: t.line, borderWidth: 1, padding: [8, 12], transitionDuration: 0,
    textStyle: { color: t.text, fontSize: 13, fontFamily: t.font }, extraCssText: "box-shadow:0 6px 24px rgba(0,0,0,.16);border-radius:8px;max-width:320px;white-space:normal", ...extra,
  };
}

/** Tooltip text: a title and lines of name and value. */
function tip(title, lines) {
  const safe = (text) => String(text).replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]);
  const rows = lines.map(([name, value, color]) =>
    `<tr style="background:none"><td style="border:0;padding:1px 14px 1px 0;color:inherit;opacity:.75">${color ? `<i style="display:inline-block;width:9px;height:9px;border-radius:2px;margin-right:6px;background:${color}"></i>` : ""}${safe(name)}</td><td style="border:0;padding:1px 0;text-align:right;font-weight:600">${safe(value)}</td></tr>`);
  return `<b>${safe(title)}</b><table style="width:auto;font-size:12.5px;margin-top:3px">${rows.join("")}</table>`;
}

/**
 * A chart in a figure.
 * @param name     what it shows, read out instead of it
 * @param height   pixels, or a function of the width
 * @param build    (theme, width) => option of ECharts; called again when the colour scheme or the width changes
 * @param behind   {columns, rows}: the same as a table
 */
function chart({ name, id, height, build, caption, behind, keys }) {
  const box = el("div", { class: "chart", role: "img", "aria-label": name, "data-chart": id });
  const figure = el("figure", {}, caption ? el("figcaption", {}, caption) : null, keys ? keys() : null, box,
    behind ? el("details", {}, el("summary", {}, "The numbers as a table"), table({ ...behind, caption: name })) : null);
  const entry = { box, build, height, instance: null, width: 0 };
  entry.draw = (width) => {
    entry.width = width || box.clientWidth;
    if (entry.width === 0) return;
    const tall = typeof height === "function" ? height(entry.width) : height;
    box.style.height = `${tall}px`;
    const t = theme();
    if (!entry.instance) entry.instance = echarts.init(box, null, { renderer: "svg", width: entry.width, height: tall });
    else entry.instance.resize({ width: entry.width, height: tall });
    entry.instance.setOption({ animation: false, textStyle: { fontFamily: t.font }, ...build(t, entry.width) }, { notMerge: true });
    const legend_now = figure.querySelector(":scope > .legend");
    if (legend_now && keys) legend_now.replaceWith(keys());
  };
  drawn.push(entry);
  return figure;
}

/** Draws what came into the page, forgets what left it. */
function draw_charts() {
  for (let i = drawn.length; i-- > 0;) {
    if (!drawn[i].box.isConnected) {
      drawn[i].instance?.dispose();
      drawn.splice(i, 1);
    }
  }
  for (const entry of drawn) if (!entry.instance) draw_or_say(entry);
}

/** A chart that its data does not allow says so in its place. */
function draw_or_say(entry) {
  try {
    entry.draw();
  } catch (fault) {
    entry.box.replaceChildren(missing_value("chart", fault));
    entry.draw = () => {};
  }
}

function follow_changes() {
  let waiting = 0;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => drawn.forEach((entry) => entry.box.clientWidth !== entry.width && entry.draw()), 60);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawn.forEach((entry) => entry.draw()));
  // A4 less its margins, at the browser's 96 pixels to the inch.
  addEventListener("beforeprint", () => drawn.forEach((entry) => entry.draw(640)));
  addEventListener("afterprint", () => drawn.forEach((entry) => entry.draw()));
}

/** A chart whose axes the reader chooses: the choosers, and what holds the chart. @param choices [axis, label, names, title of a name] */
function chart_with_axes(axes, choices, make) {
  const holder = el("div", {}, make());
  const tools = choices.map(([axis, label, names, title]) => chooser(label, names.map((name) => [name, title(name)]), axes[axis], (name) => {
    axes[axis] = name;
    holder.replaceChildren(make());
    draw_charts();
  }));
  return [el("div", { class: "tools" }, tools), holder];
}
