from __future__ import annotations

from pathlib import Path

import pytest

from adapters.errors import AdapterError
from adapters.source import (
    DEFAULT_CHINESE_ENCODER,
    DEFAULT_ENCODER,
    DEFAULT_GENERATOR,
    EndpointSource,
    HubSource,
    PackageSource,
    PathSource,
    parse_source,
)

DIGEST = "0123456789abcdef" * 4


@pytest.mark.parametrize("text", [DEFAULT_GENERATOR, DEFAULT_ENCODER, DEFAULT_CHINESE_ENCODER])
def test_a_default_is_pinned_and_prints_as_it_was_written(text: str) -> None:
    source = parse_source(text)
    assert isinstance(source, PackageSource)
    assert source.known is not None
    assert source.sha256 == source.known.sha256
    assert str(source) == text


def test_a_package_that_is_not_known_needs_a_digest() -> None:
    with pytest.raises(AdapterError, match="append #sha256="):
        parse_source("package:some-model==1.0!weights/model")
    source = parse_source(f"package:Some_Model==1.0!weights/model/#sha256={DIGEST.upper()}")
    assert source == PackageSource(name="some-model", version="1.0", inside="weights/model", sha256=DIGEST)
    assert parse_source(str(source)) == source


def test_a_digest_given_for_a_known_package_is_the_one_that_counts() -> None:
    source = parse_source(f"{DEFAULT_ENCODER}#sha256={DIGEST}")
    assert isinstance(source, PackageSource)
    assert source.sha256 == DIGEST


def test_hub_path_and_endpoint_are_read() -> None:
    assert parse_source("hub:acme/Model-1.5") == HubSource(repository="acme/Model-1.5", revision="main")
    assert parse_source("hub:acme/m@refs/pr/1") == HubSource(repository="acme/m", revision="refs/pr/1")
    assert parse_source("path:/srv/models/m") == PathSource(path=Path("/srv/models/m"))
    endpoint = EndpointSource(url="http://127.0.0.1:8080/v1", model="llama:3b")
    assert parse_source("openai:http://127.0.0.1:8080/v1/#llama:3b") == endpoint


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("smollm", "is no model source; expected package:"),
        ("package:name!inside", "expected package:NAME==VERSION!path/inside"),
        ("package:--index-url=http==1!x", "expected package:NAME==VERSION!path/inside"),
        ("package:name==1.0!x#sha256=abc", "64 hex digits"),
        ("hub:just-a-name", "expected hub:OWNER/NAME"),
        ("path:", "names no folder"),
        ("openai:http://127.0.0.1/v1", "expected openai:URL#MODEL"),
        ("openai:ftp://host#m", "expected openai:URL#MODEL"),
    ],
)
def test_a_bad_source_is_told_what_was_expected(text: str, words: str) -> None:
    with pytest.raises(AdapterError, match=words.replace("(", r"\(")):
        parse_source(text)
