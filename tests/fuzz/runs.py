"""Whole commands on damaged files (tools/fuzz --runs): copies configs/, damages one file, and runs a command that reads it. A failure is an
exit status other than 0, 1, 2; more than 10 s of processor time, or no end in 60 s; more than 2 GB. Refusals of text formats should name the file and a line."""
import collections
import concurrent.futures
import gzip
import os
import random
import re
import resource
import shutil
import subprocess
import tempfile
import time

SECONDS, BYTES = 10, 2 << 30
EXPERIMENT = "configs/experiment/h2llm-llama3-8b-sharegpt.yaml"
SMALL = ["--set", "workload.prompt_tokens=5", "--set", "workload.generated_tokens=1", "--set", "model.layers=1"]
SHORT = SMALL[:4]
DRAFTS = [*SHORT, "--set", "model.layers=2", "--set", "workload.speculation.layers=1"]
EXPERTS = ["--model", "configs/model/mixtral-8x7b-w4a16.yaml", "--dataflow", "configs/dataflow/npu_only.yaml", "--set", "model.moe.routing=trace"]
SERVE = ["serve", EXPERIMENT, "--tier", "detailed", "--set", "serving.requests.limit=3", "--set", "model.layers=1"]
# What is damaged, and the command that reads it. {out}: a folder that does not exist; {file}: the damaged file.
CASES = {
    "configs/experiment/h2llm-llama3-8b-sharegpt.yaml": [["run", "{file}", *SMALL, "--out", "{out}"], ["estimate", "{file}", *SMALL]],
    "configs/system/h2llm.yaml": [["run", EXPERIMENT, *SMALL, "--out", "{out}"], ["estimate", EXPERIMENT, *SMALL]],
    "configs/system/id-nmp.yaml": [["estimate", "configs/experiment/id-nmp-llama3-8b-sharegpt.yaml", *SMALL]],
    "configs/dram/lpddr5-6400-32gb.yaml": [["estimate", EXPERIMENT, *SMALL], ["run", EXPERIMENT, *SMALL, "--out", "{out}"]],
    "configs/energy/lpddr5x-currents.yaml": [["run", EXPERIMENT, *SMALL, "--out", "{out}"]],
    "configs/model/llama-3-8b.yaml": [["estimate", EXPERIMENT, *SMALL], ["map", EXPERIMENT, *SMALL, "--out", "{out}"]],
    "configs/model/mixtral-8x7b-w4a16.yaml": [["estimate", EXPERIMENT, "--model", "{file}", *SMALL, "--dataflow", "configs/dataflow/npu_only.yaml"]],
    "configs/workload/sharegpt.yaml": [["estimate", EXPERIMENT, "--set", "model.layers=1"]],
    "configs/dataflow/fc_offloading.yaml": [["map", EXPERIMENT, *SMALL, "--dataflow", "{file}", "--out", "{out}"]],
    "configs/dataflow/llama-3-8b-chat-on-h2llm.yaml": [["run", EXPERIMENT, *SMALL, "--out", "{out}"]],
    "configs/serving/chat.yaml": [[*SERVE, "--out", "{out}"]],
    "configs/stack/edge-passive.yaml": [["heat", EXPERIMENT, *SMALL, "--stack", "{file}", "--ambient", "25", "--policy", "duty", "--out", "{out}"]],
    "made/space.yaml": [["dse", "{file}", "--out", "{out}"]],
    "made/config.json": [["estimate", EXPERIMENT, "--model", "{file}", "--set", "workload.prompt_tokens=5", "--dataflow", "configs/dataflow/fc_offloading.yaml"]],
    "made/requests.jsonl": [[*SERVE, "--requests", "{file}", "--out", "{out}"]],
    "made/requests.csv": [[*SERVE, "--requests", "{file}", "--out", "{out}"]],
    "made/schedule.json": [["replay", "configs/system/h2llm.yaml", "{file}", "--out", "{out}"]],
    "made/memory.requests": [["dram", "configs/system/lpddr5-8gb-channel.yaml", "--requests", "{file}"]],
    "made/ops.csv": [["estimate", "--form", "h2llm-roofline", "--ops", "{file}", "--out", "{out}"]],
    "made/results/results.json": [["report", "{folder}", "--out", "{out}"], ["compare", "{folder}", "{folder}"]],
    "made/commands.csv": [["check-trace", "configs/system/h2llm.yaml", "{file}"], ["trace", "summary", "{file}"]],
    "configs/model/deepseek-v2-lite.yaml": [["estimate", EXPERIMENT, "--model", "{file}", *SMALL, "--dataflow", "configs/dataflow/data_centric_latent.yaml"]],
    "configs/model/gemma-2-2b.yaml": [["run", EXPERIMENT, "--model", "{file}", *SMALL, "--dataflow", "configs/dataflow/data_centric.yaml", "--out", "{out}"]],
    "configs/graph/llama-3-8b-lora.yaml": [["estimate", EXPERIMENT, "--model", "{file}", *SHORT, "--dataflow", "configs/dataflow/npu_only.yaml"]],
    "configs/graph/encoder-decoder-small.yaml": [["run", EXPERIMENT, "--model", "{file}", *SHORT, "--dataflow", "configs/dataflow/npu_only.yaml", "--out", "{out}"]],
    "configs/workload/mixed-batch.yaml": [["estimate", EXPERIMENT, "--workload", "{file}", "--set", "model.layers=1"]],
    "configs/workload/speculation-heads.yaml": [["estimate", EXPERIMENT, "--workload", "{file}", "--dataflow", "configs/dataflow/npu_only.yaml", "--set", "model.layers=1"]],
    "configs/system/two-kinds-of-pes.yaml": [["run", "{file}", "--model", "configs/model/llama-3-8b.yaml", "--workload", "configs/workload/sharegpt.yaml",
                                              "--dataflow", "configs/dataflow/all_on_pes.yaml", *SMALL, "--out", "{out}"]],
    "configs/system/hbm2-stack.yaml": [["trace", "energy", "made/hbm.csv", "--system", "{file}"]],
    "configs/serving/kv-placement.yaml": [[*SERVE, "--serving", "{file}", "--dataflow", "configs/dataflow/data_centric.yaml", "--out", "{out}"]],
    "configs/serving/users.yaml": [[*SERVE, "--serving", "{file}", "--out", "{out}"]],
    "configs/reproduce/h2llm.yaml": [["reproduce", "h2llm", "--config", "{file}", "--tier", "analytical", "--quick", "--models", "llama", "--datasets", "he", "--batches", "1", "--out", "{out}"]],
    "made/tiling.yaml": [["estimate", EXPERIMENT, *SMALL, "--tiling", "{file}"]],
    "made/routing.csv": [["estimate", EXPERIMENT, *SMALL, *EXPERTS, "--set", "model.moe.trace_file={absolute}"]],
    "made/accepted.csv": [["estimate", "configs/experiment/speculation-llama3-8b-first-layers.yaml", *DRAFTS, "--set", "workload.speculation.acceptance=[]", "--set",
                           "workload.speculation.trace_file={absolute}"]],
    "made/hbm.csv": [["trace", "energy", "{file}", "--system", "hbm2-stack"]],
    "made/fixed.csv": [["estimate", "--fixed", "{file}", "--out", "{out}"]],
    "made/predictions.csv": [["validate", "--predictions", "{file}", "--forms", "detailed", "--jobs", "1", "--out", "{out}"]],
    "made/decoder.onnx": [["import-onnx", "{file}", "--layers", "2", "--out", "{out}"]],
    "made/results/npu.tasks.csv": [["trace", "summary", "{file}"], ["trace", "diff", "{file}", "{file}"], ["report", "{folder}", "--out", "{out}"]],
    "made/results/trace.json": [["trace", "slice", "{file}", "--window", "0:1000", "--out", "{out}"], ["trace", "summary", "{file}"]],
    "made/results/nmp.channel0.commands.csv": [["trace", "slice", "{file}", "--window", "0:1000", "--out", "{out}"], ["check-trace", "configs/system/h2llm.yaml", "{file}"]],
    "made/packed.commands.csv.gz": [["trace", "summary", "{file}"], ["check-trace", "configs/system/h2llm.yaml", "{file}"]],
    "made/served/serving.json": [["report", "{folder}", "--out", "{out}"]],
    "made/served/requests.csv": [["report", "{folder}", "--out", "{out}"]],
    "made/swept/sweep.csv": [["report", "{folder}", "--out", "{out}"]],
    "made/warm/heat.json": [["report", "{folder}", "--out", "{out}"]],
    "made/warm/maps.csv": [["report", "{folder}", "--out", "{out}"]],
    "made/validated/validate.csv": [["report", "{folder}", "--out", "{out}"]],
    "made/searched/front.csv": [["report", "{folder}", "--out", "{out}"]],
    "made/searched/search.sqlite": [["dse", "made/space.yaml", "--resume", "--out", "{folder}"]],
    "made/drafted/speculation.csv": [["report", "{folder}", "--out", "{out}"]],
    "made/paper/end_to_end.csv": [["report", "{folder}", "--out", "{out}"]],
}
BINARY = (".onnx", ".gz", ".sqlite")  # damaged as bytes; a line is not asked of them
TILING = """# Tilings of two operators.
schema: bondsim.tiling/1
operators:
  - {name: q, n_tile: 16, k_tile: 256, order: input_stationary}
  - name: f1
    n_tile: 8
    k_tile: 512
    k_piece: 128
"""
PREDICTED = ("model,element_size_bytes,B,M,N,K,nmp_channels,normal_channels,fpu_num,freq_mhz,pe_bw_gbps,fpu_simd_width,pe_num_per_channel,ext_bw_per_channel_gbps,"
             "npu_capacity_tmacs,latency_s\nNMP,2,1,1,1024,512,6,,8,600,25.6,16,16,12.8,,0.00001\nNPU,2,1,16,1024,512,0,8,,,,,,12.8,128,0.00002\n")
