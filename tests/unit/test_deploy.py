"""What lies ready for a server: that it can be read, and names nothing that is not there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from bot.cli.app import app
from bot.config import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
UNIT = (DEPLOY / "burnish.service").read_text(encoding="utf-8")
NGINX = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
PAGES = [ROOT / name for name in ("Dockerfile", "compose.yaml", "docs/operations.md")]
TEXTS = [*PAGES, *(one for one in DEPLOY.rglob("*") if one.is_file())]


def loaded(path: Path) -> Any:  # noqa: ANN401 - YAML holds anything
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def tool(name: str) -> str:
    """Where a tool is, or the test is left out."""
    found = shutil.which(name)
    if found is None:
        # pip brings none of these tools; what they read is parsed and cross-checked by the other tests here anyway
        pytest.skip(f"NOT CHECKED BY {name.upper()}: it is not installed")
    return found


def checked(*command: str) -> str:
    """What a tool says; it has to find nothing wrong."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_every_burnish_command_that_is_named_exists() -> None:
    known = get_command(app)
    named = set[tuple[str, str]]()
    for file in TEXTS:
        named |= set(re.findall(r"\bburnish (?!burnish)([a-z-]+)(?: ([a-z-]+))?", file.read_text(encoding="utf-8")))
    commands = {words for words in named if words[0] in getattr(known, "commands", {})}
    for first, second in commands:
        group = getattr(known, "commands", {})[first]
        inner = getattr(group, "commands", None)
        assert inner is None or second in inner, (first, second)
    assert {("keys", "create"), ("serve", "")} <= commands


def test_every_setting_that_is_named_exists() -> None:
    for file in TEXTS:
        text = file.read_text(encoding="utf-8")
        for section, key in re.findall(r"\bBURNISH_([A-Z]+)__([A-Z_]+)", text):
            assert key.lower() in type(getattr(Settings(), section.lower())).model_fields, (file.name, key)
        for section, key in re.findall(r"(?<![\w.])(web|serve|knowledge|answers|learning)\.([a-z_]+)\b", text):
            assert key in type(getattr(Settings(), section)).model_fields, (file.name, key)


def test_the_image_is_made_of_files_that_are_there_and_all_of_them_go_to_the_builder() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, flags=re.MULTILINE)
    sources = {name for line in copied for name in line.split()}
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for name in sources:
        assert (ROOT / name).exists(), name
        assert f"!{name}" in ignored, name
    wheel = re.search(r'packages = (\[.*\])\n\n.*\n"(\w+)" =', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert wheel is not None
    assert {*json.loads(wheel[1]), wheel[2]} <= sources


def test_the_image_is_not_root_and_its_pythons_are_those_that_the_program_is_for() -> None:
    assert re.search(r"^USER 10001$", DOCKERFILE, flags=re.MULTILINE)
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, flags=re.MULTILINE)) == {"python:3.11-slim"}
    assert "/healthz" in DOCKERFILE
    health = re.search(r'CMD \["python", "-c", "(.*)"\]', DOCKERFILE)
    assert health is not None
    compile(health[1], "health", "exec")


def test_compose_names_files_volumes_and_profiles_that_are_there() -> None:
    compose = loaded(ROOT / "compose.yaml")
    made_by_hand = {"./backups"}
    for name, service in compose["services"].items():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            there = (
                (ROOT / source).exists() or source in made_by_hand if source[0] == "." else source in compose["volumes"]
            )
            assert there, (name, source)
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name
        assert set(service.get("secrets", ())) <= set(compose["secrets"])
    bot = compose["services"]["bot"]
    assert bot["read_only"] is True
    assert bot["cap_drop"] == ["ALL"]
    [scraped] = loaded(DEPLOY / "prometheus/prometheus.yml")["scrape_configs"]
    assert scraped["static_configs"] == [{"targets": ["bot:8765"]}]
    assert scraped["authorization"]["credentials_file"] == "/run/secrets/metrics_key"


def test_grafana_finds_its_dashboard_and_every_panel_its_source() -> None:
    dashboard = json.loads((DEPLOY / "grafana/burnish.json").read_text(encoding="utf-8"))
    [source] = loaded(DEPLOY / "grafana/provisioning/datasources/prometheus.yml")["datasources"]
    chosen, _ = dashboard["templating"]["list"]
    assert chosen["current"]["value"] == source["uid"]
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    squares = [
        (x, y)
        for grid in (panel["gridPos"] for panel in panels)
        for x in range(grid["x"], grid["x"] + grid["w"])
        for y in range(grid["y"], grid["y"] + grid["h"])
    ]
    assert len(set(squares)) == len(squares), "panels lie upon one another"
    assert max(x for x, _ in squares) == 23


def test_an_alert_says_what_happened_and_what_to_do() -> None:
    [group] = loaded(DEPLOY / "prometheus/alerts.yml")["groups"]
    for rule in group["rules"]:
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert set(rule["annotations"]) == {"summary", "description"}


def test_promtool_takes_the_alerts_and_the_configuration() -> None:
    promtool = tool("promtool")
    assert "SUCCESS: 7 rules found" in checked(promtool, "check", "rules", str(DEPLOY / "prometheus/alerts.yml"))
    checked(promtool, "check", "config", "--syntax-only", str(DEPLOY / "prometheus/prometheus.yml"))


def test_systemd_takes_the_unit_and_finds_it_hardened(tmp_path: Path) -> None:
    analyze = tool("systemd-analyze")
    unit = tmp_path / "burnish.service"
    unit.write_text(UNIT.replace("/opt/burnish/.venv/bin/burnish", sys.executable), encoding="utf-8")
    assert checked(analyze, "verify", "--man=no", str(unit)) == ""
    checked(analyze, "security", "--offline=yes", "--threshold=25", str(unit))  # tenths: 2.5 of 10, less is better


def test_hadolint_takes_the_dockerfile() -> None:
    checked(tool("hadolint"), str(ROOT / "Dockerfile"))


def test_the_reverse_proxy_hands_streams_on_at_once_and_hides_what_is_for_the_server() -> None:
    assert re.search(r"proxy_buffering +off;", NGINX)
    assert "proxy_set_header Host $host;" in NGINX
    assert "X-Forwarded-For" in NGINX
    assert re.search(r"location = /metrics +\{ return 404; \}", NGINX)
