"""What onnxruntime checks at import. Celeris has nothing to check."""

from celeris.capi.build_and_package_info import __version__, package_name


def check_distro_info() -> None:
    """Nothing: any system that runs Python will do."""


def get_package_name_and_version_info() -> tuple[str, str, str]:
    """Package name, version, and the version of CUDA: none."""
    return package_name, __version__, ""
