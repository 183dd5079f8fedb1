"""The Python package against the command: the same figures, errors as exceptions, workers that end."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

import bondsim as bs
from bondsim import tables

COMMAND = os.environ["BONDSIM_COMMAND"]
SHORT = {"workload.generated_tokens": 2, "workload.prompt_tokens": 64}


@pytest.fixture
def short():
    return bs.Experiment("h2llm-llama3-8b-sharegpt").with_values(SHORT)


def command(*arguments):
    return subprocess.run([COMMAND, *arguments], capture_output=True, text=True, check=True).stdout


def sets(values):
    return [word for key, value in values.items() for word in ("--set", f"{key}={value}")]


def without_wall_time(results):
    results["simulation"].pop("wall_s")
    return results


def test_a_run_has_every_figure_of_the_command(short):
    ours = without_wall_time(json.loads(short.run(progress=False).text))
    theirs = without_wall_time(json.loads(command("run", "h2llm-llama3-8b-sharegpt", *sets(SHORT), "--json")))
    assert ours == theirs


def test_named_figures_are_those_of_results_json(short):
    r = short.run(progress=False)
    j = r.json
    assert r.total_s == j["latency_s"]["total"]
    assert (r.prefill.time_s, r.decode.tokens_per_s) == (j["phases"]["prefill"]["time_s"], j["phases"]["decode"]["tokens_per_s"])
    decode = [o["busy_s"] for o in tables.rows_of(r.operators) if o["phase"] == "decode"]
    assert sum(decode) == pytest.approx(r.decode.time_s, rel=1e-12)
    assert len(tables.rows_of(r.channels)) == 8
    assert r.config["workload.prompt_tokens"] == "64"
    assert r.summary.startswith("Llama-3-8B on h2llm")
    assert "decode" in r._repr_html_()


def test_saved_results_are_what_the_command_writes(short, tmp_path):
    r = short.run(progress=False)
    assert r.save(tmp_path / "ours") == ["channels.csv", "operators.csv", "results.json"]
    command("run", "h2llm-llama3-8b-sharegpt", *sets(SHORT), "--out", str(tmp_path / "theirs"))
    for name in ("channels.csv", "operators.csv"):
        assert (tmp_path / "ours" / name).read_text() == (tmp_path / "theirs" / name).read_text()


def test_a_sweep_has_the_rows_of_the_command_and_says_what_is_infeasible(short, tmp_path):
    ours = tables.rows_of(bs.sweep(short, {"workload.batch": [1, 4, 4096]}, workers=2, progress=False))
    command("sweep", "h2llm-llama3-8b-sharegpt", "--set", "workload.batch=1,4,4096", *sets(SHORT), "--out", str(tmp_path / "sweep"))
    theirs = tables.rows_of(tables.from_csv((tmp_path / "sweep" / "sweep.csv").read_text()))
    assert [row["total_s"] for row in ours[:2]] == [row["total_s"] for row in theirs[:2]]
    assert [row["energy_j"] for row in ours[:2]] == [row["energy_j"] for row in theirs[:2]]
    assert ours[2]["problem"] == theirs[2]["problem"].strip('"') != ""
    assert ours[0]["problem"] == ""


def test_paired_values_of_a_sweep_go_together(short):
    rows = tables.rows_of(bs.sweep(short, {"workload.batch": [1, 2], "system.nmp.pe.fpus": [8, 4]}, zip=True, progress=False))
    assert [(row["workload.batch"], row["system.nmp.pe.fpus"]) for row in rows] == [(1, 8), (2, 4)]
    with pytest.raises(ValueError, match="one length"):
        bs.sweep(short, {"workload.batch": [1, 2], "system.nmp.pe.fpus": [8]}, zip=True)


def test_errors_name_file_line_and_what_is_allowed(short, tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text("schema: bondsim.experiment/1\nname: bad\nsystem: nowhere.yaml\nmodel: m.yaml\nworkload: w.yaml\ndataflow: d.yaml\n")
    with pytest.raises(bs.ConfigError, match=r"bad.yaml:3.*nowhere.yaml"):
        bs.Experiment(bad).run(progress=False)
    with pytest.raises(bs.ConfigError, match="did you mean 'fpus'"):
        short["system.nmp.pe.fpu"] = 3
    assert "system.nmp.pe.fpu" not in short.overrides
    with pytest.raises(bs.InfeasibleError, match="there"):
        short.with_values({"workload.batch": 4096}).run(progress=False)
    with pytest.raises(bs.ConfigError, match="allowed: cycle, detailed, both"):
        short.serve(tier="exact", progress=False)
    assert issubclass(bs.ConfigError, bs.BondsimError)


class Half(bs.ClosedForm):
    """Half of what bondsim's ideal roofline would say of weights alone; wrong, and exactly known."""
    name = "half-a-port"

    def nmp_seconds(self, gemm, element_bytes, device):
        return gemm.count * gemm.n * gemm.k * element_bytes / (2e9 * device.channels * device.pes_per_channel * device.hb_bandwidth_gbps)

    def npu_seconds(self, gemm, element_bytes, device):
        return gemm.count * gemm.n * gemm.k * element_bytes / (2e9 * device.channels * device.channel_bandwidth_gbps)


