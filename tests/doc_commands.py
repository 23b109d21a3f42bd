"""Commands of the documentation, run or checked by a process that has imported torch and nnU-Net once.

``python doc_commands.py SOCKET`` listens; each request is answered by a fork that runs one command with the folder,
environment and terminal of whoever asked. :data:`CLIENT` is the program that asks.
"""

import argparse
import importlib
import json
import multiprocessing
import multiprocessing.context
import os
import runpy
import shlex
import socket
import subprocess
import sys
import traceback
import warnings
from importlib import metadata
from importlib.util import find_spec
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
#: In the environment of a command that is only to be checked.
CHECK = "LUNET_DOCS_CHECK"
CLIENT = """#!{python} -IS
import array, json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect({socket!r})
    socket.send_fds(server, [b"."], [0, 1, 2])
    request = json.dumps([[os.path.basename(sys.argv[0]), *sys.argv[1:]], os.getcwd(), dict(os.environ)])
    server.sendall(request.encode() + b"\\n")
    sys.exit(int(server.makefile().readline() or 70))
"""
SCRIPTS = {point.name: point for point in metadata.entry_points(group="console_scripts")}
#: Take a GPU unless told otherwise.
ON_A_DEVICE = ("nnUNetv2_train", "nnUNetv2_predict", "nnUNetv2_predict_from_modelfolder")
OURS = ("LUnet", "UNetTrainer")


class _InTurn(ThreadPool):
    """A pool of threads that work while whoever asks waits.

    What nnU-Net does in processes sets torch's number of threads, which must not happen beside other work.
    """

    def starmap_async(self, *arguments, **keywords):
        result = super().starmap_async(*arguments, **keywords)
        result.wait()
        return result


class _Context:
    """``multiprocessing``'s context without new processes for pools: importing torch takes most of their time."""

    def __init__(self, method=None):
        self._context = getattr(multiprocessing.context, f"{method.capitalize()}Context")()

    def __getattr__(self, name):
        return getattr(self._context, name)

    def Pool(self, processes=None, initializer=None, initargs=()):  # noqa: N802
        return _InTurn(processes, initializer, initargs)


def run(command, arguments):
    """Run a command in this process, as its script would."""
    setattr(multiprocessing, "get_context", _Context)  # noqa: B010  (its type is another)
    warnings.simplefilter("ignore")
    if command in ON_A_DEVICE and "-device" not in arguments:
        arguments = [*arguments, "-device", "cpu"]
    if command == "nnUNetv2_predict":
        # Without processes of their own for each image.
        arguments = [*arguments, "-npp", "0", "-nps", "0"]
    # nnU-Net's planner does not start without worker processes, and its trainer is faster so.
    os.environ.update(nnUNet_n_proc_DA="0" if command == "nnUNetv2_train" else "1")
    sys.argv = [command, *arguments]
    if command != "python":
        SCRIPTS[command].load()()
    elif arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        sys.path.insert(0, str(Path.cwd()))
        runpy.run_path(arguments[0], run_name="__main__")


def check(command, arguments):
    """Say by an exception or the exit status whether a command could run: nothing is read, written or started.

    Commands without a checker of their own are those of the shell, which have nothing to check.
    """
    if command.startswith("nnUNetv2_"):
        _check_stock(command, arguments)
    elif command in CHECKERS:
        CHECKERS[command](arguments)


def _check_stock(command, arguments):
    """nnU-Net's own parser reads the options, and the command ends there."""
    parse = argparse.ArgumentParser.parse_known_args

    def parse_only(parser, *arguments):
        options, unknown = parse(parser, *arguments)
        if unknown:
            parser.error(f"unknown: {unknown}")
        trainers = getattr(options, "tr", None) or []
        for trainer in [trainers] if isinstance(trainers, str) else trainers:
            check_trainer(trainer)
        raise SystemExit(0)

    setattr(argparse.ArgumentParser, "parse_known_args", parse_only)  # noqa: B010
    sys.argv = [command, *arguments]
    SCRIPTS[command].load()()
    raise AssertionError(f"{command} did not read its options")


