"""A real SLURM cluster of one node, this machine: Debian's daemons, all their files in one folder, no cgroups."""

import getpass
import os
import secrets
import shutil
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "sinfo", "setpriv")
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
_CONFIGURATION = """
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket
SlurmUser={user}
SlurmdUser={user}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
# The lightest of each kind; what SLURM takes by default needs cgroups or a database.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
# A node that was lost or does not have what is claimed here is used all the same.
ReturnToService=2
SlurmdParameters=config_overrides
KillWait=2
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0
NodeName=localhost NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=64000 State=UNKNOWN
PartitionName=main Nodes=localhost Default=YES MaxTime=INFINITE State=UP
"""


@dataclass(frozen=True)
class Cluster:
    """Talk to it with SLURM's own commands under :attr:`environment`."""

    folder: Path

    @property
    def environment(self):
        return {"SLURM_CONF": str(self.folder / "slurm.conf")}

    def ask(self, *command):
        """What a command of SLURM prints."""
        asked = subprocess.run(
            command, env={**os.environ, **self.environment}, capture_output=True, text=True, check=True
        )
        return asked.stdout

    def jobs(self):
        """States of the jobs that are queued or run, by name."""
        lines = self.ask("squeue", "--noheader", "--format", "%T %j").splitlines()
        return {name: state for state, _, name in (line.partition(" ") for line in lines)}


@contextmanager
def running(folder, cpus=2):
    """A cluster for as long as the context lasts; skips the test where SLURM is not installed.

    :param folder: empty, of a short path (it will hold sockets)
    :param cpus: that the node claims to have
    """
    missing = [program for program in PROGRAMS if not shutil.which(program, path=_PATH)]
    if missing:
        pytest.skip(f"no {', '.join(missing)}: apt-get install slurmctld slurmd slurm-client munge")
    for name in ("state", "spool"):
        (folder / name).mkdir()
    (folder / "munge.key").write_bytes(secrets.token_bytes(1024))
    (folder / "munge.key").chmod(0o600)
    controller_port, node_port = _free_ports(2)
    (folder / "slurm.conf").write_text(
        _CONFIGURATION.format(
            folder=folder, user=getpass.getuser(), cpus=cpus, controller_port=controller_port, node_port=node_port
        )
    )
    cluster = Cluster(folder)
    munge = [f"--{kind}-file={folder}/munge.{kind}" for kind in ("key", "pid", "log", "seed")]
    with ExitStack() as daemons:

        def start(*command):
            return daemons.enter_context(_daemon(cluster, *command))

        # Forced: it wants a folder that every user of the machine can enter, for jobs of other users.
        munged = start("munged", "--foreground", "--force", f"--socket={folder}/munge.socket", *munge)
        _wait(munged, cluster, (folder / "munge.socket").exists)
        start("slurmctld", "-D")
        node = start("slurmd", "-D", "-N", "localhost")
        _wait(node, cluster, lambda: cluster.ask("sinfo", "--noheader", "--format", "%t").strip() == "idle")
        daemons.callback(_end_jobs, cluster)
        yield cluster


@contextmanager
def _daemon(cluster, *command):
    program = shutil.which(command[0], path=_PATH)
    with (cluster.folder / f"{command[0]}.out").open("wb") as output:
        process = subprocess.Popen(
            # The daemon ends with this process, however that does.
            ["setpriv", "--pdeathsig", "TERM", program, *command[1:]],
            env={**os.environ, **cluster.environment}, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _end_jobs(cluster):
    deadline = time.monotonic() + 20
    while cluster.jobs() and time.monotonic() < deadline:
        cluster.ask("scancel", "--user", getpass.getuser())
        time.sleep(0.5)


def _wait(process, cluster, condition, seconds=30):
    deadline = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except subprocess.CalledProcessError:
            pass  # the controller does not answer yet
        if process.poll() is not None or time.monotonic() > deadline:
            said = {file.name: file.read_text(errors="replace")[-500:] for file in cluster.folder.glob("*.out")}
            raise TimeoutError(f"SLURM does not start: {said}")
        time.sleep(0.1)


def _free_ports(count):
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for free in sockets:
            free.bind(("127.0.0.1", 0))
        return [free.getsockname()[1] for free in sockets]
