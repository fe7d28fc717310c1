"""Which variables a command reads, and what may stand in them: read from docs/commands.md, which a test of the program keeps true,
and for the INNGEST_* variables from the sources that read them."""

import ipaddress
import re
import urllib.parse

# By the placeholder that a command shows for a value.
FORMS = {
    "TIME": r"(\d+(ms|s|m|h|d) ?)+|0",
    "SIZE": r"\d+ ?(KiB|MiB|GiB)",
    "ON_OR_OFF": r"on|off|true|false|1|0",
    "N": r"\d+",
    "MIB": r"\d+",
    "CALLS": r"[1-9]\d*",
    "PERCENT": r"\d+(\.\d+)?%?",
    # A pod has no working folder that it may write to.
    "DIR": r"/.+",
    "FILE": r"/.+",
    "ADDRESS": r"[\d.]+:\d+|\[[\da-f:]+\]:\d+",
}
SCHEMES = {"INNGEST_CONNECT_GATEWAY_URL": ("ws", "wss")}


class Settings:
    """What the program reads."""

    def __init__(self, workspace):
        page = (workspace / "docs/commands.md").read_text()
        sections = re.split(r"^## `system-bus ?(.*)`$", page, flags=re.M)[1:]
        self.commands = {name: variables(text) for name, text in zip(sections[::2], sections[1::2])}
        sources = [*(workspace / "host/src/config").glob("*.rs"), workspace / "host/src/operate.rs", workspace / "host/protocol/src/crypt.rs"]
        names = r'"((?:SYSTEM_BUS|INNGEST)_[A-Z_]*[A-Z])"'
        self.others = set(re.findall(names, "\n".join(source.read_text() for source in sources)))

    def faults(self, command, settings):
        """What is wrong with these variables of a command; a value that is None is one that a cluster fills in."""
        if command not in self.commands:
            return [f"there is no command {command}"]
        known = self.commands[command]
        found = []
        for name, value in settings.items():
            if name in known:
                found += value_faults(name, value, *known[name])
            elif name not in self.others:
                found.append(f"`{command}` does not read {name}")
            elif value is not None and name.endswith(("_URL", "_ORIGIN")):
                schemes = SCHEMES.get(name, ("http", "https"))
                url = urllib.parse.urlsplit(value)
                if url.scheme not in schemes or not url.hostname:
                    found.append(f"{name} is {value!r}, no address of {' or '.join(schemes)}")
        return found

    def of_any(self, name):
        """Whether some command reads it."""
        return name in self.others or any(name in known for known in self.commands.values())


def variables(section):
    """The variables of one command: the placeholder of each, and its possible values where they are listed."""
    found = {}
    for option in re.split(r"\n {6,8}(?=-)", section):
        name = re.search(r"^ *\[env: (\w+)\]$", option, flags=re.M)
        if name:
            placeholder = re.match(r"(?:-\w, )?--[\w-]+(?: <(\w+)>)?", option)[1]
            found[name[1]] = (placeholder, re.findall(r"^ {10}- (\w+)", option, flags=re.M))
    return found


def value_faults(name, value, placeholder, values):
    if value is None:
        return []
    if values and value not in values:
        return [f"{name} is {value!r}, and not one of {', '.join(values)}"]
    form = FORMS.get(placeholder)
    if form and not re.fullmatch(form, value):
        return [f"{name} is {value!r}, no {placeholder}"]
    if placeholder == "ADDRESS":
        host = value.rpartition(":")[0].strip("[]")
        if not ipaddress.ip_address(host).is_unspecified:
            return [f"{name} is {value!r}, where nobody else reaches a pod"]
    return []


def seconds(text):
    """`400s` or `5m`."""
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)(ms|s|m|h|d)", text))
