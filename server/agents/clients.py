"""Where programs with agents keep their settings, and how docsearch is added to these; everything else stays there."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...engine.errors import UsageError
from ...engine.install import needs

SERVER = "docsearch"
"""The name of the server in the settings."""
INDENT = re.compile(r"^([ \t]+)\S", re.MULTILINE)
DEFAULT_INDENT = "  "
SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Program:
    """A program with an agent: its `title`, the `section` of its settings that has the servers, and whether an entry
    has a `typed` transport.
    """

    title: str
    section: str
    typed: bool = False


PROGRAMS: Mapping[str, Program] = {
    "claude-code": Program("Claude Code", "mcpServers", typed=True),
    "claude-desktop": Program("Claude Desktop", "mcpServers"),
    "cursor": Program("Cursor", "mcpServers"),
    "vscode": Program("VS Code", "servers", typed=True),
    "codex": Program("Codex", "mcp_servers"),
}


def settings_file(client: str, *, platform: str, home: Path, environment: Mapping[str, str]) -> Path:
    """The file with a program's settings for this user, on a system named as in `sys.platform`."""
    if client == "claude-code":
        return Path(environment.get("CLAUDE_CONFIG_DIR") or home) / ".claude.json"
    if client == "cursor":
        return home / ".cursor/mcp.json"
    if client == "codex":
        return Path(environment.get("CODEX_HOME") or home / ".codex") / "config.toml"
    if platform == "darwin":
        base = home / "Library/Application Support"
    elif platform == "win32":
        base = Path(environment.get("APPDATA") or home / "AppData/Roaming")
    else:
        base = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    return base / ("Code/User/mcp.json" if client == "vscode" else "Claude/claude_desktop_config.json")


def entry(client: str, command: str, arguments: Sequence[str]) -> dict[str, Any]:
    """The settings that have a program start a command."""
    transport = {"type": "stdio"} if PROGRAMS[client].typed else {}
    return {**transport, "command": command, "args": list(arguments)}


def snippet(client: str, added: Mapping[str, Any]) -> str:
    """The settings to add, as the text of a file that has nothing else."""
    return changed(client, "", added)


def changed(client: str, text: str, added: Mapping[str, Any]) -> str:
    """The text of a program's settings with docsearch among its servers.

    Everything else stays, also further settings of a server of this name. Raises UsageError for text that is not as
    expected: then nothing should be written.
    """
    section = PROGRAMS[client].section
    return _changed_toml(text, section, added) if client == "codex" else _changed_json(text, section, added)


def laid_out(client: str, text: str, like: str) -> str:
    """Settings, in the layout of others: a change is then told without what only moved to other lines."""
    if client == "codex" or not text.strip():
        return text
    return _as_json(json.loads(text.removeprefix("\ufeff")), _indent(like))


def _as_json(value: object, indent: str) -> str:
    """JSON that is not ASCII only, but has halves of surrogate pairs, which UTF-8 cannot have, as escapes."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"


def _indent(text: str) -> str:
    found = INDENT.search(text)
    return found[1] if found else DEFAULT_INDENT


def _changed_json(text: str, section: str, added: Mapping[str, Any]) -> str:
    text = text.removeprefix("\ufeff")
    try:
        settings = json.loads(text, object_pairs_hook=_without_repetition) if text.strip() else {}
    except (ValueError, RecursionError) as err:
        raise UsageError(f"not plain JSON ({err}); comments are not kept, so add the lines of --print by hand") from err
    if not isinstance(settings, dict) or not isinstance(settings.get(section, {}), dict):
        raise UsageError(f"expected an object that may have an object {section!r}; add the lines of --print by hand")
    servers = settings.get(section, {})
    own = servers.get(SERVER, {})
    servers = {**servers, SERVER: {**(own if isinstance(own, dict) else {}), **added}}
    return _as_json({**settings, section: servers}, _indent(text))


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object has a name twice")
    return found


def _changed_toml(text: str, section: str, added: Mapping[str, Any]) -> str:
    try:
        import tomlkit
        from tomlkit.exceptions import TOMLKitError
    except ImportError as err:
        raise UsageError(needs("changing Codex's settings needs tomlkit", "mcp")) from err
    try:
        settings = tomlkit.parse(text)
        servers = settings.setdefault(section, tomlkit.table(is_super_table=True))
        own = servers.setdefault(SERVER, tomlkit.table())
        for name, value in added.items():
            own[name] = value
        return tomlkit.dumps(settings)
    except (TOMLKitError, AttributeError, TypeError, ValueError) as err:
        raise UsageError(f"not TOML as expected ({err}); add the lines of --print by hand") from err
