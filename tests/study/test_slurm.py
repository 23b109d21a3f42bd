"""Studies on a real SLURM cluster."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import slurm

from nnunet_lunet.errors import UserError
from nnunet_lunet.study import executors, jobs

LUNET = Path(sys.executable).with_name("lunet")
SHORT, LONG = "LUnetTrainer_w2_3epochs_1iters_seed0", "UNetTrainer_noDS_w2_3epochs_1iters_seed0"
STUDY = """
datasets: 901
device: cpu
folds: 0
seeds: 0
epochs: 3
iters: 1
output: out put
executor: {slurm: {timeout_min: 30, cpus_per_task: 1}}
networks:
- {trainer: LUnetTrainer_w2}
- {trainer: LUnetPruningTrainer_w2_keep1, label: impossible}
- {trainer: UNetTrainer_noDS_w2, label: long}
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with slurm.running(tmp_path_factory.mktemp("slurm")) as cluster:
        yield cluster


@pytest.fixture
def study(cluster, tiny, tmp_path):
    """``lunet study`` on the cluster, with results of its own."""
    (tmp_path / "mine.yaml").write_text(STUDY)
    variables = {**os.environ, **tiny.environment, **cluster.environment, "nnUNet_n_proc_DA": "0", "COLUMNS": "200"}

    def start(*arguments):
        return subprocess.Popen(
            [LUNET, "study", "mine.yaml", *arguments], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**variables, "nnUNet_results": str(tmp_path / "results")}, text=True,
        )  # fmt: skip

    return start


def wait_until(condition, process=None, seconds=300):
    end = time.monotonic() + seconds
    while not condition():
        assert (process is None or process.poll() is None) and time.monotonic() < end
        time.sleep(0.1)


def test_the_cluster_is_real(cluster, tmp_path):
    """What sbatch is given runs under slurmd."""
    printed = tmp_path / "printed"
    cluster.ask("sbatch", "-o", str(printed), "--wrap", "srun sh -c 'echo $SLURM_JOB_ID $SLURMD_NODENAME'")
    wait_until(lambda: not cluster.jobs())
    number, node = printed.read_text().split()
    assert int(number) > 0 and node == "localhost"


