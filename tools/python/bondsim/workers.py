"""Worker processes. A simulation elaborates SystemC, which a process can do once, and must not fork from a process with threads, which a
notebook is: so calls are answered by `python -m bondsim._worker`, a process that does nothing else."""

import json
import os
import queue
import subprocess
import sys
import threading

from . import _core
from .progress import Bar

_ERRORS = {name: getattr(_core, name) for name in ("ConfigError", "InfeasibleError", "IoError", "InternalError")}


class Worker:
    """One process; calls are answered one after the other."""

    def __init__(self):
        root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        path = os.pathsep.join(p for p in (root, os.environ.get("PYTHONPATH")) if p)
        # A session of its own: Ctrl-C reaches this process alone, which then ends the worker and what it has forked.
        self._process = subprocess.Popen([sys.executable, "-m", "bondsim._worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         text=True, bufsize=1, start_new_session=True, env={**os.environ, "PYTHONPATH": path})

    def call(self, function, arguments, progress=None):
        """progress: called with (done, all)."""
        try:
            self._process.stdin.write(json.dumps({"function": function, "arguments": arguments}) + "\n")
            self._process.stdin.flush()
            for line in self._process.stdout:
                if line.startswith("progress "):
                    if progress:
                        progress(*map(int, line.split()[1:]))
                    continue
                answer = json.loads(line)
                if "error" in answer:
                    raise _ERRORS.get(answer["error"], _core.InternalError)(answer["message"])
                return answer["result"]
        except BrokenPipeError:
            pass
        except BaseException:
            self.kill()
            raise
        raise _core.InternalError(f"the worker process of bondsim died, status {self._process.wait()}")

    def kill(self):
        """Ends the process and its simulation: a child dies with its parent."""
        self._process.kill()
        self.close()

    def close(self):
        for stream in (self._process.stdin, self._process.stdout):
            try:
                stream.close()
            except OSError:
                pass
        self._process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def call(function, progress, **arguments):
    """One call in a worker of its own. progress: True, False, or None: where somebody looks."""
    with Worker() as worker, Bar(progress) as bar:
        return worker.call(function, arguments, bar.show)


def call_all(function, calls, workers, progress):
    """Many calls, `workers` at a time. Returns (result, error) for each in their order; an error that is no InfeasibleError ends all."""
    calls = list(calls)
    results, waiting, failures = [None] * len(calls), queue.SimpleQueue(), []
    for i in range(len(calls)):
        waiting.put(i)
    running = [Worker() for _ in range(max(1, min(workers or os.cpu_count() or 1, len(calls))))]
    with Bar(progress) as bar:
        done = threading.Semaphore(0)

        def work(worker):
            try:
                while not failures:
                    i = waiting.get_nowait()
                    try:
                        results[i] = (worker.call(function, calls[i]), None)
                    except _core.InfeasibleError as error:
                        results[i] = (None, error)
                        worker = restart(worker)
                    done.release()
            except queue.Empty:
                pass
            except BaseException as error:  # handed to the caller's thread
                failures.append(error)
            finally:
                done.release()

        def restart(worker):
            fresh = Worker()
            running[running.index(worker)] = fresh
            return fresh

        threads = [threading.Thread(target=work, args=(worker,), daemon=True) for worker in list(running)]
        try:
            for thread in threads:
                thread.start()
            for _ in range(len(calls) + len(threads)):
                done.acquire()
                bar.show(sum(r is not None for r in results), len(calls))
                if failures:
                    break
        finally:
            for worker in running:
                worker.kill()
            for thread in threads:
                thread.join()
    if failures:
        raise failures[0]
    return results
