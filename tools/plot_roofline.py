#!/usr/bin/python3
"""Operators of a run under the ceilings of its machine (results.json)."""
import plotting as p


def main():
    options = p.arguments(__doc__, "roofline")
    if len(options.directories) > 1:
        p.fail(f"{len(options.directories)} directories found, allowed: one")
    run = p.results(options.directories[0])
    if "peaks" not in run:
        p.fail(f"{options.directories[0]}/results.json: peaks: missing, run it again with this version")
    colors = p.palette()["executors"]
    peaks = run["peaks"]
    roofs = [("npu", peaks["npu_macs_per_s"], peaks["bus_bytes_per_s"], "channel buses", "NPU"),
             ("nmp", peaks["nmp_macs_per_s"], peaks["hb_bytes_per_s"], "HB ports", "PEs")]
    points = [op for op in run["operators"] if op["macs"] > 0 and op["bytes"] > 0 and op["busy_s"] > 0]
    intensities = [op["macs"] / op["bytes"] for op in points]
    low, high = min([0.4] + intensities) / 1.5, max([2000] + intensities) * 1.5

    figure, axes = p.plt.subplots(figsize=(p.COLUMN * 1.35, 2.9))
    for kind, peak, slope, slope_name, peak_name in roofs:
        if peak <= 0:
            continue
        knee = peak / slope
        color = colors[kind]["light"]
        axes.plot([low, knee, high], [slope * low, peak, peak], color=color, linewidth=1.2)
        axes.text(high, peak * 1.12, f"{peak_name} {peak * 1e-12:.3g} TMAC/s", color=color, ha="right", va="bottom", fontsize=7)
        middle = (low * knee) ** 0.5
        text = f"{slope_name} {slope * 1e-9:,.0f} GB/s"
        if kind == "nmp":  # its slope is at the edge of the figure: the name stands behind the knee
            axes.text(knee, peak * 1.12, text, color=color, ha="left", va="bottom", fontsize=7)
        else:
            axes.annotate(text, (middle, slope * middle), xytext=(4, -4), textcoords="offset points", color=color, ha="left", va="top", fontsize=7)
    for op in points:
        color = colors.get(op["executor"], colors["system"])["light"]
        filled = op["phase"] == "decode"
        size = 10 + 160 * op["busy_s"] / run["latency_s"]["total"]
        axes.scatter(op["macs"] / op["bytes"], op["macs"] / op["busy_s"], s=size, facecolor=color if filled else "white", edgecolor="white" if filled else color,
                     linewidth=0.5 if filled else 1, zorder=3)
    for executor, name in (("nmp", "NMP channels"), ("npu", "NPU"), ("nmp+npu", "both")):
        if any(op["executor"] == executor for op in points):
            axes.scatter([], [], s=18, color=colors[executor]["light"], label=name)
    axes.scatter([], [], s=18, facecolor="white", edgecolor="#5b6876", label="prefill")
    axes.set(xscale="log", yscale="log", xlim=(low, high), xlabel="MACs per byte that DRAM moves", ylabel="MAC/s")
    axes.set_ylim(top=max(peak for _, peak, *_ in roofs) * 4)
    axes.grid()
    axes.legend(loc="lower right")
    p.save(figure, options.out)


if __name__ == "__main__":
    main()
