"""Jobs on this machine, and through submitit."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import pytest

from nnunet_lunet.errors import UserError
from nnunet_lunet.host import commands
from nnunet_lunet.study import executors, jobs, run
from nnunet_lunet.study.executors import ClusterExecutor, LocalExecutor


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@dataclass(frozen=True)
class Echo(jobs.Job):
    """Returns what a stock command prints in the environment that it is given."""

    name: str
    folder: Path
    code: str = "import os; print(os.environ.get('CUDA_VISIBLE_DEVICES'))"

    def __call__(self, variables=None, lifeline=subprocess.PIPE):
        lines: list[str] = []
        log = self.folder / f"{self.name}.log"
        commands.run_stock(["python3", "-c", self.code], variables or {}, log, lines.append, lifeline)
        return "".join(lines).strip()


def test_each_job_at_a_time_has_its_gpu(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    here = threading.Barrier(2, timeout=30)

    class Meet:
        def __call__(self, variables, lifeline):
            here.wait()
            return variables

    local = LocalExecutor([1, 3])
    handles = [local.submit(Meet()) for _ in range(4)]
    found = [handle.result() for handle in handles]
    local.close()
    # Two at a time, and never two on one GPU.
    assert sorted(variables["CUDA_VISIBLE_DEVICES"] for variables in found) == ["1", "1", "3", "3"]
    assert all(handle.done() and not handle.running() for handle in handles)


def test_without_gpus_the_environment_stays(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    local = LocalExecutor([None])
    assert local.submit(Echo("a", tmp_path)).result() == "7"
    local.close()
    local = LocalExecutor([2])
    assert local.submit(Echo("a", tmp_path)).result() == "2"
    local.close()


def test_every_job_gets_what_all_share(tmp_path):
    local = LocalExecutor([None, None], {"OMP_NUM_THREADS": "5"})
    code = "import os; print(os.environ['OMP_NUM_THREADS'])"
    handles = [local.submit(Echo(name, tmp_path, code)) for name in "ab"]
    assert [handle.result() for handle in handles] == ["5", "5"]
    local.close()


@pytest.mark.parametrize(
    ("jobs_at_a_time", "device", "threads"),
    [(2, "cpu", "3"), (4, "cpu", "1"), (8, "cpu", "1"), (1, "cpu", None), (2, "cuda", None)],
)
def test_trainings_side_by_side_on_a_cpu_share_its_cores(monkeypatch, jobs_at_a_time, device, threads):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert run.share_of_cores(jobs_at_a_time, device).get("OMP_NUM_THREADS") == threads
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert run.share_of_cores(jobs_at_a_time, device) == {}


def test_closing_stops_what_runs_and_starts_nothing_more(tmp_path):
    local = LocalExecutor([None])
    first, second = (local.submit(Echo(name, tmp_path, "import time; time.sleep(600)")) for name in "ab")
    wait_until((tmp_path / "a.log").exists)
    start = time.monotonic()
    local.close()
    assert time.monotonic() - start < 30
    with pytest.raises(UserError, match="killed by SIGKILL"):
        first.result()
    assert isinstance(second, Future) and second.cancelled()
    assert not (tmp_path / "b.log").exists()


@pytest.fixture
def here(tmp_path):
    """submitit's own executor for this machine, in the place of SLURM."""
    cluster = ClusterExecutor({"timeout_min": 5}, tmp_path / "cluster", kind="local")
    yield cluster
    cluster.close()


@pytest.fixture
def importable(monkeypatch):
    """The jobs of this file run in another process, which has to import them."""
    folders = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(folders))
    import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    yield
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


def test_submitit_runs_jobs_elsewhere(here, importable, tmp_path):
    good = here.submit(Echo("good", tmp_path, "print('done')"))
    bad = here.submit(Echo("bad", tmp_path, "import sys; sys.exit('no luck')"))
    wait_until(lambda: good.done() and bad.done())
    assert good.result() == "done"
    with pytest.raises(UserError, match=r"job \d+ ended without a result \(.*no luck"):
        bad.result()
    assert (tmp_path / "cluster" / "good").is_dir()


def test_a_job_that_is_killed_is_told(here, importable, tmp_path):
    handle = here.submit(Echo("long", tmp_path, "import time; time.sleep(600)"))
    wait_until((tmp_path / "long.log").exists)
    assert handle.running() and not handle.done()
    here.close()
    wait_until(handle.done)
    with pytest.raises(UserError, match=r"job \d+ "):
        handle.result()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"timeout_min": 5, "slurm_partitoin": "gpu"}, "partitoin"),
        ({"timeout_min": "5"}, 'Parameter "timeout_min" expected type'),
        ({"timeout_min": 5, "colour": "red"}, "colour"),
    ],
)
def test_options_that_submitit_does_not_know_are_refused_in_one_line(tmp_path, options, says):
    with pytest.raises(UserError) as error:
        ClusterExecutor(options, tmp_path, kind="local")
    assert says in str(error.value) and "executor.slurm" in str(error.value) and "\n" not in str(error.value)


def test_without_slurm_it_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"executor\.slurm: Could not detect .*srun"):
        ClusterExecutor({"timeout_min": 5}, tmp_path)


def test_without_submitit_it_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(UserError, match=r"pip install '\.\[study\]' in the folder"):
        ClusterExecutor({"timeout_min": 5}, tmp_path)


def test_a_job_whose_time_is_over_is_queued_again_as_it_is(tmp_path):
    job = Echo("a", tmp_path)
    again = job.checkpoint()
    assert again.function is job and again.args == ()
    assert executors.ClusterExecutor.requeue == 100
