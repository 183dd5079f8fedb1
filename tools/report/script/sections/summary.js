// The run in six numbers.

function tile(name, text, note) {
  const [value, unit] = Array.isArray(text) ? text : [text, ""];
  return el("div", { class: "tile" }, el("dt", {}, name), el("dd", { class: "value" }, value, unit ? el("small", {}, unit) : null), el("dd", { class: "note" }, note));
}

function tokens_of(r) {
  return Math.max(1, r.workload.generated_tokens * r.workload.batch);
}

function summary_section(run) {
  const r = run.results;
  const per_token = r.energy_j.total / tokens_of(r);
  const steps = r.workload.generated_tokens;
  const batch = r.workload.batch > 1 ? `, batch of ${r.workload.batch}` : "";
  return el("section", { id: "summary", "data-title": "Summary", "aria-label": "Summary" },
    el("dl", { class: "tiles" },
      tile("Time to first token", parts_of(r.latency_s.ttft, time_units), `prefill of ${count(r.workload.prompt_tokens)} tokens${batch}, with the LM head`),
      steps > 0 && tile("Time per token", parts_of(r.latency_s.tbt_mean, time_units), r.speculation ? `decode over the ${plural(steps, "token")} of a request; drafts by ${r.speculation.draft}` : `mean of ${plural(steps, "step")}; 99th percentile ${seconds(r.latency_s.tbt_p99)}`),
      tile("Total", parts_of(r.latency_s.total, time_units), r.speculation ? `prefill and ${plural(r.speculation.rounds, "round")} of drafts and verification` : `prefill and ${plural(steps, "decode step")}`),
      steps > 0 && tile("Decode throughput", [significant(r.phases.decode.tokens_per_s), "tokens/s"], "generated tokens over the time of decode"),
      tile("Energy", parts_of(r.energy_j.total, energy_units), `${percent(r.energy_j.resting_on_estimates / r.energy_j.total)} of it rests on estimates`),
      steps > 0 && tile("Energy per token", parts_of(per_token, energy_units), "of generated tokens, prefill included")));
}