SPACE = """# A small search.
schema: bondsim.space/1
name: small
system: ../configs/system/h2llm.yaml
workloads:
  - {model: ../configs/model/llama-3-8b.yaml, workload: ../configs/workload/sharegpt.yaml}
objectives: [decode_s, pe_area_mm2]
parameters:
  - {key: channels.nmp, values: [4, 6]}
  - {key: nmp.pe.fpus, values: [4, 8]}
search: {method: exhaustive}
"""
NUMBERS = ["0", "-1", "1", "3", "1e9", "1e999", "-1e-300", "nan", ".inf", "9223372036854775807", "4294967296", "0.5", "1048576", "07", "1_000", "null", "~",
           "true", "[]", "{}", "''", "x", "[1, 2]", "{a: 1}"]


def damaged(text, draw, words):
    """One to three changes of bytes, numbers, words, lines or structure."""
    for _ in range(draw.choice([1, 1, 1, 2, 3])):
        lines = text.split("\n")
        kind = draw.randrange(14)
        i = draw.randrange(len(lines))
        if kind == 0:
            del lines[i]
        elif kind == 1:
            lines.insert(i, lines[draw.randrange(len(lines))])
        elif kind == 2:
            j = draw.randrange(len(lines))
            lines[i], lines[j] = lines[j], lines[i]
        elif kind in (3, 4, 5):
            numbers = list(re.finditer(r"-?\d[\d.]*(?:e[+-]?\d+)?", text))
            if numbers:
                at = draw.choice(numbers)
                value = draw.choice(NUMBERS) if draw.random() < 0.6 else repr(float(at.group()) * draw.choice([0.1, 0.5, 2, 10, 1000, -1])) if at.group().count(".") < 2 else "7"
                text = text[:at.start()] + value + text[at.end():]
            continue
        elif kind in (6, 7):
            found = list(re.finditer(r"[A-Za-z_][\w.-]+", text))
            if found:
                at = draw.choice(found)
                text = text[:at.start()] + draw.choice(words) + text[at.end():]
            continue
        elif kind == 8:
            lines[i] = draw.choice([" ", "  ", "\t", "- ", "  - ", ": ", "? ", "&a ", "*a", "!!int ", "---", "..."]) + lines[i]
        elif kind == 9:
            text = text[:draw.randrange(len(text) + 1)]
            continue
        elif kind == 10:
            at = draw.randrange(len(text) + 1)
            text = text[:at] + "".join(chr(draw.choice([0, 1, 9, 10, 13, 34, 39, 58, 91, 93, 123, 125, 127, 160, 228, 8232, 65279, 128512])) for _ in range(draw.randrange(1, 4))) + text[at:]
            continue
        elif kind == 11:
            at = draw.randrange(len(text) + 1)
            text = text[:at] + text[at + draw.randrange(1, 40):]
            continue
        elif kind == 12:
            lines[i] = re.sub(r"[^\s:]+", lambda m: m.group()[::-1], lines[i], count=1)
        else:
            lines[i] = lines[i].replace(":", draw.choice([" :", "", "=", ": [", ": {", ": &x", ": *x", ": |"]), 1)
        text = "\n".join(lines)
    return text


