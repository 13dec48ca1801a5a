"""Model repositories from the hub, through the hub's own library."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from adapters.errors import AdapterError
from adapters.layout import Progress

_WANTED: Final = ["*.safetensors", "*.json", "*.txt", "*.model", "*.jinja"]
# Other runtimes' copies of the same weights.
_UNWANTED: Final = ["onnx/*", "openvino/*", "original/*", "gguf/*", "coreml/*"]
_POLL_SECONDS: Final = 0.2


def download_repository(
    repository: str, *, revision: str, folder: Path, hub_url: str | None, progress: Progress
) -> None:
    """Fetch safetensors, tokenizer and config of a repository.

    Args:
        repository: OWNER/NAME.
        revision: Branch, tag or commit.
        folder: Where to put the files; an empty folder.
        hub_url: The hub, or None for the library's own settings.
        progress: Told how many bytes have come.

    Raises:
        AdapterError: It does not exist, may not be read, has no safetensors, or the hub cannot be reached.
    """
    import httpx2
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )
    from huggingface_hub.utils import logging as hub_logging
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    hub_logging.set_verbosity(logging.CRITICAL)  # what goes wrong is said below, once
    what = f"hub:{repository}@{revision}"
    try:
        with _watched(folder, f"Downloading {what}", progress):
            snapshot_download(
                repository,
                revision=revision,
                local_dir=folder,
                allow_patterns=_WANTED,
                ignore_patterns=_UNWANTED,
                endpoint=hub_url,
            )
    except GatedRepoError as error:
        raise AdapterError(f"{what} asks for an agreement first; accept it on the hub and set HF_TOKEN.") from error
    except RepositoryNotFoundError as error:
        raise AdapterError(f"{what} does not exist, or is private: check the name, or set HF_TOKEN.") from error
    except RevisionNotFoundError as error:
        raise AdapterError(f"{repository} has no revision {revision!r}; name a branch, a tag or a commit.") from error
    except (LocalEntryNotFoundError, OfflineModeIsEnabled, HfHubHTTPError) as error:
        # Looking for a copy on the disk, the library hides what went wrong on the way to the hub behind its cause.
        cause = error.__cause__ if isinstance(error, LocalEntryNotFoundError) else error
        if isinstance(cause, HfHubHTTPError):
            status = cause.response.status_code
            raise AdapterError(f"The hub answered HTTP {status} for {what}; try again later.") from error
        raise AdapterError(
            f"The hub cannot be reached for {what}; check the network, or use a package: source."
        ) from error
    except httpx2.TransportError as error:  # what the library's own tries did not mend
        raise AdapterError(f"The download of {what} broke off; try again.") from error
    if not any(folder.glob("*.safetensors")):
        raise AdapterError(f"{what} has no safetensors weights; choose a repository that has.")


@contextmanager
def _watched(folder: Path, activity: str, progress: Progress) -> Iterator[None]:
    """Report a folder's growth in bytes from another thread while the block runs."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_POLL_SECONDS):
            progress(activity, _total_size(folder), None)

    watcher = threading.Thread(target=watch, name="download-progress", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _total_size(folder: Path) -> int:
    """Bytes below a folder; files may vanish meanwhile."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            try:
                total += path.stat().st_size
            except FileNotFoundError:
                continue
    return total