def test_an_own_closed_form_is_judged_as_predictions_of_the_same_seconds_are(short):
    by_form = bs.validate(short, forms=[Half()], samples=1, progress=False)
    rows = tables.rows_of(by_form.table)
    column = next(c for c in rows[0] if c.startswith("half-a-port") and c.endswith("_s"))
    told = [{**{k: row[k] for k in ("operator", "phase", "step")}, "latency_s": row[column] or None} for row in rows]
    by_rows = bs.validate(short, predictions=told, samples=1, progress=False)
    ours, theirs = tables.rows_of(by_form.accuracy)[0], tables.rows_of(by_rows.accuracy)[0]
    assert {k: v for k, v in ours.items() if k != "form"} == {k: v for k, v in theirs.items() if k != "form"}
    assert ours["mape_percent"] > 20


def test_an_own_closed_form_that_fails_says_why(short):
    class Broken(bs.ClosedForm):
        name = "broken"

        def nmp_seconds(self, gemm, element_bytes, device):
            return -1.0

        npu_seconds = nmp_seconds

    with pytest.raises(bs.ConfigError, match=r"broken\.n.u_seconds.*-1"):
        bs.validate(short, forms=[Broken()], samples=1, progress=False)
    with pytest.raises(TypeError, match="npu_seconds"):
        bs.validate(short, forms=[object()], samples=1)
    with pytest.raises(bs.ConfigError, match="none of bondsim's"):
        bs.validate(short, forms=[type("Named", (Half,), {"name": "detailed"})()], samples=1)


def small_space(directory):
    file = directory / "small.yaml"
    root = bs._core.shipped("configs")
    file.write_text(f"""schema: bondsim.space/1
name: small
system: {root}/system/h2llm.yaml
workloads: [{{model: {root}/model/llama-3-8b.yaml, workload: {root}/workload/sharegpt.yaml}}]
objectives: [decode_s, pe_area_mm2]
parameters:
  - {{key: nmp.pe.fpus, values: [2, 4, 8]}}
  - {{keys: [channels.nmp, channels.normal], rows: [[4, 4], [6, 2]]}}
""")
    return file


def test_asking_and_telling_ends_with_the_front_of_the_command(tmp_path):
    file = small_space(tmp_path)
    command("dse", str(file), "--form", "roofline-ideal", "--out", str(tmp_path / "dse"))
    theirs = tables.rows_of(tables.from_csv((tmp_path / "dse" / "front.csv").read_text()))
    ours = tables.rows_of(bs.dse(str(file), "roofline-ideal", progress=False))
    assert len(ours) == len(theirs) > 1
    assert [row["decode_s"] for row in ours] == [row["decode_s"] for row in theirs]


def test_a_space_refuses_what_it_did_not_ask(tmp_path):
    space = bs.Space(small_space(tmp_path))
    asked = space.ask()
    assert len(asked) == space.size == 6
    with pytest.raises(bs.ConfigError, match="decode_s"):
        space.tell(asked[0], {"pe_area_mm2": 1.0})
    space.tell(asked[0], {"decode_s": 1.0, "pe_area_mm2": 1.0})
    with pytest.raises(bs.ConfigError, match="not a candidate that is waited for"):
        space.tell(asked[0], {"decode_s": 1.0, "pe_area_mm2": 1.0})
    assert len(space.ask()) == 5
    for candidate in space.ask():
        space.tell(candidate, infeasible="not now")
    assert space.ask() == []
    assert len(tables.rows_of(space.front())) == 1


def test_serving_gives_the_requests_of_the_command(tmp_path):
    e = bs.Experiment("h2llm-llama3-8b-sharegpt")
    e["serving.requests.limit"] = 20
    ours = e.serve(tier="detailed", progress=False)
    command("serve", "h2llm-llama3-8b-sharegpt", "--set", "serving.requests.limit=20", "--tier", "detailed", "--out", str(tmp_path / "s"))
    theirs = tables.from_csv((tmp_path / "s" / "requests.csv").read_text())
    assert tables.rows_of(ours.requests) == tables.rows_of(theirs)


def descendants(pid):
    out = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    children = {}
    for line in out.splitlines():
        child, parent = map(int, line.split())
        children.setdefault(parent, []).append(child)
    found = []
    waiting = [pid]
    while waiting:
        new = children.get(waiting.pop(), [])
        found += new
        waiting += new
    return found


def test_ctrl_c_ends_a_run_and_its_workers():
    code = ("import bondsim as bs\n"
            "print('ready', flush=True)\n"
            "bs.sweep('npu-only-llama3-8b-sharegpt', {'workload.layers': ['all', 'one']}, workers=2)\n")
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.readline()
    deadline = time.monotonic() + 30
    while len(descendants(process.pid)) < 4 and time.monotonic() < deadline:
        time.sleep(0.1)
    workers = descendants(process.pid)
    assert len(workers) >= 4
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert "KeyboardInterrupt" in errors and process.returncode != 0
    deadline = time.monotonic() + 10
    while any(os.path.exists(f"/proc/{pid}") for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [pid for pid in workers if os.path.exists(f"/proc/{pid}")]


def test_tables_are_lists_of_dicts_without_pandas():
    code = ("import sys; sys.modules['pandas'] = None\n"
            "import bondsim as bs\n"
            "e = bs.Experiment('h2llm-llama3-8b-sharegpt').with_values({'workload.generated_tokens': 1, 'workload.prompt_tokens': 8})\n"
            "r = e.run(progress=False)\n"
            "assert isinstance(r.operators, list) and isinstance(r.operators[0], dict)\n")
    subprocess.run([sys.executable, "-c", code], check=True)


def test_names_are_text_in_a_notebook():
    assert "<script>" not in tables.to_html([{"<script>": "</td><script>alert(1)</script>"}], "<script>")
