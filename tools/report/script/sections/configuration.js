// Every value the run had, with where it comes from.

function config_groups(values) {
  const groups = new Map();
  for (const value of values) {
    const parts = value.key.split(".");
    const deep = parts[0] === "system" && parts.length > 2 ? `${parts[0]}.${parts[1].replace(/\[\d+\]$/, "")}` : parts[0];
    groups.set(deep, [...(groups.get(deep) || []), { ...value, short: value.key.slice(deep.length + 1) || value.key }]);
  }
  return groups;
}

function config_row(value) {
  const guess = /ASSUMED/.test(value.source || "") || value.confidence === "estimate";
  return el("tr", { "data-text": `${value.key} ${value.value} ${value.source || ""} ${value.where || ""}`.toLowerCase() },
    el("td", {}, el("code", {}, value.short), value.meaning ? el("span", { class: "where", style: "font-family:inherit" }, value.meaning) : null),
    el("td", { class: "number" }, /^-?\d+\.?\d*(e[+-]?\d+)?$/.test(value.value) ? significant(Number(value.value), 7) : value.value, value.unit ? el("span", { class: "unit" }, ` ${value.unit}`) : null),
    el("td", {}, value.confidence ? el("span", { class: guess ? "guess" : null }, `${value.confidence}: `) : null,
      value.source ? el("span", { class: guess ? "guess" : null }, value.source) : null, el("span", { class: "where" }, value.where || "")));
}

function configuration_section(run) {
  const config = run.results.config;
  const values = config.values || [];
  const files = el("p", { class: "say" }, "Configuration ", el("span", { class: "chip" }, config.digest || "without digest"), " from ", (config.files || []).flatMap((file, i) => [i ? ", " : "", el("code", {}, file)]), ".");
  if (!values.length) return section("configuration", "Configuration", "", card(files, missing("results.json lists no values: it was written by replay, or by an older bondsim.")));
  const titles = { system: "System", "system.channels": "Channels", "system.dram": "DRAM part", "system.controller": "Channel controllers", "system.nmp": "NMP side", "system.npu": "NPU", "system.energy": "Energy table", "system.fidelity": "Fidelity switches", "system.kernel": "Kernel", model: "Model", workload: "Workload", dataflow: "Dataflow" };
  const assumed = values.filter((value) => /ASSUMED/.test(value.source || "")).length;
  const groups = [...config_groups(values)].map(([name, list], i) => el("details", { class: "group", open: i === 0 || name === "system.nmp" },
    el("summary", {}, titles[name] || name, el("span", {}, `${plural(list.length, "value")}`)),
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": titles[name] || name }, el("table", { class: "config" },
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Key"), el("th", { scope: "col", class: "number" }, "Value"), el("th", { scope: "col" }, "Source"))),
      el("tbody", {}, list.map(config_row))))));
  const filter = el("input", { type: "search", placeholder: "Find a key, value or source", "aria-label": "Find a key, value or source", oninput: () => {
    const wanted = filter.value.trim().toLowerCase();
    for (const group of groups) {
      let any = false;
      for (const row of group.querySelectorAll("tbody tr")) {
        row.hidden = wanted !== "" && !row.dataset.text.includes(wanted);
        any ||= !row.hidden;
      }
      group.hidden = !any;
      if (wanted !== "") group.open = any;
    }
  } });
  const out = section("configuration", "Configuration", `All ${values.length} values of this run, defaults and command line included; **${assumed}** of them are assumptions.`,
    card(files, el("div", { class: "tools" }, filter), groups));
  out.classList.add("long");
  return out;
}
