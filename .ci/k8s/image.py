"""What must hold of the Dockerfile: what it repeats of other files, and what its containers are."""

import re
import tomllib


def faults(workspace, settings):
    text = (workspace / "Dockerfile").read_text().replace("\\\n", " ")
    last = text[text.rindex("\nFROM "):]
    toolchain = tomllib.loads((workspace / "rust-toolchain.toml").read_text())["toolchain"]["channel"]
    version = tomllib.loads((workspace / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    found = []
    if f"/rust:{toolchain}-" not in text:
        found.append(f"its compiler is not the one of rust-toolchain.toml, {toolchain}")
    if f"\nARG VERSION={version}\n" not in text:
        found.append(f"its version is not the one of Cargo.toml, {version}")
    user = re.findall(r"^USER (\S+)", last, flags=re.M)
    if not user or not re.fullmatch(r"[1-9]\d*:[1-9]\d*", user[-1]):
        found.append("its user is root, or has a name, which Kubernetes cannot tell from root")
    for line in re.findall(r"^ENV (.*)", last, flags=re.M):
        names = dict(word.split("=", 1) for word in line.split())
        for name in names:
            if not settings.of_any(name):
                found.append(f"no command reads {name}")
    for line in re.findall(r"\bcargo (?:build|run)\b[^&;\n]*", text):
        if "--locked" not in line:
            found.append(f"`{line.strip()}` takes newer dependencies than the locked ones")
    return [f"Dockerfile: {fault}" for fault in found]
