"""`docsearch mcp --install`: each program's file on three systems, what stays in it, the question, atomic writes."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from docsearch.commands import mcp_install
from docsearch.engine.errors import UsageError
from docsearch.server.agents import clients

Run = Callable[..., tuple[int, str, str]]
PLATFORMS = ("linux", "darwin", "win32")
FILES = {
    ("claude-code", "linux"): ".claude.json",
    ("claude-code", "darwin"): ".claude.json",
    ("claude-code", "win32"): ".claude.json",
    ("claude-desktop", "linux"): ".config/Claude/claude_desktop_config.json",
    ("claude-desktop", "darwin"): "Library/Application Support/Claude/claude_desktop_config.json",
    ("claude-desktop", "win32"): "AppData/Roaming/Claude/claude_desktop_config.json",
    ("cursor", "linux"): ".cursor/mcp.json",
    ("cursor", "darwin"): ".cursor/mcp.json",
    ("cursor", "win32"): ".cursor/mcp.json",
    ("vscode", "linux"): ".config/Code/User/mcp.json",
    ("vscode", "darwin"): "Library/Application Support/Code/User/mcp.json",
    ("vscode", "win32"): "AppData/Roaming/Code/User/mcp.json",
    ("codex", "linux"): ".codex/config.toml",
    ("codex", "darwin"): ".codex/config.toml",
    ("codex", "win32"): ".codex/config.toml",
}
SECTIONS = {
    "claude-code": "mcpServers",
    "claude-desktop": "mcpServers",
    "cursor": "mcpServers",
    "vscode": "servers",
    "codex": "mcp_servers",
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder without settings."""
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "XDG_CONFIG_HOME", "APPDATA"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def servers(client: str, file: Path) -> dict[str, Any]:
    text = file.read_text("utf-8")
    settings = tomllib.loads(text) if client == "codex" else json.loads(text)
    found = settings[SECTIONS[client]]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("client", SECTIONS)
