"""Every way to install: stock nnU-Net finds the trainers by name, and nothing stays behind."""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from distributions import REPOSITORY, STARTUP_LINE, copy_of_sources, run

LOOK_UP = """
import sys
from nnunetv2.utilities.find_objects import recursive_find_trainer_class_by_name as find
found = find(sys.argv[1])
print(found.__module__, found.__name__)
"""
STUDIES = """
from nnunet_lunet.planning import presets
print(*sorted(file.name for file in (presets.folder() / "studies").iterdir()))
"""
VARIABLE = "import os; print(os.environ.get('nnUNet_extTrainer'))"
HEAVY = {"torch", "nnunetv2", "numpy"}


@dataclass(frozen=True)
class Environment:
    """A virtual environment without pip, on top of what is installed beside the tests."""

    root: Path

    @classmethod
    def create(cls, root, stock):
        run(sys.executable, "-m", "venv", "--without-pip", root, cwd=root.parent)
        environment = cls(root)
        # Such a folder is searched, but its .pth files are not run.
        (environment.site_packages / "stock.pth").write_text(f"{stock}\n")
        return environment

    @property
    def site_packages(self):
        return next(self.root.glob("lib/python*/site-packages"))

    def python(self, *arguments, **options):
        return run(self.root / "bin" / "python", *arguments, cwd=self.root, **options)

    def pip(self, *arguments):
        return run(sys.executable, "-m", "pip", "--python", self.root / "bin" / "python", *arguments, cwd=self.root)

    def install(self, *what):
        self.pip("install", "--no-deps", "--no-index", "--no-build-isolation", *what)

    def copy(self, root):
        return Environment(shutil.copytree(self.root, root, symlinks=True))


def files(folder):
    """All files with what changes when they are written."""
    paths = (path for path in folder.rglob("*") if "__pycache__" not in path.parts)
    return {path.relative_to(folder): path.stat().st_mtime_ns for path in paths if path.is_file()}


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    """All that is installed beside the tests, except this package."""
    stock = tmp_path_factory.mktemp("stock")
    for folder in (Path(entry) for entry in sys.path if entry.endswith("-packages")):
        for path in folder.iterdir():
            link = stock / path.name
            if "nnunet_lunet" not in path.name and path.name != "__pycache__" and not link.exists():
                link.symlink_to(path)
    return stock


@pytest.fixture(scope="module")
def bare(tmp_path_factory, stock):
    """nnU-Net without this package."""
    return Environment.create(tmp_path_factory.mktemp("bare") / "environment", stock)


@dataclass(frozen=True)
class Installed:
    environment: Environment
    before: dict
    nnunet: Path
    nnunet_before: dict


@pytest.fixture(scope="module", params=["pip install .", "pip install -e .", "pip install wheel"])
def installed(request, tmp_path_factory, stock, built):
    folder = tmp_path_factory.mktemp("a path with a space")
    environment = Environment.create(folder / "the environment", stock)
    nnunet = (stock / "nnunetv2").resolve()
    state = Installed(environment, files(environment.root), nnunet, files(nnunet))
    if request.param == "pip install wheel":
        environment.install(built.wheel)
    else:
        environment.install(*["-e"] * ("-e" in request.param), copy_of_sources(folder / "the sources"))
    return state


def test_the_environment_beneath_is_stock(bare):
    answer = bare.python("-c", f"import importlib.util; print(importlib.util.find_spec('nnunet_lunet')); {VARIABLE}")
    assert answer.stdout.split() == ["None", "None"]


def test_stock_nnunet_finds_the_trainers_and_is_not_touched(installed):
    found = installed.environment.python("-c", LOOK_UP, "LUnetTrainer_w8").stdout
    assert found.splitlines()[-1] == "nnunet_lunet.trainers.by_name LUnetTrainer_w8"
    assert files(installed.nnunet) == installed.nnunet_before


def test_the_presets_come_along_and_an_editable_install_has_no_import_finder(installed):
    listed = installed.environment.python("-m", "nnunet_lunet", "plan", "--list", COLUMNS="300").stdout
    assert all(f" {file.stem} " in listed for file in (REPOSITORY / "plans").glob("*[0-9S]*.json"))
    assert not list(installed.environment.site_packages.glob("__editable__*.py"))
    studies = installed.environment.python("-c", STUDIES).stdout.split()
    assert studies == sorted(file.name for file in (REPOSITORY / "plans" / "studies").iterdir()) != []


