"""What is built: that it can be published, and that nothing is missing in it."""

import re
import runpy
import sys
import tarfile
import zipfile
from email import message_from_string

import pytest
import setuptools
from distributions import REPOSITORY, STARTUP_LINE, run

from nnunet_lunet.errors import missing


@pytest.fixture(scope="module")
def setup():
    """What setup.py hands to setuptools."""
    arguments = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(setuptools, "setup", lambda **given: arguments.update(given))
        patch.chdir(REPOSITORY)
        runpy.run_path("setup.py")
    return arguments


@pytest.fixture(scope="module")
def metadata(built):
    with zipfile.ZipFile(built.wheel) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        return message_from_string(wheel.read(name).decode())


def contents(wheel):
    """Name and checksum of all files."""
    with zipfile.ZipFile(wheel) as archive:
        return {info.filename: info.CRC for info in archive.infolist()}


def test_pypi_would_take_both(built):
    done = run(sys.executable, "-m", "twine", "check", "--strict", built.sdist, built.wheel, cwd=built.sdist.parent)
    assert done.stdout.count("PASSED") == 2


def test_the_wheel_holds_all_that_is_read_at_run_time(built):
    names = contents(built.wheel).keys()
    sources = REPOSITORY / "nnunet_lunet"
    modules = {f"nnunet_lunet/{file.relative_to(sources)}" for file in sources.rglob("*.py")}
    templates = {f"nnunet_lunet/compare/page/template/page.{kind}" for kind in ("html", "css", "js")}
    plans = {
        f"nnunet_lunet/{file.relative_to(REPOSITORY)}" for file in (REPOSITORY / "plans").rglob("*") if file.is_file()
    }
    assert any("studies" in name for name in plans)
    assert modules | templates | plans | {STARTUP_LINE, "nnunet_lunet/py.typed"} <= names
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"nnunet_lunet", STARTUP_LINE}


def test_the_sdist_builds_the_wheel_that_the_sources_build(built, tmp_path):
    with tarfile.open(built.sdist) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {"setup.py", STARTUP_LINE, "CHANGELOG.md", "CITATION.cff", "plans/studies/widths.yaml"} <= names
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", built.sources, "-o", tmp_path, cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    assert (wheel.name, contents(wheel)) == (built.wheel.name, contents(built.wheel))


def test_each_extra_is_in_all_and_all_of_them_are_in_test(setup, metadata):
    extras = setup["extras_require"]
    assert set(metadata.get_all("Provides-Extra")) == extras.keys()
    single = extras.keys() - {"all", "docs", "test"}
    assert set(extras["all"]) == {requirement for name in single for requirement in extras[name]}
    assert {*extras["all"], *extras["docs"]} < set(extras["test"])


def test_pruning_needs_no_extra(setup):
    assert any(requirement.startswith("torch-pruning") for requirement in setup["install_requires"])


def test_what_a_message_tells_to_install_is_an_extra(setup):
    told = []
    for file in (REPOSITORY / "nnunet_lunet").rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert "pip install 'nnunet" not in text.replace("pip install 'nnunetv2", ""), f"{file}: see errors.missing"
        told += re.findall(r"raise missing\(.+, \"(\w+)\", .+\)", text)
    assert len(told) >= 5 and set(told) <= setup["extras_require"].keys()
    assert str(missing("pooch", "download", "lunet download")) == (
        "nnunet-lunet: lunet download needs pooch: pip install '.[download]' in the folder of this project's source"
    )


def test_the_changelog_begins_with_the_version_that_is_built(setup):
    sections = re.findall("^## (.+)$", (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sections[0].split()[0] == setup["version"]
    cited = re.search("^version: (.+)$", (REPOSITORY / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE)
    assert cited and cited[1] == setup["version"]


def test_each_python_that_is_named_is_allowed(setup, metadata):
    named = [line.rpartition(" ")[2] for line in metadata.get_all("Classifier") if " :: 3." in line]
    assert named[0] == setup["python_requires"].removeprefix(">=") and len(named) > 1
    assert metadata["License-Expression"] == "Apache-2.0"
    assert {entry.partition(",")[0] for entry in metadata.get_all("Project-URL")} >= {"Source", "Issues", "Changelog"}