@dataclass(frozen=True)
class Shell(jobs.Job):
    """Returns what a command of the shell prints."""

    name: str
    command: str

    def __call__(self, variables=None, lifeline=None):
        return subprocess.run(self.command, shell=True, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def executor(cluster, tmp_path, monkeypatch):
    """Makes the executor of studies; jobs of this file reach the node by value."""
    cloudpickle = pytest.importorskip("cloudpickle")
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    for name, value in cluster.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(executors._Queue, "seconds", 0.2)
    made = []

    def make(**options):
        made.append(executors.ClusterExecutor({"timeout_min": 5, **options}, tmp_path / "jobs"))
        return made[-1]

    yield make
    for each in made:
        each.close()
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


def test_jobs_run_on_the_node_and_a_failure_is_told(executor):
    cluster = executor()
    good = cluster.submit(Shell("good", "echo $SLURM_JOB_ID $SLURMD_NODENAME"))
    bad = cluster.submit(Shell("bad", "exit 3"))
    wait_until(lambda: good.done() and bad.done())
    assert good.result().split() == [good.job.job_id, "localhost"]
    with pytest.raises(UserError, match=r"job \d+ failed \(.*exit status 3.*its output: "):
        bad.result()


def test_a_cancelled_job_has_no_result(executor, cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(executors._ClusterHandle, "patience", 0.5)
    handle = executor().submit(Shell("long", f"trap '' TERM; touch {tmp_path}/begun; sleep 600"))
    wait_until((tmp_path / "begun").exists)
    wait_until(handle.running)
    assert not handle.done()
    cluster.ask("scancel", "--name", "long")
    wait_until(handle.done)
    assert not handle.running()
    with pytest.raises(UserError, match=r"job \d+ ended without a result \(.* CANCELLED AT "):
        handle.result()


def test_closing_cancels_what_waits_and_what_runs(executor, cluster):
    first = executor(cpus_per_task=2)
    for name in ("runs", "waits"):
        first.submit(Shell(name, "sleep 600"))
    wait_until(lambda: cluster.jobs() == {"runs": "RUNNING", "waits": "PENDING"})
    first.close()
    wait_until(lambda: cluster.jobs() == {})


def test_a_job_that_another_study_left_is_the_same_job(executor, cluster):
    left = executor().submit(Shell("left", "sleep 5; echo once"))
    found = executor().submit(Shell("left", "echo twice"))
    assert found.job.job_id == left.job.job_id
    wait_until(found.done)
    assert found.result() == "once\n"


def test_a_partition_that_is_not_there_is_told_in_one_line(executor):
    with pytest.raises(UserError, match=r"SLURM does not take the job: .*partition") as caught:
        executor(slurm_partition="nowhere").submit(Shell("never", "true"))
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_job_whose_time_is_over_is_queued_again_and_goes_on(executor, tmp_path):
    """SLURM sends its signal up to a minute early, and holds what is queued again for two."""
    starts = tmp_path / "starts"
    command = f"echo start >> {starts}; [ $(wc -l < {starts}) = 2 ] || sleep 600"
    handle = executor(timeout_min=1, slurm_signal_delay_s=50).submit(Shell("again", command))
    wait_until(handle.done, seconds=400)
    assert handle.result() == "" and starts.read_text() == "start\n" * 2


@pytest.mark.slow
def test_a_study_that_is_stopped_goes_on_and_one_failure_stops_nothing_else(study, cluster, tiny, tmp_path):
    def fold(trainer):
        return tmp_path / "results" / tiny.dataset / f"{trainer}__nnUNetPlans__3d_fullres" / "fold_0"

    def log_of(trainer):
        return tmp_path / "out put" / "logs" / tiny.dataset / f"{trainer}__nnUNetPlans__3d_fullres__fold_0.log"

    first = study()
    wait_until((fold(LONG) / "checkpoint_best.pth").exists, first)
    assert "RUNNING" in cluster.jobs().values()
    first.send_signal(signal.SIGINT)
    _, errors = first.communicate(timeout=60)
    assert errors.splitlines() == ["nnunet-lunet: stopped; lunet study mine.yaml goes on from here"]
    wait_until(lambda: not cluster.jobs(), seconds=60)
    assert not (fold(LONG) / "validation" / "summary.json").exists()

    output, errors = study().communicate(timeout=600)
    assert "not all trainings ended well" in errors and errors.count("\n") == 1
    (told,) = [line for line in output.splitlines() if "failed: " in line]
    assert "impossible, fold 0, seed 0: failed: " in told and "_keep1 removes" in told
    for trainer in (SHORT, LONG):
        assert json.loads((fold(trainer) / "validation" / "summary.json").read_text())["foreground_mean"]
    commands = [line for line in log_of(LONG).read_text().splitlines() if line.startswith("$ ")]
    assert [command.endswith(" --c") for command in commands] == [False, True]
    assert sorted(json.loads((tmp_path / "out put" / "study.json").read_text())["done"].values()) == sorted(
        map(str, (fold(SHORT), fold(LONG)))
    )


@pytest.mark.slow
def test_jobs_that_a_killed_study_left_are_waited_for(study, cluster, tiny, tmp_path):
    (tmp_path / "mine.yaml").write_text(STUDY.partition("networks:")[0] + "networks: [{trainer: LUnetTrainer_w3}]\n")
    name = f"{tiny.dataset}__LUnetTrainer_w3_3epochs_1iters_seed0__nnUNetPlans__3d_fullres__fold_0"
    first = study()
    wait_until(lambda: cluster.jobs().get(name) == "RUNNING", first)
    first.kill()
    first.communicate()
    again = study()
    output, errors = again.communicate(timeout=600)
    assert again.returncode == 0, errors
    assert "1 training: 1 done" in output
    assert len(list((tmp_path / "out put" / "slurm" / name).glob("*_submitted.pkl"))) == 1


@pytest.mark.slow
def test_a_job_that_somebody_cancels_has_failed(study, cluster, tiny, tmp_path):
    (tmp_path / "mine.yaml").write_text(STUDY.partition("networks:")[0] + "networks: [{trainer: LUnetTrainer_w4}]\n")
    name = f"{tiny.dataset}__LUnetTrainer_w4_3epochs_1iters_seed0__nnUNetPlans__3d_fullres__fold_0"
    process = study()
    wait_until(lambda: cluster.jobs().get(name) == "RUNNING", process)
    cluster.ask("scancel", "--name", name)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "failed: job " in output and "ended without a result" in output
