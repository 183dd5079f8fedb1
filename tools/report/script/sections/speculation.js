// Drafts: what they came to in a run, and when they pay over batches, depths and acceptances.

function speculation_section(run) {
  const s = run.results.speculation;
  if (!s) return null;
  const decode = run.results.latency_s.decode;
  const faster = s.plain ? ` **${significant(s.plain.speed_up)}** times as fast as plain decode of the same experiment (${seconds(s.plain.decode_s)}).` : "";
  const say = `Drafts of ${s.depth} by **${s.draft}**: **${significant(s.mean_tokens)}** tokens a verification (${significant(s.expected_tokens)} expected), ${seconds(s.token_s)} and ${joules(s.token_energy_j)} an accepted token.${faster}`;
  const lengths = s.lengths ?? [];
  const facts = [["Verifications", count(s.verifications)], ["Rounds", count(s.rounds)], ["Rows of a verification", count(s.rows)], ["Drafts", count(s.drafted)], ["accepted", count(s.accepted)], ["made beside a verification in vain", count(s.unverified)],
    ["Accepted tokens whose K and V were copied", count(s.copied)], ["Scores computed, then zeroed by the mask", percent(s.masked_scores / Math.max(1, s.scores))]].map(([name, value]) => ({ name, value }));
  return section("speculation", "Speculation", say, card(chart({
    id: "speculation", name: "Tokens of a verification", height: 220, caption: "Share of verifications that gave so many tokens.",
    build: (t) => ({
      grid: { left: 8, right: 12, top: 18, bottom: 32, containLabel: true },
      xAxis: { type: "category", name: "tokens", nameLocation: "middle", nameGap: 26, data: lengths.map((l) => String(l.tokens)), ...axis_style(t) },
      yAxis: { type: "value", min: 0, ...axis_style(t, { axisLabel: { formatter: (v) => `${Math.round(100 * v)} %` } }) },
      tooltip: tooltip(t, { trigger: "axis", formatter: ([at]) => tip(plural(lengths[at.dataIndex].tokens, "token"), [["verifications", count(lengths[at.dataIndex].verifications)], ["share", percent(at.value)]]) }),
      series: [{ type: "bar", barMaxWidth: 60, itemStyle: { color: series_color(0) }, data: lengths.map((l) => l.verifications / s.verifications) }],
    }),
  })), card(table({ caption: "Parts of decode", rows: s.parts, columns: [text_column("Part", "name"), number_column("Time", (row) => row.time_s, seconds), number_column("Share", (row) => row.time_s / Math.max(decode, 1e-30), percent), number_column("Energy", (row) => row.energy_j, joules)] })),
  card(table({ caption: "Drafts", rows: facts, columns: [text_column("What", "name"), text_column("How many", "value")] })));
}

/** Speed-up against acceptance of one batch, a line a depth. */
function speed_up_chart(rows, batch, i) {
  const depths = [...new Set(rows.map((row) => row.depth))];
  const line = (depth) => rows.filter((row) => row.depth === depth).map((row) => [row.acceptance, row.speed_up]);
  return chart({
    id: `speculation-${i}-${batch}`, name: `Batch ${batch}: speed-up over plain decode by acceptance, by cycles`, height: 300, caption: `Batch ${batch}: speed-up over plain decode, by cycles.`, keys: () => legend(depths.map((depth, k) => [`depth ${depth}`, series_color(k)])),
    build: (t) => ({
      grid: { left: 8, right: 20, top: 14, bottom: 32, containLabel: true },
      xAxis: { type: "value", min: Math.min(...rows.map((row) => row.acceptance)), max: Math.max(...rows.map((row) => row.acceptance)), name: "acceptance", nameLocation: "middle", nameGap: 26, ...axis_style(t) },
      yAxis: { type: "value", min: 0, ...axis_style(t) },
      tooltip: tooltip(t, { trigger: "axis", formatter: (all) => tip(`acceptance ${significant(all[0].value[0], 3)}`, all.map((p) => [`depth ${depths[p.seriesIndex]}`, significant(p.value[1], 3), series_color(p.seriesIndex)])) }),
      series: depths.map((depth, k) => ({ type: "line", color: series_color(k), lineStyle: { width: 2 }, symbolSize: 5, data: line(depth),
        markLine: k ? undefined : { silent: true, symbol: "none", label: { formatter: "plain decode", color: t.muted, position: "insideEndTop" }, lineStyle: { color: t.muted, type: "dashed" }, data: [{ yAxis: 1 }] } })),
    }),
  });
}

function speculation_study_section(item, i) {
  const rows = as_objects(item).filter((row) => typeof row.speed_up === "number");
  const by_cycles = rows.filter((row) => row.judge === "cycles");
  const batches = [...new Set(by_cycles.map((row) => row.batch))];
  const evens = batches.map((batch) => {
    const found = by_cycles.filter((row) => row.batch === batch && typeof row.break_even_acceptance === "number").sort((a, b) => a.break_even_acceptance - b.break_even_acceptance)[0];
    return found ? `batch ${batch} from acceptance **${significant(found.break_even_acceptance, 3)}** on (depth ${found.depth})` : `batch ${batch} **never**`;
  });
  const judges = [...new Set(rows.map((row) => row.judge))];
  const acceptances = [...new Set(rows.map((row) => row.acceptance))];
  const best = (judge, batch, acceptance) => rows.filter((row) => row.judge === judge && row.batch === batch && row.acceptance === acceptance).reduce((a, b) => (b.speed_up > (a?.speed_up ?? 1) ? b : a), null);
  const bests = batches.flatMap((batch) => judges.map((judge) => ({ batch, judge, at: acceptances.map((a) => best(judge, batch, a)?.depth ?? 0) })));
  return section(`speculation-study-${i}`, `Speculation: ${item.label}`, `Drafts pay, by cycles, at ${evens.join("; ")}.`,
    ...batches.map((batch) => card(speed_up_chart(by_cycles.filter((row) => row.batch === batch), batch, i))),
    card(table({ caption: "Best depth by acceptance; 0: plain decode", rows: bests, columns: [number_column("Batch", (row) => row.batch, String), text_column("By", "judge"), ...acceptances.map((a, k) => number_column(`a = ${a}`, (row) => row.at[k], String))] })),
    card(table({ caption: "All rows by cycles", rows: by_cycles, most: 20, columns: [number_column("Batch", (row) => row.batch, String), number_column("Depth", (row) => row.depth, String), number_column("Acceptance", (row) => row.acceptance, String), number_column("Tokens a verification", (row) => row.tokens_per_verification, (v) => significant(v, 3)), number_column("Verification", (row) => row.verification_s, seconds), number_column("Draft", (row) => row.draft_s, seconds), number_column("Per token", (row) => row.token_s, seconds), number_column("Speed-up", (row) => row.speed_up, (v) => significant(v, 3)), number_column("Break-even acceptance", (row) => row.break_even_acceptance, (v) => (typeof v === "number" ? significant(v, 3) : "–"))] })));
}
