"""``python -m nnunet_lunet``: the ``lunet`` command where no scripts are installed (``pip install --target``)."""

from nnunet_lunet.cli.app import main

if __name__ == "__main__":
    main()
