"""The one kind of error that a user can mend."""


class UserError(SystemExit):
    """A mistake in a file, an option or the machine, told in one line that says what to do.

    It derives from ``SystemExit`` because nnU-Net's commands let exceptions through: raised inside
    ``nnUNetv2_train`` it prints the line alone, without a traceback, and exits with status 1.
    """

    def __init__(self, message: str) -> None:
        super().__init__("nnunet-lunet: " + " ".join(message.split()))
