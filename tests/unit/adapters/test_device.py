from __future__ import annotations

import os

import pytest
import torch

from adapters.device import Device, automatic_threads, choose_device, computing_with
from adapters.errors import AdapterError


def test_a_wish_is_fulfilled_as_it_is() -> None:
    device = choose_device("cpu", dtype="float32")
    assert device == Device(kind="cpu", dtype="float32")
    assert device.torch_dtype is torch.float32


def test_the_automatic_precision_of_a_cpu_is_one_that_it_computes_natively() -> None:
    has_bfloat16 = torch.cpu.get_capabilities().get("avx512_bf16") or torch.cpu.get_capabilities().get("amx_bf16")
    if torch.cpu.get_capabilities()["architecture"] == "x86_64":
        assert choose_device("cpu").dtype == ("bfloat16" if has_bfloat16 else "float32")


def test_a_cpu_that_only_stores_bfloat16_well_computes_many_tokens_at_once_in_float32() -> None:
    capabilities = torch.cpu.get_capabilities()
    if capabilities["architecture"] == "x86_64":
        expected = "bfloat16" if capabilities.get("amx_bf16") else "float32"
        assert choose_device("cpu", token_by_token=False).dtype == expected


@pytest.mark.parametrize(
    ("wish", "dtype", "threads", "words"),
    [
        ("gpu", "auto", 0, "device 'gpu' is unknown; expected one of auto, cpu, cuda, mps"),
        ("cpu:1", "auto", 0, "device 'cpu:1' is unknown"),
        ("cuda:x", "auto", 0, "device 'cuda:x' is unknown"),
        ("cuda:99", "auto", 0, r"device 'cuda:99' was asked for, but torch sees \d+ CUDA devices here"),
        ("cpu", "int8", 0, "dtype 'int8' is unknown; expected one of auto, float32"),
        ("cpu", "float16", 0, "'float16' is no use on a CPU"),
        ("cpu", "auto", -1, "threads is -1; expected 0"),
    ],
)
def test_an_impossible_wish_is_one_sentence(wish: str, dtype: str, threads: int, words: str) -> None:
    with pytest.raises(AdapterError, match=words):
        choose_device(wish, dtype=dtype, threads=threads)


def test_threads_are_set() -> None:
    before = torch.get_num_threads()
    try:
        choose_device("cpu", threads=1)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 1), (3, 1), (4, 2), (8, 4), (64, 4)])
def test_half_of_the_cores_compute_and_never_many(monkeypatch: pytest.MonkeyPatch, cores: int, threads: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    assert automatic_threads() == threads


def test_more_threads_compute_for_a_while() -> None:
    before = torch.get_num_threads()
    with computing_with(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
