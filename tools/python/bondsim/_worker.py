"""A process that answers calls: a line of JSON each on standard input, `{"function", "arguments"}`; on standard output lines
`progress DONE ALL` and then a line of JSON, `{"result"}` or `{"error", "message"}`."""

import json
import os
import sys

import bondsim._core as core
from bondsim.requests import request_of


def answer(function, arguments, fd):
    kinds = {"validate": core.ValidationRequest, "predict": core.ValidationRequest}
    if "request" in arguments:
        arguments["request"] = request_of(kinds.get(function, core.ExperimentRequest), arguments["request"])
    if "options" in arguments:
        arguments["options"] = request_of(core.DataflowStudyOptions, arguments["options"])
    if function in ("run", "serve", "validate", "dataflows"):
        arguments["progress_fd"] = fd
    return getattr(core, function)(**arguments)


def main():
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # nothing but answers on the pipe
    for line in sys.stdin:
        call = json.loads(line)
        try:
            reply = {"result": answer(call["function"], call["arguments"], out.fileno())}
        except core.BondsimError as error:
            reply = {"error": type(error).__name__, "message": str(error)}
        except Exception as error:  # a defect: the caller is told, the process goes on
            reply = {"error": "InternalError", "message": f"{type(error).__name__}: {error}"}
        out.write(json.dumps(reply) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