def prepare(bondsim, source, folder):
    """A folder with configs/ and inputs of the formats that no shipped file has."""
    shutil.copytree(os.path.join(source, "configs"), os.path.join(folder, "configs"))
    made = os.path.join(folder, "made")
    os.makedirs(made)
    call = lambda *a: subprocess.run([bondsim, *a], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    call("run", EXPERIMENT, *SMALL, "--trace", "tasks,commands,perfetto", "--trace-window", "0:3000", "--out", "made/results")
    call("map", EXPERIMENT, *SMALL, "--out", "made/schedule.json")
    files = {"config.json": '{\n  "architectures": ["LlamaForCausalLM"],\n  "model_type": "llama",\n  "hidden_act": "silu",\n  "hidden_size": 512,\n  "intermediate_size": 1024,\n'
                            '  "num_attention_heads": 8,\n  "num_key_value_heads": 4,\n  "num_hidden_layers": 2,\n  "vocab_size": 1000,\n'
                            '  "max_position_embeddings": 2048\n}\n',
             "requests.jsonl": "".join(f'{{"timestamp": {100 * i}, "input_length": {20 + i}, "output_length": {3 + i}, "hash_ids": [{i}]}}\n' for i in range(4)),
             "requests.csv": "TIMESTAMP,ContextTokens,GeneratedTokens\n" + "".join(f"2023-11-16 18:15:{46 + i}.6805900,{37 + i},{4 + i}\n" for i in range(4)),
             "memory.requests": "".join(f"{'R' if i % 3 else 'W'} {hex(64 * i)}\n" for i in range(20)),
             "space.yaml": SPACE, "tiling.yaml": TILING, "predictions.csv": PREDICTED,
             "routing.csv": "layer,step,token,experts\n" + "".join(f"{layer},{step},{token},{token % 8};{(token + step + 1) % 8 if step != 7 else 7}\n"
                                                                  for layer in (-1, 0) for step in range(2) for token in range(6)),
             "accepted.csv": "accepted\n" + "".join(f"{i % 3}\n" for i in range(6))}
    for name, text in files.items():
        with open(os.path.join(made, name), "w", encoding="utf-8") as out:
            out.write(text)
    shutil.copy(os.path.join(source, "tests/fuzz/corpus/commands/nmp.csv"), os.path.join(made, "commands.csv"))
    for name, begin in (("ops.csv", "tests/data/roofline_ops.csv"), ("fixed.csv", "tests/data/fixed_dataflows.csv"), ("hbm.csv", "traces/hbm-power-llama-bs2-row.csv")):
        with open(os.path.join(source, begin), encoding="utf-8") as table, open(os.path.join(made, name), "w", encoding="utf-8") as out:
            out.writelines(line for line, _ in zip(table, range(8)))
    shutil.copy(os.path.join(source, "tests/fuzz/corpus/onnx/decoder.onnx"), made)
    with open(os.path.join(made, "commands.csv"), "rb") as table, gzip.open(os.path.join(made, "packed.commands.csv.gz"), "wb") as out:
        out.write(table.read())
    call(*SERVE, "--out", "made/served")
    call("sweep", EXPERIMENT, *SMALL, "--set", "system.nmp.pe.fpus=4,8", "--jobs", "1", "--out", "made/swept")
    call("heat", EXPERIMENT, *SMALL, "--ambient", "25", "--out", "made/warm")
    call("validate", EXPERIMENT, *SMALL, "--forms", "detailed", "--jobs", "1", "--out", "made/validated")
    call("dse", "made/space.yaml", "-j", "1", "--out", "made/searched")
    call("speculate", "configs/experiment/speculation-llama3-8b-first-layers.yaml", *DRAFTS, "--batch", "1", "--depth", "1,2", "--out", "made/drafted")
    call("reproduce", "h2llm", "--tier", "analytical", "--quick", "--models", "llama", "--datasets", "he", "--batches", "1", "--out", "made/paper")
    for path, commands in CASES.items():  # each must be accepted as it is
        for number, command in enumerate(commands):
            call(*filled(command, path, f"whole/{number}/{path}", folder))


def filled(command, path, out, place):
    return [a.format(file=path, absolute=os.path.join(place, path), folder=os.path.dirname(path), out=out + ".html" if command[0] == "report" else out)
            for a in command]


class Outcome:
    def __init__(self, kind, command, path, text, log, seconds):
        self.kind, self.command, self.path, self.text, self.log, self.seconds = kind, command, path, text, log, seconds


def one(bondsim, base, seed, words):
    """Damages a file of a fresh view of `base` (links; the damaged file a copy) and runs a command."""
    draw = random.Random(seed)
    path = draw.choice(sorted(CASES))
    command = draw.choice(CASES[path])
    coding = "latin-1" if path.endswith(BINARY) else "utf-8"
    with open(os.path.join(base, path), encoding=coding, newline="") as file:
        original = file.read()
    text = damaged(original, draw, words)
    with tempfile.TemporaryDirectory(prefix="bondsim-fuzz-") as folder:
        shutil.copytree(base, folder, dirs_exist_ok=True, copy_function=os.link)
        target = os.path.join(folder, path)
        os.unlink(target)
        with open(target, "w", encoding=coding, newline="", errors="replace" if path.endswith(BINARY) else "surrogatepass") as out:
            out.write(text)
        args = filled(command, path, "out", folder)
        began = time.monotonic()

        def limits():
            resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
            resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))

        try:
            done = subprocess.run([bondsim, *args], cwd=folder, capture_output=True, timeout=6 * SECONDS, preexec_fn=limits)
        except subprocess.TimeoutExpired as e:
            says = re.search(rb"left|%|\bof\b", e.stderr or b"")
            return Outcome("long and says so" if says else "no end", args, path, text, (e.stderr or b"").decode(errors="replace"), 6 * SECONDS)
        seconds = time.monotonic() - began
        log = done.stderr.decode(errors="replace") + done.stdout.decode(errors="replace")[-2000:]
    if done.returncode in (-9, -24):
        says = re.search(r"left|%|\bof\b", done.stderr.decode(errors="replace"))
        return Outcome("long and says so" if says else "no end", args, path, text, log, seconds)
    if done.returncode not in (0, 1, 2):
        return Outcome(f"exit {done.returncode}", args, path, text, log, seconds)
    if done.returncode == 0:
        return Outcome("accepted", args, path, text, log, seconds)
    if command[0] == "check-trace" and "violations" in log:
        return Outcome("accepted", args, path, text, log, seconds)
    named = os.path.basename(path)
    if path.endswith(BINARY):
        return Outcome("refused, of bytes", args, path, text, log, seconds)
    # A folder stands for the file in it; a line is not asked of what is about a whole file, or no file of text.
    if re.search(re.escape(named) + r"'?:\d+", log):
        return Outcome("refused with its line", args, path, text, log, seconds)
    return Outcome("refused with its file" if named in log else "refused without its file", args, path, text, log, seconds)


