"""Fetches ComfyUI and its custom nodes as a manifest pins them.

What cannot be had, or is not what was pinned, ends the build with one line that
names the entry of the claim: it becomes the reason that the claim shows.
"""

import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
import zipfile

COMFYUI = "https://github.com/comfyanonymous/ComfyUI"
REGISTRY = "https://api.comfy.org"
# It installs code at run time, which a studio does not.
REFUSED = {"comfyui-manager"}


class Refused(Exception):
    """Says what is wrong with the entry that is being fetched."""


def git(*args, cwd=None):
    done = subprocess.run(["git", *args], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise Refused(last_line(done.stderr))
    return done.stdout.strip()


def last_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("fatal: ") if lines else "git failed"


def clone(url, ref, into):
    """Fetches one commit or tag and nothing of the history."""
    git("init", "--quiet", str(into))
    git("fetch", "--quiet", "--depth", "1", url, ref, cwd=into)
    git("checkout", "--quiet", "--detach", "FETCH_HEAD", cwd=into)
    git("submodule", "update", "--quiet", "--init", "--recursive", "--depth", "1", cwd=into)
    commit = git("rev-parse", "HEAD", cwd=into)
    for path in [into / ".git", *into.rglob(".git")]:
        if path.is_dir():
            shutil.rmtree(path)
        elif path.exists():
            path.unlink()
    return commit


def comfyui(pin, into):
    commit = clone(COMFYUI, "refs/tags/" + pin["version"], into)
    if pin.get("commit") and commit != pin["commit"]:
        raise Refused(f"tag {pin['version']} is commit {commit}, not {pin['commit']}")
    return {"name": "ComfyUI", "version": pin["version"], "source": COMFYUI, "commit": commit}


def from_git(node, nodes):
    url = node["git"].rstrip("/")
    name = url.rsplit("/", 1)[1].removesuffix(".git")
    commit = clone(url, node["commit"], place(nodes, name))
    if commit != node["commit"]:
        raise Refused(f"the repository has commit {commit} where {node['commit']} was asked for")
    return {"name": name, "version": commit, "source": url, "commit": commit}


def from_registry(node, nodes):
    into = place(nodes, node["id"])
    query = f"{REGISTRY}/nodes/{urllib.parse.quote(node['id'])}/install?version={urllib.parse.quote(node['version'])}"
    try:
        with urllib.request.urlopen(query, timeout=60) as answer:
            found = json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            raise Refused("the Comfy Registry has no such node or version") from error
        raise
    if found.get("version") != node["version"]:
        raise Refused(f"the Comfy Registry answers with version {found.get('version')}")
    archive, _ = urllib.request.urlretrieve(found["downloadUrl"])
    digest = hashlib.sha256(pathlib.Path(archive).read_bytes()).hexdigest()
    if node.get("sha256") and digest != node["sha256"]:
        raise Refused(f"the archive's sha256 is {digest}, not {node['sha256']}")
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(into)
    return {"name": node["id"], "version": node["version"], "source": found["downloadUrl"], "sha256": digest}


def place(nodes, name):
    """A node's folder, which must be its own."""
    if name.lower() in REFUSED:
        raise Refused("it installs code at run time, and a studio builds everything into its image")
    into = nodes / name
    if into.exists():
        raise Refused(f"another custom node is called {name}, too")
    into.mkdir(parents=True)
    return into


def entry(number, node):
    what = f"{node['git']} at {node['commit']}" if node.get("git") else f"{node['id']} {node['version']}"
    return f"spec.image.customNodes[{number}] ({what})"


def fetch(what, get, *args):
    """One entry, or the end of the build with its name."""
    try:
        return get(*args)
    except (Refused, OSError, ValueError, zipfile.BadZipFile) as error:
        sys.exit(f"{what}: {error}")


def main(manifest, into):
    wanted = json.loads(pathlib.Path(manifest).read_text(encoding="utf-8"))
    into = pathlib.Path(into)
    into.mkdir(parents=True)
    found = [fetch("spec.image.comfyui", comfyui, wanted["comfyui"], into)]
    for number, node in enumerate(wanted["customNodes"]):
        get = from_git if node.get("git") else from_registry
        found.append(fetch(entry(number, node), get, node, into / "custom_nodes"))
    pathlib.Path("sources.json").write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
