#!/usr/bin/python3
"""Where the time of every executor went, stacked (channels.csv; the NPU from results.json)."""
import plotting as p


def bars_of(directory):
    """[(executor, {part: share})], NPU first."""
    npu = p.results(directory)["npu"]["time_s"]
    bars = [("NPU", npu)]
    for row in p.rows(directory, "channels.csv"):
        parts = {key[:-2]: value for key, value in row.items() if key.endswith("_s")}
        bars.append((f"{'NMP' if row['kind'] == 'nmp' else 'normal'} {int(row['id'])}", parts))
    return [(name, {part: value / sum(parts.values()) for part, value in parts.items()}) for name, parts in bars]


def main():
    options = p.arguments(__doc__, "time")
    colors = p.palette()["parts"]
    bars = [(name, f"{run}: " if len(options.names) > 1 else "", parts)
            for directory, run in zip(options.directories, options.names) for name, parts in bars_of(directory)]
    used = [part for part in colors if any(parts.get(part, 0) > 0 for _, _, parts in bars)]
    figure, axes = p.plt.subplots(figsize=(p.PAGE * 0.75, 0.55 + 0.19 * len(bars)))
    for i, (_, _, parts) in enumerate(bars):
        left = 0
        for part in used:
            share = 100 * parts.get(part, 0)
            axes.barh(i, share, left=left, height=0.74, color=colors[part]["light"], linewidth=0.3 if share > 1 else 0, edgecolor="white",
                      label=part.replace("_", " ") if i == 0 else None)
            left += share
    axes.set_yticks(range(len(bars)), [f"{run}{name}" for name, run, _ in bars])
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("share of the run's time (%)")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.legend(loc="lower center", bbox_to_anchor=(0.46, 1.0), ncol=5)
    p.save(figure, options.out)


if __name__ == "__main__":
    main()