def _check_lunet(arguments):
    """Typer's own parser reads the options; what they name must exist."""
    import typer

    from nnunet_lunet.cli.app import app
    from nnunet_lunet.datasets import tasks
    from nnunet_lunet.planning import presets
    from nnunet_lunet.study import request

    group: Any = typer.main.get_command(app)
    name = arguments[0]
    if name not in group.commands:
        raise SystemExit(f"lunet has no command {name}")
    given = group.commands[name].make_context(name, list(arguments[1:])).params
    checks = {
        "trainer": check_trainer, "trainers": check_trainer, "task": tasks.find,
        "file": lambda study: request.read(_file(request.find(study))),
        "models": lambda model: check_trainer(model.rpartition("=")[2].partition(":")[0]),
        "preset": presets.load, "match": presets.load,
    }  # fmt: skip
    for parameter, look_up in checks.items():
        values = given.get(parameter) or []
        for value in [values] if isinstance(values, str) else values:
            if not value.endswith(".json"):
                look_up(value)


def check_trainer(name):
    """Ours must be in the grammar; others must be nnU-Net's."""
    from nnunet_lunet.trainers import names

    if name.startswith(OURS):
        names.parse(name)
    elif not name.startswith("nnUNetTrainer"):
        raise SystemExit(f"trainer {name} is neither ours nor nnU-Net's")


def _file(name):
    """A file of the reader's, or of the repository."""
    for folder in (Path.cwd(), ROOT):
        if (folder / name).is_file():
            return folder / name
    raise SystemExit(f"there is no file {name}")


def _check_python(arguments):
    if arguments[0] == "-m":
        assert find_spec(arguments[1]) is not None, f"there is no module {arguments[1]}"
    else:
        file = _file(arguments[0])
        compile(file.read_text(encoding="utf-8"), file, "exec")


def _check_pip(arguments):
    """What is installed is this checkout, with extras that it has, or what the portable program needs."""
    from nnunet_lunet.deploy.portable.__main__ import NEEDED

    assert arguments[0] == "install", arguments
    if tuple(arguments[1:]) == NEEDED:
        return
    target, _, extras = arguments[-1].partition("[")
    known = set(metadata.metadata("nnunet-lunet").get_all("Provides-Extra") or ())
    unknown = set(filter(None, extras.removesuffix("]").split(","))) - known
    assert target == "." and not unknown, f"pip install {arguments[-1]}: there are {sorted(known)}"


def _check_make(arguments):
    subprocess.run(["/usr/bin/make", "--dry-run", "--directory", ROOT, *arguments], check=True, stdout=-3)


def _check_sbatch(arguments):
    """The command that the job wraps."""
    wrapped = shlex.split(arguments[arguments.index("--wrap") + 1])
    check(wrapped[0], wrapped[1:])


CHECKERS = {
    "lunet": _check_lunet, "python": _check_python, "pip": _check_pip, "make": _check_make, "sbatch": _check_sbatch,
}  # fmt: skip


def _answer(connection):
    _, descriptors, _, _ = socket.recv_fds(connection, 1, 3)
    (command, *arguments), folder, environment = json.loads(connection.makefile().readline())
    for standard, descriptor in enumerate(descriptors):
        os.dup2(descriptor, standard)
    # What the server prints into may be a file; these may be pipes.
    sys.stdout, sys.stderr = (open(descriptor, "w", errors="replace", buffering=1) for descriptor in (1, 2))  # noqa: PTH123, SIM115
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    try:
        (check if CHECK in environment else run)(command, arguments)
        status = 0
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        status = 1 if isinstance(end.code, str) else end.code or 0
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    connection.sendall(f"{status}\n".encode())
    os._exit(status)


def serve(address):
    """Listen until killed."""
    for module in (
        "nnunetv2.run.run_training", "nnunetv2.inference.predict_from_raw_data", "typer", "runpy",
        "nnunetv2.experiment_planning.plan_and_preprocess_entrypoints", "nnunet_lunet.cli.app", "torch_pruning",
        "nnunet_lunet.compare.run", "nnunet_lunet.trainers.by_name", "nnunet_lunet.study.run", "monai.metrics",
    ):  # fmt: skip
        importlib.import_module(module)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        while True:
            connection, _ = server.accept()
            if os.fork() == 0:
                server.close()
                # Two forks, so that nobody has to wait for the inner one.
                if os.fork() == 0:
                    _answer(connection)
                os._exit(0)
            connection.close()
            os.wait()


if __name__ == "__main__":
    serve(sys.argv[1])
