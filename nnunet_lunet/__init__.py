"""Lean U-Nets for nnU-Net v2.

Public, so that a change of it is told in the changelog:

- the names of trainers (``nnUNetv2_train … -tr LUnetTrainer_w16``) and what each of their options means
- the ``lunet`` command, its options and exit status
- preset, plans and study files, and the files that trainings and commands write
- the classes in :mod:`nnunet_lunet.architectures` by the import path that plans give them, with the arguments that
  plans can hold
- ``nnunet_lunet.__version__``

All else may move from one version to the next.

This module imports nothing: the start-up line loads it at every start of Python.
"""

__version__: str

TYPE_CHECKING = False
if not TYPE_CHECKING:  # Type checkers would take any name for one that this function knows.

    def __getattr__(name):
        """``__version__``, looked up when it is asked for.

        :raises AttributeError: another name, or this package was never installed, so that nothing tells
        """
        if name == "__version__":
            from importlib import metadata

            try:
                return metadata.version("nnunet-lunet")
            except metadata.PackageNotFoundError as error:
                raise AttributeError("nnunet-lunet is not installed, so it has no version") from error
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
