"""Package metadata, and two steps of its own: the start-up line goes next to the package, the presets into it."""

from pathlib import Path

from setuptools import find_packages, setup  # isort: skip  (setuptools provides distutils, so it comes first)
from distutils.command.install_headers import install_headers

from setuptools.command.build_py import build_py

STARTUP_LINE = "nnunet_lunet_startup.pth"
REPOSITORY = "https://github.com/nnunet-lunet/nnunet-lunet"
MONAI = "monai>=1.5.1,<2"
EXTRAS = {
    "mednext": [MONAI],
    "compare": [MONAI, "scipy>=1.15", "jinja2>=3.1", "matplotlib>=3.10", "pillow>=10"],
    "study": ["submitit>=1.5.2", "pydantic>=2.8", "pyyaml>=6", "filelock>=3.12"],
    "download": ["pooch>=1.8"],
    "openvino": ["openvino>=2024.5"],
    "onnxruntime": ["onnxruntime>=1.20", "onnx>=1.16"],
}
ALL = sorted({requirement for extra in EXTRAS.values() for requirement in extra})
DOCS = ["mkdocs-material>=9.5", "mkdocstrings[python]>=0.26"]
TOOLS = [
    "pytest>=8", "hypothesis>=6.100", "ruff>=0.9", "mypy>=1.13", "types-PyYAML", "types-jsonschema", "setuptools>=77",
    "build>=1.2", "twine>=6.1",
]  # fmt: skip


class InstallStartupLine(install_headers):
    """Put the .pth file into site-packages, where Python looks for it.

    Of the commands that a project may extend, ``install_headers`` is the one that wheels *and* editable installs
    run (``install_data`` is left out of the latter). For both, ``install_lib`` is the root of the wheel, so the file
    is listed in RECORD and ``pip uninstall`` removes it.
    """

    def run(self) -> None:
        target = self.get_finalized_command("install").install_lib
        self.mkpath(target)
        path, _ = self.copy_file(STARTUP_LINE, target)
        self.outfiles.append(path)


class BuildWithPresets(build_py):
    """Copy ``plans/`` into the package; an editable install reads it from the repository instead."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            for source, target in self._presets().items():
                self.mkpath(str(Path(target).parent))
                self.copy_file(source, target, preserve_mode=False)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        return [*super().get_outputs(include_bytecode), *([] if self.editable_mode else self._presets().values())]

    def _presets(self) -> dict[str, str]:
        package = Path(self.build_lib) / "nnunet_lunet"
        return {str(file): str(package / file) for file in sorted(Path("plans").rglob("*")) if file.is_file()}


setup(
    name="nnunet-lunet",
    version="0.2.0",
    description="Lean U-Nets for nnU-Net v2: flat channel counts, a fraction of the parameters, the same commands",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author="nnunet-lunet contributors",
    url=REPOSITORY,
    project_urls={
        "Source": REPOSITORY,
        "Documentation": f"{REPOSITORY}/tree/main/docs",
        "Changelog": f"{REPOSITORY}/blob/main/CHANGELOG.md",
        "Issues": f"{REPOSITORY}/issues",
    },
    keywords="medical image segmentation, nnU-Net, U-Net, lean networks, pruning, deep learning, PyTorch",
    license_expression="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.10",
    # A package root named explicitly makes `pip install -e` a plain path entry: no import finder at every start.
    package_dir={"": "."},
    packages=find_packages(include=["nnunet_lunet", "nnunet_lunet.*"]),
    package_data={
        "nnunet_lunet": ["py.typed"],
        "nnunet_lunet.registration": ["external/*.py"],
        "nnunet_lunet.compare.over": ["template/*"],
        "nnunet_lunet.compare.page": ["template/*"],
    },
    headers=[STARTUP_LINE],
    cmdclass={"build_py": BuildWithPresets, "install_headers": InstallStartupLine},
    install_requires=[
        "nnunetv2>=2.8,<3",
        "torch>=2.5",
        "dynamic-network-architectures>=0.4.4,<0.5",
        "batchgenerators>=0.25.1",
        "jsonschema>=4.18",
        "typer>=0.15",
        "rich>=13",
        "torch-pruning>=1.6,<2",
    ],
    extras_require={**EXTRAS, "all": ALL, "docs": DOCS, "test": [*ALL, *DOCS, *TOOLS]},
    entry_points={"console_scripts": ["lunet=nnunet_lunet.cli.app:main"]},
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Environment :: GPU :: NVIDIA CUDA",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Image Recognition",
        "Topic :: Scientific/Engineering :: Medical Science Apps.",
        "Typing :: Typed",
    ],
)
