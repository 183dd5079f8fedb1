#!/usr/bin/python3
"""Figures of `bondsim reproduce`, in the paper's form: for each tier and table a PNG and a PDF beside the tables.

    tools/plot_reproduce.py out/h2llm
"""
import csv
import math
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

plt.rcParams.update({"font.size": 8, "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True})
COLOURS = ["#4c72b0", "#dd8452", "#55a868", "#c44e52", "#8172b3", "#937860", "#da8bc3", "#8c8c8c"]


def rows_of(directory, name):
    path = directory / f"{name}.csv"
    if not path.exists():
        return []
    with path.open() as file:
        return list(csv.DictReader(file))


def in_order(values):
    return list(dict.fromkeys(values))


def save(figure, directory, name):
    for kind in ("png", "pdf"):
        figure.savefig(directory / f"{name}.{kind}", dpi=200, bbox_inches="tight")
    plt.close(figure)
    print(f"{directory}/{name}.png, .pdf")


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else float("nan")


def grouped_bars(axis, groups, systems, value_of):
    """A group of bars for each of `groups`, one bar a system; nothing where there is no value."""
    width = 0.8 / len(systems)
    for i, system in enumerate(systems):
        heights = [value_of(system, group) for group in groups]
        places = [x + (i - (len(systems) - 1) / 2) * width for x in range(len(groups))]
        axis.bar(places, [h or 0 for h in heights], width, label=system, color=COLOURS[i % len(COLOURS)])
    axis.set_xticks(range(len(groups)))
    axis.grid(axis="y", linewidth=0.4, alpha=0.6)


def plot_speedups(directory, tier, name, rows):
    """Speed-ups by model and data set, a row of the figure a batch, with the geometric mean at the right."""
    systems = in_order(r["system"] for r in rows)
    batches = in_order(r["batch"] for r in rows)
    cells = in_order((r["model"], r["dataset"]) for r in rows)
    speedup = {(r["system"], r["batch"], (r["model"], r["dataset"])): float(r["speedup"]) for r in rows if r["speedup"]}
    figure, axes = plt.subplots(len(batches), 1, figsize=(9, 1.9 * len(batches)), sharex=True, squeeze=False)
    for axis, batch in zip(axes[:, 0], batches):

        def value_of(system, cell):
            if cell != "mean":
                return speedup.get((system, batch, cell))
            return geometric_mean([v for (s, b, _), v in speedup.items() if s == system and b == batch])

        grouped_bars(axis, cells + ["mean"], systems, value_of)
        axis.set_yscale("log")
        axis.axhline(1, color="black", linewidth=0.5)
        axis.set_ylabel(f"speed-up, batch {batch}")
    axes[-1, 0].set_xticklabels([f"{m}\n{d}" for m, d in cells] + ["geo-\nmean"])
    axes[0, 0].legend(ncol=len(systems), frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    save(figure, directory, f"{name}_{tier}")


def plot_energy(directory, tier, name, rows):
    """Decode energy efficiency over ID-NMP, as the paper has it."""
    energy = {(r["system"], (r["model"], r["dataset"], r["batch"])): float(r["decode_energy_j"]) for r in rows if r["decode_energy_j"]}
    systems = in_order(s for s, _ in energy)
    if "ID-NMP" not in systems:
        return
    models = in_order(r["model"] for r in rows)
    batches = in_order(r["batch"] for r in rows)
    groups = [(m, b) for m in models for b in batches]

    def value_of(system, group):
        ratios = [
            energy["ID-NMP", cell] / value
            for (s, cell), value in energy.items()
            if s == system and (cell[0], cell[2]) == group and ("ID-NMP", cell) in energy
        ]
        return geometric_mean(ratios) if ratios else None

    figure, axis = plt.subplots(figsize=(7, 2.4))
    grouped_bars(axis, groups, systems, value_of)
    axis.axhline(1, color="black", linewidth=0.5)
    axis.set_xticklabels([f"{m}\nbatch {b}" for m, b in groups])
    axis.set_ylabel("decode energy efficiency\nover ID-NMP")
    axis.legend(ncol=len(systems), frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    save(figure, directory, f"{name}_energy_{tier}")


def plot_ablation(directory, tier, rows):
    systems = in_order(r["system"] for r in rows)
    batches = in_order(r["batch"] for r in rows)
    latency = {(r["system"], r["batch"]): float(r["total_latency_s_per_layer"]) for r in rows if r["total_latency_s_per_layer"]}
    if not latency:
        return
    figure, axis = plt.subplots(figsize=(7, 2.4))
    reference = systems[0]
    grouped_bars(
        axis, systems, batches, lambda batch, system: latency.get((system, batch), 0) / latency.get((reference, batch), math.inf)
    )
    axis.axhline(1, color="black", linewidth=0.5)
    axis.set_xticklabels([s.replace(" ", "\n") for s in systems])
    axis.set_ylabel(f"latency over {reference}")
    axis.legend(title="batch", frameon=False)
    save(figure, directory, f"ablation_{tier}")


def plot_prefill(directory, tier, rows):
    cells = in_order((r["model"], r["dataset"]) for r in rows)
    batches = in_order(r["batch"] for r in rows)
    share = {(r["batch"], (r["model"], r["dataset"])): 100 * float(r["prefill_share"]) for r in rows if r["prefill_share"]}
    figure, axis = plt.subplots(figsize=(7, 2.2))
    grouped_bars(axis, cells, batches, lambda batch, cell: share.get((batch, cell)))
    axis.set_xticklabels([f"{m}\n{d}" for m, d in cells])
    axis.set_ylabel("prefill, % of the time")
    axis.legend(title="batch", frameon=False, ncol=3, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    save(figure, directory, f"prefill_share_{tier}")


def plot_sweep(directory, rows):
    """What H2-LLM gains over in-die PEs that read a column again for each so many rows of activations: time and energy, by batch."""
    rows = [r for r in rows if r["batch"] != "all" and r["speedup"]]
    if not rows:
        return
    systems = in_order(r["system"] for r in rows)
    columns = {"decode_speedup": "decode speed-up", "decode_energy": "decode energy efficiency"}
    figure, axes = plt.subplots(1, 2, figsize=(7, 2.4))
    values = in_order(r["value"] for r in rows)
    for axis, (column, label) in zip(axes, columns.items()):
        for i, (system, batch) in enumerate((s, b) for s in systems for b in in_order(r["batch"] for r in rows)):
            points = {r["value"]: float(r[column]) for r in rows if (r["system"], r["batch"]) == (system, batch)}
            axis.plot([points.get(v) for v in values], "o-", markersize=3, color=COLOURS[i], label=f"over {system}, batch {batch}")
        axis.set_xticks(range(len(values)), ["all" if v == "0" else v for v in values])
        axis.set_xlabel("rows of activations a column read serves")
        axis.set_ylabel(label)
        axis.grid(linewidth=0.4, alpha=0.6)
    axes[1].legend(frameon=False, fontsize=6, loc="center left", bbox_to_anchor=(1.0, 0.5))
    save(figure, directory, "rows_per_read")


def plot_architecture(directory, tier, rows):
    rows = [r for r in rows if r["latency_s"]]
    bandwidths = sorted({float(r["pe_bw_gbps"]) for r in rows})
    markers = dict(zip(sorted({int(r["nmp_channels"]) for r in rows}), "vsoD^P"))
    figure, axis = plt.subplots(figsize=(5, 3.4))
    for r in rows:
        x, y = float(r["pe_area_mm2"]), float(r["latency_s"])
        colour = COLOURS[bandwidths.index(float(r["pe_bw_gbps"])) % len(COLOURS)]
        axis.plot(x, y, markers[int(r["nmp_channels"])], color=colour, markersize=4, alpha=0.8)
        if r["in_front"] == "yes":
            axis.plot(x, y, "o", markersize=9, markerfacecolor="none", markeredgecolor="black", markeredgewidth=0.6)
    for i, bandwidth in enumerate(bandwidths):
        axis.plot([], [], "o", color=COLOURS[i % len(COLOURS)], label=f"{bandwidth:g} GB/s a bank")
    for channels, marker in markers.items():
        axis.plot([], [], marker, color="grey", label=f"{channels} NMP channels")
    axis.plot([], [], "o", markersize=9, markerfacecolor="none", markeredgecolor="black", label="Pareto front (with energy)")
    axis.set_yscale("log")
    axis.set_xlabel("area of a PE, mm2")
    axis.set_ylabel("latency, s")
    axis.grid(linewidth=0.4, alpha=0.6)
    axis.legend(frameon=False, fontsize=6, loc="center left", bbox_to_anchor=(1.0, 0.5))
    save(figure, directory, f"architecture_{tier}")


def way_of(row):
    """A tier, and of the cycle tier a row policy, as a part of a file's name."""
    return "_".join([row["tier"], *row.get("rows", "").split()])


def main():
    if len(sys.argv) != 2 or not (Path(sys.argv[1]) / "headlines.csv").exists():
        sys.exit("usage: plot_reproduce.py DIR, where DIR was written by `bondsim reproduce`")
    directory = Path(sys.argv[1])
    tables = {name: rows_of(directory, name) for name in ("end_to_end", "dataflow", "ablation", "prefill_share", "architecture")}
    for way in in_order(way_of(r) for r in tables["end_to_end"]):
        rows = {name: [r for r in table if way_of(r) == way] for name, table in tables.items()}
        plot_speedups(directory, way, "end_to_end", rows["end_to_end"])
        plot_energy(directory, way, "end_to_end", rows["end_to_end"])
        plot_speedups(directory, way, "dataflow", rows["dataflow"])
        plot_ablation(directory, way, rows["ablation"])
        plot_prefill(directory, way, rows["prefill_share"])
    for tier in in_order(r["tier"] for r in tables["architecture"]):
        plot_architecture(directory, tier, [r for r in tables["architecture"] if r["tier"] == tier])
    plot_sweep(directory, rows_of(directory, "rows_per_read"))


if __name__ == "__main__":
    main()
