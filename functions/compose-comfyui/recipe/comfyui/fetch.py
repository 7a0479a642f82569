"""Fetches ComfyUI and its custom nodes as a manifest pins them."""

import json
import pathlib
import shutil
import subprocess
import sys
import urllib.parse
import urllib.request
import zipfile

COMFYUI = "https://github.com/comfyanonymous/ComfyUI"
REGISTRY = "https://api.comfy.org"
# It installs code at run time, which a studio does not.
REFUSED = {"comfyui-manager"}


def git(*args, cwd=None):
    done = subprocess.run(["git", *args], cwd=cwd, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


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
        sys.exit(f"spec.image.comfyui: tag {pin['version']} is commit {commit}, not {pin['commit']}")
    print(f"ComfyUI {pin['version']} is {commit}")


def from_git(node, nodes):
    url = node["git"].rstrip("/")
    into = place(nodes, url.rsplit("/", 1)[1].removesuffix(".git"))
    commit = clone(url, node["commit"], into)
    if commit != node["commit"]:
        sys.exit(f"spec.image.customNodes: {url} has {commit} where {node['commit']} was asked for")


def from_registry(node, nodes):
    into = place(nodes, node["id"])
    query = f"{REGISTRY}/nodes/{urllib.parse.quote(node['id'])}/install?version={urllib.parse.quote(node['version'])}"
    with urllib.request.urlopen(query, timeout=60) as answer:
        found = json.load(answer)
    if found.get("version") != node["version"]:
        sys.exit(f"spec.image.customNodes: the registry has no {node['id']} {node['version']}")
    archive, _ = urllib.request.urlretrieve(found["downloadUrl"])
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(into)


def place(nodes, name):
    """A node's folder, which must be its own."""
    if name.lower() in REFUSED:
        sys.exit(f"spec.image.customNodes: {name} installs code at run time; a studio builds everything into its image")
    into = nodes / name
    if into.exists():
        sys.exit(f"spec.image.customNodes: two custom nodes are called {name}")
    into.mkdir(parents=True)
    return into


def main(manifest, into):
    wanted = json.loads(pathlib.Path(manifest).read_text(encoding="utf-8"))
    into = pathlib.Path(into)
    into.mkdir(parents=True)
    comfyui(wanted["comfyui"], into)
    for node in wanted["customNodes"]:
        (from_git if node.get("git") else from_registry)(node, into / "custom_nodes")


if __name__ == "__main__":
    main(*sys.argv[1:])
