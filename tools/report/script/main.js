// Puts the page together from the data it carries.

const mark = `<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8" aria-hidden="true"><rect x="3" y="3.5" width="18" height="6.5" rx="1.6"/><rect x="3" y="14" width="18" height="6.5" rx="1.6" fill="currentColor" fill-opacity=".18"/><path d="M7 10v4M12 10v4M17 10v4"/></svg>`;

function run_lede(run) {
  const r = run.results;
  const layers = r.simulation ? `; ${plural(r.simulation.model_layers, "layer")}, ${r.simulation.layers === "all" ? "all simulated" : "one simulated and multiplied"}` : "";
  return `Dataflow **${r.dataflow}**, batch **${r.workload.batch}**, **${count(r.workload.prompt_tokens)}** prompt and **${count(r.workload.generated_tokens)}** generated tokens${layers}.`;
}

function head_of(data) {
  const brand = el("div", { class: "brand" });
  brand.innerHTML = mark;
  brand.append("bondsim report");
  const out = [brand];
  if (data.runs.length === 1) {
    const r = data.runs[0].results;
    out.push(el("h1", {}, `${r.model} on ${r.system}`), el("p", { class: "lede" }, rich(run_lede(data.runs[0])), " ", r.config.digest ? el("span", { class: "chip", title: "digest of the configuration" }, r.config.digest) : null));
  } else if (data.runs.length > 1) {
    out.push(el("h1", {}, `${data.runs.length} runs compared`), el("p", { class: "lede" }, data.runs.map((run) => run.label).join(", ")));
  } else {
    const all = ["searches", "validations", "ladders", "dataflows", "served", "curves", "speculations", "sweeps", "reproductions", "heats"].flatMap((kind) => data[kind].map((item) => item.label));
    out.push(el("h1", {}, all.join(", ")), el("p", { class: "lede" }, "Results of bondsim."));
  }
  return out;
}

const run_sections = [summary_section, speculation_section, time_section, roofline_section, energy_section, heat_section, context_section, timeline_section, operators_section, experts_section, configuration_section];

function show_run(run, holder) {
  holder.replaceChildren(...run_sections.map((make) => part_or_fault(make.name.replace("_section", ""), () => make(run))).filter(Boolean));
}

/** With several runs, one is shown in detail at a time. */
function run_chooser(runs, holder) {
  const lede = el("p", { class: "say" });
  const choose = (i) => {
    show_run(runs[i], holder);
    lede.replaceChildren(...rich(`${runs[i].results.model} on ${runs[i].results.system}. ${run_lede(runs[i])}`));
    draw_charts();
    fill_nav();
  };
  const select = el("select", { id: "run", onchange: () => choose(Number(select.value)) }, runs.map((run, i) => el("option", { value: i }, run.label)));
  return [el("section", { id: "one", "data-title": "One run" }, el("h2", {}, "One run in detail"), el("div", { class: "tools" }, el("label", { for: "run" }, "Run"), select), lede), () => choose(0)];
}

function fill_nav() {
  const sections = [...document.querySelectorAll("main section[id]")];
  document.getElementById("sections").replaceChildren(el("ul", {}, sections.map((s) => el("li", {}, el("a", { href: `#${s.id}` }, s.dataset.title)))));
  const links = new Map([...document.querySelectorAll("#sections a")].map((a) => [a.getAttribute("href").slice(1), a]));
  watcher?.disconnect();
  watcher = new IntersectionObserver((seen) => {
    for (const entry of seen) {
      if (!entry.isIntersecting) continue;
      links.forEach((a) => { a.classList.remove("here"); a.removeAttribute("aria-current"); });
      const link = links.get(entry.target.id);
      link?.classList.add("here");
      link?.setAttribute("aria-current", "true");
    }
  }, { rootMargin: "-15% 0px -75% 0px" });
  sections.forEach((s) => watcher.observe(s));
}
let watcher = null;

function foot_of(data) {
  const one = data.runs[0]?.results.simulation;
  return [`Written by bondsim ${data.version}. `, data.runs.length === 1 && one ? `${quantity(one.events, "")} kernel events in ${seconds(one.wall_s, 3)}. ` : "",
    "Charts: Apache ECharts (Apache License 2.0). From ", ...["runs", "ladders", "validations", "searches", "dataflows", "served", "curves", "speculations", "sweeps", "reproductions", "heats"].flatMap((kind) => data[kind].map((item) => item.path)).flatMap((path, i) => [i ? ", " : "", el("code", {}, path)]), "."];
}

function main() {
  const data = JSON.parse(document.getElementById("data").textContent);
  const page = document.getElementById("main");
  document.getElementById("head").append(...[part_or_fault("Results", () => head_of(data))].flat());
  const holder = el("div");
  if (data.runs.length === 1) {
    show_run(data.runs[0], holder);
    page.append(holder);
  } else if (data.runs.length > 1) {
    const [chooser, choose] = run_chooser(data.runs, holder);
    page.append(part_or_fault("Comparison", () => comparison_section(data.runs)), chooser, holder);
    choose();
  }
  const kinds = [["ladders", ladder_section], ["validations", validation_section], ["searches", search_section], ["dataflows", dataflows_section], ["served", served_section], ["curves", curve_section],
    ["speculations", speculation_study_section], ["sweeps", sweep_section], ["reproductions", reproduction_section], ["heats", heat_study_section]];
  for (const [kind, make] of kinds) page.append(...data[kind].map((item, i) => part_or_fault(item.label, () => make(item, i))));
  document.getElementById("foot").append(...foot_of(data));
  fill_nav();
  draw_charts();
  follow_changes();
  document.documentElement.dataset.ready = "yes";
}

main();