TEXT_REFUSED = ("refused with its line", "refused with its file", "refused without its file")


def run(bondsim, source, count, seed, jobs, keep):
    """Prints what became of `count` runs. @return whether none failed"""
    words = sorted({w for root, _, names in os.walk(os.path.join(source, "configs")) for n in names if n.endswith(".yaml")
                    for w in re.findall(r"[a-z][\w-]{2,30}", open(os.path.join(root, n), encoding="utf-8").read())})
    os.makedirs(keep, exist_ok=True)
    kinds, by_file, failed = collections.Counter(), collections.defaultdict(collections.Counter), 0
    with tempfile.TemporaryDirectory(prefix="bondsim-fuzz-command-") as own, tempfile.TemporaryDirectory(prefix="bondsim-fuzz-base-") as base:
        bondsim = shutil.copy(bondsim, own)  # a build meanwhile puts another in its place
        prepare(bondsim, source, base)
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            for i, outcome in enumerate(pool.map(lambda s: one(bondsim, base, s, words), range(seed, seed + count))):
                kinds[outcome.kind] += 1
                by_file[outcome.path][outcome.kind] += 1
                bad = outcome.kind == "no end" or outcome.kind.startswith("exit")
                failed += bad
                if bad or outcome.kind in ("refused without its file", "refused with its file"):
                    with open(os.path.join(keep, f"{seed + i}.{outcome.kind.replace(' ', '-')}.txt"), "w", encoding="utf-8", errors="surrogatepass") as out:
                        out.write(f"{' '.join(outcome.command)}\n{outcome.log}\n--- {outcome.path}\n{outcome.text}")
                if bad:
                    print(f"seed {seed + i}: {outcome.kind}: {' '.join(outcome.command)}: {outcome.log[:200]!r}", flush=True)
    refused = sum(n for kind, n in kinds.items() if kind in TEXT_REFUSED)
    print(f"{count} runs, seeds {seed} to {seed + count - 1}: " + ", ".join(f"{n} {kind}" for kind, n in kinds.most_common()))
    if refused:
        print(f"{100 * kinds['refused with its line'] / refused:.1f} % of refusals of text name the file and a line; the others are kept in {keep}")
    for path, counts in sorted(by_file.items()):
        print(f"  {path:<52} " + ", ".join(f"{n} {kind}" for kind, n in counts.most_common()))
    return failed == 0