def test_each_program_gets_its_file_on_each_system(
    client: str, platform: str, run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tomlkit")
    monkeypatch.setattr(mcp_install, "sys", _System(platform))
    code, _, err = run("mcp", "--index", "office index", "--install", client, "--yes")
    assert code == 0, err
    file = home / FILES[client, platform]
    entry = servers(client, file)["docsearch"]
    assert entry["args"][-3:] == ["mcp", "--index", str(Path.cwd() / "office index")]
    assert Path(entry["command"]).is_absolute()
    assert entry.get("type") == ("stdio" if client in ("claude-code", "vscode") else None)
    assert "written" in err
    code, out, err = run("mcp", "--index", "office index", "--install", client, "--yes")
    assert (code, out) == (0, "")
    assert "has this already" in err


class _System:
    """The module sys on another system."""

    def __init__(self, platform: str) -> None:
        self.platform = platform

    def __getattr__(self, name: str) -> object:
        return getattr(sys, name)


def test_variables_of_the_environment_move_the_files(tmp_path: Path) -> None:
    environment = {"CLAUDE_CONFIG_DIR": "/c", "CODEX_HOME": "/x", "XDG_CONFIG_HOME": "/g", "APPDATA": "/a"}
    found = {
        (client, platform): clients.settings_file(client, platform=platform, home=tmp_path, environment=environment)
        for client in SECTIONS
        for platform in PLATFORMS
    }
    assert found["claude-code", "linux"] == Path("/c/.claude.json")
    assert found["codex", "win32"] == Path("/x/config.toml")
    assert found["vscode", "linux"] == Path("/g/Code/User/mcp.json")
    assert found["claude-desktop", "win32"] == Path("/a/Claude/claude_desktop_config.json")
    assert found["vscode", "darwin"] == tmp_path / "Library/Application Support/Code/User/mcp.json"


def test_what_is_in_a_json_file_stays_in_its_order_and_indentation(run: Run, home: Path) -> None:
    file = home / ".claude.json"
    before = {
        "numStartups": 7,
        "mcpServers": {"grün": {"command": "x", "env": {"API_KEY": "s3cret"}}},
        "projects": {"/a": {"history": ["1", 2.5, None, True]}},
    }
    file.write_text(json.dumps(before, indent=4, ensure_ascii=False), "utf-8")
    file.chmod(0o600)
    code, out, _ = run("mcp", "--install", "claude-code", "--yes", "--index", "i")
    assert code == 0
    assert "s3cret" not in out
    text = file.read_text("utf-8")
    after = json.loads(text)
    del after["mcpServers"]["docsearch"]
    assert json.dumps(after) == json.dumps(before)
    assert '\n    "numStartups": 7' in text
    assert "grün" in text
    if sys.platform != "win32":
        assert file.stat().st_mode & 0o777 == 0o600


def test_an_older_entry_is_changed_and_its_further_settings_stay(run: Run, home: Path) -> None:
    file = home / ".cursor/mcp.json"
    file.parent.mkdir()
    file.write_text('{"mcpServers": {"docsearch": {"command": "old", "args": [], "env": {"A": "1"}}}}', "utf-8")
    code, out, _ = run("mcp", "--install", "cursor", "--yes", "--index", "i")
    assert code == 0
    assert servers("cursor", file)["docsearch"]["env"] == {"A": "1"}
    assert servers("cursor", file)["docsearch"]["command"] != "old"
    assert "old" in out


def test_comments_and_tables_of_a_toml_file_stay(run: Run, home: Path) -> None:
    pytest.importorskip("tomlkit")
    file = home / ".codex/config.toml"
    file.parent.mkdir()
    before = '# mine\nmodel = "o"  # keep\n\n[mcp_servers.other]\ncommand = "x"\n\n[profiles.a]\nb = 1\n'
    file.write_text(before, "utf-8")
    assert run("mcp", "--install", "codex", "--yes", "--index", "i")[0] == 0
    text = file.read_text("utf-8")
    for line in before.splitlines():
        assert line in text.splitlines()
    settings = tomllib.loads(text)
    assert set(settings["mcp_servers"]) == {"other", "docsearch"}
    assert settings["profiles"] == {"a": {"b": 1}}


@pytest.mark.parametrize(
    ("client", "file", "text", "reason"),
    [
        ("vscode", ".config/Code/User/mcp.json", '{\n  // mine\n  "servers": {}\n}', "comments are not kept"),
        ("cursor", ".cursor/mcp.json", '{"mcpServers": {', "not plain JSON"),
        ("cursor", ".cursor/mcp.json", "[]", "expected an object"),
        ("cursor", ".cursor/mcp.json", '{"mcpServers": []}', "expected an object"),
        ("cursor", ".cursor/mcp.json", '{"a": 1, "a": 2}', "twice"),
        ("cursor", ".cursor/mcp.json", b"\xff\xfe{\x00", "UTF-8"),
        ("codex", ".codex/config.toml", "model = ", "not TOML"),
        ("codex", ".codex/config.toml", "mcp_servers = 5", "not TOML"),
    ],
)
def test_a_file_that_is_not_as_expected_stays_as_it_is(
    client: str, file: str, text: str | bytes, reason: str, run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tomlkit")
    monkeypatch.setattr(mcp_install, "sys", _System("linux"))
    content = text if isinstance(text, bytes) else text.encode()
    (home / file).parent.mkdir(parents=True, exist_ok=True)
    (home / file).write_bytes(content)
    code, _, err = run("mcp", "--install", client, "--yes", "--index", "i")
    assert code == 2
    assert reason in err
    assert (home / file).read_bytes() == content
    assert [each.name for each in (home / file).parent.iterdir()] == [(home / file).name]


def test_nothing_is_written_without_an_answer(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err = run("mcp", "--install", "cursor", "--index", "i")
    assert code == 2
    assert "--yes" in err
    assert '"docsearch": {' in out
    for answer, written in ((False, False), (True, True)):
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        monkeypatch.setattr(mcp_install.typer, "confirm", lambda *_, answer=answer, **__: answer)
        assert run("mcp", "--install", "cursor", "--index", "i")[0] == 0
        assert (home / ".cursor/mcp.json").exists() is written


def test_print_shows_what_to_add_and_writes_nothing(run: Run, home: Path) -> None:
    pytest.importorskip("tomlkit")
    code, out, err = run("mcp", "--install", "claude-desktop", "--print", "--index", "i", "--allow-index", ".")
    assert code == 0
    arguments = json.loads(out)["mcpServers"]["docsearch"]["args"]
    assert arguments[-2:] == ["--allow-index", str(Path.cwd())]
    assert "claude_desktop_config.json" in err
    assert tomllib.loads(run("mcp", "--install", "codex", "--print", "--index", "i")[1])["mcp_servers"]["docsearch"]
    assert list(home.iterdir()) == []


def test_several_indexes_are_installed_with_their_names(run: Run, home: Path) -> None:
    given = ("--index", "a", "--index", "b", "--name", "first")
    assert run("mcp", "--install", "cursor", "--yes", *given)[0] == 0
    arguments = servers("cursor", home / ".cursor/mcp.json")["docsearch"]["args"]
    here = str(Path.cwd())
    assert arguments[-6:] == ["--index", f"{here}/a", "--index", f"{here}/b", "--name", "first"]


def test_a_link_to_a_file_of_settings_is_followed(run: Run, home: Path, tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    (tmp_path / "dotfiles/claude.json").write_text("{}", "utf-8")
    (home / ".claude.json").symlink_to(tmp_path / "dotfiles/claude.json")
    assert run("mcp", "--install", "claude-code", "--yes", "--index", "i")[0] == 0
    assert (home / ".claude.json").is_symlink()
    assert "docsearch" in (tmp_path / "dotfiles/claude.json").read_text("utf-8")


def test_a_file_that_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text("{}", "utf-8")
    with pytest.raises(UsageError, match="changed meanwhile"):
        mcp_install._write(file, '{"a": 1}', "{}")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--yes",), "belong to --install"),
        (("--print",), "belong to --install"),
        (("--install", "cursor", "--password", "x"), "--password is not written"),
        (("--name", "x"), "--name tells several"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: tuple[str, ...], reason: str, run: Run, home: Path) -> None:
    code, _, err = run("mcp", *options)
    assert code == 2
    assert reason in err
    assert list(home.iterdir()) == []


def test_a_file_on_one_line_shows_no_settings_of_others(run: Run, home: Path) -> None:
    file = home / ".claude.json"
    file.write_text('{"token": "s3cret", "mcpServers": {"a": {"env": {"KEY": "s3cret"}}}}', "utf-8")
    code, out, _ = run("mcp", "--install", "claude-code", "--yes", "--index", "i")
    assert code == 0
    assert "docsearch" in out
    assert "s3cret" not in out
    assert "s3cret" in file.read_text("utf-8")


def test_text_that_is_no_unicode_stays(run: Run, home: Path) -> None:
    file = home / ".cursor/mcp.json"
    file.parent.mkdir()
    file.write_text('{"cut": "\\ud83d", "bell": "\\u0007"}', "utf-8")
    assert run("mcp", "--install", "cursor", "--yes", "--index", "i")[0] == 0
    settings = json.loads(file.read_text("utf-8"))
    assert (settings["cut"], settings["bell"]) == ("\ud83d", "\x07")