def test_the_version_is_that_of_setup_py(installed, built):
    printed = installed.environment.python("-c", "import nnunet_lunet; print(nnunet_lunet.__version__)").stdout
    assert f"nnunet_lunet-{printed.strip()}.tar.gz" == built.sdist.name


def test_uninstalling_leaves_nothing_behind(installed, tmp_path):
    environment = installed.environment.copy(tmp_path / "a copy")
    assert files(environment.root).keys() > installed.before.keys()
    environment.pip("uninstall", "--yes", "nnunet-lunet")
    assert files(environment.root).keys() == installed.before.keys()
    assert not list(environment.site_packages.glob("*nnunet_lunet*"))


def test_it_costs_less_than_two_milliseconds_of_each_start(installed):
    def cost():
        report = installed.environment.python("-X", "importtime", "-c", "pass").stderr
        imports = [line.split("|") for line in report.splitlines() if "nnunet_lunet" in line]
        depths = [len(name) - len(name.lstrip()) for _, _, name in imports]
        assert imports
        return sum(int(cumulative) for (_, cumulative, _), depth in zip(imports, depths, strict=True)
                   if depth == min(depths))  # fmt: skip

    assert min(cost() for _ in range(10)) < 2000  # microseconds


def test_a_start_loads_nothing_heavy(installed):
    modules = installed.environment.python("-c", "import sys; print(*sys.modules)").stdout.split()
    assert "nnunet_lunet.registration.startup" in modules
    assert HEAVY.isdisjoint(modules)


@pytest.mark.parametrize("options", [(), ("-I",), ("-S",)])
def test_python_starts_silently(installed, options):
    done = installed.environment.python(*options, "-c", "pass")
    assert done.stdout + done.stderr == ""


def test_python_starts_silently_when_the_package_was_deleted_by_hand(installed, tmp_path):
    environment = installed.environment.copy(tmp_path / "a copy")
    for path in environment.site_packages.glob("*nnunet_lunet*"):
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != STARTUP_LINE:
            path.unlink()
    assert (environment.site_packages / STARTUP_LINE).exists()
    done = environment.python("-c", "import importlib.util; assert importlib.util.find_spec('nnunet_lunet') is None")
    assert done.stdout + done.stderr == ""


def test_a_users_own_folders_stay_first_in_children_of_children(installed):
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {VARIABLE!r}], check=True)"
    grandchild = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], check=True)"
    value = installed.environment.python("-c", grandchild, nnUNet_extTrainer=os.pathsep.join(["/a", "/b"])).stdout
    *first, last = value.strip().split(os.pathsep)
    assert first == ["/a", "/b"]
    assert (Path(last) / "nnunet_lunet_trainers.py").is_file()


def test_it_can_be_switched_off(installed):
    assert installed.environment.python("-c", VARIABLE, NNUNET_LUNET_AUTOREGISTER="0").stdout == "None\n"


def test_a_target_folder_runs_no_startup_line_but_the_doctor_knows_what_to_do(bare, built, tmp_path):
    target = tmp_path / "target folder"
    bare.install("--target", target, built.wheel)
    assert bare.python("-c", VARIABLE, PYTHONPATH=str(target)).stdout == "None\n"
    assert "doctor" in bare.python("-m", "nnunet_lunet", "--help", PYTHONPATH=str(target)).stdout
    report = bare.python("-m", "nnunet_lunet", "doctor", PYTHONPATH=str(target), check=False)
    line = next(line for line in report.stdout.splitlines() if "export nnUNet_extTrainer=" in line)
    assert report.returncode == 1
    assert line.endswith(f"'{target}/nnunet_lunet/registration/external'")


def test_another_environment_that_inherits_the_variable_gets_nnunets_own_message(bare):
    folder = REPOSITORY / "nnunet_lunet" / "registration" / "external"
    done = bare.python("-c", LOOK_UP, "LUnetTrainer", nnUNet_extTrainer=str(folder), check=False)
    assert f"Searching in: {folder}" in done.stdout
    assert "RuntimeError: Could not find requested nnunet trainer LUnetTrainer " in done.stderr
    assert "ModuleNotFoundError" not in done.stderr
