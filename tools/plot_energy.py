#!/usr/bin/python3
"""Energy of runs by component, and of the largest operators (operators.csv, results.json)."""
import plotting as p

MOST = 9  # operators that are named; the others are one bar


def by_component(axes, runs, colors):
    used = [name for name in colors if any(run["energy_j"]["components"].get(name, 0) > 0 for _, run in runs)]
    for i, (_, run) in enumerate(runs):
        left = 0
        for name in used:
            value = run["energy_j"]["components"].get(name, 0)
            axes.barh(i, value, left=left, height=0.62, color=colors[name]["light"], label=colors[name]["name"] if i == 0 else None)
            left += value
        axes.text(left, i, f" {left:.3g} J", va="center", fontsize=7)
    axes.set_yticks(range(len(runs)), [name for name, _ in runs])
    axes.invert_yaxis()
    axes.set_xlabel("energy (J)")
    axes.margins(x=0.14)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=4)


def by_operator(axes, directory, total, color):
    rows = sorted(p.rows(directory, "operators.csv"), key=lambda row: -row["energy_j"])
    bars = [(f"{row['name'].strip('()')}, {row['phase']}", row["energy_j"]) for row in rows[:MOST]]
    bars.append((f"{len(rows) - MOST} others", sum(row["energy_j"] for row in rows[MOST:])))
    axes.barh(range(len(bars)), [value for _, value in bars], height=0.62, color=color)
    for i, (_, value) in enumerate(bars):
        axes.text(value, i, f" {100 * value / total:.1f} %", va="center", fontsize=7)
    axes.set_yticks(range(len(bars)), [name for name, _ in bars])
    axes.invert_yaxis()
    axes.set_xlabel("energy (J)")
    axes.margins(x=0.14)


def main():
    options = p.arguments(__doc__, "energy")
    colors = p.palette()
    runs = [(name, p.results(directory)) for name, directory in zip(options.names, options.directories)]
    heights = [0.45 + 0.24 * len(runs), 0.2 + 0.19 * (MOST + 1)]
    figure, (top, bottom) = p.plt.subplots(2, 1, figsize=(p.PAGE * 0.75, sum(heights) + 0.9), gridspec_kw={"height_ratios": heights, "hspace": 0.42})
    by_component(top, runs, colors["components"])
    by_operator(bottom, options.directories[0], runs[0][1]["energy_j"]["total"], colors["series"][0]["light"])
    for axes in (top, bottom):
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x")
    p.save(figure, options.out)


if __name__ == "__main__":
    main()
