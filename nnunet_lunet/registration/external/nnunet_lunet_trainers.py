"""The only file nnU-Net scans. It asks for a class by name; the class itself lives in the package."""


def __getattr__(name: str) -> type:
    if not name.startswith(("LUnet", "UNetTrainer")):
        raise AttributeError(name)
    try:
        from nnunet_lunet.trainers import by_name
    except ModuleNotFoundError as error:
        # nnUNet_extTrainer is inherited by Pythons of other environments, where this package is not installed.
        if error.name is not None and error.name.split(".")[0] == "nnunet_lunet":
            raise AttributeError(name) from error
        raise
    return by_name.find(name)
